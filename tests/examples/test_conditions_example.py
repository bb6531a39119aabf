"""The example of conditions does what its comments say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Checkout

pytestmark = [pytest.mark.xdist_group("conditions"), pytest.mark.timeout(300)]

EXAMPLE = "examples/conditions.fasttrack.yaml"


@pytest.fixture(scope="module")
def checkout(make_checkout: Callable[[str], Checkout]) -> Checkout:
    """A copy of this checkout."""
    return make_checkout("conditions")


def _run(checkout: Checkout, *options: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Exit status, what became of each task, and what its outputs hold."""
    done = checkout.sh(f"fasttrack run {EXAMPLE} {' '.join(options)}")
    job = checkout.json("show last")
    ends = {task["path"]: "SKIPPED" if task["status"] == "SKIPPED" else task["result"] for task in job["tasks"]}
    texts = {
        name: Path(output["path"]).read_text(encoding="utf-8").strip()
        for task in job["tasks"]
        for name, output in task["outputs"].items()
        if isinstance(output, dict) and output.get("path")
    }
    return done.returncode, ends, texts


def test_the_example_is_valid(checkout: Checkout) -> None:
    """Without a warning."""
    done = checkout.sh(f"fasttrack validate {EXAMPLE}")
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout


@pytest.mark.parametrize(("rows", "chosen", "other"), [(100, "small", "large"), (5000, "large", "small")])
def test_one_of_two_models_is_made_and_published(checkout: Checkout, rows: int, chosen: str, other: str) -> None:
    """By what was measured; the final task is told that all went well."""
    status, ends, texts = _run(checkout, "--param", f"rows={rows}")
    assert status == 0
    assert ends == {
        "measure": "SUCCESS", chosen: "SUCCESS", other: "SKIPPED", "publish": "SUCCESS", "apologise": "SKIPPED",
        "tell": "SUCCESS",
    }  # fmt: skip
    assert texts["published"] == f"a {chosen} model"
    assert texts["told"].endswith(": SUCCESS")


def test_a_failure_is_apologised_for_and_told(checkout: Checkout) -> None:
    """The job fails all the same."""
    status, ends, texts = _run(checkout, "--param", "broken=true")
    assert status == 1
    assert (ends["publish"], ends["apologise"], ends["tell"]) == ("FAILURE", "SUCCESS", "SUCCESS")
    assert texts["told"].endswith(": FAILURE task publish failed")
