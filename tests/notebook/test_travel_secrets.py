"""Secrets of a task: no variable that holds one is written, and nothing that a cell shows keeps one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.notebook.travel.hidden import Hidden
from fasttrack_jupyter.notebook.travel.home import Home

KEY = "sk-Höchst/geheim+9f3a'77"
ENVIRON = {"FASTTRACK_SECRET_NAMES": "KEY OTHER", "KEY": KEY, "OTHER": "abc", "PLAIN": "not a secret"}
READ = "import os\nkey = os.environ['KEY']\n"


def stands_in(folder: Path) -> list[str]:
    """Files below ``folder`` in which the secret stands, in one of the ways of writing it."""
    forms = [KEY.encode(), json.dumps(KEY)[1:-1].encode(), KEY.encode("utf-32-le")]
    return [str(path) for path in folder.rglob("*") if path.is_file() and any(f in path.read_bytes() for f in forms)]


def test_a_variable_that_nobody_takes_is_not_kept_where_it_holds_a_secret(bench: Any) -> None:
    """Whether it is the secret, or only holds it somewhere; all else is kept as ever, and the log says which."""
    source = READ + "headers = {'Authorization': f'Bearer {key}'}\nclass Client:\n    pass\nclient = Client()\n"
    source += "client.token = [key]\ncount = 3\nplain = os.environ['PLAIN']"
    names = ["key", "headers", "client", "count", "plain"]
    bench.task("ask", source, optional=names)
    done = bench.run("ask", env=ENVIRON).succeeded()
    assert sorted(path.name for path in (done.outputs / "variables").iterdir()) == ["count", "plain"]
    assert "headers is not kept: it holds the secret KEY" in done.log
    assert stands_in(done.outputs) == []


@pytest.mark.parametrize(
    "made",
    [
        "key",
        "key.encode()",
        "[1, [key]]",
        "{'url': f'https://{key}@host'}",
        "__import__('pandas').DataFrame({'n': [1], 'k': [key]})",
        "__import__('polars').DataFrame({'k': ['x'] * 1000 + [key]})",
        "__import__('numpy').array([key])",
        "(lambda: key)",
        "__import__('base64').b64encode(('me:' + key).encode()).decode()",
        "__import__('urllib.parse').parse.quote(key)",
        "os.environ.copy()",
    ],
)
def test_an_output_that_holds_a_secret_fails_the_task(bench: Any, made: str) -> None:
    """The failure names variable, secret and remedy, and nothing is written that holds it."""
    bench.task("ask", f"{READ}made = {made}", outputs=["made"])
    done = bench.run("ask", env=ENVIRON)
    assert done.status == 1
    assert "made holds the secret KEY, and would be written to the pipeline folder" in done.log
    assert "--secret KEY" in done.log
    assert stands_in(done.outputs) == []
    failure = json.loads((done.outputs / ".failure.json").read_text())["text"]
    assert failure.startswith("made holds the secret KEY")


def test_a_secret_that_the_notebook_took_out_of_its_environment_is_known_all_the_same(bench: Any) -> None:
    """What is secret is settled before the first cell runs."""
    bench.task("ask", READ + "del os.environ['KEY'], os.environ['FASTTRACK_SECRET_NAMES']", optional=["key"])
    done = bench.run("ask", env=ENVIRON).succeeded()
    assert not list(done.outputs.glob("variables/*"))


def test_what_cells_show_is_kept_with_stars(bench: Any) -> None:
    """Texts, results, what ``display`` showed, errors; in the notebook and in the files. The log is masked later."""
    shows = (
        "print('key is', key)\ndisplay({'k': key})\nclass H:\n    def _repr_html_(self): return f'<b>{key}</b>'\nH()"
    )
    bench.task("ask", READ + shows, "raise ValueError(f'refused: {key}')")
    done = bench.run("ask", env=ENVIRON)
    assert done.status == 1
    assert stands_in(done.outputs) == []
    cells = done.notebook().cells
    assert cells[0].outputs[0].text == "key is ***\n"
    assert cells[1].outputs[0].evalue == "refused: ***"
    assert "refused: ***" in (done.outputs / ".failure.json").read_text()
    assert [path.read_text() for path in sorted((done.outputs / "shown").iterdir())][1] == "<b>***</b>"


def test_a_promised_value_that_is_a_secret_is_refused(bench: Any) -> None:
    """What a function's task returns as a text would stand in ``.values``."""
    bench.task("ask", READ, values={"key": "str"})
    done = bench.run("ask", env=ENVIRON)
    assert (done.status, stands_in(done.outputs)) == (1, [])
    assert "key holds the secret KEY" in done.log


def test_without_secrets_nothing_is_looked_through(bench: Any) -> None:
    """A task without secrets keeps what it always kept; a short value is no secret that can be looked for."""
    bench.task("ask", READ + "other = os.environ['OTHER']", optional=["key", "other"])
    done = bench.run("ask", env={"KEY": "abc", "OTHER": "abc", "FASTTRACK_SECRET_NAMES": "OTHER GONE"}).succeeded()
    assert sorted(path.name for path in (done.outputs / "variables").iterdir()) == ["key", "other"]


@pytest.mark.parametrize(
    ("environ", "held"),
    [
        ({"URL": "postgres://me:hunter2word@host/db", "FASTTRACK_SECRET_PARTS": "URL:14+11"}, "hunter2word"),
        ({"URL": "postgres://me:hunter2word@host/db"}, "hunter2word"),
        ({"URL": "https://hunter2word@host", "FASTTRACK_SECRET_PARTS": "URL:8+11"}, "hunter2word"),
        ({"URL": "amqp://me:hunter2%2Fword@host"}, "hunter2/word"),
        ({"URL": "Bearer hunter2word", "FASTTRACK_SECRET_PARTS": "URL:7+11"}, "hunter2word"),
    ],
)
def test_a_secret_that_is_a_part_of_a_variable_is_found_alone(environ: dict[str, str], held: str) -> None:
    """Somebody takes an address apart: its password is as secret as the whole."""
    hidden = Hidden({"FASTTRACK_SECRET_NAMES": "URL", **environ})
    assert hidden.held_by({"password": [held]}, Home({})) == "URL"
    assert hidden.mask(f"signing in with {held}…") == "signing in with ***…"
    assert hidden.held_by(environ["URL"], Home({})) == "URL"


@pytest.mark.parametrize(
    ("environ", "innocent"),
    [
        ({"URL": "postgres://me:hunter2word@host.example.org/database"}, ["postgres", "host.example.org", "database"]),
        (
            {"URL": "postgres://me:hunter2word@host.example.org/database"},
            "postgres://me:other@host.example.org/database",
        ),
        ({"URL": "postgres://postgres:admin@host/db"}, ["admin", "administrator", "postgres"]),
        ({"URL": "https://host.example.org:8080000000/@me"}, [8080000000, "8080000000"]),
        ({"URL": "Bearer hunter2word", "FASTTRACK_SECRET_PARTS": "URL:7+11"}, ["Bearer", "Bearer of news"]),
        ({"URL": "Bearer hunter2word", "FASTTRACK_SECRET_PARTS": "URL:7+3 URL:x+1 OTHER:0+9 URL"}, ["hun", "hunter"]),
    ],
)
def test_what_stands_around_a_secret_is_no_secret(environ: dict[str, str], innocent: Any) -> None:
    """Users, hosts, databases and ports go on as ever, and so does what is too short to be looked for."""
    hidden = Hidden({"FASTTRACK_SECRET_NAMES": "URL", **environ})
    assert hidden.held_by(innocent, Home({})) is None
    assert hidden.mask(repr(innocent)) == repr(innocent)


def test_a_secret_is_found_across_blocks() -> None:
    """However large the value, and wherever in it the secret stands."""
    hidden = Hidden({"FASTTRACK_SECRET_NAMES": "KEY", "KEY": "abcdefgh"})
    for place in (0, (1 << 20) - 4, (1 << 21) - 30, 3 << 20):
        value = [b"x" * place + b"abcdefgh" + b"x" * 100]
        assert hidden.held_by(value, Home({})) == "KEY"
    assert hidden.held_by([b"x" * (5 << 20)], Home({})) is None


@pytest.mark.parametrize("without", [(), ("nbclient", "nbconvert")], ids=["kernel", "plain"])
def test_the_copy_of_a_whole_notebook_has_stars(tmp_path: Path, without: tuple[str, ...]) -> None:
    """As ``.ipynb`` and as a page; run in a kernel, or without one."""
    for name, data in travel_files().items():
        path = tmp_path / ".fasttrack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    source = READ + "print('key is', key)\nkey"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    (tmp_path / "ask.ipynb").write_text(json.dumps(notebook))
    script = str(tmp_path / ".fasttrack" / "whole.py")
    hide = (
        "import importlib.util as u, runpy, sys; find = u.find_spec; "
        f"u.find_spec = lambda name, *a: None if name in {without!r} else find(name, *a); "
        f"sys.argv[:] = {[script, 'ask.ipynb']!r}; runpy.run_path({script!r}, run_name='__main__')"
    )
    outputs = tmp_path / "outputs"
    environ = {**os.environ, **ENVIRON, "PIPELINE_OUTPUTS": str(outputs)}
    done = subprocess.run(
        [sys.executable, "-c", hide], cwd=tmp_path, env=environ, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert stands_in(outputs) == []
    assert "key is ***" in (outputs / "ask.ipynb").read_text()
    assert "key is ***" in (outputs / "ask.html").read_text()
