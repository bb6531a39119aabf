"""Models served on this machine: deployed, asked, rolled, scaled, taken back, removed."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from backends.local_services import Load, ask, asked, definition, deployment, fill, serving

from fasttrack_jupyter.errors import NotFound, SessionRejected
from fasttrack_jupyter.model.serving import ServiceStatus


def test_a_deployed_model_answers_at_its_endpoint(tmp_path: Path) -> None:
    """The rollout ends with the URL once the replica is healthy; the service tells of itself, and goes whole."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1"))
            status, body = await asked(endpoint, "/predict?x=1")
            assert (status, json.loads(body)["version"], json.loads(body)["path"]) == (200, "1", "/predict?x=1")
            assert await asked(endpoint, method="POST", body=b"abc") == (200, b"abc1")
            (info,) = await here.backend.services()
            assert (tmp_path / "folders/pipeline-1/jobs/1/a-0-1").is_dir()  # an input of the tasks after it
            assert (info.name, info.status, info.healthy, info.wanted) == ("digits", ServiceStatus.HEALTHY, 1, 1)
            assert (info.endpoint, info.revision, info.attempt_id) == (endpoint, 1, "a-0-1")
            chunk = await here.backend.service_logs("digits", None, 0, 1000)
            assert b"serving 1" in chunk.data
            assert not chunk.ended
            control = Path(here.backend._open_sessions().control(info.replicas[0].id))
            assert here.desk.held == {info.replicas[0].id}
            await here.remove()
            assert not here.desk.held
            assert not here.backend.is_serving()
            assert not control.exists()
            with pytest.raises(NotFound):
                await here.backend.service("digits")
            with pytest.raises(ConnectionRefusedError):
                await asked(endpoint)

    asyncio.run(scenario())


def test_an_update_rolls_under_load_without_a_failed_request(tmp_path: Path) -> None:
    """Keep-alive clients ask all the time, GET and POST: every one is answered, by the old, then by the new."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1", "1", replicas=2))
            with Load(endpoint) as load:
                await here.until(lambda: len(load.answers) > 50)
                assert await here.deploy(deployment("b-0-1", "2", replicas=2)) == endpoint
                await here.healthy(2)
                seen = len(load.answers)
                await here.until(lambda: len(load.answers) > seen + 50)
            assert load.failures == []
            assert load.versions() == {"1", "2"}
            assert set(load.answers[-20:]) == {"2"}

    asyncio.run(scenario())


def test_a_request_that_takes_long_is_answered_by_a_replica_that_is_replaced(tmp_path: Path) -> None:
    """It gets no new ones, and is ended after its last."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1", "1"))
            slow = asyncio.create_task(asked(endpoint, "/slow"))
            await asyncio.sleep(0.3)
            await here.deploy(deployment("b-0-1", "2"))
            status, body = await slow
            assert (status, json.loads(body)["version"]) == (200, "1")

    asyncio.run(scenario())


def test_streams_pass_as_they_come(tmp_path: Path) -> None:
    """The first part is there before the last was sent."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1"))
            reader, writer = await asyncio.open_connection("127.0.0.1", int(endpoint.rpartition(":")[2]))
            writer.write(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            began = time.monotonic()
            await reader.readuntil(b"one")
            first = time.monotonic() - began
            await reader.readuntil(b"0\r\n\r\n")
            writer.close()
            assert time.monotonic() - began - first > 0.2

    asyncio.run(scenario())


def test_websockets_pass(tmp_path: Path) -> None:
    """Both ways, with the protocol that the replica chose."""
    server = """
import sys
from aiohttp import web
async def talk(request):
    socket = web.WebSocketResponse(protocols=["digits"])
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data + "!") if isinstance(message.data, str) else await socket.send_bytes(b"!")
    return socket
async def health(request):
    return web.Response()
app = web.Application()
app.add_routes([web.get("/talk", talk), web.get("/health", health)])
web.run_app(app, port=8000)
"""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend, definition(start_command=[sys.executable, "/models/serve.py"]), server)
            endpoint = await here.deploy(deployment("a-0-1"))
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"{endpoint}/talk", protocols=["other", "digits"]) as talk,
            ):
                await talk.send_str("7")
                assert (talk.protocol, await talk.receive_str()) == ("digits", "7!")
                await talk.send_bytes(b"7")
                assert await talk.receive_bytes() == b"!"

    asyncio.run(scenario())


def test_without_private_mounts_a_model_is_served_as_well(tmp_path: Path) -> None:
    """The folder's place is put into the command."""

    async def scenario() -> None:
        async with serving(tmp_path, mode="folders") as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1"))
            assert (await asked(endpoint))[0] == 200

    asyncio.run(scenario())


def test_the_doctor_tells_of_services(tmp_path: Path) -> None:
    """How replicas get their ports, and whether the gateway runs."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            await here.deploy(deployment("a-0-1"))
            (line,) = [line for line in await here.backend.doctor() if line["check"] == "serving"]
            assert "1 service, gateway (pid" in line["found"]

    asyncio.run(scenario())


def test_a_service_that_is_not_public_wants_a_token(tmp_path: Path) -> None:
    """One that was signed for it and has not expired; the replica never sees it."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1", is_public=False))
            token = await here.backend.service_token("digits", 60)
            old = await here.backend.service_token("digits", -1)
            assert (await asked(endpoint))[0] == 401
            status, body = await asked(endpoint, Authorization=f"BackendAI {token}")
            assert status == 200
            assert json.loads(body)["auth"] is None
            status, body = await asked(endpoint, Authorization=f"BackendAI {old}")
            assert status == 401
            assert b"expired" in body
            assert (await asked(endpoint, Authorization=f"BackendAI {token[:-4]}AAAA"))[0] == 401
            assert (tmp_path / "services/key").stat().st_mode & 0o777 == 0o600

    asyncio.run(scenario())


def test_an_update_opens_the_new_revision_alone_and_a_token_is_good_until_it_serves(tmp_path: Path) -> None:
    """The private replicas are not public because the next ones will be."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1", "1", is_public=False))
            await here.backend.submit(deployment("b-0-1", "2", {"SLOW_START": "1.5"}))
            await here.reports.until("b-0-1", lambda r: "waits for replica 1 of 1" in r.reason)
            token = await here.backend.service_token("digits", 60)
            assert (await asked(endpoint))[0] == 401
            status, body = await asked(endpoint, Authorization=f"BackendAI {token}")
            assert (status, json.loads(body)["version"]) == (200, "1")
            assert not (await here.backend.service("digits")).is_public
            await here.deployed("b-0-1")
            await here.healthy(1)
            status, body = await asked(endpoint)
            assert (status, json.loads(body)["version"]) == (200, "2")
            assert await here.backend.service_token("digits", 60) == ""

    asyncio.run(scenario())


def test_scaling_starts_and_ends_replicas(tmp_path: Path) -> None:
    """Up, down, and to none: then its endpoint stays and says so."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1"))
            with Load(endpoint, 3) as load:
                await here.backend.scale_service("digits", 3)
                await here.healthy(3)
                await here.backend.scale_service("digits", 1)
                await here.healthy(1)
            assert load.failures == []
            await here.backend.scale_service("digits", 0)
            await here.until(lambda: ask(endpoint)[0] == 503)
            await here.healthy(0)
            assert len(here.desk.held) == 0

    asyncio.run(scenario())


def test_a_failed_update_leaves_the_revision_before(tmp_path: Path) -> None:
    """Its rollout tells why, with the last words of the replica; who asks notices nothing."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1", "1"))
            with Load(endpoint, 2) as load:
                await here.backend.put_file("digits-model", "serve.py", b"import sys; sys.exit('no weights here')")
                await here.backend.submit(deployment("b-0-1", "2"))
                report = await here.reports.until("b-0-1", lambda r: r.result == "FAILURE")
                await here.backend.submit(deployment("b-0-1", "2"))
            assert "no weights here" in report.reason
            assert "exit 1" in report.reason
            assert load.failures == []
            assert load.versions() == {"1"}
            info = await here.backend.service("digits")
            assert (info.revision, info.healthy, len(info.replicas)) == (1, 1, 1)
            assert (
                len([r for r in here.reports.of("b-0-1") if r.result == "FAILURE"]) == 2
            )  # told again, not done again

    asyncio.run(scenario())


def test_a_first_rollout_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Never healthy: the reason tells what its health check answered."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            await here.backend.submit(deployment("a-0-1", environ={"HEALTH": "500"}, timeout=5.0))
            report = await here.reports.until("a-0-1", lambda r: r.result == "FAILURE")
            assert "timeout" in report.reason
            assert "GET /health answered 500, not 200" in report.reason
            assert await here.backend.services() == []
            assert not here.desk.held

    asyncio.run(scenario())


def test_a_wrong_port_is_told_with_the_right_one(tmp_path: Path) -> None:
    """What the command listens on instead."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            if not await here.backend._open_services().has_networks():
                pytest.skip("no network namespaces here")
            await fill(here.backend, definition(start_command=["python3", "/models/serve.py", "9000"]))
            await here.backend.submit(deployment("a-0-1"))
            words = "nothing listens on port 8000 yet, but on 9000"
            await here.reports.until("a-0-1", lambda r: words in r.reason)

    asyncio.run(scenario())


def test_a_cancelled_update_goes_back(tmp_path: Path) -> None:
    """CANCELLED is reported when nothing of the new revision runs any more."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1", "1"))
            await here.backend.submit(deployment("b-0-1", "2", {"SLOW_START": "60"}))
            await here.reports.until("b-0-1", lambda r: "waits for replica 1 of 1" in r.reason)
            await here.backend.cancel("b-0-1", "cancelled")
            report = await here.reports.until("b-0-1", lambda r: r.status == "CANCELLED")
            assert report.reason == "cancelled"
            info = await here.backend.service("digits")
            assert [replica.revision for replica in info.replicas] == [1]
            assert info.status == ServiceStatus.HEALTHY
            assert (await asked(endpoint))[0] == 200

    asyncio.run(scenario())


def test_a_cancelled_first_rollout_leaves_no_service(tmp_path: Path) -> None:
    """Nor a replica."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            await here.backend.submit(deployment("a-0-1", environ={"SLOW_START": "60"}))
            await here.reports.until("a-0-1", lambda r: "waits for replica" in r.reason)
            await here.backend.cancel("a-0-1", "cancelled")
            await here.reports.until("a-0-1", lambda r: r.status == "CANCELLED")
            assert await here.backend.services() == []
            assert not here.backend._open_sessions().live()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "model-definition.yaml").unlink(), "has no model-definition.yaml"),
        (lambda folder: (folder / "model-definition.yaml").write_text("models: 3"), "model-definition.yaml, line 1"),
        (lambda folder: (folder / "serve.py").unlink(), "/models/serve.py is not in the model folder"),
    ],
)
def test_a_wrong_model_folder_is_refused_before_anything_starts(tmp_path: Path, change: Any, words: str) -> None:
    """The message says what is wrong."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            change(Path(here.backend.place_of("digits-model") or ""))
            with pytest.raises(SessionRejected, match=words):
                await here.backend.submit(deployment("a-0-1"))
            assert await here.backend.services() == []

    asyncio.run(scenario())


def test_the_model_folder_cannot_be_written_to_by_a_replica(tmp_path: Path) -> None:
    """Where there are private mounts."""
    server = "import sys\ntry: open('/models/x', 'w')\nexcept OSError as e: sys.exit(f'refused: {e.strerror}')"

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            if here.backend._open_sessions().mode != "namespaces":
                pytest.skip("no private mounts here")
            await fill(here.backend, server=server)
            await here.backend.submit(deployment("a-0-1"))
            report = await here.reports.until("a-0-1", lambda r: r.result == "FAILURE")
            assert "refused: Read-only file system" in report.reason

    asyncio.run(scenario())


def test_without_private_networks_a_command_that_takes_its_port_is_served(tmp_path: Path) -> None:
    """$PORT is a free one of this machine; an update rolls as well."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            here.backend._open_services()._networks = False
            command = "exec python3 /models/serve.py ${PORT:-8000}"
            await fill(here.backend, definition(start_command=command, shell="/bin/sh"))
            endpoint = await here.deploy(deployment("a-0-1", "1"))
            with Load(endpoint, 2) as load:
                await here.deploy(deployment("b-0-1", "2"))
            assert load.failures == []
            assert (await asked(endpoint))[0] == 200

    asyncio.run(scenario())


def test_without_private_networks_a_taken_port_is_told(tmp_path: Path) -> None:
    """And how to get around it."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            here.backend._open_services()._networks = False
            taken = socket.create_server(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            command = ["python3", "/models/serve.py", str(port)]
            await fill(here.backend, definition(start_command=command, port=port))
            await here.backend.submit(deployment("a-0-1", timeout=1.0))
            report = await here.reports.until("a-0-1", lambda r: r.result == "FAILURE")
            assert f"port {port} is taken" in report.reason
            assert "$PORT" in report.reason
            taken.close()

    asyncio.run(scenario())
