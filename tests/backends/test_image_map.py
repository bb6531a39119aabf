"""The user's own map of image names, for this machine and for clusters."""

from __future__ import annotations

from pathlib import Path

import pytest

from fasttrack_jupyter.backends.image_map import ImageMap
from fasttrack_jupyter.errors import ImageUnresolved

TEXT = """
"cr.backend.ai/*/python:3.11*": current
backend.ai:
  "uv:*": stable/python:3.11
  current: stable/python:3.12
backend.ai:work:
  "uv:*": lab/python:3.13
"""


@pytest.mark.parametrize(
    ("backend", "image", "target"),
    [
        ("local", "cr.backend.ai/stable/python:3.11-ubuntu", "current"),
        ("local", "uv:pandas", None),
        ("backend.ai", "uv:pandas", "stable/python:3.11"),
        ("backend.ai", "current", "stable/python:3.12"),
        ("backend.ai", "cr.backend.ai/stable/python:3.11-ubuntu", None),
        ("backend.ai:work", "uv:pandas", "lab/python:3.13"),
        ("backend.ai:work", "current", "stable/python:3.12"),
        ("backend.ai:other", "uv:pandas", "stable/python:3.11"),
    ],
)
def test_each_backend_has_its_own_part(tmp_path: Path, backend: str, image: str, target: str | None) -> None:
    """A profile's own entries come before those of all clusters."""
    (tmp_path / "images.yaml").write_text(TEXT)
    assert ImageMap(tmp_path / "images.yaml", backend=backend).lookup(image) == target


def test_a_profiles_glob_comes_before_the_globs_of_all_clusters(tmp_path: Path) -> None:
    """Also where it is the wider one."""
    (tmp_path / "images.yaml").write_text("backend.ai: {'uv:pan*': a}\nbackend.ai:work: {'uv:*': b}\n")
    assert ImageMap(tmp_path / "images.yaml", backend="backend.ai:work").lookup("uv:pandas") == "b"


@pytest.mark.parametrize("text", ["[1]", "backend.ai: 3", "other: {a: b}", "backend.ai: {a: 1}", "1: a", "{"])
def test_what_is_no_map_is_refused(tmp_path: Path, text: str) -> None:
    """With what to write instead."""
    (tmp_path / "images.yaml").write_text(text)
    with pytest.raises(ImageUnresolved) as caught:
        ImageMap(tmp_path / "images.yaml", backend="backend.ai").lookup("x")
    assert caught.value.hint
