"""Errors and problems in words, in a notebook: what happened, where, what to do; no traceback of ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fasttrack_jupyter.api.words import clean, plural
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.notebook.build_yaml import place_of

_RED, _YELLOW, _BLUE, _BOLD, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"
_COLOURS = {"error": _RED, "warning": _YELLOW, "notice": _BLUE}
_MOST = 30


def in_words(error: BaseException, text: str = "") -> BaseException:
    """The same error, which IPython shows as our words instead of a traceback; the cell has failed all the same.

    ``text`` is the pipeline that problems with a line are about. See ``_render_traceback_`` in IPython's
    ``InteractiveShell.showtraceback``.
    """
    lines = lines_of(error, text)
    error._render_traceback_ = lambda *_, **__: lines  # type: ignore[attr-defined]
    return error


def lines_of(error: BaseException, text: str = "") -> list[str]:
    """An error as lines, in colours of a terminal (notebooks show them too)."""
    if not isinstance(error, FastTrackError):
        return [f"{_RED}{type(error).__name__}{_PLAIN}: {error}"]
    problems = error.details.get("problems") or []
    refused = error.details.get("tasks")
    if problems:
        count = sum(problem["severity"] == "error" for problem in problems)
        head = [f"{_RED}{_BOLD}The pipeline has {plural(count, 'error')}{_PLAIN}; nothing was started."]
        return [*head, *problem_lines(problems, text)]
    if isinstance(refused, dict) and refused:
        are = "is" if len(refused) == 1 else "are"
        head = [f"{_RED}{_BOLD}{plural(len(refused), 'task')} {are} refused{_PLAIN}; nothing was started."]
        told = [f"  {clean(path)}: {clean(str(why))}" for path, why in list(refused.items())[:_MOST]]
        return [*head, *told, *([f"  … and {len(refused) - _MOST} more"] if len(refused) > _MOST else [])]
    lines = [f"{_RED}{_BOLD}error{_PLAIN}: {clean(error.message)}"]
    return [*lines, f"  → {clean(error.hint)}"] if error.hint else lines


def problem_lines(problems: Iterable[Any], text: str = "") -> list[str]:
    """Each problem (a Problem, or one as JSON) with its place and its hint."""
    told = [one if isinstance(one, dict) else one.model_dump(mode="json") for one in problems]
    source = text.splitlines()
    lines = [line for problem in told[:_MOST] for line in _one(problem, source)]
    return [*lines, f"  … and {len(told) - _MOST} more"] if len(told) > _MOST else lines


def _one(problem: dict[str, Any], source: list[str]) -> list[str]:
    severity, line = problem["severity"], problem["line"]
    place = f"{place_of(source, line)}: " if 0 < line <= len(source) else ""
    lines = [f"{_COLOURS.get(severity, '')}{severity}{_PLAIN}: {place}{clean(problem['message'])}"]
    if place:
        lines.append(f"    {clean(source[line - 1]).strip()[:120]}")
    return [*lines, f"  → {clean(problem['hint'])}"] if problem["hint"] else lines
