"""A task in hand registers what it left as a version of a model."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from fasttrack_jupyter.kernel.tasks import TaskHandle


def test_a_task_registers_an_output_of_its_own() -> None:
    """Under a name, or under the one that the output says; the version comes back."""
    asked = []

    def register_model(*words: Any) -> Iterator[dict[str, Any]]:
        asked.append(words)
        yield {"sent": 1, "size": 2, "version": None}
        yield {"sent": 2, "size": 2, "version": {"model": "digits", "version": 3}}

    job: Any = SimpleNamespace(id="1m8", client=SimpleNamespace(register_model=register_model))
    assert TaskHandle(job, "train").register("model") == {"model": "digits", "version": 3}
    TaskHandle(job, "train").register("model", "digits")
    assert asked == [("1m8", "train", "model", None), ("1m8", "train", "model", "digits")]
