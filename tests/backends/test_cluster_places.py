"""Where things are in a vfolder, and what it is called."""

from __future__ import annotations

import re

import pytest

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.errors import Forbidden

SLUG = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?")


@pytest.mark.parametrize("name", ["digits-a1B2c3", "a", "x.y_z-1"])
def test_a_plain_name_stays(name: str) -> None:
    """Names that every release takes are the cluster's own."""
    assert places.cluster_name(name) == name


@pytest.mark.parametrize("name", ["한글 폴더", ".hidden", "a/b", "x" * 60, "trailing.", "", "../up", "-dash", "a b"])
def test_any_other_name_becomes_one_that_every_release_takes(name: str) -> None:
    """At most 48 letters, digits and dots; always the same."""
    made = places.cluster_name(name)
    assert SLUG.fullmatch(made)
    assert len(made) <= 48
    assert made == places.cluster_name(name)


def test_names_that_differ_stay_different() -> None:
    """What is lost of a name is in its digest."""
    assert places.cluster_name("한글") != places.cluster_name("한국")
    assert places.cluster_name("x" * 60) != places.cluster_name("x" * 61)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a/..", "nul\0"])
def test_a_path_that_leaves_is_refused(path: str) -> None:
    """Before the cluster is asked."""
    with pytest.raises(Forbidden):
        places.relative(path)


def test_a_path_is_brought_into_its_plain_form() -> None:
    """Empty names and dots say nothing; two dots in a name are part of it."""
    assert places.relative("a//./b c/..d/") == "a/b c/..d"
    assert places.relative(".") == ""


def test_no_place_of_a_session_lies_in_another() -> None:
    """A cluster would mount only one of the two."""
    names = [places.control("a1"), places.inputs("a1"), places.empty("a1", 1), places.empty("a1", 11)]
    names += [places.VFROOT, places.code("d"), "jobs/1/train"]
    assert not [(one, other) for one in names for other in names if one != other and one.startswith(other + "/")]


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("jobs/1/train/model/a.bin", "jobs/1/train"),
        (".sessions/a1/control/log", ".sessions/a1/control"),
        (".pipeline/x", ".pipeline"),
        (".code/d/src/a.py", ".code/d"),
        ("data/a", ""),
        ("jobs/1/train", ""),
    ],
)
def test_what_only_we_make_needs_no_look_for_links(path: str, ours: str) -> None:
    """Tasks see what is below, not what is around."""
    assert places.ours(path) == ours
