"""Which task instances a job has, which names they see, and where they lie."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.engine.roll import Roll, parent_of, place_of
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.model.graph import build_graph
from fasttrack_jupyter.model.job import TaskInstance
from fasttrack_jupyter.model.names import escape_name
from fasttrack_jupyter.model.reading import read_or_raise

TEXT = """
name: demo
tasks:
- {name: prep, command: prep, outputs: {data: File}}
- name: sweep
  for_each: {item: [a, b]}
  tasks:
  - {name: prep, command: inner, outputs: {data: File}}
  - {name: train, command: train, inputs: {data: prep.data}, dependencies: [other]}
- {name: other, command: other}
"""


def roll() -> Roll:
    pipeline = read_or_raise(TEXT).pipeline
    assert pipeline is not None
    return Roll(pipeline, build_graph(pipeline))


def test_those_inside_come_next() -> None:
    """Each with its path, its task's place, its parent and what it uses; siblings hide what is outside."""
    found = roll()
    found.expand(1, {"items": ["a", "b"]})
    found.expand(4, {"params": {"lr": 1}})
    assert found.names[3:] == ["sweep[0]", "sweep[1]", "sweep[1]/prep", "sweep[1]/train"]
    assert [found.static(i) for i in (1, 4, 6)] == ["sweep", "sweep[]", "sweep[]/train"]
    assert [found.parent(i) for i in (1, 4, 6)] == [None, 1, 4]
    assert (found.top(6), list(found.children(4)), found.inner(4, "train")) == (1, [5, 6], 6)
    assert (found.upstream[1], found.upstream[6], list(found.uses(6))) == ((2,), (2, 5), ["other", "prep"])
    frame = found.frame(6)
    assert (frame.item, frame.params, frame.loops["sweep"]) == ("b", {"lr": 1}, {"item": "b", "index": 1})


def test_it_grows_again_as_its_rows_tell() -> None:
    """Whatever the order in which containers were opened; rows that contradict that are refused."""
    names = ["prep", "sweep", "other", "sweep[0]", "sweep[1]", "sweep[1]/prep", "sweep[1]/train"]
    opened = {"sweep": {"items": ["a", "b"]}, "sweep[1]": {"params": {}}}
    rows = [TaskInstance("j", name, i, name, expansion=opened.get(name)) for i, name in enumerate(names)]
    found = roll()
    assert Roll.of_rows(found.pipeline, build_graph(found.pipeline), rows).names == names
    rows[-1] = TaskInstance("j", "sweep[0]/train", 6, "sweep[]/train")
    with pytest.raises(Conflict):
        Roll.of_rows(found.pipeline, build_graph(found.pipeline), rows)


@pytest.mark.parametrize(
    ("path", "place", "parent"),
    [
        ("train", "train", None),
        ("train[12]", "train/12", "train"),
        ("sweep[2]/train", "sweep/2/train", "sweep[2]"),
        ("훈련 하나[0]/b[3]", f"{escape_name('훈련 하나')}/0/b/3", "훈련 하나[0]/b"),
    ],
)
def test_a_path_is_one_of_folders(path: str, place: str, parent: str | None) -> None:
    """Each step under a safe name."""
    assert (place_of(path), parent_of(path)) == (place, parent)
