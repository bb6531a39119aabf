"""The house rules that no test of a single part can hold: imports, sizes, names, and what is shipped."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import pkgutil
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import fasttrack_jupyter as ft
from fasttrack_jupyter import errors

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fasttrack_jupyter"
MAX_FILE, MAX_FUNCTION = 400, 50

PUBLIC_NAMES = {"Client", "FastTrackError", "Job", "Pipeline", "connect", "job", "show", "task"}
"""What ``import fasttrack_jupyter as ft`` offers, beside ``__version__``."""


def _files(*patterns: str) -> list[Path]:
    """Files of this checkout that git tracks or would track."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted({path for name in listed.split("\0") if name and (path := ROOT / name).is_file()})


def _content(*argv: str) -> None:
    """Run a checking tool by this interpreter; fail with its own words unless it is content."""
    done = subprocess.run([sys.executable, *argv], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(argv)}\n{done.stdout}{done.stderr}", pytrace=False)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, the docstring excluded."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def _modules() -> Iterator[types.ModuleType]:
    for found in pkgutil.walk_packages(ft.__path__, "fasttrack_jupyter."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


# ---------------------------------------------------------------- tools


def test_ruff_finds_nothing() -> None:
    """The linter is content with every file."""
    _content("-m", "ruff", "check", "--quiet", ".")


def test_ruff_would_format_nothing() -> None:
    """Every file is formatted."""
    _content("-m", "ruff", "format", "--check", "--quiet", ".")


def test_mypy_strict_finds_nothing() -> None:
    """The whole package is typed, strictly."""
    _content("-m", "mypy")


def test_imports_point_the_right_way() -> None:
    """The contracts in pyproject.toml hold: the arrows, and who may use sqlite3, aiohttp, asyncio …"""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache', '--no-logo'])"
    _content("-c", program)


# ---------------------------------------------------------------- style


def test_files_are_short() -> None:
    """No Python file is longer than the limit of the house."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in _files("*.py")}
    assert not {name: lines for name, lines in lengths.items() if lines > MAX_FILE}


def test_functions_are_short() -> None:
    """No Python function is longer than the limit of the house, its docstring excluded."""
    long = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": _length(function)
        for path in _files("*.py")
        for function in _functions(ast.parse(path.read_bytes()))
        if _length(function) > MAX_FUNCTION
    }
    assert not long


def test_names_are_the_house_s_words() -> None:
    """No module is a drawer (``utils``), and nothing of ours is called a workflow."""
    names = {
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in _files("fasttrack_jupyter/*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and "workflow" in node.name.lower()
    }
    drawers = {
        str(path.relative_to(ROOT)) for path in _files("*.py") if path.stem in {"utils", "util", "helpers", "misc"}
    }
    assert not names | drawers


def test_nothing_is_left_to_do() -> None:
    """No TODO stands in the product."""
    marks = re.compile(rb"\b(?:TO[D]O|FIX[M]E|X[X]X)\b")
    assert not [
        str(path.relative_to(ROOT))
        for path in _files("fasttrack_jupyter", "examples", "labextension/src")
        if path.suffix != ".png" and marks.search(path.read_bytes())
    ]


def test_no_file_names_a_place_of_one_machine() -> None:
    """Tracked files hold no path of the machine they were written on, and no package registry's host."""
    places = rb"/work/(?:main|shared)|/tmp/(?:ftdev|eng)|/[r]oot/|/opt/(?:wheels|pypi)"
    hosts = rb"py[p]i\.org|python[h]osted\.org|registry\.npm[j]s|deb\.[d]ebian\.org"
    found = re.compile(places + b"|" + hosts)
    assert not {
        str(path.relative_to(ROOT)): match[0] for path in _files() if (match := found.search(path.read_bytes()))
    }


# ---------------------------------------------------------------- names and errors


def test_public_names_are_the_ones_that_were_agreed() -> None:
    """``import fasttrack_jupyter as ft`` offers a short list, held here: growing it is a decision."""
    assert set(dir(ft)) - {"__version__"} == PUBLIC_NAMES == set(ft.__all__)
    assert all(inspect.getdoc(getattr(ft, name)) for name in PUBLIC_NAMES)


def test_every_module_can_be_imported() -> None:
    """No module needs another to have been imported first."""
    assert all(isinstance(module, types.ModuleType) for module in _modules())


def _error_classes() -> list[type[errors.FastTrackError]]:
    """Every FastTrackError, wherever it is defined."""
    for _ in _modules():
        pass
    classes, found = [errors.FastTrackError], []
    while classes:
        found.append(classes.pop())
        classes += found[-1].__subclasses__()
    return [cls for cls in found if cls.__module__.startswith("fasttrack_jupyter")]


def test_every_error_has_a_code_of_its_own() -> None:
    """A program can tell any two errors apart by their ``code``."""
    codes = [cls.__dict__.get("code") for cls in _error_classes()]
    assert None not in codes
    assert len(set(codes)) == len(codes)


def test_every_error_has_an_http_status() -> None:
    """``status_hint`` is a status of HTTP for errors."""
    assert not [cls.__name__ for cls in _error_classes() if not 400 <= cls.status_hint <= 599]


def test_every_error_is_in_the_drawn_tree() -> None:
    """The tree at the top of ``errors.py`` is complete."""
    drawn = set(re.findall(r"^    [│├└─ ]*(\w+) {2,}", errors.__doc__ or "", re.MULTILINE))
    assert {cls.__name__ for cls in _error_classes()} == drawn


def test_errors_survive_being_told() -> None:
    """Message, hint and details come out of ``to_dict`` as they went in."""
    told = errors.NotFound("there is no job 'x'", hint="see: fasttrack jobs", details={"job": "x"}).to_dict()
    assert told == {
        "code": "not_found", "message": "there is no job 'x'", "hint": "see: fasttrack jobs", "details": {"job": "x"},
    }  # fmt: skip


# ---------------------------------------------------------------- what is shipped


def test_console_scripts_exist() -> None:
    """``fasttrack`` and ``jupyter fasttrack`` are installed, and lead somewhere."""
    scripts = importlib.metadata.distribution("fasttrack-jupyter").entry_points.select(group="console_scripts")
    assert {script.name: callable(script.load()) for script in scripts} == {
        "fasttrack": True,
        "jupyter-fasttrack": True,
    }
