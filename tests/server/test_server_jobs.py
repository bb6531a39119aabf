"""What a browser does with jobs, through a real server and a real engine."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from fasttrack_jupyter.home import Home

LONG = 40.0
"""Seconds that anything may take on a busy machine."""


def _pipeline(command: str, name: str = "through the server", task: str = "only") -> str:
    return f"name: {json.dumps(name)}\ntasks:\n- name: {json.dumps(task)}\n  command: {json.dumps(command)}\n"


async def _run(call: Any, text: str, **more: Any) -> str:
    answer = await call("POST", "/jobs", {"text": text, **more})
    assert answer.code == 200, answer.body
    return str(json.loads(answer.body)["id"])


async def _ended(call: Any, job: str) -> dict[str, Any]:
    """The job, once it has ended."""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        view: dict[str, Any] = json.loads((await call("GET", f"/jobs/{job}")).body)
        if view["status"] in ("TERMINATED", "CANCELLED"):
            return view
        await call("GET", f"/events?after={10**9}&wait=0.2")
    raise AssertionError(view)


async def test_a_job_runs_to_its_end_and_its_log_is_followed(call: Any) -> None:
    """Lines of the log arrive while the task runs, not when it has ended."""
    job = await _run(call, _pipeline("echo first; sleep 1; echo last"))
    arrived: list[tuple[float, str]] = []

    def take(part: bytes) -> None:
        for line in filter(None, part.split(b"\n")):
            arrived.append((time.monotonic(), json.loads(line)["data"]))

    answer = await call("GET", f"/jobs/{job}/tasks/only/logs/stream", streaming_callback=take)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert "".join(data for _, data in arrived) == "first\nlast\n"
    times = [when for when, data in arrived if data]
    assert times[-1] - times[0] > 0.5
    assert (await _ended(call, job))["result"] == "SUCCESS"


async def test_ranges_of_an_output(call: Any) -> None:
    """One range, the whole, and one that is not there; names with slashes, spaces, percent signs and Korean."""
    name = "폴더/a b%2F#?.bin"
    command = 'mkdir -p "/pipeline/outputs/폴더" && printf 0123456789 > "/pipeline/outputs/폴더/a b%2F#?.bin"'
    job = await _run(call, _pipeline(command, name="이름 100%", task="한글 task"))
    assert (await _ended(call, job))["result"] == "SUCCESS"
    task = f"/jobs/{job}/tasks/{quote('한글 task')}"
    listed = json.loads((await call("GET", f"{task}/outputs")).body)
    assert name in {entry["path"] for entry in listed}
    path = f"{task}/outputs/{quote(name, safe='')}"
    whole = await call("GET", path)
    assert (whole.code, whole.body, whole.headers["Accept-Ranges"]) == (200, b"0123456789", "bytes")
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Type"] == "application/octet-stream"


async def test_a_range_is_a_part(call: Any, jp_auth_header: dict[str, str]) -> None:
    """206 with what it is a part of; an error for one that holds nothing."""
    job = await _run(call, _pipeline("printf 0123456789 > /pipeline/outputs/digits"))
    await _ended(call, job)
    path = f"/jobs/{job}/tasks/only/outputs/digits"
    part = await call("GET", path, headers={**jp_auth_header, "Range": "bytes=2-4"})
    assert (part.code, part.body, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert (await call("GET", path, headers={**jp_auth_header, "Range": "bytes=99-"})).code in (400, 416)


@pytest.mark.parametrize("file", ["../../../fasttrack.db", "..", "/etc/passwd", "a/../../../../x"])
async def test_nothing_outside_its_folder_is_read(call: Any, file: str) -> None:
    """However the path is written."""
    job = await _run(call, _pipeline("true", name="escape"))
    await _ended(call, job)
    for word in (quote(file, safe=""), quote(quote(file, safe=""), safe="")):
        answer = await call("GET", f"/jobs/{job}/tasks/only/outputs/{word}")
        assert answer.code in (400, 403, 404), answer.body
        assert set(json.loads(answer.body)) == {"code", "message", "hint", "details"}


async def test_secrets_go_in_and_only_names_come_out(call: Any, jp_logging_stream: Any, caplog: Any) -> None:
    """Neither in an answer nor in the server's log."""
    assert (await call("PUT", "/secrets/TOKEN", {"value": "hunter2-hunter2"})).code == 204
    assert {"name": "TOKEN", "pipeline": None} in json.loads((await call("GET", "/secrets")).body)
    assert (await call("PUT", "/secrets/TOKEN", {"value": ["hunter2-hunter2"]})).code == 400
    assert (await call("GET", "/secrets/TOKEN")).code == 405
    assert (await call("DELETE", "/secrets/TOKEN")).code == 204
    assert "hunter2" not in caplog.text + jp_logging_stream.getvalue()


async def test_keys_of_a_cluster_go_in_and_never_come_out(call: Any, jp_logging_stream: Any, caplog: Any) -> None:
    """Neither in an answer, nor in the server's log, nor in that of events; signatures are none of a browser's."""
    keys = {"endpoint": "http://127.0.0.1:1", "user": "AKIAhunter2", "secret": "hunter2-hunter2"}
    refused = await call("PUT", "/profiles/work", keys)
    assert (refused.code, json.loads(refused.body)["code"]) == (503, "backend_unreachable")
    assert (await call("PUT", "/profiles/work", {**keys, "secret": ["hunter2"]})).code == 400
    assert json.loads((await call("GET", "/profiles")).body) == []
    assert (await call("GET", "/profiles/work")).code == 405
    assert (await call("DELETE", "/profiles/work")).code == 404
    assert (await call("POST", "/profiles/work/check")).code == 404
    assert (await call("POST", "/profiles/work/verify", {})).code in (404, 405)
    events = (await call("GET", "/events")).body.decode()
    assert "hunter2" not in caplog.text + jp_logging_stream.getvalue() + refused.body.decode() + events


async def test_a_log_is_downloaded_whole_and_masked(call: Any) -> None:
    """As a file, of any attempt; longer than one page; what is no attempt is told."""
    assert (await call("PUT", "/secrets/DOWNLOAD", {"value": "hunter2-hunter2"})).code == 204
    line = "for i in $(seq 20000); do echo $TOKEN $i 훈련; done"
    text = _pipeline(line, task="훈련 1") + '  environment: {envs: {TOKEN: "${{ secrets.DOWNLOAD }}"}}\n'
    job = await _run(call, text)
    assert (await _ended(call, job))["result"] == "SUCCESS"
    path = f"/jobs/{job}/tasks/{quote('훈련 1')}/logs/text"
    answer = await call("GET", path)
    assert answer.body.decode() == "".join(f"{'*' * 15} {i} 훈련\n" for i in range(1, 20001))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{quote('훈련 1.1.log')}"
    assert (await call("GET", f"{path}?attempt=1")).body == answer.body
    refused = await call("GET", f"{path}?attempt=2")
    assert (refused.code, json.loads(refused.body)["code"]) == (404, "not_found")
    assert (await call("DELETE", "/secrets/DOWNLOAD")).code == 204


async def test_ten_megabytes_of_text(call: Any) -> None:
    """Go through whole; nobody else waits meanwhile."""
    text = _pipeline("true") + "# " + "x" * (10 << 20) + "\n"
    answer = await call("POST", "/validate", {"text": text})
    assert (answer.code, json.loads(answer.body)["tasks"]) == (200, 1)


async def test_files_go_through_whole(call: Any) -> None:
    """As many bytes as the engine takes, and its refusal of more."""
    text = _pipeline("cat big.txt | wc -c")
    ok = await call("POST", "/plan", {"text": text, "files": {"big.txt": "x" * 20_000_000}})
    assert (ok.code, json.loads(ok.body)["tasks"][0]["decision"]) == (200, "will run")
    refused = await call("POST", "/plan", {"text": text, "files": {"big.txt": "x" * 20_000_001}})
    assert (refused.code, json.loads(refused.body)["code"]) == (400, "bad_request")


async def test_hundreds_follow_at_a_time(call: Any, http_server_client: Any) -> None:
    """Each gets each line."""
    http_server_client.max_clients = 300
    job = await _run(call, _pipeline("sleep 1; echo all"))
    path = f"/jobs/{job}/tasks/only/logs/stream"
    answers = await asyncio.gather(*(call("GET", path) for _ in range(200)))
    assert {"".join(json.loads(line)["data"] for line in a.body.split(b"\n") if line) for a in answers} == {"all\n"}


async def test_who_goes_away_ends_the_call_at_the_engine(call: Any, home: Path, jp_serverapp: Any, port: int) -> None:
    """A closed tab leaves nothing open."""
    assert (await call("GET", "/jobs")).code == 200
    engine = psutil.Process(Home(home).engine()["pid"])
    before = len(engine.net_connections("unix"))
    token = jp_serverapp.identity_provider.token
    target = f"{jp_serverapp.base_url}fasttrack/events/stream?after=0&token={token}"
    writers = []
    for _ in range(9):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert b"200" in await reader.readline()
        writers.append(writer)
    assert len(engine.net_connections("unix")) > before + 5
    for writer in writers:
        writer.close()
    deadline = time.monotonic() + 10
    while len(engine.net_connections("unix")) > before + 1 and time.monotonic() < deadline:
        await call("GET", f"/events?after={10**9}&wait=0.1")
    assert len(engine.net_connections("unix")) <= before + 1
