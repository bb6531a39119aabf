"""execute.py from outside: what is there when."""

from __future__ import annotations

from typing import Any

import pytest

MODEL = "class Model:\n    v = 1"
HELPER = 'def told(it):\n    """Whether model is one."""\n    return isinstance(it, Model), default(model)'


def test_definitions_are_all_there_before_an_input_is_loaded(bench: Any) -> None:
    """A function that only mentions a variable does not load it before the variable's class is defined."""
    bench.task("one", ("definition", MODEL), "model = Model()", outputs=["model"])
    other = "def default(it):\n    return model is it"
    cells = [("definition", HELPER), ("common", other), ("definition", MODEL), "print(told(model))"]
    bench.task("two", *cells, inputs=["model"])
    bench.run("one").succeeded()
    assert bench.run("two", after=["one"]).succeeded().log == "(True, True)\n"


NEEDED_AT_ONCE = [
    "def f(k=model): return k",
    "class A:\n    k = model\nf = lambda: A.k",
    "ks = [model for _ in '1']\ndef f(): return ks[0]",
    "def by(g): return lambda: model\n@by\ndef f(): return 0",
]


@pytest.mark.parametrize("source", NEEDED_AT_ONCE)
def test_what_a_definition_needs_while_it_defines_is_loaded_for_it(bench: Any, source: str) -> None:
    """Defaults, class bodies, comprehensions, decorators."""
    bench.task("one", "model = 7", outputs=["model"])
    pieces = source.partition("\n@")
    cells = [("definition", pieces[0]), *([("definition", "@" + pieces[2])] if pieces[2] else [])]
    bench.task("two", *cells, "print(f())", inputs=["model"])
    bench.run("one").succeeded()
    assert bench.run("two", after=["one"]).succeeded().log == "7\n"


def test_cells_may_ask_whether_ipython_runs(bench: Any) -> None:
    """It does not: the answer is what IPython gives outside of itself."""
    bench.task("one", "print('google.colab' in str(get_ipython()))")
    assert bench.run("one").succeeded().log == "False\n"


def test_nobody_is_told_of_files_and_threads_that_are_not_kept(bench: Any) -> None:
    """They are no result; of others that cannot be kept it is said."""
    ended = "import threading\nthread = threading.Thread(target=print)\nwith open('/dev/null') as file: pass"
    bench.task("one", ended, optional=["file", "thread"])
    assert bench.run("one").succeeded().log == ""
