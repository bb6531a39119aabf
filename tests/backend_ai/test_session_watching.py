"""Watching: one query for all, a budget that hints cannot break, and what use is made of what is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from fasttrack_jupyter.backends.backend_ai import looking, progressing, watching
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.looking import Looker
from fasttrack_jupyter.backends.backend_ai.watching import Budget
from fasttrack_jupyter.backends.backend_ai.whereabouts import Whereabouts
from fasttrack_jupyter.model.lifecycle import Result, Status


class Manager:
    """Answers ``compute_session_list`` for any name that it is asked for."""

    def __init__(self) -> None:
        self.queries: list[list[str]] = []

    async def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        names = json.loads(variables["filter"].removeprefix("name in "))
        self.queries.append(names)
        await asyncio.sleep(0)
        items = [_told(name) for name in names if not name.endswith("unknown")]
        return {"compute_session_list": {"total_count": len(items), "items": items}}


def _told(name: str, **more: Any) -> dict[str, Any]:
    return {
        "session_id": f"id-{name}", "name": name, "status": "TERMINATED", "result": "success", "status_info": None,
        "status_data": "{}", "status_history": json.dumps({"RUNNING": "2026-01-01T00:00:01+00:00"}),
        "created_at": "2026-01-01T00:00:00+00:00", "terminated_at": "2026-01-01T00:00:02+00:00", **more,
    }  # fmt: skip


def test_who_asks_at_the_same_time_shares_a_query() -> None:
    """A hundred sessions that begin together are looked for in two queries, not in a hundred."""
    manager = Manager()

    async def go() -> list[int]:
        looker = Looker(cast(Cluster, manager))
        found = await asyncio.gather(*(looker.find(f"ft-{number}") for number in range(100)), looker.find("ft-unknown"))
        return [len(rows) for rows in found]

    assert asyncio.run(go()) == [1] * 100 + [0]
    assert len(manager.queries) <= 2


def test_all_that_live_are_looked_at_in_one_query() -> None:
    """500 of them; more take one more."""
    manager = Manager()
    names = [f"ft-{number}" for number in range(501)]
    found = asyncio.run(Looker(cast(Cluster, manager)).look(names))
    assert [len(query) for query in manager.queries] == [500, 1]
    row = found["ft-500"][0]
    assert (row.status, row.result, row.is_over) == (Status.TERMINATED, Result.SUCCESS, True)
    assert (row.ended_at or 0) - (row.began_at or 0) == 1.0


def test_hints_do_not_break_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst of three, then one a second; lesser questions only get what is left over."""
    now = 100.0
    monkeypatch.setattr(watching.time, "monotonic", lambda: now)
    budget = Budget()
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    assert budget.wait() == pytest.approx(1.0)
    now += 1.0
    assert not budget.take(keep=1.0)
    assert budget.take()
    now += 60.0
    assert [budget.take() for _ in range(4)] == [True, True, True, False]


def test_use_of_all_containers_is_added_up() -> None:
    """Bytes and seconds, from strings; a container that tells nothing counts as nothing."""
    one = json.dumps({"mem": {"current": "1024", "stats.max": "4096"}, "cpu_used": {"current": "1500.5"}})
    told = looking.measured([{"live_stat": one}, {"live_stat": one}, {"live_stat": None}])
    assert told == {"mem": 2048, "peak_mem": 8192, "cpu_seconds": 3.001}
    assert looking.measured([{"live_stat": "nonsense"}]) == {}


def test_what_containers_tell_of_their_end_is_read() -> None:
    """Of the session in question, though others have had its name; what is no text or no JSON says nothing."""
    rows = [
        {"session_id": "old", "name": "ft-a", "containers": [{"status_info": "task-failed", "status_data": "{}"}]},
        {"session_id": "new", "name": "ft-a",
         "containers": [{"status_info": "failed-to-start", "status_data": '{"kernel": {"exit_code": -1}}'},
                        {"status_info": None, "status_data": None}]},
    ]  # fmt: skip

    class Telling:
        async def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
            return {"compute_session_list": {"total_count": 2, "items": rows}}

    found = asyncio.run(looking.Looker(cast(Any, Telling())).containers("ft-a", "new"))
    assert found == [("failed-to-start", {"kernel": {"exit_code": -1}}), ("", {})]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"fraction": 0.4, "text": "epoch 4"}', {"fraction": 0.4, "text": "epoch 4"}),
        (b'{"fraction": 7}', {"fraction": 1.0, "text": ""}),
        (b'{"fraction": NaN, "text": "x"}', {"fraction": None, "text": "x"}),
        (b'{"fraction": true}', None),
        (b'{"frac', None),
        (b"[1]", None),
    ],
)
def test_progress_that_makes_no_sense_is_none(content: bytes, told: dict[str, Any] | None) -> None:
    """A task writes what it likes, when it likes."""
    assert progressing.parsed(content) == told


def test_where_attempts_are_is_known_after_a_restart(tmp_path: Path) -> None:
    """What a crash cut off is left out; what was removed is gone."""
    places = Whereabouts(tmp_path / "own/attempts")
    places.note("a-0-1", "folder one")
    places.note("b-0-1", "folder two")
    places.drop(["a-0-1"])
    with (tmp_path / "own/attempts").open("a") as file:
        file.write('["c-0-1", "fol')
    Whereabouts(tmp_path / "own/attempts").note("d-0-1", "folder four")
    again = Whereabouts(tmp_path / "own/attempts")
    assert again.get("d-0-1") == "folder four"
    assert (again.get("a-0-1"), again.get("b-0-1"), again.get("c-0-1")) == (None, "folder two", None)
    assert again.by_folder(["b-0-1", "c-0-1"]) == {"folder two": ["b-0-1"]}


def test_a_watcher_that_is_closed_as_a_hint_comes_is_closed() -> None:
    """In the very same moment; Python 3.11's ``wait_for`` would go on, and whoever closes it would wait for ever."""

    class Quiet:
        async def look(self, names: list[str]) -> dict[str, list[Any]]:
            return {}

        async def events(self, query: object) -> AsyncIterator[tuple[str, dict[str, Any]]]:
            await asyncio.Event().wait()
            yield "connected", {}

    async def idle(budget: object) -> None:
        """Nothing to ask."""

    async def go() -> None:
        quiet = cast(Any, Quiet())
        watcher = watching.Watcher(quiet, quiet, lambda: ["ft-a"], lambda found: True, lambda error: None, idle)
        watcher.open()
        await asyncio.sleep(0.01)
        watcher.hint()
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await watcher.aclose()

    asyncio.run(go())
