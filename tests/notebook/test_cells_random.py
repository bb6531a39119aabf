"""Whatever is in a notebook's file: it is read, or one error tells why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.errors import InvalidNotebook
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.notebook.cells import read_notebook

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SOURCES = st.sampled_from(
    ["x = 1", "%%fasttrack_task a --cpu 2\nx", "%fasttrack_pipeline p", "%%bash\nls", "!ls {x}", "x = ?", "%%time\n("]
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from(["parameters", "step:a", "block:", "prev:a", "limit:x:y", "limit:"])) | JSON,
        "fasttrack": st.dictionaries(
            st.sampled_from(["task", "kind", "cpu", "mem", "env", "after", "in", "slot", "skip", "requirements"]), JSON
        )
        | JSON,
    },
)
CELLS = st.fixed_dictionaries(
    {"cell_type": st.just("code") | JSON},
    optional={"source": SOURCES | st.lists(SOURCES) | JSON, "metadata": METADATA | JSON, "id": JSON},
)
NOTEBOOKS = st.fixed_dictionaries(
    {"nbformat": st.sampled_from([3, 4]) | JSON},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "fasttrack": st.dictionaries(st.sampled_from(["pipeline", "mode", "cpu", "env"]), JSON) | JSON,
                "kubeflow_notebook": JSON,
                "kernelspec": JSON,
                "language_info": JSON,
            },
        )
        | JSON,
        "cells": st.lists(CELLS, max_size=4) | JSON,
        "worksheets": JSON,
    },
)


@settings(max_examples=200, deadline=None)
@given(NOTEBOOKS, st.text(max_size=8), st.booleans())
def test_whatever_the_file_holds_only_one_error_comes_out(content: Any, name: str, split: bool) -> None:
    """Every shape that a hand or another program may have left."""
    told: tuple[Problem, ...] = ()
    notebook = None
    try:
        notebook = read_notebook(json.dumps(content).encode(), name, split=split)
    except InvalidNotebook as error:
        told = error.problems
    assert told or (notebook is not None and notebook.name)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_bytes_the_file_has_only_one_error_comes_out(data: bytes) -> None:
    """A picture, an archive, half a notebook."""
    with pytest.raises(InvalidNotebook):
        read_notebook(data, "x.ipynb")
