"""A notebook as a pipeline: the YAML that a person would write, and the files beside it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import InvalidNotebook
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.reading import read_or_raise
from fasttrack_jupyter.notebook.build import Built, build
from fasttrack_jupyter.notebook.cells import read_notebook

Json = dict[str, Any]

DIGITS = (
    "%load_ext fasttrack_jupyter\n"
    "%fasttrack_pipeline digits --requirements 'scikit-learn>=1.5 numpy' --cpu 1 --mem 512m --env PYTHONUNBUFFERED=1"
    " --cache"
), (
    "%%fasttrack_params\n# How many rows\nrows = 100\nrate: float = 1  # step size\nname: str\nlayers = [1, 2]"
), (
    "%%fasttrack_common\nimport math"
), (
    "%%fasttrack_task prepare\nX = [math.sqrt(i) for i in range(rows)]\n\n\ndef clean(x):\n    return x"
), (
    "%%fasttrack_task train --gpu-share 0.5 --mem 4g --shm 1g --slot rocm.device=1 --mount models:/models --mount data"
    " --secret TOKEN --retry 2 --timeout 1h --group fast --project p\nmodel = sum(clean(X)) * rate"
), (
    "%%fasttrack_task publish --after train --shell --skip --out report --when 'params.rows > 10' --run-if all_done"
    " --final --no-cache --side-effects\n"
    "echo '${{ params.name }}' > /pipeline/outputs/report"
)  # fmt: skip
DIGITS_YAML = """\
# Made from digits.ipynb by FastTrack for Jupyter. The notebook is the original:
# what is changed here is lost when it is made anew. The tasks' cells are in digits.cells/.

name: digits

environment: {image: 'uv:scikit-learn>=1.5 numpy', envs: {PYTHONUNBUFFERED: '1'}}
resources: {cpu: 1, mem: 512m}
cache: true

params:
  - {name: rows, type: int, default: 100, description: How many rows}
  - {name: rate, type: float, default: 1.0, description: step size}
  - {name: name, type: str}
  - {name: layers, type: list, default: [1, 2]}

tasks:
  - name: prepare  # cell 4
    command: python3 digits.cells/execute.py prepare --param rows=${{ params.rows }}
    outputs:
      X: {type: Variable, path: variables/X}

  - name: train  # cell 5
    inputs: {X: prepare.X}
    command: python3 digits.cells/execute.py train --param rate=${{ params.rate }}
    environment: {project: p, scaling-group: fast, envs: {TOKEN: '${{ secrets.TOKEN }}'}}
    resources: {mem: 4g, cuda.shares: 0.5, rocm.device: 1}
    resource_opts: {shmem: 1g}
    mounts: [models:/models, data]
    timeout: 1h
    retry: {max_attempts: 2}

  - name: publish  # cell 6
    dependencies: [train]
    command: |
      set -e
      echo '${{ params.name }}' > /pipeline/outputs/report
    when: '${{ params.rows > 10 }}'
    run_if: all_done
    cache: false
    final: true
    skip: true
    side_effects: true
    outputs:
      report: {type: File}
"""


def notebook_of(*cells: str | Json, **metadata: Any) -> bytes:
    """The file with these code cells."""
    made = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        | (cell if isinstance(cell, dict) else {"source": cell})
        for cell in cells
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made}).encode()


def built(*cells: str | Json, name: str = "digits.ipynb", split: bool = False, **metadata: Any) -> Built:
    """The pipeline of a notebook with these cells."""
    return build(read_notebook(notebook_of(*cells, **metadata), name, split=split))


def pipeline(made: Built) -> Pipeline:
    """What our own reader makes of the text."""
    read = read_or_raise(made.text).pipeline
    assert read is not None
    return read


def tasks_json(made: Built) -> Json:
    """The tasks that the program reads."""
    tasks: Json = json.loads(made.files[f"{made.folder}/tasks.json"])["tasks"]
    return tasks


def errors(*cells: str | Json, **metadata: Any) -> list[str]:
    """Everything that keeps a notebook from becoming a pipeline."""
    with pytest.raises(InvalidNotebook) as caught:
        built(*cells, **metadata)
    return [str(problem) for problem in caught.value.problems if problem.severity is Severity.ERROR]


def test_the_yaml_is_one_that_a_person_would_write() -> None:
    """Keys in their usual order, nothing that says nothing."""
    assert built(*DIGITS).text == DIGITS_YAML


def test_the_yaml_reads_as_what_was_meant() -> None:
    """By the reader that the engine uses, and without a warning."""
    read = read_or_raise(DIGITS_YAML)
    assert read.pipeline is not None
    assert [problem for problem in read.problems if problem.severity is not Severity.NOTICE] == []
    train = read.pipeline.by_name["train"]
    assert train.resources is not None
    assert train.resources.written() == {"cuda.shares": "0.5", "mem": "4g", "rocm.device": "1"}
    assert train.retry.max_attempts == 2


def test_a_task_may_be_pinned_to_a_backend() -> None:
    """By its line, or by what the form wrote; two cells of one task must agree."""
    form = {"metadata": {"fasttrack": {"task": "b", "backend": "local"}}}
    made = built("%%fasttrack_task a --backend backend.ai:work\nx = 1", {"source": "y = x", **form})
    assert [task.backend for task in pipeline(made).tasks] == ["backend.ai:work", "local"]
    assert "    backend: backend.ai:work\n    command" in made.text
    assert made.backend is None
    cells = "%%fasttrack_task a --backend local\nx = 1", "%%fasttrack_task a --backend backend.ai\ny = 1"
    assert "has backend local in cell 1 and backend.ai in cell 2" in errors(*cells)[0]


def test_the_same_notebook_makes_the_same_bytes() -> None:
    """Whatever the hash seed."""
    code = (
        "import sys, hashlib; from fasttrack_jupyter.notebook.build import build\n"
        "from fasttrack_jupyter.notebook.cells import read_notebook\n"
        "made = build(read_notebook(sys.stdin.buffer.read(), 'digits.ipynb'))\n"
        "print(hashlib.sha256(repr((made.text, sorted(made.files.items()))).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], input=notebook_of(*DIGITS), capture_output=True, check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(seen) == 1


def test_every_file_is_in_one_folder_and_text() -> None:
    """They travel in a request."""
    made = built(*DIGITS)
    assert all(
        path.startswith("digits.cells/") and content.decode() is not None for path, content in made.files.items()
    )
    for path in ("execute.py", "tasks.json", "cell-04.py", "def-clean.py", "cloudpickle/__init__.py"):
        assert f"digits.cells/{path}" in made.files


def test_tasks_json_says_what_each_task_runs() -> None:
    """The format that execute.py reads."""
    made = built(*DIGITS)
    assert json.loads(made.files["digits.cells/tasks.json"])["notebook"] == "digits.ipynb"
    assert tasks_json(made)["train"] == {
        "cells": [
            {"file": "def-clean.py", "label": "cell 4", "kind": "definition"},
            {"file": "cell-02.py", "label": "cell 2", "kind": "params"},
            {"file": "cell-05.py", "label": "cell 5", "kind": "task"},
        ],
        "params": {"rate": "float"}, "inputs": ["X"], "outputs": [], "optional": ["model"], "watched": {},
    }  # fmt: skip
    assert "publish" not in tasks_json(made)


def test_a_definitions_lines_have_the_numbers_of_its_cell() -> None:
    """A traceback tells where it stands in the notebook."""
    source = built(*DIGITS).files["digits.cells/def-clean.py"].decode()
    assert source.startswith("# from cell 4\n")
    assert ast.parse(source).body[0].lineno == 5


def test_definitions_of_one_name_do_not_overwrite_each_other() -> None:
    """Not even where a file system does not tell case."""
    made = built(
        "%%fasttrack_task a\ndef f(): return 1\ndef F(): return 2\nx = f()",
        "%%fasttrack_task b\ny = f() + F()",
        "%%fasttrack_task c\ndef f(): return 3\nz = f()",
        "%%fasttrack_task d\nw = f() + y + z",
    )
    paths = [path for path in made.files if "/def-" in path]
    assert len({path.lower() for path in paths}) == 3
    (of_d,) = [cell["file"] for cell in tasks_json(made)["d"]["cells"] if cell["kind"] == "definition"]
    assert b"return 3" in made.files[f"digits.cells/{of_d}"]


def test_several_cells_of_one_name_are_one_task() -> None:
    """In order, their options together."""
    made = built("%%fasttrack_task a --cpu 2\nx = 1", "%%fasttrack_task b\ny = x", "%%fasttrack_task a --mem 1g\nz = 1")
    assert "  - name: a  # cells 1, 3\n" in made.text
    assert pipeline(made).tasks[0].resources is not None
    assert [cell["file"] for cell in tasks_json(made)["a"]["cells"]] == ["cell-01.py", "cell-03.py"]


def test_names_with_spaces_and_of_other_scripts_are_quoted_for_the_shell() -> None:
    """The notebook's file, too."""
    made = built("%%fasttrack_task '모델 학습'\nx = 1", name="내 노트북.ipynb")
    assert pipeline(made).tasks[0].command == "python3 '내 노트북.cells/execute.py' '모델 학습'"
    assert made.folder == "내 노트북.cells"


def test_a_stem_of_another_name_names_the_folder() -> None:
    """As the YAML beside which it lies."""
    made = build(read_notebook(notebook_of("%%fasttrack_task a\nx = 1"), "digits.ipynb"), stem="other")
    assert made.folder == "other.cells"
    assert pipeline(made).tasks[0].command == "python3 other.cells/execute.py a"


def test_a_share_of_a_gpu_replaces_the_pipelines_whole_one() -> None:
    """And is not asked for beside it."""
    made = pipeline(built("%fasttrack_pipeline p --gpu 1", "%%fasttrack_task a --gpu-share 0.5\nx = 1"))
    assert made.slots_of(made.tasks[0]).written() == {"cuda.shares": "0.5"}


def test_a_long_command_is_folded_and_reads_as_one_line() -> None:
    """Whatever there is in it."""
    params = "\n".join(f"parameter_{number} = {number}" for number in range(9))
    uses = " + ".join(f"parameter_{number}" for number in range(9))
    made = built(f"%%fasttrack_params\n{params}", f"%%fasttrack_task a\nx = {uses}")
    assert max(map(len, made.text.split("\n"))) <= 120
    assert (pipeline(made).tasks[0].command or "").count(" --param parameter_") == 9


@pytest.mark.parametrize(
    "text", ["a: b", "x # y", "yes", "1e3", "12:30", "- a", "{x}", "tab\there", "zwei\nZeilen", "é'\"\\"]
)
def test_texts_survive_the_way_through_yaml(text: str) -> None:
    """Values of variables, defaults of parameters."""
    made = built(
        f"%%fasttrack_params\nword = {text!r}",
        {"source": "x = word", "metadata": {"fasttrack": {"task": "a", "env": {"A": text}}}},
    )
    assert pipeline(made).params[0].default == text
    assert pipeline(made).tasks[0].environment.envs == {"A": text}


def test_parameters_take_their_type_from_literal_and_annotation() -> None:
    """And their description from comments."""
    made = pipeline(
        built(
            '%%fasttrack_params\n"""All of them."""\na = -1\nb: float = 2\nc = \'x\'\nd = True\ne = {\'k\': [1]}\n'
            "f: int\n# above,\n# in two lines\ng = 1\nh: dict[str, int] = {}\ni = j = 1.5  # both",
            "%%fasttrack_task t\nx = a",
        )
    )
    assert [(param.name, str(param.type), param.default, param.description) for param in made.params] == [
        ("a", "int", -1, None), ("b", "float", 2.0, None), ("c", "str", "x", None), ("d", "bool", True, None),
        ("e", "struct", {"k": [1]}, None), ("f", "int", None, None), ("g", "int", 1, "above, in two lines"),
        ("h", "struct", {}, None), ("i", "float", 1.5, "both"), ("j", "float", 1.5, "both"),
    ]  # fmt: skip
    assert made.params[5].is_required


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("a = None", "str"), ("a: int = None", "int"), ("a: int | None = None", "int"),
        ("a: None | float = None", "float"), ("a: Optional[list[int]] = None", "list"),
        ("a: 'bool | None' = None", "bool"), ("a: t.Optional[str] = None", "str"),
    ],
)  # fmt: skip
def test_a_parameter_may_be_none(line: str, kind: str) -> None:
    """It need not be given; without an annotation it is a text, which is said."""
    made = built(f"%%fasttrack_params\n{line}", "%%fasttrack_task t\nx = a")
    (param,) = pipeline(made).params
    assert (str(param.type), param.has_default, param.default, param.is_required) == (kind, True, None, False)
    assert json.loads(made.files["digits.cells/tasks.json"])["tasks"]["t"]["params"] == {"a": f"{kind}?"}
    assert "--param a=${{ [params.a] }}" in str(pipeline(made).tasks[0].command)
    assert ["parameter a is None" in problem.message for problem in made.problems] == [True] * (line == "a = None")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a = len('x')", "parameter a is no literal: len('x')"),
        ("a = b + 1", "parameter a is no literal: b + 1"),
        ("a: complex | None = None", "complex is no type of a parameter"),
        ("a = (1, 2)", "is a tuple"),
        ("a = [(1, 2)]", "what JSON cannot carry"),
        ("a = {1: 2}", "what JSON cannot carry"),
        ("a = 1e999", "is not a float"),
        ("a: int = 'x'", "'x' is not an int"),
        ("a: complex = 1", "complex is no type of a parameter"),
        ("a, b = 1, 2", "several things at once"),
        ("a.b = 1", "several things at once"),
        ("import os", "import os is no assignment"),
        ("a += 1", "a += 1 is no assignment"),
        ("a = 1; a = 2", "assigned twice; the first is in cell 1, line 2"),
    ],
)
def test_what_is_no_parameter_is_an_error_with_its_line(line: str, message: str) -> None:
    """A parameter is a literal."""
    told = errors(f"%%fasttrack_params\n{line}", "%%fasttrack_task t\nx = 1")
    assert told[0].startswith("cell 1, line 2: ")
    assert message in told[0]


def test_a_notebook_without_marks_teaches_the_ways() -> None:
    """Three of them."""
    (told,) = errors("x = 1")
    assert "%%fasttrack_task" in told
    assert "--split" in told
    assert "--whole" in told


def test_what_the_reader_refuses_names_the_cell() -> None:
    """A shell cell may hold expressions, and mistakes in them."""
    told = errors(
        "%%fasttrack_task a --shell\necho ${{ params.nothing }}",
        "%%fasttrack_task b --shell --secret TOKEN\necho ${{ secrets.TOKEN }}",
    )
    assert told[0].startswith("cell 1: there is no parameter 'nothing'")
    assert told[1].startswith("cell 2: secret 'TOKEN' stands in a command")


def test_problems_of_cells_parameters_and_flow_come_in_the_order_of_the_notebook() -> None:
    """All at once."""
    told = errors("%%fasttrack_task a\nx = nowhere", "%%fasttrack_params\nb = len('')", "%%fasttrack_task c\nnowhere2")
    assert [text.split(":")[0] for text in told] == ["cell 1, line 2", "cell 2, line 2", "cell 3, line 2"]


def test_tasks_that_need_each_other_are_told() -> None:
    """Which cells make the circle."""
    (told,) = errors("%%fasttrack_task a --after b\nx = 1", "%%fasttrack_task b\nprint(x)")
    assert "'a'" in told
    assert "'b'" in told


def test_a_pipeline_of_scripts_needs_no_files() -> None:
    """Their text is in the YAML."""
    assert built("%%fasttrack_task a --shell\nls").files == {}


def test_a_command_written_as_in_a_python_cell_is_a_command_in_a_shell_cell() -> None:
    """``!echo``, in a cell that somebody made a shell task in the form; a shell's own "not" stays."""
    text = built("%%fasttrack_task a --shell\n!echo hi\n! grep x y").text
    assert "\n      echo hi\n      ! grep x y\n" in text


def test_a_bash_cell_is_run_by_bash() -> None:
    """What the shell gets is what the cell says."""
    made = pipeline(built('%%fasttrack_task a\n%%bash\nfalse\n[[ x == x ]] && echo "it\'s"', "%%fasttrack_task b\n1"))
    command = made.tasks[0].command or ""
    assert subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False).returncode == 1
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("false\n", "")], capture_output=True, text=True, check=False
    )
    assert done.stdout == "it's\n"


def test_the_files_run(tmp_path: Path) -> None:
    """The commands of the YAML, one after the other, as a backend would."""
    made = built(*DIGITS[:5])
    for path, content in made.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    for task in pipeline(made).tasks:
        (tmp_path / "inputs").mkdir(exist_ok=True)
        for name, given in task.inputs.items():
            source, _, output = given.source.partition(".")
            (tmp_path / "inputs" / name).symlink_to(tmp_path / source / "variables" / output)
        environ = {"PIPELINE_INPUTS": str(tmp_path / "inputs"), "PIPELINE_OUTPUTS": str(tmp_path / task.name)}
        command = (task.command or "").replace("${{ params.rows }}", "4").replace("${{ params.rate }}", "2")
        command = command.replace("python3", sys.executable)
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    values = list((tmp_path / "train" / "variables" / "model").glob("value*"))
    assert json.loads(values[0].read_text()) == pytest.approx(2 * (1 + 2**0.5 + 3**0.5))
