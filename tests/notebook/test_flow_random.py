"""Random notebooks, cell by cell and task by task: where the two differ, something was said before."""

from __future__ import annotations

import pytest
from notebook_programs import Writer
from notebook_splitting import compared, in_sequence, notebook_of

EACH, FILES = 25, 8


@pytest.mark.parametrize("part", range(FILES))
def test_no_difference_is_silent(part: int) -> None:
    """Over many programs: values and output are the same, or a problem or a check at run time names what differs."""
    silent = []
    for seed in range(part * EACH, (part + 1) * EACH):
        notebook = notebook_of(*Writer(seed).notebook())
        try:
            in_sequence(notebook)
        except Exception:
            continue  # the notebook itself fails
        outcome = compared(notebook)
        if outcome.differences and not outcome.is_said:
            silent.append((seed, outcome.differences))
    assert silent == []


def test_most_programs_need_no_words() -> None:
    """What is said is said for a reason: where every cell is a task, most random programs split without a problem."""
    quiet = total = 0
    for seed in range(60):
        cells = [(f"t{number}", source) for number, (_, source) in enumerate(Writer(seed).notebook())]
        total += 1
        quiet += not compared(notebook_of(*cells)).flow.problems
    assert quiet / total > 0.75
