"""The example of loops and groups does what its comments say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Checkout

pytestmark = [pytest.mark.xdist_group("loops"), pytest.mark.timeout(300)]

EXAMPLE = "examples/loops.fasttrack.yaml"


@pytest.fixture(scope="module")
def checkout(make_checkout: Callable[[str], Checkout]) -> Checkout:
    """A copy of this checkout."""
    return make_checkout("loops")


def test_the_example_is_valid(checkout: Checkout) -> None:
    """Without a warning."""
    done = checkout.sh(f"fasttrack validate {EXAMPLE}")
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout


@pytest.mark.parametrize("parts", [3, 5])
def test_each_part_is_counted_and_each_rate_tried(checkout: Checkout, parts: int) -> None:
    """As many iterations as there are parts; their totals are a list whose sum is the whole."""
    done = checkout.sh(f"fasttrack run {EXAMPLE} --param parts={parts}")
    assert done.returncode == 0, done.stdout + done.stderr
    job = checkout.json("show last")
    outputs = {task["path"]: task["outputs"] for task in job["tasks"]}
    counted = [task for task in job["tasks"] if task["parent"] == "count"]
    assert [task["item"] for task in counted] == [f"part{i}.txt" for i in range(parts)]
    assert len(outputs["count"]["total"]) == parts
    assert sum(outputs["count"]["total"]) == 5050
    assert [task["item"] for task in job["tasks"] if task["parent"] == "sweep"] == [0.1, 0.01, 0.001]
    assert outputs["sweep"]["accuracy"] == [outputs[f"sweep[{i}]/score"]["accuracy"] for i in range(3)]
    log = checkout.sh("fasttrack logs last choose").stdout
    assert log.count("learnt from") == 3
    assert "accuracies: [" in log


def test_what_is_inside_is_shown_below_it(checkout: Checkout) -> None:
    """As a tree, iterations with their items."""
    checkout.sh(f"fasttrack run {EXAMPLE}")
    shown = checkout.sh("fasttrack show last").stdout
    assert "\n  [1] 0.01 " in shown
    assert "\n    score " in shown


def test_lineage_goes_through_loops_and_groups(checkout: Checkout) -> None:
    """From a model inside back to the data, and forward to what chose it."""
    checkout.sh(f"fasttrack run {EXAMPLE}")
    told = checkout.sh("fasttrack lineage last 'sweep[1]/train.model'").stdout
    before, _, after = told.partition("used by")
    assert "split (parts as parts)" in before
    assert "count[2] (total as total)" in before
    assert "sweep[1]/score (model as model)" in after
    assert "choose (model as models)" in after
    found = checkout.json("lineage last split.parts")
    assert {"count[0]", "count", "sweep[0]/train", "sweep", "choose"} <= {node["task"] for node in found["nodes"]}
