"""What a session mounts, in the form that each release gets right."""

from __future__ import annotations

from typing import Any

import pytest

from fasttrack_jupyter.backends.backend_ai import mounts
from fasttrack_jupyter.backends.backend_ai.mounts import Bind, MountForm, binds_of, config_of, form_of, named_targets
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import SessionRejected
from fasttrack_jupyter.model.resources import Mount, ResourceSlots

RELEASES = {"23.9.10": "map", "24.9.6": "options", "25.15.12": "options", "26.4.16": "v2", "26.9.6": "v2"}


def spec_of(**more: Any) -> SessionSpec:
    """The second task of a job."""
    about: dict[str, Any] = {
        "attempt_id": "a1", "job_id": "j1", "job_index": 1, "pipeline": "digits", "folder": "digits-a1B2c3",
        "path": "train", "number": 1, "command": "true", "image": None, "slots": ResourceSlots.parse({"cpu": 1}),
        "environ": {}, "outputs": "jobs/1/train", "inputs": ("jobs/1/prep", None), "code": "c0de",
    }  # fmt: skip
    return SessionSpec(**{**about, **more})


def targets(binds: tuple[Bind, ...]) -> dict[str, Bind]:
    """By where they appear."""
    return {bind.target: bind for bind in binds}


def test_a_session_mounts_its_outputs_inputs_code_and_what_is_shared() -> None:
    """All from the pipeline's vfolder; what is not its own is read-only."""
    found = targets(binds_of(spec_of()))
    assert found["/pipeline/outputs"] == Bind("digits-a1B2c3", "jobs/1/train", "/pipeline/outputs", False)
    assert found["/pipeline/input1"] == Bind("digits-a1B2c3", "jobs/1/prep", "/pipeline/input1", True)
    assert found["/pipeline/input2"].subpath == ".sessions/a1/empty2"
    assert found["/pipeline/code"] == Bind("digits-a1B2c3", ".code/c0de", "/pipeline/code", True)
    assert found["/pipeline/vfroot"].subpath == ".pipeline"
    assert found["/pipeline/.session"].subpath == ".sessions/a1/control"
    assert "/pipeline/inputs" not in found


def test_mounts_are_where_the_task_says() -> None:
    """At an alias below the working directory, at an absolute place, a folder of a vfolder."""
    written = ("data", "data2:d", "sets/mnist/한 글:/mnt/x y")
    found = targets(binds_of(spec_of(mounts=tuple(Mount.parse(each) for each in written))))
    assert found["/home/work/data"] == Bind("data", "", "/home/work/data", False)
    assert found["/home/work/d"].folder == "data2"
    assert found["/mnt/x y"] == Bind("sets", "mnist/한 글", "/mnt/x y", False)


def test_a_named_input_is_part_of_an_input_or_gets_a_place_of_its_own() -> None:
    """What the inputs show is not mounted again."""
    spec = spec_of(named_inputs={"clean": "jobs/1/prep/clean", "old": "jobs/0/train/model.pkl"})
    found = targets(binds_of(spec))
    assert named_targets(spec) == {"clean": "/pipeline/input1/clean", "old": "/pipeline/.named/1/model.pkl"}
    assert found["/pipeline/.named/1"] == Bind("digits-a1B2c3", "jobs/0/train", "/pipeline/.named/1", True)
    assert "/pipeline/inputs" in found


@pytest.mark.parametrize(("release", "form"), RELEASES.items())
def test_each_release_has_its_form(release: str, form: str) -> None:
    """Of all five that are known."""
    assert form_of(Release.parse(release), binds_of(spec_of())) == form


@pytest.mark.parametrize("release", RELEASES)
def test_every_bind_is_asked_for_at_its_target(release: str) -> None:
    """None is lost on the way into the request, whatever the form."""
    parsed = Release.parse(release)
    binds = binds_of(spec_of(mounts=(Mount.parse("data"),)), parsed)
    form = form_of(parsed, binds)
    told = config_of(form, binds, {"digits-a1B2c3": "id1", "data": "id2"})
    if form is MountForm.V2:
        assert {each["mount_path"]: each.get("permission") for each in told["mounts"]} == {
            bind.target: "ro" if bind.read_only else None for bind in binds
        }
        return
    assert sorted(told["mount_map"].values()) == sorted(bind.target for bind in binds)
    assert list(told["mount_map"]) == told["mounts"]
    read_only = {target for ref, target in told["mount_map"].items() if ref in told.get("mount_options", {})}
    assert read_only == (set() if form is MountForm.MAP else {bind.target for bind in binds if bind.read_only})


def test_v2_names_vfolders_by_id_and_leaves_the_subpath_of_a_whole_one_out() -> None:
    """It takes no empty one."""
    binds = [Bind("data", "", "/home/work/data", False), Bind("data2", "a b", "/x", True)]
    assert config_of(MountForm.V2, binds, {"data": "id1", "data2": "id2"})["mounts"] == [
        {"vfolder_id": "id1", "mount_path": "/home/work/data"},
        {"vfolder_id": "id2", "mount_path": "/x", "permission": "ro", "subpath": "a b"},
    ]


def test_the_outputs_have_a_second_name_where_a_release_can() -> None:
    """Up to 24.09, written otherwise than the first; later ones would silently leave it out."""
    for release, can in (("23.9.10", True), ("24.9.6", True), ("25.15.12", False), ("26.9.6", False)):
        assert ("/pipeline/output" in targets(binds_of(spec_of(), Release.parse(release)))) is can
    binds = binds_of(spec_of(), Release(23, 9))
    told = config_of(form_of(Release(23, 9), binds), binds, {})
    written = [ref for ref, target in told["mount_map"].items() if target in (mounts.OUTPUTS, mounts.SECOND_OUTPUTS)]
    assert len(set(written)) == 2
    assert all(ref.endswith("jobs/1/train") for ref in written)


@pytest.mark.parametrize("written", [("data", "data:other"), ("data", "data/sub:other"), ("digits-a1B2c3",)])
def test_a_folder_inside_another_mount_is_refused_where_only_one_would_be_mounted(written: tuple[str, ...]) -> None:
    """Said with both names, before anything is asked for."""
    binds = binds_of(spec_of(mounts=tuple(Mount.parse(each) for each in written)))
    form_of(Release(23, 9, 10), binds)
    for release in ("25.15.12", "26.9.6"):
        with pytest.raises(SessionRejected, match="mounts only one"):
            form_of(Release.parse(release), binds)


@pytest.mark.parametrize("written", [("a:x", "b:x"), ("a:x", "b:x/y"), ("a:/pipeline/outputs",), ("a:/pipeline",)])
def test_targets_that_meet_are_refused_on_every_release(written: tuple[str, ...]) -> None:
    """The hint is an alias."""
    binds = binds_of(spec_of(mounts=tuple(Mount.parse(each) for each in written)))
    for release in RELEASES:
        with pytest.raises(SessionRejected, match="meet at"):
            form_of(Release.parse(release), binds)


def test_a_preflight_has_no_outputs_yet_and_is_no_conflict() -> None:
    """Its spec is an outline."""
    outline = spec_of(attempt_id="", outputs="", inputs=(), mounts=(Mount.parse("data"),))
    assert form_of(Release(26, 9), binds_of(outline)) is MountForm.V2


def test_a_mount_that_climbs_out_is_refused() -> None:
    """Whoever made the spec."""
    with pytest.raises(SessionRejected):
        binds_of(spec_of(mounts=(Mount(folder="data/../x", target="/x"),)))


@pytest.mark.parametrize("written", [("data",), ("data:x", "x:y"), ("a:b", "c:a")])
def test_no_alias_is_written_like_a_folder_that_is_mounted(written: tuple[str, ...]) -> None:
    """Managers up to 25.15 refuse that, even of a folder at its own name."""
    binds = binds_of(spec_of(mounts=tuple(Mount.parse(each) for each in written)))
    told = config_of(MountForm.MAP, binds, {})
    assert not {target.removeprefix("/home/work/") for target in told["mount_map"].values()} & set(told["mounts"])
