"""A whole notebook as a task of a real job: its parameters, its executed copy, how far it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.conftest import Place


def notebook(*cells: str) -> str:
    """A notebook; its first cell holds the parameters."""
    written = [
        {
            "cell_type": "code", "id": f"c{number}", "execution_count": None, "outputs": [], "source": source,
            "metadata": {"tags": ["parameters"] if number == 0 else []},
        }
        for number, source in enumerate(cells)
    ]  # fmt: skip
    return json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


REPORT = notebook(
    "n = 1\nrate = 0.5\ntitle = 'x'\nversion = '0'\ndata = ''\nrest = None",
    "import os\nprint(n + 1, rate * 2, title, repr(version), open(data).read().strip(), rest, sep='|')",
    "open('side.txt', 'w').write('in the working directory')",
)
TASK: dict[str, Any] = {
    "name": "report", "type": "notebook", "notebook": "notes/my report.ipynb", "inputs": {"rows": "prep.rows"},
    "outputs": {"page": {"type": "Html", "path": "my report.html"}},
    "parameters": {
        "n": "${{ tasks.prep.outputs.n }}", "rate": "${{ params.rate }}", "title": "it's \"${{ job.pipeline }}\"",
        "version": "3", "data": "${{ inputs.rows }}", "rest": [1, "2", None],
    },
}  # fmt: skip
PREP = {
    "name": "prep", "outputs": {"rows": {"type": "Text", "path": "rows.csv"}, "n": "int"},
    "command": "cd /pipeline/outputs && echo a,b > rows.csv && mkdir .values && echo 41 > .values/n",
}  # fmt: skip


def test_a_notebook_runs_with_its_parameters_and_leaves_its_copy(place: Place) -> None:
    """Values keep their types; the original is not touched, and what it wrote beside itself is no output."""
    files = {"notes/my report.ipynb": REPORT}
    params = [{"name": "rate", "type": "float", "default": 0.25}]
    job = place.run(PREP, TASK, name="weekly", params=params, request={"files": files})
    log = place.log(job["id"], "report")
    assert "42|0.5|it's \"weekly\"|'3'|a,b|[1, '2', None]" in log
    left = Path(job["tasks"][1]["outputs_dir"])
    assert sorted(path.name for path in left.iterdir()) == ["my report.html", "my report.ipynb"]
    executed = json.loads((left / "my report.ipynb").read_text())
    assert [cell["execution_count"] for cell in executed["cells"]] == [1, 2, 3, 4]
    assert executed["cells"][1]["metadata"]["tags"] == ["injected-parameters"]


def test_a_failing_cell_fails_the_task_and_its_copy_is_kept(place: Place) -> None:
    """Up to there, with the traceback."""
    task = {"name": "report", "type": "notebook", "notebook": "r.ipynb", "retry": {"max_attempts": 1}}
    job = place.run(task, request={"files": {"r.ipynb": notebook("x = 1", "print(x / 0)", "print('never')")}})
    assert job["result"] == "FAILURE"
    assert job["tasks"][0]["reason"].startswith("exit 1: ZeroDivisionError: division by zero (cell 2")
    assert "ZeroDivisionError" in place.log(job["id"], "report")
    listed = place.client.outputs(job["id"], "report")
    assert "r.ipynb" in [entry["path"] for entry in listed]


def test_a_secret_that_a_cell_prints_is_masked_in_the_copy_as_in_the_log(place: Place) -> None:
    """Whoever reads it, in whatever parts: the copy is a record of what was printed."""
    secret = "tell-nobody-42"
    place.client.set_secret("TOKEN", secret)
    envs = {"envs": {"TOKEN": "${{ secrets.TOKEN }}"}}
    task = {"name": "report", "type": "notebook", "notebook": "r.ipynb", "environment": envs}
    cells = ["x = 1", "import os\nprint('the token is', os.environ['TOKEN'])\nos.environ['TOKEN']"]
    job = place.run(task, request={"files": {"r.ipynb": notebook(*cells)}})
    assert job["result"] == "SUCCESS"
    for name in ("r.ipynb", "r.html"):
        read = b"".join(place.client.read_output(job["id"], "report", name))
        assert secret.encode() not in read
        assert b"the token is ***" in read


def test_how_far_a_notebook_is_is_told(place: Place) -> None:
    """In cells, while it runs."""
    flag = place.home / "flag"
    cells = ["x = 1", f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.05)", "x"]
    task = {"name": "report", "type": "notebook", "notebook": "r.ipynb"}
    job = place.start(task, request={"files": {"r.ipynb": notebook(*cells)}})

    def says() -> bool:
        progress = place.client.job(job)["tasks"][0]["progress"]
        return progress is not None and "cell 2" in progress["text"]

    place.until(says, "the notebook says that it is at its second cell")
    flag.touch()
    ended = place.ended(job)
    assert (ended["result"], ended["tasks"][0]["progress"]) == ("SUCCESS", None)
    assert ".progress.json" not in [entry["path"] for entry in place.client.outputs(job, "report")]
