"""IPython's syntax in cells, as plain Python."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.ipython_magics import translated
from fasttrack_jupyter.notebook.ipython_syntax import NotPython, is_python, parse

SHELL = '__import__("fasttrack_travel.shell").shell'
OS = '__import__("os")'


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("!ls -la", f"{SHELL}.run('ls -la')"),
        ("!ls {folder}/$name $HOME ${PATH}", f"{SHELL}.run('ls ', folder, '/', name, ' $HOME ${{PATH}}')"),
        ("!awk '{print $1}' f", f"""{SHELL}.run("awk '{{print $1}}' f")"""),
        ("!echo {{x}} $$", f"{SHELL}.run('echo {{x}} $$')"),
        ("!find . -exec rm {} \\;", f"{SHELL}.run('find . -exec rm {{}} \\\\;')"),
        ("!echo {name:>3} {name!r}", f"{SHELL}.run('echo ', f'{{name:>3}}', ' ', f'{{name!r}}')"),
        ("!echo {name + 'x'}", f"{SHELL}.run('echo ', name + 'x')"),
        ("files = !ls", f"files = {SHELL}.lines('ls')"),
        ("a, b = !ls", f"a, b = {SHELL}.lines('ls')"),
        ("x[0] = !ls", f"x[0] = {SHELL}.lines('ls')"),
        ("!!ls", f"{SHELL}.lines('ls')"),
        ("%ls data", f"{SHELL}.run('ls data')"),
        ("%sx ls", f"{SHELL}.lines('ls')"),
        ("%time f(1)", "f(1)"),
        ("%time x = f(1)", "x = f(1)"),
        ("%time !ls", f"{SHELL}.run('ls')"),
        ("y = %time f(1)", "y = f(1)"),
        ("%matplotlib inline", "pass  # %matplotlib inline"),
        ("%load_ext fasttrack_jupyter", "pass  # %load_ext fasttrack_jupyter"),
        ("df?", "pass  # df?"),
        ("?df.head", "pass  # ?df.head"),
        ("df.head??", "pass  # df.head??"),
        ("%cd data", f"{OS}.chdir({OS}.path.expanduser('data'))"),
        ("%env A=5", f"{OS}.environ['A'] = '5'"),
        ("%env A 5", f"{OS}.environ['A'] = '5'"),
        ("where = %pwd", f"where = {OS}.getcwd()"),
        ("home = %env HOME", f"home = {OS}.environ['HOME']"),
        ("%fasttrack run", "pass  # %fasttrack run"),
    ],
)  # fmt: skip
def test_what_is_clear_becomes_python(written: str, meant: str) -> None:
    """Behind other statements, in a block, and alone."""
    for before, indent in (("", ""), ("x = 1\n", ""), ("if x:\n", "    ")):
        done = translated(before + indent + written, {"folder", "name"})
        assert done.source == before + indent + meant
        assert done.findings == []
        parse(done.source)


@pytest.mark.parametrize(
    ("written", "message", "remedy"),
    [
        ("%pip install pandas 'numpy>=2'", "pip install in a task", '--requirements "pandas numpy>=2"'),
        ("!pip install -q torch==2.1", "pip install in a task", '--requirements "torch==2.1"'),
        ("!pip3 install -r requirements.txt", "pip3 install in a task", "--requirements"),
        ("!{sys.executable} -m pip install x", "pip install in a task", '--requirements "x"'),
        ("!python -m pip install x", "pip install in a task", '--requirements "x"'),
        ("%conda install -c conda-forge x", "conda install in a task", "--requirements"),
        ("!uv pip install x", "uv pip install in a task", '--requirements "x"'),
        ("out = !pip install x", "pip install in a task", '--requirements "x"'),
        ("%%bash", "%%bash stands in the middle of the cell", "split the cell"),
        ("%%fasttrack_task b", "%%fasttrack_task stands in the middle of the cell", "split the cell"),
        ("%run other.py", "%run has no meaning in a task", "import it"),
        ("%fasttrack_task b", "%fasttrack_task lacks a %", "%%fasttrack_task"),
        ("%matplotli inline", "%matplotli has no meaning", "did you mean 'matplotlib'?"),
        ("%sql select 1", "%sql has no meaning", "write it in Python"),
        ("x = %sql select 1", "%sql has no value", "assign"),
    ],
)
def test_what_is_not_clear_is_an_error_with_a_remedy(written: str, message: str, remedy: str) -> None:
    """At its own line."""
    (finding,) = translated(f"x = 1\n{written}\n", ()).findings
    assert finding.line == 2
    assert finding.severity is Severity.ERROR
    assert message in finding.message
    assert remedy in finding.hint


def test_a_measurement_is_left_out_and_told() -> None:
    """``%timeit`` keeps no variables."""
    done = translated("%timeit f()", ())
    assert done.source == "pass  # %timeit f()"
    assert done.findings[0].severity is Severity.NOTICE


def test_a_name_in_braces_that_nothing_binds_is_told() -> None:
    """The shell gets it as it stands; a typing mistake must not go unseen."""
    done = translated("!echo {rat}", {"rate"})
    assert done.findings[0].severity is Severity.WARNING
    assert "{rat}" in done.findings[0].message


def test_magics_in_texts_brackets_and_continued_lines_are_none() -> None:
    """Only where a statement begins."""
    source = 'x = """\n%not\n!neither\n"""\nd = {"a": 5\n% 3}\nw = 5 \\\n% 3\ns = "a \\\n%no"\n# ok?\n'
    done = translated(source + "!ls", ())
    assert done.source == source + f"{SHELL}.run('ls')"


def test_a_command_over_several_lines_keeps_the_number_of_lines() -> None:
    """Tracebacks tell the cell's own lines."""
    done = translated("!ls \\\n  -la \\\n  -h\nx = 1", ())
    assert done.source == f"{SHELL}.run('ls -la -h')\n\n\nx = 1"


def test_lines_of_the_pipeline_are_gathered() -> None:
    """With their line numbers."""
    assert translated("x = ?\n%fasttrack_pipeline digits --mem 1g", ()).pipeline == [(2, "digits --mem 1g")]


def test_await_at_the_top_is_python() -> None:
    """The task runs it on a loop."""
    assert is_python("await f()\nasync with x: pass")


@pytest.mark.parametrize("source", ["x =", "(" * 5000, "\0", "def f(:\n  pass", "x = '" + "a" * 10])
def test_what_is_no_python_has_a_line(source: str) -> None:
    """Whatever the parser stumbles over."""
    with pytest.raises(NotPython) as caught:
        parse(source)
    assert caught.value.line >= 1


@given(st.text(alphabet="x=%!?'\"\\\n#( )[]{}$a1:,", max_size=60))
def test_any_text_keeps_its_lines(source: str) -> None:
    """And nothing is raised."""
    done = translated(source, {"x"})
    assert done.source.count("\n") == source.count("\n")


@given(st.text(alphabet="{}$x!:' ay", max_size=20))
def test_any_command_becomes_python(command: str) -> None:
    """Quotes and braces in whatever order."""
    text = f"!{command.strip()}"
    if text == "!" or text.startswith("!!"):
        return
    ast.parse(translated(text, {"x"}).source)


TRAVEL = Path(str(resources.files("fasttrack_jupyter.notebook.travel")))


def _shell(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    """``code`` with the module that commands use, by the name that they use."""
    begin = f"import sys, types\np = types.ModuleType('fasttrack_travel'); p.__path__ = [{str(TRAVEL)!r}]\n"
    begin += "sys.modules['fasttrack_travel'] = p\n"
    return subprocess.run(
        [sys.executable, "-c", begin + code], capture_output=True, text=True, cwd=tmp_path, check=False
    )


def test_a_command_shows_what_it_writes_and_gives_lines(tmp_path: Path) -> None:
    """In order, errors included."""
    source = translated(
        "word = 'two words'\n!echo '{word}'; echo oops >&2\nlines = !printf 'a\\nb\\n'\nprint(lines)", {"word"}
    ).source
    done = _shell(tmp_path, source)
    assert done.stdout == "two words\noops\n['a', 'b']\n"
    assert done.returncode == 0


def test_a_command_that_fails_fails_the_cell(tmp_path: Path) -> None:
    """Unlike in IPython; the message says how to allow it."""
    done = _shell(tmp_path, translated("!sh -c 'exit 3'", ()).source)
    assert done.returncode == 1
    assert "exit status 3" in done.stderr
    assert "`sh -c 'exit 3' || true`" in done.stderr
    assert _shell(tmp_path, translated("!sh -c 'exit 3' || true", ()).source).returncode == 0
