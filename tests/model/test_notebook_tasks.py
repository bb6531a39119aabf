"""A whole notebook as a task: what may be written, and the command that it comes to."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.generations import detect_generation
from fasttrack_jupyter.model.graph import build_graph
from fasttrack_jupyter.model.notebooks import command_of, render_command
from fasttrack_jupyter.model.pipeline import Generation, Pipeline, Task
from fasttrack_jupyter.model.reading import read_pipeline

GIVEN = "type: notebook, notebook: r.ipynb, parameters: {a: %s}"
HEAD = "name: p\nparams:\n- {name: lr, type: float, default: 0.1}\n- {name: version, type: str, default: '3'}\ntasks:\n"


def task(**keys: Any) -> Task:
    """A notebook task."""
    return Task.model_validate({"name": "report", "type": "notebook", "notebook": "report.ipynb", **keys})


def found(*tasks: str) -> list[tuple[str, tuple[Any, ...], str]]:
    """What reading finds: code, path within the task, hint."""
    problems = read_pipeline(HEAD + "".join(f"- {{name: {chr(97 + n)}, {text}}}\n" for n, text in enumerate(tasks)))
    return [(problem.code, problem.path[2:], problem.hint) for problem in problems.problems]


def said(command: str) -> dict[str, Any]:
    """The parameters as the program reads them: JSON, else text."""
    words = shlex.split(command)
    values = {}
    for word in words[4::2]:
        name, _, text = word.partition("=")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    assert words[:3] == ["python3", ".fasttrack/whole.py", "report.ipynb"]
    assert set(words[3::2]) <= {"--param"}
    return values


SCOPE = {"params": {"lr": 0.1, "version": "3", "title": 'it\'s\n"new" $HOME', "on": True, "none": None}}


@pytest.mark.parametrize(
    "value",
    [3, 0.5, True, None, "three", "3", "true", "", 'it\'s a "b" $c `d`', [1, "a"], {"k": [None]}, "한 글", "a=b"],
)
def test_a_value_arrives_with_its_type(value: Any) -> None:
    """Numbers, flags, nothing, lists and structs; texts that look like one of these stay texts."""
    assert said(render_command(task(parameters={"x": value}), {})) == {"x": value}


@pytest.mark.parametrize("name", ["lr", "version", "title", "on", "none"])
def test_an_expression_arrives_with_its_type(name: str) -> None:
    """What it comes to, whatever it holds; also deep within a list."""
    command = render_command(
        task(parameters={"x": f"${{{{ params.{name} }}}}", "y": [{"z": f"${{{{ params.{name} }}}}"}]}), SCOPE
    )
    assert said(command) == {"x": SCOPE["params"][name], "y": [{"z": SCOPE["params"][name]}]}


def test_an_expression_within_a_text_is_part_of_it() -> None:
    """And what is escaped is no expression."""
    command = render_command(task(parameters={"x": "lr ${{ params.lr }} of $${{ x }}"}), SCOPE)
    assert said(command) == {"x": "lr 0.1 of ${{ x }}"}


def test_the_command_before_it_is_filled_in_is_one_that_could_be_written_by_hand() -> None:
    """Expressions stay as parts of words, everything else is quoted."""
    text = command_of(task(parameters={"lr": "${{ params.lr }}", "n": 3, "t": "a b ${{ params.version }} $${{ c }}"}))
    assert text == (
        "python3 .fasttrack/whole.py report.ipynb --param lr=${{ params.lr }} --param n=3 "
        "--param t='a b '${{ params.version }}' $${{ c }}'"
    )


def test_a_notebook_may_have_any_name() -> None:
    """Quoted, and never taken for an option."""
    assert shlex.split(command_of(task(notebook="my notes/it's.ipynb")))[2] == "my notes/it's.ipynb"
    assert shlex.split(command_of(task(notebook="-x.ipynb")))[2] == "./-x.ipynb"


def test_other_tasks_have_the_command_that_they_have() -> None:
    """Word for word."""
    assert command_of(Task(name="a", command="echo ${{ params.x }}")) == "echo ${{ params.x }}"
    assert command_of(Task(name="a")) == ""


def test_a_secret_is_refused() -> None:
    """While it is read, at its place; and by the command itself."""
    text = "type: notebook, notebook: r.ipynb, parameters: {token: '${{ secrets.TOKEN }}'}"
    assert found(text) == [
        ("secret-in-command", ("parameters", "token"),
         'add envs: {TOKEN: "${{ secrets.TOKEN }}"} and write os.environ["TOKEN"] in the notebook'),
    ]  # fmt: skip
    with pytest.raises(BadRequest):
        render_command(task(parameters={"x": "${{ secrets.TOKEN }}"}), {"params": {}})


@pytest.mark.parametrize(
    ("keys", "code", "path"),
    [
        ("type: notebook", "no-notebook", ()),
        ("type: notebook, notebook: report.py", "bad-notebook", ("notebook",)),
        ("type: notebook, notebook: /tmp/r.ipynb", "bad-notebook", ("notebook",)),
        ("type: notebook, notebook: ../r.ipynb", "bad-notebook", ("notebook",)),
        ("type: notebook, notebook: a/../../r.ipynb", "bad-notebook", ("notebook",)),
        ("type: notebook, notebook: '${{ params.lr }}.ipynb'", "expression-not-here", ("notebook",)),
        ("type: notebook, notebook: [r.ipynb]", "wrong-type", ("notebook",)),
        ("type: notebook, notebook: r.ipynb, parameters: [1]", "wrong-type", ("parameters",)),
        ("type: notebook, notebook: r.ipynb, parameters: {a-b: 1}", "bad-parameter-name", ("parameters", "a-b")),
        ("type: notebook, notebook: r.ipynb, parameters: {class: 1}", "bad-parameter-name", ("parameters", "class")),
        ("type: notebook, notebook: r.ipynb, command: ls", "command-unused", ("command",)),
        ("type: notebook, notebook: r.ipynb, module_uri: x", "module-unused", ("module_uri",)),
        (GIVEN % "['${{ params.no }}']", "unknown-parameter", ("parameters", "a", 0)),
        (GIVEN % "'${{ inputs.no }}'", "unknown-input", ("parameters", "a")),
        (GIVEN % "'${{ params. }}'", "bad-expression", ("parameters", "a")),
        ("command: ls, notebook: r.ipynb", "notebook-unused", ("notebook",)),
        ("command: ls, parameters: {a: 1}", "notebook-unused", ("parameters",)),
        ("notebook: r.ipynb", "no-command", ()),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_at_its_place(keys: str, code: str, path: tuple[Any, ...]) -> None:
    """With a hint that says what to do."""
    problems = found(keys)
    assert (code, path) in [(problem[0], problem[1]) for problem in problems]
    assert all(hint for code, _, hint in problems if code != "bad-expression")


def test_a_task_that_a_parameter_mentions_is_a_dependency() -> None:
    """As one that a command mentions; and a cycle through it is found at the parameter."""
    first = "command: ls, outputs: {n: int}"
    second = "type: notebook, notebook: r.ipynb, parameters: {n: '${{ tasks.a.outputs.n }}'}"
    reading = read_pipeline(HEAD + f"- {{name: a, {first}}}\n- {{name: b, {second}}}\n")
    assert isinstance(reading.pipeline, Pipeline)
    assert build_graph(reading.pipeline).upstream == [(), (0,)]
    cycle = found(f"{first}, dependencies: [b]", second)
    assert [(code, path) for code, path, _ in cycle] == [("cycle", ("dependencies", 0))]


@pytest.mark.parametrize(
    ("key", "generation"), [("version: '26.4'", Generation.G264), ("version: '25.15'", Generation.G25)]
)
def test_the_generation_of_a_file_is_found_as_before(key: str, generation: Generation) -> None:
    """The type is ours and says nothing about it; its spelling may be capital."""
    text = f"name: p\n{key}\ntasks:\n- {{name: a, type: Notebook, notebook: r.ipynb}}\n"
    reading = read_pipeline(text)
    assert reading.pipeline is not None
    assert reading.generation is generation
    assert detect_generation({"tasks": [{"type": "notebook"}]}) is Generation.G264
