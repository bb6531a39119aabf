"""Mistakes that people make more than one of at a time, or bring along from other tools."""

from __future__ import annotations

import time

import pytest

from fasttrack_jupyter.model.reading import read_pipeline


def task(task: str) -> str:
    """A pipeline whose second task, in line 4 at column 3, is ``task``."""
    return f"name: p\ntasks:\n- {{name: prep, command: x}}\n- {task}\n"


def test_one_broken_expression_hides_no_other() -> None:
    """All that is wrong in one command is told at once, each at its place."""
    text = task("{name: a, command: 'echo ${{ params.x }} ${{ jobs.id }} ${{ inputs.y }} ${{ params.'}")
    codes = {"unknown-parameter": 32, "bad-expression": 48, "unknown-input": 63}
    problems = read_pipeline(text).problems
    assert {problem.code: problem.column for problem in problems[:3]} == codes
    assert [problem.code for problem in problems[3:]] == ["bad-expression"]


def test_very_many_broken_expressions_take_no_time() -> None:
    """A text is read a bounded number of times."""
    began = time.monotonic()
    assert len(read_pipeline(task("{name: a, command: '" + "${{ nope }}" * 20_000 + "'}")).problems) == 20
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("key", "hint"),
    [("needs: [prep]", "'dependencies'"), ("run: x", "'command'"), ("env: {A: b}", "environment:, as envs:")],
)
def test_words_of_other_tools_are_understood(key: str, hint: str) -> None:
    """Who comes from another tool is told our word for it."""
    assert hint in read_pipeline(task(f"{{name: a, command: x, {key}}}")).problems[0].hint


def test_a_backend_that_cannot_be_one_is_shown_where_it_stands() -> None:
    """With its line and column, and what to write instead."""
    text = "name: p\ntasks:\n- name: a\n  command: x\n  backend: my cluster\n"
    problem = next(problem for problem in read_pipeline(text).errors if problem.code == "bad-backend-name")
    assert (problem.line, problem.column, problem.path) == (5, 12, ("tasks", 0, "backend"))
    assert "backend.ai" in problem.hint
