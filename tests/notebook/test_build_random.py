"""Whatever is said of a task in a notebook: the YAML says the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.errors import InvalidNotebook
from fasttrack_jupyter.model.reading import read_or_raise
from fasttrack_jupyter.notebook.build import build
from fasttrack_jupyter.notebook.cells import read_notebook

Json = dict[str, Any]

TEXTS = st.text(max_size=12)
SAID = st.fixed_dictionaries(
    {"task": st.sampled_from(["a", "b b", "모델"])},
    optional={
        "env": st.dictionaries(st.sampled_from(["A", "B"]), TEXTS), "image": TEXTS, "project": TEXTS, "group": TEXTS,
        "cpu": st.sampled_from([1, 0.5, "2", 10**6]), "mem": st.sampled_from(["1g", 4096]), "mount": st.lists(TEXTS),
        "slot": st.dictionaries(st.sampled_from(["a.b", "rocm.device"]), st.integers(0, 3)), "secret": st.just("TOKEN"),
        "timeout": st.sampled_from([1, "1h", 0.5]), "retry": st.integers(1, 5), "requirements": st.lists(TEXTS),
    },
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(SAID, min_size=1, max_size=2), TEXTS, TEXTS)
def test_whatever_is_said_the_yaml_says_the_same_or_there_is_an_error(said: list[Json], name: str, word: str) -> None:
    """Texts of any kind, in every place that takes one."""
    made = [("%%fasttrack_params\nword = " + repr(word), {}), *(("x = word", {"fasttrack": one}) for one in said)]
    cells = [{"cell_type": "code", "source": source, "metadata": metadata} for source, metadata in made]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    try:
        built = build(read_notebook(json.dumps(content).encode(), name))
    except InvalidNotebook:
        return
    read = read_or_raise(built.text).pipeline
    assert read is not None
    assert read.params[0].default == word
    assert {task.name for task in read.tasks} == {one["task"] for one in said}
    if len(said) == 1:
        (task,) = read.tasks
        assert {key: value for key, value in task.environment.envs.items() if key != "TOKEN"} == said[0].get("env", {})
        assert task.environment.project == (said[0].get("project", "").strip() or None)
