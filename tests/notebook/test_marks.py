"""What is written on cells: one table, three ways to write it."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.images import parse_image, parse_requirements
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.notebook.marks import MARKS, PIPELINE, TASK, Mode, PipelineOptions, TaskOptions
from fasttrack_jupyter.notebook.marks_reading import (
    SeveralWrong,
    help_of,
    joined,
    overlaid,
    read_other_line,
    read_pipeline_line,
    read_task_line,
    said_by_metadata,
    wants_help,
)
from fasttrack_jupyter.notebook.marks_values import image_of

EVERYTHING = (
    "train --after prep,clean --image uv:pandas --cpu 2 --mem 4g --gpu 1 --slot rocm.device=1 --shm 1g --mount data"
    " --mount models:/models --env EPOCHS=10 --env 'TITLE=two words' --secret TOKEN --project p --group g --retry 2"
    " --timeout 1h30m --backend backend.ai:work --skip --in x,y --out model --no-run"
    " --when 'params.n > 1' --run-if all_done --final --no-cache --side-effects"
    " --value accuracy=float"
)
EVERYTHING_READ = TaskOptions(
    image="uv:pandas", cpu="2", mem="4g", gpu="1", slot=(("rocm.device", "1"),), shm="1g",
    mount=("data", "models:/models"), env=(("EPOCHS", "10"), ("TITLE", "two words")), secret=("TOKEN",), project="p",
    group="g", after=("prep", "clean"), retry=2, timeout="1h30m",
    backend="backend.ai:work", skip=True, inputs=("x", "y"), outputs=("model",),
    run=False, when="${{ params.n > 1 }}", run_if="all_done", final=True, cache=False, side_effects=True,
    value=(("accuracy", "float"),),
)  # fmt: skip
METADATA: dict[str, Any] = {
    "after": ["prep", "clean"], "image": "uv:pandas", "cpu": 2, "mem": "4g", "gpu": 1, "slot": {"rocm.device": 1},
    "shm": "1g", "mount": ["data", "models:/models"], "env": {"EPOCHS": 10, "TITLE": "two words"}, "secret": ["TOKEN"],
    "project": "p", "group": "g", "retry": 2, "timeout": "1h30m",
    "backend": "backend.ai:work", "skip": True, "in": ["x", "y"], "out": "model",
    "run": False, "when": "${{ params.n > 1 }}", "run_if": "all_done", "final": True, "cache": False,
    "side_effects": True, "value": {"accuracy": "float"},
}  # fmt: skip


def test_a_line_may_say_everything() -> None:
    """Every option of the table, in one line."""
    assert read_task_line(EVERYTHING) == ("train", EVERYTHING_READ)


def test_metadata_say_the_same_as_a_line() -> None:
    """Numbers, lists and mappings as JSON has them."""
    assert TaskOptions(**said_by_metadata(TASK, METADATA)) == EVERYTHING_READ


@pytest.mark.parametrize("mark", MARKS.values(), ids=lambda mark: mark.name)
def test_every_option_fills_a_field_and_is_in_the_help(mark: Any) -> None:
    """The table and the options cannot drift apart."""
    places = {field.name for field in fields(PipelineOptions if mark is PIPELINE else TaskOptions)}
    for option in mark.options:
        assert option.place in places
        assert re.search(rf"^  {option.flag}\b", help_of(mark), re.MULTILINE)


def test_values_may_stand_behind_an_equals_sign() -> None:
    """As of any command line."""
    assert read_task_line("a --mem=4g --env=A=1")[1] == TaskOptions(mem="4g", env=(("A", "1"),))


def test_names_may_have_spaces_in_quotes() -> None:
    """Task names may."""
    assert read_task_line("'my task'")[0] == "my task"


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("", "lacks the task's name", "NAME"),
        ("a b", "has 2 names: a, b", "'a b'"),
        ("a # why", "has 3 names", "comment"),
        ("a --afer b", "no option --afer", "did you mean '--after'?"),
        ("a --nonsense", "no option --nonsense", "--help"),
        ("a -m 4g", "no option -m", "--help"),
        ("a --mem", "--mem lacks its value", "--mem SIZE"),
        ("a --mem --cpu 2", "--mem lacks its value", "--mem SIZE"),
        ("a --mem lots", "'lots' is not a size", "512m"),
        ("a --cpu 0", "cpu is zero", ""),
        ("a --gpu 0.5", "0.5 is no whole number", "--gpu-share 0.5"),
        ("a --gpu 1 --gpu-share 0.5", "both given", "keep"),
        ("a --cpu 1 --slot cpu=2", "the slot cpu is given twice", "--slot"),
        ("a --slot x=many", "'many' is not a number", "1 or 0.5"),
        ("a --slot GPU=1", "'GPU' is no resource slot", "cuda.device=1"),
        ("a --cpu 1 --cpu 2", "comes twice", "keep one"),
        ("a --run --no-run", "contradicts", "keep one"),
        ("a --skip=yes", "takes no value", "--skip alone"),
        ("a --env X", "'X' is not NAME=VALUE", "--env NAME=VALUE"),
        ("a --env A=1 --env A=2", "gives A twice", "keep one"),
        ("a --env 1A=1", "'1A' is no environment variable", "EPOCHS=10"),
        ("a --env A=1 --secret A", "both an --env and a --secret", "keep one"),
        ("a --mount /etc", "leaves its place", "folder's name"),
        ("a --in 3x", "'3x' is no variable's name", "X,y"),
        ("a --retry 0", "'0' is no number of attempts", "1 (no retry)"),
        ("a --timeout never", "'never' is not a duration", "1h30m"),
        ("a --timeout 0", "'0' is no time limit", "30s"),
        ("a/b", "'a/b' is no task's name", "'a-b'"),
        ("a --after b/c", "'b/c' is no task's name", "'b-c'"),
        ("a --requirements '-r x.txt'", "option '-r' cannot stand there", "--requirements-file"),
        ("a --requirements-file ../x.txt", "does not lie beside", "relative"),
        ("a --requirements-file packages", "is no file of requirements", ".txt"),
        ("a --image x --requirements pandas", "both given", "--image"),
        ("a --image '${{ params.x }}'", "no meaning in an image", "name"),
        ("a 'b", "cannot be split", "close the quotes"),
    ],
)
def test_a_line_that_is_wrong_says_what_and_what_to_write(line: str, message: str, hint: str) -> None:
    """In the product's words, never a traceback of a parser."""
    with pytest.raises(BadRequest) as caught:
        read_task_line(line)
    assert caught.value.message.startswith("%%fasttrack_task")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_password_in_a_requirement_is_not_repeated() -> None:
    """The message may end up in a log."""
    with pytest.raises(BadRequest) as caught:
        read_task_line("a --requirements '@https://me:hunter2@host/x'")
    assert "hunter2" not in str(caught.value.to_dict())


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"cpus": 1}, "there is no 'cpus'"),
        ({"cpu": [1]}, "cpu is [1]"),
        ({"mem": {"a": 1}}, "mem is"),
        ({"skip": "yes"}, 'skip is "yes"'),
        ({"env": [1]}, "'1' is not NAME=VALUE"),
        ({"env": {"A": None}}, "env is null"),
        ({"after": ["a/b"]}, "'a/b' is no task's name"),
    ],
)
def test_metadata_that_are_wrong_say_so(metadata: dict[str, Any], message: str) -> None:
    """Somebody may have written them by hand."""
    with pytest.raises(BadRequest, match=re.escape(message)):
        said_by_metadata(TASK, metadata)


def test_empty_metadata_say_nothing() -> None:
    """A form leaves empty texts, null and false."""
    assert said_by_metadata(TASK, {"image": "", "cpu": None, "skip": False, "mem": False}) == {}


def test_an_empty_list_of_inputs_is_said() -> None:
    """Nothing is to come in, whatever the cell seems to use."""
    assert read_task_line("a --in ''")[1].inputs == ()
    assert said_by_metadata(TASK, {"in": []}) == {"inputs": ()}


def test_a_magic_lies_over_metadata_field_by_field() -> None:
    """What the magic does not say stays."""
    options = overlaid(TaskOptions, {"cpu": "1", "mem": "1g"}, {"cpu": "2"}, mark=TASK)
    assert (options.cpu, options.mem) == ("2", "1g")


def test_cells_of_one_task_add_up() -> None:
    """Lists are joined, and what only one says holds."""
    one, other = TaskOptions(cpu="1", env=(("A", "1"),)), TaskOptions(mem="1g", env=(("B", "2"),))
    assert joined("a", one, other, ("cell 1", "cell 2")) == TaskOptions(cpu="1", mem="1g", env=(("A", "1"), ("B", "2")))


def test_cells_of_one_task_must_not_contradict_each_other() -> None:
    """It names both cells."""
    with pytest.raises(BadRequest, match="cpu 1 in cell 1 and 2 in cell 2"):
        joined("a", TaskOptions(cpu="1"), TaskOptions(cpu="2"), ("cell 1", "cell 2"))


def test_the_pipeline_has_a_name_defaults_and_a_mode() -> None:
    """``%fasttrack_pipeline``."""
    assert read_pipeline_line("digits --mem 1g --mode define") == PipelineOptions(
        name="digits", mem="1g", mode=Mode.DEFINE
    )
    with pytest.raises(BadRequest, match="'defin' is not run or define"):
        read_pipeline_line("digits --mode defin")
    with pytest.raises(BadRequest, match="is no pipeline's name"):
        read_pipeline_line("'digits#12'")


def test_params_and_common_take_no_name() -> None:
    """They mark, and name nothing."""
    assert read_other_line(MARKS["fasttrack_common"], "--no-run").run is False
    with pytest.raises(BadRequest, match="takes no name: 'helpers'"):
        read_other_line(MARKS["fasttrack_common"], "helpers")


def test_help_is_asked_for_as_everywhere() -> None:
    """``--help`` anywhere in the line."""
    assert wants_help("train --help")
    assert not wants_help("train --image helper")


@pytest.mark.parametrize(
    "packages", [("pandas>=2", "numpy"), ("a @ https://host/x.whl",), ("x; python_version < '3.12'", "python=3.12")]
)
def test_requirements_are_an_image_that_the_backend_reads(packages: tuple[str, ...]) -> None:
    """Written so that the resolver splits them into the same words."""
    image = image_of(None, packages, "requirements.txt")
    assert image is not None
    read = parse_requirements(parse_image(image).value)
    python = [word for word in packages if word.startswith("python=")]
    assert set(read.words) == set(packages) - set(python)
    assert read.files == ("requirements.txt",)
    assert read.python == ("3.12" if python else None)


def test_all_that_is_wrong_in_a_line_is_told_at_once() -> None:
    """Each with what to write; values in metadata as well."""
    with pytest.raises(SeveralWrong) as refused:
        read_task_line("train --cpu two --mem 4q --retry 0 --requirements 'pandas=>2'")
    assert [error.message.split(": ")[1] for error in refused.value.each] == [
        "--cpu", "--mem", "--retry", "--requirements",
    ]  # fmt: skip
    assert all(error.hint and error.hint in refused.value.message for error in refused.value.each)
    with pytest.raises(SeveralWrong) as refused:
        said_by_metadata(TASK, {"cpu": "two", "nothing": 1, "mem": "4q"})
    assert len(refused.value.each) == 3


@pytest.mark.parametrize("word", ["pandas", "pandas>=2,<3", "a[b,c]==1.*", "a @ https://h/a.whl", "python=3.12",
                                  "a; python_version<'3.9'"])  # fmt: skip
def test_requirements_are_those_of_pip(word: str) -> None:
    """PEP 508, and the Python that is wanted."""
    assert read_task_line(f"a --requirements {shlex.quote(shlex.quote(word))}")[1].requirements == (word,)


@pytest.mark.parametrize("word", ["pandas=>2", "pandas>>2", "pandas==", "a b", "a[", "a @", "a; nonsense", "==2"])
def test_what_pip_would_refuse_is_refused_here(word: str) -> None:
    """When the notebook is read, not when a task's environment is built."""
    with pytest.raises(BadRequest, match="is no requirement"):
        read_task_line(f"a --requirements {shlex.quote(shlex.quote(word))}")


def test_a_notebook_may_say_where_its_jobs_run() -> None:
    """And a task where it runs: any name that a backend may have; which there are, the engine knows."""
    assert read_pipeline_line("digits --backend backend.ai").backend == "backend.ai"
    assert read_task_line("train --backend local")[1].backend == "local"
    for line in ("digits --backend 'my cluster'", "digits --backend backend.ai:"):
        with pytest.raises(BadRequest, match="is no backend's name"):
            read_pipeline_line(line)


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "empty"), ("params.n >", "found the end"), ("${{ params.a }} x", "leave only"), ("f(x)", "no function")],
)
def test_a_condition_that_is_none_is_told(text: str, told: str) -> None:
    """With and without its braces."""
    with pytest.raises(BadRequest) as raised:
        read_task_line(f"a --when {shlex.quote(text)}")
    assert told in raised.value.message + (raised.value.hint or "")
