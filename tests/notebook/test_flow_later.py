"""What acts only later, when somebody reads from it or calls it: iterators, ``functools.partial``, bound methods."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from notebook_splitting import split

from fasttrack_jupyter.notebook.flow import flow_of
from fasttrack_jupyter.notebook.travel.sharing import Contents, common

_PARTIAL = "from functools import partial\n"


@pytest.mark.parametrize(
    "made", ["map(lambda v: v * 2, xs)", "zip(xs)", "iter(xs)", "enumerate(xs)", "filter(None, xs)", "reversed(xs)"]
)
def test_an_iterator_reads_on_in_what_it_goes_through(made: str) -> None:
    """What was changed meanwhile would not be seen: each task has a copy."""
    problems = flow_of(split(f"xs = [1, 2, 3]\nm = {made}", "xs.append(4)", "print(list(m))")).problems
    assert [problem.message.partition(" is changed here")[0] for problem in problems] == ["cell 2, line 1: 'xs'"]
    assert "'m' (cell 1) is the same object, or holds it" in problems[0].message


def test_an_iterator_that_nobody_reads_later_is_no_matter() -> None:
    """Nor is one of which a list was made."""
    assert flow_of(split("xs = [1, 2, 3]\nm = zip(xs)\nn = list(m)", "xs.append(4)", "print(n)")).problems == ()


@pytest.mark.parametrize("made", ["partial(d.__setitem__, 'a')", "partial(d.update, {1: 2})", "d.__setitem__"])
def test_what_a_partial_calls_is_looked_at_when_it_runs(made: str) -> None:
    """A method that was taken from an object changes that object."""
    call = "put('a', 3)" if made.startswith("d.") else "put(3)" if "setitem" in made else "put()"
    first = flow_of(split(f"{_PARTIAL}d = {{}}\nput = {made}", call, "print(d)")).tasks[0]
    assert [(pair.one, pair.other, pair.changer) for pair in first.apart] == [("d", "put", "t2")]


@pytest.mark.parametrize(("parameters", "given"), [("xs, v", "d"), ("v, xs", "xs=d")])
def test_a_partial_of_a_function_changes_what_it_was_given(parameters: str, given: str) -> None:
    """By place or by name; the analysis follows the function."""
    define = f"{_PARTIAL}def add({parameters}): xs.append(v)\n"
    problems = flow_of(split(f"{define}d = []\nput = partial(add, {given})", "put(3)", "print(d)")).problems
    assert "'put' is changed here, and 'd' (cell 1) is the same object" in problems[0].message


def test_a_partial_that_changes_nothing_is_let_be() -> None:
    """Nor is one that Python would refuse a matter of the analysis."""
    assert flow_of(split(f"{_PARTIAL}say = partial(print, sep='')", "say(1)", "say(2)")).problems == ()
    assert flow_of(split(f"{_PARTIAL}none = partial()", "none(1)")).problems == ()


@pytest.mark.parametrize(
    "made",
    [
        lambda d: functools.partial(d.__setitem__, "a"),
        lambda d: d.__setitem__,
        lambda d: iter(d["inner"]),
        lambda d: map(str, d["inner"]),
        lambda d: zip(d["inner"], "ab", strict=False),
        lambda d: [d["inner"].append],
    ],
)
def test_what_acts_later_holds_what_it_acts_on(made: Any) -> None:
    """So a task finds that two of its variables are not apart."""
    d: dict[str, Any] = {"inner": [1, 2]}
    assert common(Contents(d), Contents(made(d))) is not None
    assert common(Contents({"inner": [1, 2]}), Contents(made(d))) is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{'w': w, 'head': w[:2]}", "both['head'] and both['w'] share memory"),
        ("[w, w.T]", "both[0] and both[1] share memory"),
        ("{'a': w, 'b': w.copy()}", ""),
        ("{'a': w, 'b': w}", ""),
        ("[w[:2], w[2:]]", ""),
    ],
)
def test_an_array_and_its_view_in_one_variable_are_told(bench: Any, value: str, told: str) -> None:
    """A pickle makes two arrays of them; the same array twice, or two halves, are as they were."""
    bench.task("make", f"import numpy as np\nw = np.zeros(4)\nboth = {value}", outputs=["both"])
    log = bench.run("make").succeeded().log
    assert (told in log) if told else ("share memory" not in log)
