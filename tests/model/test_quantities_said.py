"""Amounts of slots as people are told them."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.model.resources import say_quantity


@pytest.mark.parametrize(
    ("slot", "amount", "said"),
    [
        ("mem", 24684092 << 10, "23.5g"),
        ("mem", 16 << 30, "16g"),
        ("mem", 0, "0"),
        ("mem", (2 << 30) - 1, "1.9g"),
        ("cpu", 50, "0.5"),
    ],
)
def test_memory_is_told_to_a_tenth_rounded_down(slot: str, amount: int, said: str) -> None:
    """Never more than there is; no kilobytes that nobody asked about."""
    assert say_quantity(slot, amount) == said
