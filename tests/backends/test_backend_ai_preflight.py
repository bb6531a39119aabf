"""What is told before a job starts, by what clusters once told about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from backends.survey_answers import PROFILE, survey_of

from fasttrack_jupyter.backends.backend_ai.preflight import check_against, near_images
from fasttrack_jupyter.backends.backend_ai.survey import FolderSummary, GroupInfo, KeypairLimits, Survey
from fasttrack_jupyter.engine.ports import GitSource, SessionSpec
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.resources import ClusterMode, Mount, ResourceSlots

OLD, NEW = "23.9.10", "26.9.6"
IMAGES = {OLD: "index.docker.io/stable/python:3.11-debian12", NEW: "local/stable/python:3.11-debian12"}
GIB = 1 << 30


def spec_of(release: str = NEW, slots: Mapping[str, Any] | None = None, **asked: Any) -> SessionSpec:
    """A session that the cluster would take, but for what is ``asked``."""
    return SessionSpec(
        attempt_id="", job_id="j", job_index=1, pipeline="p", folder="p", path="train", number=0, command="true",
        environ={}, image=asked.pop("image", IMAGES[release]),
        slots=ResourceSlots.parse({"cpu": 1, "mem": "512m"} if slots is None else slots), **asked,
    )  # fmt: skip


def told(spec: SessionSpec, survey: Survey, **profile: Any) -> list[Problem]:
    found = check_against([spec], survey, replace(PROFILE, **profile))
    assert {path for path, _ in found} <= {"train"}
    return [problem for _, problem in found]


def the_problem(spec: SessionSpec, survey: Survey) -> Problem:
    (problem,) = told(spec, survey)
    return problem


def with_group(survey: Survey, **known: Any) -> Survey:
    """The survey, but for what is known of its one resource group."""
    offer = survey.offers["default"]
    group = replace(offer.groups[0], **known)
    return replace(survey, offers={"default": replace(offer, groups=(group,))})


def slots(**amounts: Any) -> ResourceSlots:
    return ResourceSlots.parse({name.replace("_", "."): amount for name, amount in amounts.items()})


@pytest.fixture(scope="module")
def new() -> Survey:
    return survey_of(NEW)


@pytest.fixture(scope="module")
def old() -> Survey:
    return survey_of(OLD)


def test_what_can_run_has_no_problem(new: Survey, old: Survey) -> None:
    """On either release; accelerators as well."""
    assert told(spec_of(), new) == []
    assert told(spec_of(OLD), old) == []
    assert told(spec_of(slots={"cpu": 1, "mem": "1g", "cuda.shares": "0.5"}), new) == []


def test_an_image_that_is_not_there_is_an_error_with_near_names(new: Survey) -> None:
    """The manager's list is complete for the registries that the user may name."""
    problem = the_problem(spec_of(image="local/stable/phyton:3.11-debian12"), new)
    assert (problem.code, problem.severity) == ("unknown_image", Severity.ERROR)
    assert problem.path == ("environment", "image")
    assert problem.hint == "did you mean local/stable/python:3.11-debian12?"


def test_an_image_of_a_registry_that_is_not_listed_is_a_warning(new: Survey) -> None:
    """It may be on a node's disk, of which nobody tells."""
    problem = the_problem(spec_of(image="cr.example.org/team/own:1"), new)
    assert (problem.code, problem.severity) == ("unlisted_image", Severity.WARNING)


def test_where_no_image_is_shown_any_may_be_there(new: Survey) -> None:
    """A notice says so; nobody is refused for what the cluster keeps to itself."""
    problem = the_problem(spec_of(image="local/stable/phyton:3.11-debian12"), replace(new, images=()))
    assert (problem.code, problem.severity) == ("unlisted_image", Severity.NOTICE)


def test_what_is_about_the_cluster_is_said_once(new: Survey) -> None:
    """Of the first task that it is met at; what is about a task is said of each."""
    specs = [replace(spec_of(image="a:1", shmem=1 << 40), path=path) for path in ("one", "two")]
    found = check_against(specs, replace(new, images=()), PROFILE)
    assert [(path, problem.code) for path, problem in found] == [
        ("one", "unlisted_image"), ("one", "too_much_shmem"), ("two", "too_much_shmem"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "code", "place"),
    [
        ({"git": GitSource("https://example.org/a.git")}, "git_task", ("module_uri",)),
        ({"run_on_all": True, "cluster_size": 1000, "slots": {}}, "run_on_all", ("run_on",)),
    ],
)
def test_what_no_cluster_can_do_is_told_before_a_job_starts(
    new: Survey, asked: dict[str, Any], code: str, place: tuple[str, ...]
) -> None:
    """At its place, with what to do instead."""
    problem = next(each for each in told(spec_of(**asked), new) if each.code == code)
    assert (problem.severity, problem.path) == (Severity.ERROR, place)
    assert problem.hint


@pytest.mark.parametrize("image", ["uv:pandas", "current", "conda:torch", "/opt/venv", "kernel:python3"])
def test_an_environment_of_this_machine_is_none_of_the_cluster(new: Survey, image: str) -> None:
    """The remedy is an image, or the map of names."""
    problem = the_problem(spec_of(image=image), new)
    assert problem.code == "unknown_image"
    assert "images.yaml" in problem.hint


def test_the_map_of_names_counts(new: Survey) -> None:
    """What stands for the image on this cluster is what is looked for."""
    spec = spec_of(image="uv:pandas")
    assert check_against([spec], new, PROFILE, lambda name: IMAGES[NEW]) == []


def test_near_names_are_those_that_lack_a_part_or_a_letter() -> None:
    """Without registry, without tag, with a typing mistake; nothing where nothing is near."""
    known = ["cr.io/stable/pytorch:2.1-cuda12", "cr.io/stable/python:3.11", "cr.io/testing/r-base:4"]
    assert near_images("pytorch", known) == ["cr.io/stable/pytorch:2.1-cuda12"]
    assert near_images("stable/python", known) == ["cr.io/stable/python:3.11"]
    assert near_images("cr.io/stable/pyhton:3.11", known)[0] == "cr.io/stable/python:3.11"
    assert near_images("pyhton:3.11", known) == ["cr.io/stable/python:3.11"]
    assert near_images("zzz", known) == []


def test_project_and_resource_group_are_the_tasks_or_the_profiles(new: Survey) -> None:
    """Each is told where it stands; what only the profile names has the same words."""
    assert the_problem(spec_of(project="defalt"), new).hint == "did you mean 'default'?"
    problem = the_problem(spec_of(resource_group="gpus"), new)
    assert (problem.code, problem.path) == ("unknown_group", ("environment", "scaling-group"))
    assert [problem.code for problem in told(spec_of(), new, resource_group="gpus")] == ["unknown_group"]
    assert [problem.code for problem in told(spec_of(), new, project="secret")] == ["unknown_project"]


def test_more_than_the_largest_node_has_is_an_error_where_that_is_told(new: Survey, old: Survey) -> None:
    """Where it is not told, more than what is free and one's own can only be a warning."""
    never = the_problem(spec_of(slots={"cpu": 400, "mem": "1g"}), new)
    assert (never.code, never.severity, never.path) == ("over_group", Severity.ERROR, ("resources", "cpu"))
    assert never.message == "asks for 400 cpu; resource group 'default' has at most 2 on one node"
    waits = the_problem(spec_of(OLD, slots={"cpu": 400, "mem": "1g"}), old)
    assert (waits.code, waits.severity) == ("would_wait", Severity.WARNING)
    assert waits.message == "asks for 400 cpu; resource group 'default' has 2 free now"


def test_what_is_taken_by_others_is_no_problem_where_it_will_be_free_again(new: Survey) -> None:
    """A busy cluster is nothing to warn of: the session waits."""
    busy = with_group(new, free=slots(mem="1g"), total=slots(cpu=8, mem="32g"), largest=slots(cpu=8, mem="32g"))
    assert told(spec_of(slots={"cpu": 8, "mem": "1g"}), busy) == []


def test_one_groups_room_is_enough(new: Survey) -> None:
    """A session that names no group goes to any; only where none could ever hold it is that an error."""
    offer = new.offers["default"]
    big = GroupInfo("big", slots(cpu=64, mem="256g"), ResourceSlots(), largest=slots(cpu=64, mem="256g"))
    both = replace(new, offers={"default": replace(offer, groups=(*offer.groups, big))})
    wide = {"cpu": 32, "mem": "64g"}
    assert told(spec_of(slots=wide), both) == []
    assert {p.code for p in told(spec_of(slots=wide, resource_group="default"), both)} == {"over_group"}
    assert {p.path for p in told(spec_of(slots={"cpu": 100, "mem": "1g"}), both)} == {("resources", "cpu")}


def test_containers_on_one_node_need_room_together(new: Survey) -> None:
    """Spread over nodes each needs its own; how many there may be is the user's limit."""
    many = replace(new, limits=replace(new.limits, max_containers_per_session=0))
    asked = {"slots": {"cpu": 1, "mem": "1g"}, "cluster_size": 3}
    together = the_problem(spec_of(**asked, cluster_mode=ClusterMode.SINGLE_NODE), many)
    assert together.message.startswith("asks for 3 cpu for its 3 containers")
    assert "multi-node" in together.hint
    spread = the_problem(spec_of(**asked, cluster_mode=ClusterMode.MULTI_NODE), many)
    assert spread.severity is Severity.WARNING  # how much all nodes have together is not told
    few = replace(new, limits=replace(new.limits, max_containers_per_session=2))
    problem = told(spec_of(**asked, cluster_mode=ClusterMode.MULTI_NODE), few)[0]
    assert (problem.code, problem.path) == ("too_many_containers", ("cluster_size",))


def test_limits_of_keypair_project_and_domain_are_told_as_whose_they_are(new: Survey) -> None:
    """All that a session asks for counts, of all its containers."""
    asked = spec_of(slots={"cpu": 2, "mem": "1g"})
    own = replace(new, limits=KeypairLimits(slots={"cpu": 100}))
    assert the_problem(asked, own).message == "asks for 2 cpu; your own limit is 1"
    project = replace(new, projects=tuple(replace(each, slots={"cpu": 100}) for each in new.projects))
    assert "project 'default'" in the_problem(asked, project).message
    assert "domain 'default'" in the_problem(asked, replace(new, domain_slots={"cpu": 100})).message


def test_slots_are_data(new: Survey) -> None:
    """An unknown one is told with the nearest; a whole one comes whole; fractions of cores are rounded up."""
    unknown = the_problem(spec_of(slots={"cpu": 1, "mem": "1g", "cuda.share": 1}), new)
    assert (unknown.code, unknown.path, unknown.hint) == (
        "unknown_slot", ("resources", "cuda.share"), "did you mean 'cuda.shares'?",
    )  # fmt: skip
    assert the_problem(spec_of(slots={"cpu": 1, "mem": "1g", "rocm.device": "0.5"}), new).code == "not_whole"
    rounded = the_problem(spec_of(slots={"cpu": "0.5", "mem": "1g"}), new)
    assert (rounded.severity, rounded.path) == (Severity.NOTICE, ("resources", "cpu"))


def test_an_images_range_is_held_against_the_slots(new: Survey, old: Survey) -> None:
    """Its minimum is an error from 26 on, before a warning; its maximum and accelerators are told too."""
    assert the_problem(spec_of(slots={"cpu": 1, "mem": "1m"}), new).severity is Severity.ERROR
    assert the_problem(spec_of(OLD, slots={"cpu": 1, "mem": "1m"}), old).severity is Severity.WARNING
    narrow = replace(new.images[0], maximum={"cpu": 100}, accelerators=("cuda",))
    survey = replace(new, images=(narrow,))
    found = told(spec_of(slots={"cpu": 2, "mem": "1g", "rocm.device": 1}), survey)
    assert [(problem.code, problem.severity) for problem in found] == [
        ("above_image", Severity.ERROR),
        ("not_for_slot", Severity.WARNING),
    ]


def test_shared_memory_is_part_of_the_memory(new: Survey) -> None:
    """Managers refuse as much, or more."""
    assert the_problem(spec_of(shmem=GIB), new).path == ("resource_opts", "shmem")
    assert told(spec_of(shmem=64 << 20), new) == []


def test_vfolders_have_to_be_there(new: Survey) -> None:
    """One that was removed is not; a folder inside one is looked for by the vfolder's name."""
    folder = FolderSummary("my-data", "1", "local:volume1", "data", "rw", True, "user")
    survey = replace(new, folders=(folder, replace(folder, name="gone", is_ready=False)))
    mounts = tuple(Mount.parse(text) for text in ("my-data", "my-data/raw:raw2", "my-dta", "gone"))
    found = told(spec_of(mounts=mounts), survey)
    assert (found[0].value, found[0].hint) == ("my-dta", "did you mean 'my-data'?")
    assert "was removed" in found[1].message
    assert {problem.path for problem in found} == {("mounts",)}


def test_a_pipelines_own_vfolder_needs_a_place(new: Survey) -> None:
    """Who has all the vfolders that he may have cannot run a new pipeline."""
    folder = FolderSummary("other", "1", "local:volume1", "data", "rw", True, "user")
    full = replace(new, folders=(folder,), max_folders=1)
    assert the_problem(spec_of(), full).code == "too_many_folders"
    assert told(spec_of(), replace(full, folders=(replace(folder, name="p"),))) == []


def test_a_session_may_not_last_longer_than_sessions_do(new: Survey) -> None:
    """Only where a limit is told, and the task says how long it may take."""
    short = replace(new, limits=replace(new.limits, max_session_lifetime=3600.0))
    assert the_problem(spec_of(timeout=7200.0), short).path == ("timeout",)
    assert told(spec_of(timeout=1800.0), short) == []
    assert told(spec_of(), short) == []


def test_mounts_that_no_release_can_make_are_refused(new: Survey) -> None:
    """Two at one place: the words are those that a submit would have."""
    folder = FolderSummary("my-data", "1", "local:volume1", "data", "rw", True, "user")
    survey = replace(new, folders=(folder, replace(folder, name="more")))
    mounts = (Mount.parse("my-data:x"), Mount.parse("more:x/y"))
    problem = the_problem(spec_of(mounts=mounts), survey)
    assert (problem.code, problem.path) == ("bad_mount", ("mounts",))
