"""A notebook's file, read into cells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fasttrack_jupyter.errors import InvalidNotebook
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook, read_notebook
from fasttrack_jupyter.notebook.flow import flow_of
from fasttrack_jupyter.notebook.marks import Mode

Json = dict[str, Any]


def code(source: str | list[str], *tags: str, **fasttrack: Any) -> Json:
    """A code cell."""
    metadata: Json = {"tags": list(tags)} if tags else {}
    if fasttrack:
        metadata["fasttrack"] = fasttrack
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": [], "execution_count": None}


def read(*cells: str | Json, name: str = "digits.ipynb", split: bool = False, **metadata: Any) -> Notebook:
    """The notebook with these cells; a text is a code cell."""
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": metadata,
        "cells": [code(cell) if isinstance(cell, str) else cell for cell in cells],
    }
    return read_notebook(json.dumps(content).encode(), name, split=split)


def kinds(notebook: Notebook) -> list[tuple[str, str, str | None]]:
    """Label, kind and task of each cell."""
    return [(cell.label, cell.kind.value, cell.task) for cell in notebook.cells]


def errors(*cells: str | Json, **more: Any) -> list[str]:
    """The problems of a notebook that cannot be read, each with its hint."""
    with pytest.raises(InvalidNotebook) as caught:
        read(*cells, **more)
    return [str(problem) for problem in caught.value.problems]


def test_magics_say_what_a_cell_is() -> None:
    """Numbers count all cells, as people count."""
    notebook = read(
        "%load_ext fasttrack_jupyter\n%fasttrack_pipeline mine --mem 1g --mode define",
        {"cell_type": "markdown", "source": "# Title", "metadata": {}},
        "%%fasttrack_params\nrate = 0.1",
        "%%fasttrack_common\nimport os",
        "%%fasttrack_task train --cpu 2\nx = 1",
        "%%fasttrack_task script --shell\necho hi",
        "x",
    )
    assert kinds(notebook) == [
        ("cell 1", "pipeline", None),
        ("cell 3", "params", None),
        ("cell 4", "common", None),
        ("cell 5", "task", "train"),
        ("cell 6", "shell", "script"),
        ("cell 7", "plain", None),
    ]
    assert (notebook.name, notebook.defaults.mem, notebook.defaults.mode) == ("mine", "1g", Mode.DEFINE)
    assert [cell.key for cell in notebook.cells] == ["01", "03", "04", "05", "06", "07"]
    assert notebook.tasks == ("train", "script")


def test_metadata_say_the_same() -> None:
    """As the form in JupyterLab writes them."""
    notebook = read(
        code("rate = 0.1", kind="params"),
        code("import os", kind="common"),
        code("x = 1", task="train", cpu=2, after=["script"]),
        code("echo hi", task="script", kind="shell"),
        code("y", kind="skip"),
        fasttrack={"pipeline": "mine", "mem": "1g", "mode": "define", "env": {"A": 1}},
    )
    assert [kind for _, kind, _ in kinds(notebook)] == ["params", "common", "task", "shell", "skip"]
    assert notebook.cells[2].options.cpu == "2"
    assert notebook.cells[2].options.after == ("script",)
    assert (notebook.name, notebook.defaults.env, notebook.defaults.mode) == ("mine", (("A", "1"),), Mode.DEFINE)


def test_a_magic_wins_over_metadata_and_these_over_tags() -> None:
    """Option by option; what the magic does not say stays."""
    notebook = read(
        code("%%fasttrack_task a --cpu 2\nx = 1", "step:c", task="b", cpu=1, mem="1g"),
        code("y = 1", "step:c", task="b"),
        code("%%fasttrack_task d\nz = 1", kind="common"),
        "%fasttrack_pipeline mine --mem 2g",
        fasttrack={"pipeline": "yours", "mem": "1g", "cpu": 1},
    )
    assert kinds(notebook)[:3] == [("cell 1", "task", "a"), ("cell 2", "task", "b"), ("cell 3", "task", "d")]
    assert (notebook.cells[0].options.cpu, notebook.cells[0].options.mem) == ("2", "1g")
    assert (notebook.name, notebook.defaults.mem, notebook.defaults.cpu) == ("mine", "2g", "1")


def test_papermills_tag_marks_parameters() -> None:
    """A notebook made for papermill needs no change."""
    assert kinds(read(code("rate = 0.1", "parameters"), "%%fasttrack_task a\nrate"))[0][1] == "params"


def test_lines_keep_their_numbers() -> None:
    """Tracebacks tell the cell's own lines."""
    (cell,) = read("\n%%fasttrack_task a\n\n%%time\nx = 1\n%matplotlib inline").cells
    assert cell.source == "\n# %%fasttrack_task a\n\n# %%time\nx = 1\npass  # %matplotlib inline"


def test_bash_is_a_shell_task() -> None:
    """Its lines stand as they are in what bash reads."""
    notebook = read("%%fasttrack_task a\n%%bash\necho END_OF_CELL\nEND_OF_CELL", "%%bash\nls", split=False)
    assert notebook.cells[0].kind is CellKind.SHELL
    assert notebook.cells[0].source.split("\n") == [
        "# %%fasttrack_task a", "bash -e <<'END_OF_CELL_'", "echo END_OF_CELL", "END_OF_CELL", "END_OF_CELL_",
    ]  # fmt: skip
    assert notebook.cells[1].kind is CellKind.PLAIN


def test_a_cell_that_belongs_to_nothing_may_hold_anything() -> None:
    """Its text becomes comments where it is no Python, so that nobody stumbles over it."""
    notebook = read("%%fasttrack_task a\nx = 1", "!pip install x", "%%html\n<b>", "x = = 1", "print 'two'")
    assert [cell.source for cell in notebook.cells[1:]] == [
        "pass  # !pip install x", "# # %%html\n# <b>", "# x = = 1", "# print 'two'",
    ]  # fmt: skip


def test_a_cell_that_is_indented_as_a_whole_is_read_as_ipython_does() -> None:
    """Copied out of a function."""
    assert (
        read("%%fasttrack_task a\n    x = 1\n    if x:\n        y = 2")
        .cells[0]
        .source.endswith("\nx = 1\nif x:\n    y = 2")
    )


def test_commands_fill_in_what_any_cell_binds() -> None:
    """Also an import, a function, a parameter."""
    notebook = read("rate = 1", "%%fasttrack_task a\n!echo $rate {rate} $HOME")
    assert "run('echo ', rate, ' ', rate, ' $HOME')" in notebook.cells[1].source


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_notebook() -> None:
    """Each with its cell and line, and what to do."""
    told = errors(
        "%%fasttrack_task train --cpu 2 --afer\nx = = 1",
        "%%fasttrack_task a\n%%bash --out x\nls",
        "%%fasttrack_tsk a\n1",
        "x = 1\n%%fasttrack_task b",
        "%fasttrack_pipeline a",
        "%fasttrack_pipeline b --imge",
        "%%fasttrack_task c --cpu 1\n%pip install pandas",
        "%%fasttrack_task c --cpu 2\npip install torch",
        code("a", kind="tsk"),
        code("a", task="a/b"),
        code("a", kind="task"),
        "%%fasttrack_task c\n%%fasttrack_common\n1",
        "%%fasttrack_pipeline x\n1",
    )
    expected = [
        ("cell 1, line 1", "--after"),
        ("cell 1, line 2", "mend the cell"),
        ("cell 2, line 2", "%%bash --out x"),
        ("cell 3, line 1", "did you mean '%%fasttrack_task'"),
        ("cell 4, line 2", "split the cell there"),
        ("cell 6, line 1", "the first is in cell 5, line 1"),
        ("cell 7, line 2", '--requirements "pandas"'),
        ("cell 8, line 1", "cpu 1 in cell 7 and 2 in cell 8"),
        ("cell 8, line 2", '--requirements "torch"'),
        ("cell 9, line 1", "did you mean 'task'"),
        ("cell 10, line 1", "call it 'a-b'"),
        ("cell 11, line 1", "the task has no name"),
        ("cell 12, line 2", "marked twice"),
        ("cell 13, line 1", "with one %"),
    ]
    assert len(told) == len(expected)
    for text, (place, words) in zip(told, expected, strict=True):
        assert text.startswith(place), text
        assert words in text, text


def test_after_must_name_another_task() -> None:
    """With a suggestion."""
    told = errors("%%fasttrack_task prepare\n1", "%%fasttrack_task b --after prepar --after b\n1")
    assert "after 'prepar', which is no task (did you mean 'prepare'?)" in told[0]
    assert "after itself" in told[1]


def test_one_name_is_python_or_shell() -> None:
    """Two languages are two tasks."""
    assert "two names" in errors("%%fasttrack_task a\n1", "%%fasttrack_task a --shell\nls")[0]


def test_a_shell_script_takes_no_variables() -> None:
    """There is no way to give it any."""
    for cell in ("%%fasttrack_task a --shell --in x\nls", "%%fasttrack_task a --in x\n%%bash\nls"):
        assert "--after TASK" in errors(cell)[0]


def test_metadata_of_the_notebook_are_checked() -> None:
    """They may be written by hand."""
    assert "there is no 'imag'" in errors("1", fasttrack={"imag": "x"})[0]
    assert "is no pipeline's name" in errors("1", fasttrack={"pipeline": "a#b"})[0]


@pytest.mark.parametrize("name", ["my#first.ipynb", "digits.fasttrack.ipynb", "a\nb.ipynb", "#.ipynb", "x" * 300])
def test_a_files_name_gives_the_pipelines(name: str) -> None:
    """Made fit where it must be."""
    title = read("1", name=name).name
    assert title
    assert title.isprintable()
    assert "#" not in title
    assert len(title) <= 100


def test_split_makes_a_task_of_every_cell() -> None:
    """Imports travel with all; what only shows something is left out."""
    notebook = read(
        "import os\nimport sys", "# words", "x = 1", "%%bash\nls", "%matplotlib inline\nimport matplotlib",
        "%%html\n<b>", code("n = 1", "parameters"), "def f(): pass", split=True,
    )  # fmt: skip
    assert kinds(notebook) == [
        ("cell 1", "common", None), ("cell 2", "plain", None), ("cell 3", "task", "cell-3"),
        ("cell 4", "shell", "cell-4"), ("cell 5", "common", None), ("cell 6", "plain", None),
        ("cell 7", "params", None), ("cell 8", "task", "cell-8"),
    ]  # fmt: skip


def test_split_is_for_notebooks_without_marks() -> None:
    """Who has marked cells means those."""
    assert "tasks already" in errors("%%fasttrack_task a\n1", split=True)[0]


def test_split_reads_every_cell_in_earnest() -> None:
    """What is no Python is an error now."""
    assert errors("x = = 1", "%%R\nx <- 1", split=True)[1].startswith("cell 2, line 1: %%R")


@pytest.mark.parametrize("language", ["R", "julia", "scala"])
def test_another_language_is_refused_with_the_way_out(language: str) -> None:
    """Such a notebook can be a task as a whole."""
    (told,) = errors("x <- 3", kernelspec={"name": "ir", "language": language})
    assert f"written in {language}" in told
    assert "--whole" in told


def test_notebooks_of_before_are_read() -> None:
    """nbformat 3 keeps cells in worksheets, and their text under another name."""
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [
        {"cell_type": "heading", "source": "Title"},
        {"cell_type": "code", "input": ["%%fasttrack_task a\n", "x = 1\n"], "language": "python"},
    ]}]}  # fmt: skip
    assert read_notebook(json.dumps(old).encode(), "old.ipynb").cells == (
        Cell("cell 2", "02", "# %%fasttrack_task a\nx = 1", CellKind.TASK, "a"),
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "no notebook"),
        (b'{"nbformat": "4"}', "no notebook"),
        (b'{"nbformat": 5, "cells": []}', "newer than this FastTrack knows"),
        (b'{"nbformat": 1}', "too old"),
        (b'{"nbformat": 4, "cells": {}}', "no list of cells"),
        (b'{"nbformat": 4, "cells": [1]}', "no list of cells"),
        (b'{"nbformat": 3, "worksheets": {}}', "no list of cells"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 5}]}', "cell 1: its source is no text"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\\ud800"}]}', "half a character"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "metadata": {"fasttrack": 1}}]}', "is no object"),
        (b'{"nbformat": 4, "cells": [], "metadata": {"fasttrack": {"image": "\\ud800"}}}', "whole texts"),
    ],
)
def test_a_file_that_is_no_notebook_says_so(data: bytes, message: str) -> None:
    """And nothing but InvalidNotebook comes out."""
    with pytest.raises(InvalidNotebook) as caught:
        read_notebook(data, "x.ipynb")
    assert message in caught.value.problems[0].message
    assert caught.value.hint


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    """Some editors leave them."""
    content = json.dumps({"nbformat": 4, "metadata": {}, "cells": [code("%%fasttrack_task a\r\nx = 1\r\n")]})
    notebook = read_notebook(b"\xef\xbb\xbf" + content.encode(), "x.ipynb")
    assert notebook.cells[0].source == "# %%fasttrack_task a\nx = 1"


def test_kales_tags_are_read() -> None:
    """A cell without a tag goes on with what was before it; cells before the first tag belong to nothing."""
    notebook = read(
        "!pip install kale",
        code("import os", "imports"),
        "import sys",
        code("rate = 1", "pipeline-parameters"),
        code("x = 1", "block:load", "limit:nvidia.com/gpu:1", "limit:memory:4Gi"),
        "y = 2",
        code("z", "skip"),
        "w = 1",
        code("def f(): pass", "functions"),
        code("v = 1", "step:train", "prev:load", "annotation:a:b"),
        code("print(v)", "pipeline-metrics"),
        kubeflow_notebook={"pipeline_name": "kaley", "docker_image": "kale:1"},
    )
    assert [(kind, task) for _, kind, task in kinds(notebook)] == [
        ("plain", None), ("common", None), ("common", None), ("params", None), ("task", "load"), ("task", "load"),
        ("skip", None), ("task", "load"), ("common", None), ("task", "train"), ("task", "train"),
    ]  # fmt: skip
    assert notebook.name == "kaley"
    assert (notebook.cells[4].options.gpu, notebook.cells[4].options.mem) == ("1", "4G")
    assert notebook.cells[9].options.after == ("load",)
    assert {problem.severity for problem in notebook.problems} == {Severity.NOTICE}
    assert "kale:1" in notebook.problems[0].message


def test_words_that_kale_knows_mean_nothing_in_another_notebook() -> None:
    """``skip`` and ``functions`` are words that anybody may tag with."""
    assert kinds(read(code("x = 1", "skip"), code("y = 1", "functions"), "z"))[0][1] == "plain"


def test_what_kale_would_refuse_is_refused() -> None:
    """In our words."""
    told = errors(
        code("x = 1", "pipeline-metrics"), code("y = 1", "prev:a"), code("z = 1", "step:a", "step:b"),
        code("z = 1", "step:c", "prev:nothing"),
    )  # fmt: skip
    assert "before any step" in told[0]
    assert "without a step:" in told[1]
    assert "several steps: a, b" in told[2]
    assert "'nothing', which is no task" in told[3]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import pandas as pd\npd.set_option('display.max_rows', 5)\npd.options.display.width = 100", "common"),
        ("import matplotlib.pyplot as plt\n%matplotlib inline\nplt.rcParams['figure.figsize'] = (3, 2)", "common"),
        ("import warnings\nwarnings.filterwarnings('ignore')", "common"),
        ("import logging\nlogging.basicConfig(level=logging.INFO)", "common"),
        ("import os\nos.environ['OMP_NUM_THREADS'] = '1'", "common"),
        ("import numpy as np\nnp.random.seed(0)", "task"),
        ("import os\nos.environ['WHERE'] = input()", "task"),
        ("import pandas as pd\ndf = pd.DataFrame()", "task"),
        ("import pandas as pd\npd.read_csv('x.csv')", "task"),
        ("import os\nos.environ['A'] = value", "task"),
    ],
)  # fmt: skip
def test_split_lets_settings_travel(source: str, kind: str) -> None:
    """A cell that only imports and sets prepares all that come after it; a seed begins one stream of numbers."""
    assert kinds(read(source, "x = 1", split=True))[0][1] == kind


def test_settings_of_what_an_earlier_cell_imported_travel_as_well() -> None:
    """And nothing is warned of."""
    notebook = read("import pandas as pd", "pd.options.display.width = 100", "df = pd.DataFrame()", split=True)
    assert [kind for _, kind, _ in kinds(notebook)] == ["common", "common", "task"]
    assert not flow_of(notebook).problems
    assert flow_of(notebook).tasks[0].common == ("01", "02")
