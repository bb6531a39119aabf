"""Sessions as a manager tells of them: all that are asked for in one GraphQL query, by name, ended ones too.

``GET /session/{id}`` knows only the living, and one at a time. ``compute_session_list`` with a filter
``name in [...]`` is in every release from 23.09 on; names are only unique among the living, so a name may have several.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.backend_ai import statuses
from fasttrack_jupyter.backends.backend_ai.catalogue import moment
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.errors import BackendUnreachable
from fasttrack_jupyter.model.lifecycle import ENDED, Result, Status

PAGE = 500
"""Sessions in one query."""
_FIELDS = "session_id name status result status_info status_data status_history created_at terminated_at"
_MEASURED = "session_id name status containers { cluster_role live_stat %s }"
_CONTAINERS = "session_id name containers { status_info status_data }"
_LIST = """query($limit: Int!, $offset: Int!, $filter: String) {
  compute_session_list(limit: $limit, offset: $offset, filter: $filter, order: "created_at") {
    total_count items { %s } } }"""


class Row(NamedTuple):
    """One session."""

    id: str
    name: str
    status: Status | None
    """None: a status that is not known to us."""
    word: str
    """Its status in the cluster's own word."""
    result: Result
    info: str
    data: Mapping[str, Any]
    created_at: float
    began_at: float | None
    """When it was RUNNING first."""
    ended_at: float | None

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.status in ENDED


class Looker:
    """Asks one cluster, for one user."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._asked: dict[str, asyncio.Future[list[Row]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def find(self, name: str) -> list[Row]:
        """The sessions of that name, oldest first. Who asks while a query is under way shares the next one.

        Raises:
            BackendUnreachable, KeysRefused: nothing is known.
        """
        answer = self._asked.get(name)
        if answer is None:
            answer = self._asked[name] = asyncio.get_running_loop().create_future()
            if self._asking is None:
                self._asking = asyncio.get_running_loop().create_task(self._answer())
        return await asyncio.shield(answer)

    async def look(self, names: Sequence[str]) -> dict[str, list[Row]]:
        """The sessions of those names, oldest first of each; one query for each :data:`PAGE` of them."""
        found: dict[str, list[Row]] = defaultdict(list)
        for start in range(0, len(names), PAGE):
            for told in await self._list(names[start : start + PAGE], _FIELDS):
                row = _row(told)
                found[row.name].append(row)
        return found

    async def measure(self, names: Sequence[str], *, ended: bool = False) -> dict[str, Mapping[str, Any]]:
        """What the containers of each use now, or used (``ended``), added up: see :func:`measured`."""
        fields = _MEASURED % ("last_stat" if ended else "")
        told = await self._list(list(names), fields)
        return {str(each["name"]): measured(each.get("containers") or ()) for each in told}

    async def containers(self, name: str, session_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        """``status_info`` and ``status_data`` of each container of a session: what it has ended for is often told there
        alone (``failed-to-start``), with nothing about it at the session."""
        told = await self._list([name], _CONTAINERS)
        containers = [one for each in told if str(each["session_id"]) == session_id for one in each["containers"] or ()]
        return [(str(one.get("status_info") or ""), parsed(one.get("status_data"))) for one in containers]

    async def mounts(self, name: str) -> list[str]:
        """The names of the vfolders that a session mounts, in their order."""
        told = await self._list([name], "name mounts")
        return [str(mount) for each in told for mount in each.get("mounts") or ()]

    async def _answer(self) -> None:
        """Ask for all that wait, again and again until nobody does."""
        try:
            while self._asked:
                asked, self._asked = dict(list(self._asked.items())[:PAGE]), dict(list(self._asked.items())[PAGE:])
                try:
                    found = await self.look(list(asked))
                except BaseException as error:
                    is_ours = isinstance(error, Exception)
                    _fail(asked.values(), error if is_ours else _closing())
                    if not is_ours:
                        raise
                else:
                    for name, future in asked.items():
                        future.set_result(found.get(name, []))
        finally:
            self._asking = None

    async def aclose(self) -> None:
        """Who still waits hears that nothing is known."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        waiting, self._asked = self._asked, {}
        _fail(waiting.values(), _closing())

    async def _list(self, names: Sequence[str], fields: str) -> list[Mapping[str, Any]]:
        if not names:
            return []
        items: list[Mapping[str, Any]] = []
        while True:
            variables = {"limit": 2 * PAGE, "offset": len(items), "filter": f"name in {json.dumps(list(names))}"}
            page = (await self._cluster.graphql(_LIST % fields, variables))["compute_session_list"]
            items += page["items"]
            if not page["items"] or len(items) >= page["total_count"]:
                return items


def _closing() -> BackendUnreachable:
    return BackendUnreachable("the connection to the cluster is being closed: nothing is known")


def _fail(waiting: Iterable[asyncio.Future[list[Row]]], error: BaseException) -> None:
    for future in waiting:
        future.set_exception(error)
        future.exception()  # whoever asked may be gone


def measured(containers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``{mem, peak_mem: bytes, cpu_seconds}`` of a session's containers together; empty where nothing is told."""
    total: dict[str, float] = defaultdict(float)
    for container in containers:
        stat = parsed(container.get("live_stat")) or parsed(container.get("last_stat"))
        mem, cpu = stat.get("mem") or {}, stat.get("cpu_used") or {}
        if mem:
            total["mem"] += _number(mem.get("current"))
            total["peak_mem"] += _number(mem.get("stats.max")) or _number(mem.get("current"))
        if cpu:
            total["cpu_seconds"] += _number(cpu.get("current")) / 1000
    whole: dict[str, Any] = {key: int(total[key]) for key in ("mem", "peak_mem") if key in total}
    return {**whole, **({"cpu_seconds": round(total["cpu_seconds"], 3)} if "cpu_seconds" in total else {})}


def parsed(told: Any) -> Mapping[str, Any]:
    """GraphQL's JSONString; empty where there is none."""
    try:
        found = json.loads(told) if isinstance(told, str) else told
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _number(told: Any) -> float:
    try:
        return float(told)
    except (TypeError, ValueError):
        return 0.0


def _row(told: Mapping[str, Any]) -> Row:
    history = parsed(told.get("status_history"))
    status = statuses.status_of(told["status"])
    return Row(
        id=str(told["session_id"]),
        name=str(told["name"]),
        status=status,
        word=str(told["status"]),
        result=statuses.result_of(told.get("result")),
        info=str(told.get("status_info") or ""),
        data=parsed(told.get("status_data")),
        created_at=moment(told.get("created_at")),
        began_at=moment(history.get("RUNNING")) or None,
        ended_at=(moment(told.get("terminated_at")) or None) if status in ENDED else None,
    )
