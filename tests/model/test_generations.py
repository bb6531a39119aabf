"""Which generation a pipeline's keys speak for."""

from typing import Any

import pytest

from fasttrack_jupyter.model.generations import detect_generation
from fasttrack_jupyter.model.pipeline import Generation

OLD, MIDDLE, NEW = Generation.G2209, Generation.G25, Generation.G264

CASES: list[tuple[Any, Generation]] = [
    ({"version": "25.6"}, MIDDLE),
    ({"version": 25.15}, MIDDLE),
    ({"version": "v26.4.1", "resources": {}}, NEW),
    ({"version": "22.09.3"}, OLD),
    ({"version": "mine", "params": []}, NEW),
    ({"ownership": {"domain_name": "d", "group_name": "g"}, "params": []}, OLD),
    ({"ownership": {"domain_name": "d", "scope": "personal"}, "tasks": [{"type": "Custom Task"}]}, MIDDLE),
    ({"ownership": {"domain": "d", "scope": "user"}}, NEW),
    ({"ownership": {"domain_name": "d", "scope": "user"}}, MIDDLE),
    ({"tasks": [{"type": "Import from GitLab"}]}, OLD),
    ({"tasks": [{"type": "default"}]}, MIDDLE),
    ({"tasks": [{"type": "deployment"}]}, NEW),
    ({"environment": {"image": "i"}}, OLD),
    ({"mounts": []}, OLD),
    ({"name": "p", "tasks": [{"name": "a", "command": "x"}]}, NEW),
    ({"tasks": None, "ownership": [], "environment": "x"}, NEW),
    ({"tasks": [None, {"type": 3}]}, NEW),
    ([], NEW),
    (None, NEW),
]


@pytest.mark.parametrize(("data", "generation"), CASES)
def test_the_generation_is_told_from_the_keys(data: Any, generation: Generation) -> None:
    """The version first; then marks of one generation alone; the newest where there are none."""
    assert detect_generation(data) is generation
