"""Faults, one after the other, on a real cluster with real containers: nothing is lost, nothing runs twice, no session
is left.

What takes a minute and more, and what is told by another test too, is left out unless asked for::

    pytest tests/backend_ai/test_faults.py --backend-ai 23.9.10 --backend-ai-faults
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from backend_ai.real_cluster import Cluster
from backend_ai.troubled import Troubled, first, second, troubled

long, alone = pytest.mark.long_faults, pytest.mark.alone
DESTROY = """import sys; from ai.backend.client.session import Session
with Session() as session: session.ComputeSession(sys.argv[1]).destroy()"""
DELETE = """import sys; from ai.backend.client.session import Session
with Session() as session: session.VFolder(sys.argv[1]).delete()"""
START = ["POST /admin/gql", "POST /folders$", "/mkdir", "files.path=.code", "request-upload", "PATCH", "POST /session$"]
END = ["POST /admin/gql", "files.path=.sessions", "request-download", "GET /download"]
PROBLEM = {"Content-Type": "application/problem+json"}
UNKNOWN_KEYS = '{"type": "https://api.backend.ai/probs/auth-failed", "title": "Credential/signature mismatch."}'


@pytest.fixture
def there(cluster: Cluster, tmp_path: Path) -> Iterator[Troubled]:
    """A home whose engine reaches the cluster through proxies that fail on demand."""
    with troubled(cluster, tmp_path) as there:
        yield there


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=long)])
def test_an_engine_killed_at_every_request_loses_nothing(there: Troubled, when: Literal["before", "after"]) -> None:
    """``kill -9`` before a request was heard and after it was, once for each kind; the next engine goes on."""
    steps = [*START, *END]
    with ThreadPoolExecutor(1) as pool:
        hold = there.hold(steps[0], when)
        starting = pool.submit(there.start, [first(sleep=4)])
        for step, following in pairwise(steps):
            there.home.until(hold.is_reached, lambda step=step: f"{step} did not come", 90)
            hold = there.next_hold(following, when)
        there.home.until(hold.is_reached, lambda: f"{steps[-1]} did not come", 90)
        there.home.kill_engine()
        job = starting.result(60)
    assert len(there.home.client.jobs()) == 1
    there.went_well(job)


@pytest.mark.parametrize("late", ["when all is over", pytest.param("at once", marks=long)])
def test_a_request_that_arrives_when_its_engine_is_dead_begins_nothing_twice(there: Troubled, late: str) -> None:
    """The next engine has made the session by then, or sees it through."""
    hold = there.hold("POST /session$", "before")
    job = there.start()
    there.home.until(hold.is_reached, lambda: "no session was asked for", 90)
    there.home.kill_engine()
    if late == "at once":
        hold.let_go()
    there.went_well(job)
    hold.let_go()
    time.sleep(3)
    there.went_well(job)


def test_answers_that_are_lost_do_no_harm(there: Troubled) -> None:
    """Every kind of request is heard once without that its answer comes back; the next try finds what it did."""
    for step in (*START[1:], *END):
        there.proxy(step).reset(step, 2 if step == "/mkdir" else 1, when="after")
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(there.start).result(100)
    there.went_well(job)


def test_a_cancelled_session_is_ended_whatever_becomes_of_the_request(there: Troubled) -> None:
    """An engine dies with it, the next one does after it was heard, and of the third the answer is lost."""
    job = there.start([first(sleep=600)])
    there.home.running(job, "first", "begun")
    hold = there.hold("DELETE /session", "before")
    there.home.client.cancel(job)
    there.home.until(hold.is_reached, lambda: "no DELETE", 90)
    hold = there.next_hold("DELETE /session", "after")
    there.home.until(hold.is_reached, lambda: "no second DELETE", 90)
    there.manager.reset("DELETE /session", 1, when="after")
    there.home.kill_engine()
    (task,) = there.ended(job)["tasks"]
    assert (task["status"], task["result"]) == ("CANCELLED", "UNDEFINED"), task
    assert there.begun(job) == ["first"]


@pytest.mark.parametrize("at", ["start", pytest.param("running", marks=long)])
def test_bursts_of_refusals_pass(there: Troubled, at: str) -> None:
    """Too many requests, server errors of each kind, broken connections, keys that are refused for a while."""
    job = there.start([first(sleep=8)])
    if at == "running":
        there.home.running(job, "first", "begun")
    for status, times in ((429, 3), (500, 3), (502, 3), (503, 3), (401, 3), (408, 2)):
        headers = {"Retry-After": "1"} if status == 429 else PROBLEM if status == 401 else None
        there.manager.answer(status, "", times, headers, UNKNOWN_KEYS if status == 401 else "")
        there.storage.answer(status, "", 1 if status != 401 else 0, headers)
    there.manager.reset("", 3)
    there.manager.reset("", 3, when="after")
    there.went_well(job, 400)  # two minutes on a quiet machine: they are met one after the other, with pauses between


@long
@pytest.mark.parametrize("step", ["POST /session$", "/mkdir", "files.path=.sessions"])
def test_answers_that_come_too_late_do_no_harm(there: Troubled, step: str) -> None:
    """A request is given up after half a minute, and is heard after all a little later."""
    there.proxy(step).delay(36, step, 1)
    job = there.start()
    there.went_well(job, 200)


@alone
@long
@pytest.mark.parametrize("seconds", [8, 60])
@pytest.mark.timeout(600, func_only=True)
def test_a_manager_that_is_down_is_waited_for(there: Troubled, cluster: Cluster, seconds: float) -> None:
    """While one session runs, and another is being asked for; the job tells what is wrong."""
    job = there.start([first(sleep=5), second()])
    there.home.running(job, "first", "begun")
    with cluster.without("manager", "kill"):
        there.says(job, "first", "cannot be connected to|broke the connection")
        time.sleep(seconds)
    hold = there.hold("POST /session$", "before")
    there.home.until(hold.is_reached, lambda: "no second session", 120)
    with cluster.without("manager", "kill"):
        hold.let_go()
        time.sleep(seconds)
    there.went_well(job, 200, ["first", "second"])


@alone
@long
def test_a_storage_proxy_that_is_down_is_waited_for(there: Troubled, cluster: Cluster) -> None:
    """While the code is to be uploaded, and when an end is to be read: an end is read late rather than wrong.

    Both times the reason names what is missing.
    """
    hold = there.hold("request-upload", "before")
    job = there.start([first(sleep=15)])  # its log is read from there, too: time to take it away again
    there.home.until(hold.is_reached, lambda: "no upload", 90)
    with cluster.without("storage-proxy", "kill"):
        hold.let_go()
        there.says(job, "first", "storage proxy")
    there.home.running(job, "first", "begun")
    with cluster.without("storage-proxy", "kill"):
        there.says(job, "first", "its end cannot be read yet: .*storage proxy")
    there.went_well(job)


@alone
@long
def test_a_log_is_followed_over_a_storage_proxy_that_is_down(there: Troubled, cluster: Cluster) -> None:
    """What it had not got before comes afterwards, once."""
    command = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo line $i; sleep 1; done"
    job = there.start([{"name": "first", "command": command}])
    there.home.running(job, "first", "line 1")
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(lambda: "".join(each["data"] for each in there.home.client.follow_logs(job, "first")))
        time.sleep(2)
        with cluster.without("storage-proxy", "kill"):
            time.sleep(5)
        there.ended(job)
        assert following.result(60) == "".join(f"line {i}\n" for i in range(1, 21))


@alone
@long
def test_a_session_lives_on_without_its_agent(there: Troubled, cluster: Cluster) -> None:
    """The agent is killed while the command runs and comes back."""
    job = there.start([first(sleep=20)])
    there.home.running(job, "first", "begun")
    with cluster.without("agent", "kill"):
        time.sleep(8)
    there.went_well(job, 240)


@long
def test_a_session_that_somebody_ends_is_a_failure_that_says_so(there: Troubled, cluster: Cluster) -> None:
    """The official client destroys it: the next attempt begins anew, where there is to be one."""
    task = {**first(), "retry": {"max_attempts": 2, "delay": 0}}
    task["command"] += "; [ $(wc -l < /pipeline/vfroot/begun) = 2 ] || sleep 600"
    job = there.start([task])
    there.home.running(job, "first", "part")
    cluster.sdk(DESTROY, f"ft-{job}-0-1")
    (found,) = there.ended(job)["tasks"]
    assert (found["result"], there.begun(job)) == ("SUCCESS", ["first", "first"]), found
    before, after = there.home.client.attempts(job)
    assert "terminated on the cluster by somebody" in before["reason"], before
    assert (after["number"], after["result"]) == (2, "SUCCESS"), after


@long
def test_tokens_that_are_no_good_any_more_are_asked_for_again(there: Troubled) -> None:
    """A storage proxy refuses what a manager gave a while ago."""
    job = there.start([first(sleep=3)])
    there.home.running(job, "first", "begun")
    there.storage.answer(401, "GET /download", 1)
    there.went_well(job)


def test_a_job_goes_on_when_its_keys_are_put_again(there: Troubled) -> None:
    """They are refused while its session runs; the session is seen through with the new ones."""
    job = there.start([first(sleep=8)])
    there.home.running(job, "first", "begun")
    there.manager.answer(401, headers=PROBLEM, text=UNKNOWN_KEYS)
    there.says(job, "first", "refuses the keys")
    there.manager.heal()
    there.put_keys()
    there.went_well(job)


@long
def test_a_session_that_is_asked_for_while_the_keys_are_put_again_is_made_once(there: Troubled) -> None:
    """The request has been heard, and its answer is under way."""
    hold = there.hold("POST /session$", "after")
    job = there.start()
    there.home.until(hold.is_reached, lambda: "no session was asked for", 90)
    there.put_keys()
    there.went_well(job)


@long
def test_a_vfolder_that_is_removed_under_a_session_is_told(there: Troubled, cluster: Cluster) -> None:
    """23.09 lets that happen, later releases keep what is mounted: then all goes well."""
    job = there.start([first(sleep=10)])
    there.home.running(job, "first", "begun")
    with contextlib.suppress(AssertionError):
        cluster.sdk(DELETE, there.home.client.job(job)["folder"])
    (task,) = there.ended(job)["tasks"]
    assert task["result"] == "SUCCESS" or "was removed while it ran" in task["reason"], task


@long
def test_a_vfolder_that_is_removed_under_a_job_ends_it_with_words(there: Troubled, cluster: Cluster) -> None:
    """The session that needs it cannot be; nothing waits for ever."""
    hold = there.hold("POST /session$", "before")
    job = there.start()
    there.home.until(hold.is_reached, lambda: "no session was asked for", 90)
    cluster.sdk(DELETE, there.home.client.job(job)["folder"])
    hold.let_go()
    (task,) = there.ended(job)["tasks"]
    assert task["result"] == "FAILURE", task
    assert task["reason"], task
