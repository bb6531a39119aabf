"""What becomes of services: they end with their job, keep the engine, take slots, and can be looked after."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import BackendUnreachable, Conflict, NotFound
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.fakes import FakeBackend
from fasttrack_jupyter.testing.serving import FakeServingBackend, FakeServingHere

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from deployments import ASK, CPUS, EPHEMERAL, SERVE, URL, finished, serving

# ---------------------------------------------------------------------- ephemeral services


def test_an_ephemeral_service_ends_with_its_job(engine: Any) -> None:
    """Not before; and one that is not ephemeral stays."""
    backend = serving(decide=lambda spec: None if spec.path == "ask" else 0)
    other = SERVE.replace("serve", "keep").replace("digits, model", "kept, model")

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(engine.request(EPHEMERAL, other, ASK))
            await engine.until(lambda: any(spec.path == "ask" for spec in backend.started))
            assert sorted(backend.services_kept) == ["digits", "kept"]
            backend.end(f"{job.id}-2-1")
            await engine.finish(fasttrack)
            assert backend.removed == ["digits"]
            assert sorted(backend.services_kept) == ["kept"]

    asyncio.run(story())


class Unreachable(FakeServingBackend):
    """Whose services can just now not be removed."""

    async def remove_service(self, name: str) -> None:
        raise BackendUnreachable("no answer")


def test_an_ephemeral_service_is_removed_by_the_next_engine(engine: Any) -> None:
    """The engine may be killed between the job's end and the removal: nothing has to be noted for that."""
    services: dict[str, Any] = {}

    async def story() -> None:
        async with engine.on(serving(Unreachable, services=services)) as fasttrack:
            await finished(engine, fasttrack, engine.request(EPHEMERAL))
            assert sorted(services) == ["digits"]
        async with engine.on(second := serving(services=services)) as fasttrack:
            await engine.until(lambda: second.removed == ["digits"])

    asyncio.run(story())


def test_an_ephemeral_service_that_a_later_job_took_over_stays_until_that_ends(engine: Any) -> None:
    """It says itself which job made its newest revision."""
    backend = serving(decide=lambda spec: None if spec.path == "wait" else 0)

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            first = await fasttrack.run(engine.request(EPHEMERAL, "wait: [serve]"))
            await engine.until(lambda: len(backend.started) == 2)
            second = await fasttrack.run(engine.request(EPHEMERAL, "wait: [serve]"))
            await engine.until(lambda: len(backend.started) == 4)
            backend.end(f"{first.id}-1-1")
            await engine.until(lambda: fasttrack._runner.live(first.id) is None)
            await engine.until(lambda: not fasttrack._keeper.is_busy())
            assert sorted(backend.services_kept) == ["digits"]
            backend.end(f"{second.id}-1-1")
            await engine.finish(fasttrack)
            assert backend.services_kept == {}

    asyncio.run(story())


@pytest.mark.parametrize(("kind", "is_removed"), [(FakeServingBackend, False), (FakeServingHere, True)])
def test_a_service_of_an_unknown_job_is_anothers_home_unless_it_lives_here(
    engine: Any, kind: type[FakeServingBackend], is_removed: bool
) -> None:
    """On a cluster the same user may have another home; what lives by this engine is this home's."""
    services: dict[str, Any] = {}

    async def story() -> None:
        async with engine.on(serving(services=services)) as fasttrack:
            await finished(engine, fasttrack, engine.request(SERVE))
        services["digits"] = replace(services["digits"], is_ephemeral=True, job_id="0another")
        async with engine.on(second := serving(kind, services=services)) as fasttrack:
            await engine.until(lambda: not fasttrack._keeper._sweeps)
            assert second.removed == (["digits"] if is_removed else [])

    asyncio.run(story())


# ---------------------------------------------------------------------- services that live by the engine


def test_an_engine_with_services_of_its_own_is_not_idle(engine: Any) -> None:
    """It starts their replicas again; where a cluster does that it may end."""

    async def story() -> None:
        for kind, is_idle in ((FakeServingBackend, True), (FakeServingHere, False)):
            async with engine.on(backend := serving(kind)) as fasttrack:
                await finished(engine, fasttrack, engine.request(SERVE))
                await engine.until(lambda: not fasttrack._keeper._sweeps)
                assert fasttrack.is_idle() is is_idle
                await backend.remove_service("digits")
                assert fasttrack.is_idle()

    asyncio.run(story())


def test_replicas_take_slots_before_tasks_and_their_rollout_takes_none(engine: Any) -> None:
    """A full machine: what is served comes first when something is free, and slots are shown as in use."""
    backend = serving(FakeServingHere, decide=lambda spec: None, capacity=CPUS)
    one = ResourceSlots.parse({"cpu": 1})

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            job = await fasttrack.run(engine.request("a", "b", "c", SERVE))
            await engine.until(lambda: len(backend.started) == 3)  # two of the three, and the deployment
            waiting = asyncio.ensure_future(backend.desk.take("digits/1", one))
            await engine.until(lambda: "1 cpu asked, 0 of 2 free" in backend.desk.why_waiting("digits/1"))
            first = next(spec for spec in backend.started if spec.service is None)
            backend.end(first.attempt_id)
            await asyncio.wait_for(waiting, 10)
            assert len(backend.started) == 3
            assert (await fasttrack.slots("local"))["used"]["cpu"] == "2"
            backend.desk.release("digits/1")
            await engine.until(lambda: len(backend.started) == 4)
            await fasttrack.cancel(job.id)

    asyncio.run(story())


def test_whoever_stops_waiting_for_slots_gets_none(engine: Any) -> None:
    """A replica that is not wanted any more steps out of line."""
    backend = serving(FakeServingHere, capacity=CPUS)

    async def story() -> None:
        async with engine.on(backend):
            backend.desk.hold("digits/0", CPUS)
            waiting = asyncio.ensure_future(backend.desk.take("digits/1", ResourceSlots.parse({"cpu": 1})))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            backend.desk.release("digits/0")
            await asyncio.wait_for(backend.desk.take("digits/2", CPUS), 10)

    asyncio.run(story())


def test_a_backend_can_have_an_attempts_spec_again_with_its_secrets(engine: Any) -> None:
    """So they need be on no disk, although a replica is started again long after its job has ended."""
    engine.secrets.set("KEY", "first")
    backend = serving(FakeServingHere)
    secretive = SERVE.replace("type:", "environment: {envs: {KEY: '${{ secrets.KEY }}'}}, type:")

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            await finished(engine, fasttrack, engine.request("prep", secretive))
            asked = next(spec for spec in backend.started if spec.service)
            engine.secrets.set("KEY", "second")
            again = await backend.recall(asked.attempt_id)
            assert again.environ["KEY"] == "second"
            assert replace(again, environ=asked.environ, secrets=asked.secrets) == asked
            with pytest.raises(NotFound):
                await backend.recall("0nobody-0-1")

    asyncio.run(story())


def test_a_job_is_kept_as_long_as_its_service_is_served_from_here(engine: Any) -> None:
    """A replica is started from it again: neither gc nor anybody by mistake removes it."""
    backend = serving(FakeServingHere)

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            job = await finished(engine, fasttrack, engine.request(SERVE))
            engine.clock.at += 1e6
            old = {"keep_jobs": 0, "older_than_days": 0.0, "dry_run": False}
            assert (await fasttrack.gc(**old)).jobs == ()
            with pytest.raises(Conflict, match="made the service 'digits'"):
                await fasttrack.delete([job.id])
            (refusal,) = (await fasttrack.delete_many([job.id])).refused
            assert "services remove digits" in refusal.hint
            await backend.remove_service("digits")
            assert (await fasttrack.gc(**old)).jobs == ("demo#1",)

    asyncio.run(story())


class Refusing(FakeServingBackend):
    """A cluster that does not remove services just now."""

    async def remove_service(self, name: str) -> None:
        raise BackendUnreachable("no")


def test_a_job_is_kept_until_its_ephemeral_service_is_gone(engine: Any) -> None:
    """Without the job nobody would know any more that the service is to end; wherever it is served."""
    services: dict[str, Any] = {}

    async def story() -> None:
        async with engine.on(serving(Refusing, services=services)) as fasttrack:
            job = await finished(engine, fasttrack, engine.request(EPHEMERAL))
            with pytest.raises(Conflict, match="made the service 'digits'"):
                await fasttrack.delete([job.id])
        async with engine.on(serving(services=services)) as fasttrack:
            await engine.until(lambda: not services)
            await fasttrack.delete([job.id])

    asyncio.run(story())


# ---------------------------------------------------------------------- what faces ask


def test_services_are_listed_shown_scaled_and_removed(engine: Any) -> None:
    """Of all backends that serve, with who made them."""
    backend = serving()

    async def story() -> None:
        async with engine.on(backend, cluster=FakeBackend()) as fasttrack:
            job = await finished(engine, fasttrack, engine.request(SERVE))
            (view,) = (await fasttrack.services.services(None)).services
            assert (view.backend, view.name, view.endpoint, view.job, view.task) == (
                "local", "digits", URL, job.id, "serve",
            )  # fmt: skip
            scaled = await fasttrack.services.scale("local", "digits", 2)
            assert (scaled.wanted, len(scaled.replicas)) == (2, 2)
            await fasttrack.services.remove("local", "digits")
            with pytest.raises(NotFound):
                await fasttrack.services.show("local", "digits")
            with pytest.raises(Conflict, match="serves no models"):
                await fasttrack.services.services("cluster")

    asyncio.run(story())


def test_what_changes_services_is_told_at_once(engine: Any) -> None:
    """What their backend says, what is asked of them here, and the end of a job that deploys."""
    backend = serving(FakeServingHere)

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            desk = fasttrack.services

            async def changes(after: int) -> int:
                return int(await asyncio.wait_for(desk.wait(after, 30), 10))

            await finished(engine, fasttrack, engine.request(SERVE))
            count = await changes(0)
            backend.changed()
            assert (count := await changes(count)) >= 2
            await desk.scale("local", "digits", 2)
            assert (count := await changes(count)) >= 3
            await desk.remove("local", "digits")
            assert await changes(count) >= 4

    asyncio.run(story())


class Silent(FakeServingBackend):
    """A cluster that does not answer."""

    async def services(self) -> Any:
        raise BackendUnreachable("the manager does not answer")


def test_a_backend_that_does_not_answer_hides_no_others_services(engine: Any) -> None:
    """It is told of beside them."""

    async def story() -> None:
        async with engine.on(serving(), cluster=Silent()) as fasttrack:
            await finished(engine, fasttrack, engine.request(SERVE))
            found = await fasttrack.services.services(None)
            assert [view.name for view in found.services] == ["digits"]
            assert found.silent == {"cluster": "the manager does not answer"}

    asyncio.run(story())


def test_a_replicas_log_is_masked_and_its_token_is_told_to_nobody_else(engine: Any, tmp_path: Path) -> None:
    """Secrets of its pipeline are hidden; a token is in no event and in no file."""
    engine.secrets.set("KEY", "hunter22")
    backend = serving()
    backend.service_log = b"started with hunter22\n"

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            await finished(engine, fasttrack, engine.request(SERVE))
            page = await fasttrack.services.log("local", "digits", None, 0, 1000)
            assert page.data == "started with ********\n"
            assert (page.next, page.size, page.ended) == (22, 22, False)
            end = await fasttrack.services.log("local", "digits", None, -6, 1000)
            assert end.data == "*****\n"
            token = (await fasttrack.services.token("local", "digits", 60.0)).token
            assert token == "token-of-digits-for-60"
            assert token not in str((await fasttrack.events(0, 1000)).model_dump())
        assert all(token.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())

    asyncio.run(story())
