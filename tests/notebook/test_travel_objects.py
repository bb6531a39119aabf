"""Objects that travel: one stays one, classes of cells are the consumer's, and what cannot travel is explained."""

from __future__ import annotations

import datetime
import functools
import json
import os
import threading
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrack_jupyter.notebook.travel import values
from fasttrack_jupyter.notebook.travel.cells import Cell, Runner
from fasttrack_jupyter.notebook.travel.home import Home


def saved(folder: Path, value: Any, name: str = "x") -> dict[str, Any]:
    """The manifest of ``value``, saved below ``folder``."""
    return values.save(name, value, str(folder), task="prepare")


def notebook(*sources: str) -> tuple[Runner, Home]:
    """A namespace in which these cells ran."""
    runner = Runner(lambda value: None)
    for number, source in enumerate(sources, 1):
        runner.run(runner.compile(Cell(f"cell {number}", f"{number:02}", "task", source)))
    return runner, Home(runner.names, runner.definitions)


# ---------------------------------------------------------------- once, and the same


def test_one_object_under_two_names_is_stored_once_and_stays_one(tmp_path: Path) -> None:
    """Aliases survive."""
    array = np.arange(10_000)
    store = values.Store(str(tmp_path), "t")
    store.save("a", array)
    assert store.save("b", array)["same_as"] == "a"
    assert (tmp_path / "a" / "value.npy").samefile(tmp_path / "b" / "value.npy")
    shelf = values.Shelf()
    assert shelf.load(str(tmp_path / "a")) is shelf.load(str(tmp_path / "b"))


def test_equal_objects_are_stored_once_and_stay_two(tmp_path: Path) -> None:
    """Who changes one must not change the other."""
    store = values.Store(str(tmp_path), "t")
    store.save("a", np.arange(10_000))
    assert store.save("b", np.arange(10_000))["same_as"] == "a"
    assert (tmp_path / "a" / "value.npy").samefile(tmp_path / "b" / "value.npy")
    shelf = values.Shelf()
    assert shelf.load(str(tmp_path / "a")) is not shelf.load(str(tmp_path / "b"))


def test_an_alias_holds_across_tasks(tmp_path: Path) -> None:
    """A task that hands on what it took, unchanged, hands on the same object."""
    first = values.Store(str(tmp_path / "one"), "one")
    first.save("a", [1, [2]])
    shelf = values.Shelf()
    taken = shelf.load(str(tmp_path / "one" / "a"))
    values.Store(str(tmp_path / "two"), "two", shelf=shelf).save("b", taken, lambda folder: True)
    last = values.Shelf()
    assert last.load(str(tmp_path / "one" / "a")) is last.load(str(tmp_path / "two" / "b"))


def test_what_was_changed_on_the_way_is_another_object(tmp_path: Path) -> None:
    """Not the old one under a new name."""
    values.Store(str(tmp_path / "one"), "one").save("a", [1])
    shelf = values.Shelf()
    taken = shelf.load(str(tmp_path / "one" / "a"))
    taken.append(2)
    values.Store(str(tmp_path / "two"), "two", shelf=shelf).save("b", taken)
    last = values.Shelf()
    assert (last.load(str(tmp_path / "one" / "a")), last.load(str(tmp_path / "two" / "b"))) == ([1], [1, 2])


# ---------------------------------------------------------------- trouble


@pytest.mark.parametrize("value", [[1, 2], np.arange(5), {1, 2}], ids=["json", "npy", "pickle"])
def test_a_damaged_file_is_named(tmp_path: Path, value: Any) -> None:
    """One flipped bit is enough; the error names the variable, the file and the task to rerun."""
    manifest = saved(tmp_path, value)
    path = tmp_path / "x" / manifest["file"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(values.Damaged, match=r"x: .*x/value\.\w+ is damaged.*'prepare'.*Rerun"):
        values.load(str(tmp_path / "x"))


def test_a_variable_that_is_not_there_is_named(tmp_path: Path) -> None:
    """An empty input says which variable was expected."""
    with pytest.raises(values.Damaged, match="'model' is not there"):
        values.load(str(tmp_path / "model"))


def test_what_cannot_be_saved_is_explained(tmp_path: Path) -> None:
    """Variable, type, the attribute at fault, the serializers tried, what to do; nothing half is left."""
    value = types.SimpleNamespace(model=types.SimpleNamespace(lock=threading.Lock()), ok=1)
    with pytest.raises(values.NotSavable) as caught:
        saved(tmp_path, {"a": [value]})
    told = str(caught.value)
    assert "x (dict)" in told
    assert "x['a'][0].model.lock → '_thread.lock'" in told
    assert "Tried json: SimpleNamespace at ['a'][0]" in told
    assert "Tried cloudpickle: cannot pickle '_thread.lock' object" in told
    assert "What to do:" in told
    assert list(tmp_path.iterdir()) == []


def test_an_open_file_is_no_value(tmp_path: Path) -> None:
    """cloudpickle would make a text of it, silently."""
    with (tmp_path / "f").open("w") as file, pytest.raises(values.NotSavable, match=r"x\.file → '_io\.TextIOWrapper'"):
        saved(tmp_path, types.SimpleNamespace(file=file))


def test_a_generator_is_no_value(tmp_path: Path) -> None:
    """It is named with its own type."""
    with pytest.raises(values.NotSavable, match=r"x \(generator\) cannot be handed to other tasks"):
        saved(tmp_path, (n for n in range(3)))


class Unreadable:
    """Pickles, but cannot be made anew."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


def test_what_would_not_load_fails_where_it_is_saved(tmp_path: Path) -> None:
    """The task at fault fails, not the one that takes the value."""
    with pytest.raises(values.NotSavable, match="can be pickled, but not read back: ValueError"):
        saved(tmp_path, Unreadable())


def test_code_by_value_of_another_python_is_refused_in_words(tmp_path: Path) -> None:
    """Byte code is of one Python version."""
    saved(tmp_path, [lambda: 1])
    path = tmp_path / "x" / "manifest.json"
    path.write_text(path.read_text().replace(f'"python": "{values.python_version()}"', '"python": "3.8.1"'))
    with pytest.raises(values.ValueTrouble, match=r"only Python 3\.8 can read"):
        values.load(str(tmp_path / "x"))


def test_a_library_that_is_missing_is_named(tmp_path: Path) -> None:
    """With the remedy."""
    saved(tmp_path, {datetime.date(2026, 1, 1)})
    path = tmp_path / "x" / "value.pkl"
    path.write_bytes(path.read_bytes().replace(b"datetime", b"datetiem"))
    manifest = tmp_path / "x" / "manifest.json"
    text = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**text, "digest": values.digest_of(str(path))}))
    with pytest.raises(values.ValueTrouble, match="This task's image has no datetiem: add it"):
        values.load(str(tmp_path / "x"))


# ---------------------------------------------------------------- what cells define

POINT = "class Point:\n    def __init__(self, x): self.x = x\n    def twice(self): return helper(self.x)\n"
HELPER = "def helper(x): return x * 2\n"


def hand_over(folder: Path, expression: str, before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Any, Runner]:
    """Save ``expression`` of a notebook of ``before``, load it into one of ``after``."""
    producer, home = notebook(*before)
    value = eval(expression, producer.names)
    values.Store(str(folder), "t", home).save("x", value)
    consumer, there = notebook(*after)
    return values.Shelf(there).load(str(folder / "x")), consumer


def test_an_instance_is_of_the_class_that_travelled_by_source(tmp_path: Path) -> None:
    """``isinstance`` holds in the consumer."""
    value, there = hand_over(tmp_path, "[Point(3)]", (HELPER, POINT), (HELPER + "# the same\n\n", POINT))
    assert type(value[0]) is there.names["Point"]
    assert value[0].twice() == 6


def test_an_instance_comes_with_its_class_where_that_is_not_defined(tmp_path: Path) -> None:
    """By value, with the functions it uses."""
    value, there = hand_over(tmp_path, "Point(3)", (HELPER, POINT), ())
    assert "Point" not in there.names
    assert value.twice() == 6


def test_an_instance_of_an_older_definition_stays_one(tmp_path: Path) -> None:
    """As in a notebook whose cell was changed after the instance was made."""
    value, there = hand_over(tmp_path, "Point(3)", (HELPER, POINT), ("class Point:\n    pass\n",))
    assert type(value) is not there.names["Point"]
    assert value.twice() == 6


def test_members_of_an_enum_are_the_enum_s(tmp_path: Path) -> None:
    """``is`` holds for members."""
    source = "import enum\nclass Colour(enum.Enum):\n    RED = 1\n"
    value, there = hand_over(tmp_path, "{'a': Colour.RED}", (source,), (source,))
    assert value["a"] is there.names["Colour"].RED


def test_a_function_with_a_name_is_the_consumer_s(tmp_path: Path) -> None:
    """What it says is there already."""
    value, there = hand_over(tmp_path, "{'f': helper}", (HELPER,), (HELPER,))
    assert value["f"] is there.names["helper"]


def test_a_lambda_uses_the_names_of_the_notebook_it_comes_to(tmp_path: Path) -> None:
    """As it did at home; what is missing there comes along."""
    value, there = hand_over(tmp_path, "lambda x: x * k + n", ("k = 2\nn = 1\n",), ("k = 10\n",))
    assert value(1) == 11
    there.names["n"] = 5
    assert value(1) == 15


def test_recursive_functions_and_closures_come_back(tmp_path: Path) -> None:
    """Functions that refer to each other and to themselves."""
    source = "def make(n):\n    def inner(x): return x if x > n else inner(x + 1)\n    return inner\n"
    value, _ = hand_over(tmp_path, "make(5)", (source,), ())
    assert value(0) == 6


def test_definitions_do_not_drag_data_along(tmp_path: Path) -> None:
    """A method that reads a large global does not copy it into every instance's file."""
    cells = ("big = list(range(100_000))\n", "class Reader:\n    def read(self): return big[0]\n")
    hand_over(tmp_path, "Reader()", cells, cells)
    assert sum(path.stat().st_size for path in (tmp_path / "x").iterdir()) < 20_000


def test_a_class_made_by_a_call_is_one_for_all_that_use_it(tmp_path: Path) -> None:
    """namedtuple: the class handed on and its instances handed on belong together."""
    producer, home = notebook("import collections\nPoint = collections.namedtuple('Point', 'x y')\np = Point(1, 2)\n")
    store = values.Store(str(tmp_path), "t", home)
    for name in ("p", "Point"):
        store.save(name, producer.names[name])
    consumer, _ = notebook()
    pending = ["Point"]

    def fetch(name: str) -> None:
        if name in pending:
            pending.remove(name)
            consumer.names[name] = shelf.load(str(tmp_path / name))

    shelf = values.Shelf(Home(consumer.names, consumer.definitions, fetch))
    assert isinstance(shelf.load(str(tmp_path / "p")), consumer.names["Point"])


@pytest.mark.parametrize("value", [functools.partial(int, base=2), os.path.join, datetime.datetime.now, "x".upper])
def test_functions_of_libraries_come_back(tmp_path: Path, value: Any) -> None:
    """By their names."""
    saved(tmp_path, value)
    assert callable(values.load(str(tmp_path / "x")))
