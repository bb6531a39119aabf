"""What clusters tell, read: from answers of real ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from backends.survey_answers import answering, recorded, survey_of, surveyor_of

from fasttrack_jupyter.backends.backend_ai import survey as read
from fasttrack_jupyter.backends.backend_ai import surveyor
from fasttrack_jupyter.backends.backend_ai.reporting import checks_of, images_of, slots_of
from fasttrack_jupyter.model.resources import HUNDRED, ResourceSlots

RELEASES = sorted(recorded())
OLD, NEW = "23.9.10", "26.9.6"


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_is_read(release: str) -> None:
    """User, images, project, group, presets, limits and slots are the same things, however they are told."""
    survey = survey_of(release)
    assert str(survey.release) == release
    assert (survey.user, survey.domain) == ("user@lablup.com", "default")
    (image,) = [image for image in survey.images if image.is_installed]
    assert (image.architecture, image.minimum) == ("x86_64", ResourceSlots({"cpu": 100, "mem": 64 << 20}))
    assert "batch" in image.features
    offer = survey.offers["default"]
    assert [group.name for group in offer.groups] == ["default"]
    assert offer.groups[0].free.items() >= {"cpu": 2 * HUNDRED}.items()
    assert {preset.name: preset.slots["cpu"] for preset in offer.presets} == {"small": HUNDRED, "medium": 2 * HUNDRED}
    assert survey.limits.max_containers_per_session
    assert survey.slot_types["mem"].is_bytes
    assert survey.slot_types["cpu"].is_whole


def test_what_is_not_told_is_none() -> None:
    """Totals are hidden from users everywhere, the largest node before 25.6 as well."""
    old, new = (survey_of(release).offers["default"].groups[0] for release in (OLD, NEW))
    assert (old.total, old.largest, new.total) == (None, None, None)
    assert new.largest is not None
    assert new.never_holds(ResourceSlots({"cpu": 100 * HUNDRED})) == {"cpu": (100 * HUNDRED, 2 * HUNDRED)}
    assert old.never_holds(ResourceSlots({"cpu": 100 * HUNDRED})) == {}
    assert old.lacks(ResourceSlots({"cpu": 3 * HUNDRED})) == {"cpu": (3 * HUNDRED, 2 * HUNDRED)}


def test_accelerators_are_slots_like_others() -> None:
    """Shares come in parts, devices do not."""
    kinds = survey_of(NEW).slot_types
    assert {name: kind.is_whole for name, kind in kinds.items() if "." in name} == {
        "cuda.shares": False,
        "rocm.device": True,
    }


@pytest.mark.parametrize(
    ("slot", "told", "amount"),
    [
        ("cpu", "2", 200),
        ("cpu", "0.5", 50),
        ("cuda.shares", "0.333", 33),
        ("mem", "24202768384", 24_202_768_384),
        ("mem", "64m", 64 << 20),
        ("cpu", "Infinity", None),
        ("mem", "NaN", None),
        ("cpu", None, None),
        ("cpu", "many", None),
    ],
)
def test_amounts_are_read_as_managers_write_them(slot: str, told: Any, amount: int | None) -> None:
    """Unlimited and not told are none of them; what is too fine is rounded down."""
    assert read.amount(slot, told) == amount


def test_a_policy_that_is_limited_by_default_gives_none_of_what_it_does_not_name() -> None:
    """Zero is a limit; unlimited slots are left out."""
    known = ("cpu", "mem", "cuda.device")
    total = {"cpu": "8", "mem": "Infinity"}
    limited = read.policy_bounds({"default_for_unspecified": "LIMITED"}, total, known)
    assert limited == {"cpu": 800, "cuda.device": 0}
    assert read.policy_bounds({"default_for_unspecified": "UNLIMITED"}, total, known) == {"cpu": 800}


def test_images_are_found_by_what_managers_take() -> None:
    """By the whole name, by an alias, and without registry or tag where those are left out."""
    survey = survey_of(NEW)
    assert survey.find_images("local/stable/python:3.11-debian12")
    assert survey.find_images("stable/python:3.11-debian12") == ()
    assert survey.canonical("python") == "index.docker.io/python:latest"
    assert survey.canonical("cr.example.org:5000/a/b:1") == "cr.example.org:5000/a/b:1"


def test_a_cluster_is_asked_seldom_and_by_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks meanwhile gets the answer of who asks already; fresh asks anew."""

    async def main() -> None:
        cluster = answering(NEW)
        found = surveyor_of(cluster)
        await asyncio.gather(*(found.look() for _ in range(10)))
        once = len(cluster.asked)
        assert once == len(set(cluster.asked))
        await found.look()
        assert len(cluster.asked) == once
        await asyncio.gather(*(found.look(fresh=True) for _ in range(10)))
        assert len(cluster.asked) == once
        monkeypatch.setattr(surveyor, "JUST_NOW", 0.0)
        await found.look(fresh=True)
        assert len(cluster.asked) == 2 * once
        found.forget()
        await found.look()
        assert 2 * once < len(cluster.asked) < 3 * once

    asyncio.run(main())


def test_an_answer_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """What sessions change is asked again after some seconds, what administrators change after minutes."""

    async def main() -> None:
        cluster = answering(NEW)
        found = surveyor_of(cluster)
        await found.look()
        once = len(cluster.asked)
        monkeypatch.setattr(surveyor, "FREE_SECONDS", 0.0)
        await found.look()
        again = len(cluster.asked)
        assert once < again < 2 * once
        monkeypatch.setattr(surveyor, "CATALOG_SECONDS", 0.0)
        await found.look()
        assert len(cluster.asked) == again + once

    asyncio.run(main())


def test_a_project_of_others_has_no_offer() -> None:
    """Who is no member hears nothing, and nothing breaks (a manager fails when it is asked)."""

    async def main() -> None:
        survey = await surveyor_of(answering(OLD)).look(projects=["secret"])
        assert set(survey.offers) == {"default"}

    asyncio.run(main())


def test_slots_and_images_for_the_lists_of_every_backend() -> None:
    """Where the total is not told it is what could be had: free and one's own."""
    survey = survey_of(NEW)
    told = slots_of(survey, answering(NEW).profile)
    assert told["slots"]["cpu"] == {"total": "2", "used": "0"}
    assert told["slots"]["cuda.shares"]["total"] == "4"
    assert [image["ready"] for image in images_of(survey)] == [True]


def test_doctor_says_how_a_cluster_stands() -> None:
    """All is well, or what the profile names is not there, with the remedy."""

    async def look(**profile: Any) -> list[str]:
        checks = await checks_of(surveyor_of(answering(NEW, **profile)))
        assert all(bool(check["remedy"]) != check["ok"] for check in checks)
        return [check["check"] for check in checks if not check["ok"]]

    assert asyncio.run(look()) == []
    assert asyncio.run(look(resource_group="gpus")) == ["backend.ai:work: resource groups"]
    assert asyncio.run(look(folder_host="no:where")) == ["backend.ai:work: vfolder hosts"]
    assert asyncio.run(look(project="secret"))[0] == "backend.ai:work: project"
