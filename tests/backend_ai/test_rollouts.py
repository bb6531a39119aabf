"""Rollouts against a manager that is made up: what is asked for, how often, and what is left when they end.

What the real one does is in ``test_services_real.py``; here is what takes too long there, or luck to happen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from backend_ai.made_up_services import Forgetful, Manager

from fasttrack_jupyter.backends.backend_ai import removals
from fasttrack_jupyter.backends.backend_ai import rollouts as module
from fasttrack_jupyter.backends.backend_ai import services_asking as asking
from fasttrack_jupyter.backends.backend_ai.asking import Image
from fasttrack_jupyter.backends.backend_ai.profile import Profile
from fasttrack_jupyter.backends.backend_ai.rollout_asking import Ready
from fasttrack_jupyter.backends.backend_ai.rollouts import Rollouts
from fasttrack_jupyter.backends.backend_ai.services_telling import Deployment, Mark
from fasttrack_jupyter.engine.ports import ServiceSpec, SessionReport, SessionSpec
from fasttrack_jupyter.engine.sessions import SECRETS
from fasttrack_jupyter.errors import BackendUnreachable, SessionRejected
from fasttrack_jupyter.model.lifecycle import ENDED, Result, Status
from fasttrack_jupyter.model.serving import read_definition
from fasttrack_jupyter.testing.conformance import session_spec

SERVICE = ServiceSpec("digits", "model", "/models", "model-definition.yaml")
FOUND = asking.Found(Image("img", id="image-id"), "project-id", "variant-id", {"model": "model-id"}, "default")
_SERVED = "{start_command: [serve], port: 9000, health_check: {path: /ok}}"
DEFINITION = read_definition(f"models: [{{name: m, model_path: /models, service: {_SERVED}}}]", "model-definition.yaml")


def spec_of(attempt: str, **more: Any) -> SessionSpec:
    """A deployment's attempt."""
    return replace(session_spec(attempt, "", image="img"), command="", service=SERVICE, **more)


class Asker:
    """Stands for the real one: makes revisions at once; ``ask`` may fail before or after."""

    def __init__(self, manager: Manager) -> None:
        self.manager, self.asked = manager, 0
        self.fails: Callable[[], None] = lambda: None

    async def prepare(self, spec: SessionSpec, service: ServiceSpec) -> Ready:
        return Ready(FOUND, DEFINITION)

    async def ask(self, spec: SessionSpec, service: ServiceSpec, ready: Ready, there: Deployment | None) -> None:
        self.asked += 1
        self.fails()
        self.manager.make(spec.attempt_id)


class Case:
    """One engine's rollouts."""

    def __init__(self) -> None:
        self.manager, self.reports = Manager(), list[SessionReport]()
        self.asker = Asker(self.manager)
        self.rollouts = Rollouts(self.manager, self.asker, self.manager, self.reports.append)  # type: ignore[arg-type]

    def begin(self, attempt: str, *, create: bool = True, **more: Any) -> None:
        """Begin with an attempt."""
        self.rollouts.begin(spec_of(attempt, **more), SERVICE, create=create)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < deadline, [(each.status, each.reason) for each in self.reports]
            await asyncio.sleep(0.005)

    async def ended(self) -> SessionReport:
        """The last report."""
        await self.until(lambda: any(each.status in ENDED for each in self.reports))
        return self.reports[-1]


def run(scenario: Callable[[Case], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario."""

    async def main() -> None:
        case = Case()
        await scenario(case)
        await case.rollouts.aclose()

    asyncio.run(main())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EACH", 0.005)
    monkeypatch.setattr(module, "pause", lambda tried, most: 0.005)


def test_it_succeeds_once_the_endpoint_itself_answers() -> None:
    """A healthy replica is not enough: the app proxy may not know it yet."""

    async def scenario(case: Case) -> None:
        case.begin("j-0-1")
        await case.until(lambda: any("replica 1 of 1" in each.reason for each in case.reports))
        case.manager.answer = 503
        case.manager.serve("r1")
        await case.until(lambda: "GET http://proxy/ok" in case.manager.asked)
        assert not any(each.result is Result.SUCCESS for each in case.reports)
        case.manager.answer = 200
        end = await case.ended()
        assert (end.status, end.result, end.data["values"]) == (
            Status.TERMINATED, Result.SUCCESS, {"endpoint": "http://proxy/"},
        )  # fmt: skip

    run(scenario)


def test_an_answer_that_is_lost_makes_no_second_revision() -> None:
    """It is looked for, found by the attempt's mark, and followed."""

    async def scenario(case: Case) -> None:
        def lost() -> None:
            case.asker.fails = lambda: None
            case.manager.make("j-0-1")
            raise BackendUnreachable("reset")

        case.asker.fails = lost
        case.begin("j-0-1")
        await case.until(lambda: case.manager.services)
        case.manager.serve("r1")
        assert (await case.ended()).result is Result.SUCCESS
        assert case.asker.asked == 1

    run(scenario)


def test_of_two_services_of_one_attempt_the_younger_is_removed() -> None:
    """To a manager names are not unique."""

    async def scenario(case: Case) -> None:
        for which in ("d1", "d2"):
            case.manager.make("j-0-1", which)
        case.begin("j-0-1", create=False)
        case.manager.serve("r1")
        assert (await case.ended()).result is Result.SUCCESS
        assert [each for each in case.manager.asked if "remove" in each] == ["remove d2"]
        assert case.asker.asked == 0

    run(scenario)


def test_what_is_gone_is_lost() -> None:
    """Where an earlier engine saw it, nothing is made anew."""

    async def scenario(case: Case) -> None:
        case.begin("j-0-1", create=False)
        end = await case.ended()
        assert (end.status, end.result, end.reason) == (Status.ERROR, Result.FAILURE, "lost")
        assert case.asker.asked == 0

    run(scenario)


def test_an_update_waits_until_the_one_before_is_over() -> None:
    """To begin in the middle of another would take replicas away that serve."""

    async def scenario(case: Case) -> None:
        case.manager.make("old-0-1")
        case.begin("j-0-1")
        await case.until(lambda: any("being deployed" in each.reason for each in case.reports))
        assert case.asker.asked == 0
        case.manager.serve("r1")
        await case.until(lambda: case.asker.asked == 1)
        await case.until(lambda: any("replica 1 of 1" in each.reason for each in case.reports))
        case.manager.serve("r2")
        assert (await case.ended()).result is Result.SUCCESS

    run(scenario)


def test_a_first_rollout_that_is_cancelled_removes_the_service() -> None:
    """There is nothing to go back to."""

    async def scenario(case: Case) -> None:
        case.begin("j-0-1")
        await case.until(lambda: case.manager.services)
        rollout = case.rollouts.get("j-0-1")
        assert rollout is not None
        case.rollouts.cancel(rollout, "cancelled")
        end = await case.ended()
        assert (end.status, end.result, end.reason) == (Status.CANCELLED, Result.UNDEFINED, "cancelled")
        assert case.manager.asked == ["remove d1"]

    run(scenario)


def test_a_first_rollout_whose_place_a_newer_one_took_leaves_the_service() -> None:
    """It is the newer rollout's, whether that serves yet or not."""

    async def scenario(case: Case) -> None:
        case.manager.make("j-0-1")
        case.manager.make("newer-0-1")
        case.begin("j-0-1", create=False)
        end = await case.ended()
        assert (end.result, end.reason) == (Result.FAILURE, "a newer rollout (revision 2) took its place")
        assert case.manager.asked == []

    run(scenario)


def test_an_update_that_is_cancelled_makes_the_manager_go_back() -> None:
    """Its time is up, for the manager; afterwards it has its time again."""

    async def scenario(case: Case) -> None:
        case.manager.make("old-0-1")
        case.manager.serve("r1")
        case.begin("j-0-1")
        await case.until(lambda: len(case.manager.services["d1"].revisions) == 2)
        rollout = case.rollouts.get("j-0-1")
        assert rollout is not None
        case.rollouts.cancel(rollout, "cancelled")
        assert (await case.ended()).status is Status.CANCELLED
        assert case.manager.asked == ["hurry", "no hurry"]
        assert case.manager.services["d1"].deployment.current == "r1"

    run(scenario)


def test_an_update_that_was_done_when_it_was_cancelled_is_undone() -> None:
    """The revision before is deployed again."""

    async def scenario(case: Case) -> None:
        case.manager.make("old-0-1")
        case.manager.serve("r1")
        case.manager.make("j-0-1")
        case.manager.serve("r2")
        case.manager.answer = 503
        case.begin("j-0-1", create=False)
        await case.until(lambda: "GET http://proxy/ok" in case.manager.asked)
        rollout = case.rollouts.get("j-0-1")
        assert rollout is not None
        case.rollouts.cancel(rollout, "cancelled")
        assert (await case.ended()).status is Status.CANCELLED
        assert case.manager.asked[-1] == "activate r1"

    run(scenario)


def test_a_server_that_ends_again_and_again_fails_with_its_last_words() -> None:
    """The second replica that ended before any was healthy is enough."""

    async def scenario(case: Case) -> None:
        case.begin("j-0-1")
        await case.until(lambda: case.manager.services)
        case.manager.replica("r1", "terminated")
        case.manager.replica("r1", "failed_to_start")
        end = await case.ended()
        assert (end.status, end.result) == (Status.TERMINATED, Result.FAILURE)
        assert end.reason.startswith(
            "2 replicas ended before they were healthy; the service was removed; the last words"
        )
        assert end.reason.endswith("log of session-1\nModuleNotFoundError: sklearn")

    run(scenario)


@pytest.mark.parametrize(
    ("environ", "secrets", "told"),
    [
        ({"KEY": "hunter2-hunter2", SECRETS: "KEY"}, ("hunter2-hunter2",), "KEY=" + "*" * 15),
        ({"KEY": "", SECRETS: "KEY"}, (), "the service was removed"),
        ({"KEY": "", "OTHER": "set-still", SECRETS: "KEY OTHER"}, ("set-still",), "the service was removed"),
    ],
)
def test_last_words_tell_no_secret(environ: dict[str, str], secrets: tuple[str, ...], told: str) -> None:
    """They are masked; where a secret is not known any more, nothing of the log is told."""

    async def scenario(case: Case) -> None:
        case.manager.words = "KEY=hunter2-hunter2\n"
        case.manager.make("j-0-1")
        case.manager.replica("r1", "terminated")
        case.manager.replica("r1", "terminated")
        case.begin("j-0-1", create=False, environ=environ, secrets=secrets)
        reason = (await case.ended()).reason
        assert (reason.endswith(told), "hunter2" in reason) == (True, False)

    run(scenario)


def test_its_time_is_up() -> None:
    """A new engine counts on, as far as the cluster tells."""

    async def scenario(case: Case) -> None:
        case.manager.make("j-0-1")
        case.manager.replica("r1", "provisioning")
        case.begin("j-0-1", create=False, timeout=0.01)
        end = await case.ended()
        assert end.result is Result.FAILURE
        assert "waits for replica 1 of 1 to be healthy" in end.reason

    run(scenario)


@pytest.mark.parametrize("ahead", [86_400.0, -86_400.0])
def test_the_clock_of_the_cluster_is_not_ours(ahead: float) -> None:
    """However far it is from this machine's, a rollout has its time."""

    async def scenario(case: Case) -> None:
        case.manager.now = lambda: time.time() - ahead
        case.begin("j-0-1", timeout=60)
        await case.until(lambda: any("replica 1 of 1" in each.reason for each in case.reports))
        case.manager.serve("r1")
        assert (await case.ended()).result is Result.SUCCESS

    run(scenario)


def test_what_an_earlier_engine_waited_counts_by_the_clock_of_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """So engines that come and go do not let a rollout wait for ever; what serves by then has succeeded."""
    monkeypatch.setattr(module, "_AT_LEAST", 0.01)

    async def scenario(case: Case, serves: bool) -> None:
        case.manager.make("j-0-1")
        case.manager.change(updated_at=time.time() + 100)
        if serves:
            case.manager.serve("r1")
        case.begin("j-0-1", create=False, timeout=50)
        assert (await case.ended()).result is (Result.SUCCESS if serves else Result.FAILURE)

    for serves in (True, False):
        run(lambda case, serves=serves: scenario(case, serves))  # type: ignore[misc]


def test_what_the_manager_gave_up_has_failed() -> None:
    """It went back by itself, perhaps while nobody looked."""

    async def scenario(case: Case) -> None:
        case.manager.make("old-0-1")
        case.manager.serve("r1")
        case.manager.make("j-0-1")
        case.manager.change(status="READY", deploying=None)
        case.begin("j-0-1", create=False)
        end = await case.ended()
        assert (end.result, "gave it up" in end.reason) == (Result.FAILURE, True)
        assert "revision 1 goes on" in end.reason

    run(scenario)


def test_a_refusal_is_final() -> None:
    """Another attempt would be no use."""

    async def scenario(case: Case) -> None:
        def refuse() -> None:
            raise SessionRejected("no such model")

        case.asker.fails = refuse
        case.begin("j-0-1")
        end = await case.ended()
        assert (end.status, end.is_final, end.reason) == (Status.ERROR, True, "no such model")

    run(scenario)


def test_a_session_that_a_removed_service_left_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen with 26.9.6; a manager that ends its replicas by itself is left to it."""
    monkeypatch.setattr(removals, "_EACH", 0.005)
    monkeypatch.setattr(removals, "_GRACE", 0.03)

    async def main() -> list[str]:
        manager = Forgetful()
        for which in ("d1", "d2"):
            manager.make("j-0-1", which)
            manager.replica("r1", "running", which)
        removing = removals.Removals(manager)  # type: ignore[arg-type]
        await removing.remove("d1")
        await removing.remove("d2")
        manager.services["d2"] = replace(manager.services["d2"], replicas=())
        while not manager.asked:
            await asyncio.sleep(0.005)
        await removing.aclose()
        return manager.asked

    assert set(asyncio.run(asyncio.wait_for(main(), 10))) == {"end session-0"}


def test_a_request_says_all_that_a_replica_is() -> None:
    """With the mark, and with time enough for a manager whose looks are a minute apart."""
    spec = spec_of("j-0-1", environ={"A": "b"})
    body = asking.creation(spec, SERVICE, Profile("default", "http://manager"), FOUND, DEFINITION)
    revision = body["initial_revision"]
    environ = {each["name"]: each["value"] for each in revision["model_runtime_config"]["environ"]["entries"]}
    mark = Mark.parse(environ["FASTTRACK_SERVICE"])
    assert (environ["A"], mark and mark.attempt, mark and mark.before) == ("b", "j-0-1", "")
    assert revision["model_mount_config"]["mount_perm"] == "ro"
    (model,) = revision["model_definition"]["models"]
    assert model["service"]["health_check"] == {"enable": True, "initial_delay": 120.0}
    assert (body["metadata"]["tags"], body["replica_count"]) == (["fasttrack"], 1)
