"""How a session that the cluster has ended came out: its records read from the vfolder, and an outcome made of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.backend_ai import ends, places
from fasttrack_jupyter.backends.backend_ai.alongside import both
from fasttrack_jupyter.backends.backend_ai.ends import EndRecord, Kill, Outcome, Seen
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.looking import Looker, Row
from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.errors import BackendError, BackendUnreachable, FastTrackError, NotFound
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.metrics import ARTIFACT_LIST, METRICS, MetricTable, parse_artifacts

BEGUN = "begun"
"""Among the records of an attempt, from when its command began."""
VALUE_CAP = 1 << 20
"""Bytes of a value's file that are read at most."""
_RECORD_CAP = 16 << 20
METRICS_PAGE, METRICS_CAP = 4 << 20, 16 << 20
"""Bytes of metrics that are read at once, and in all."""
_APPEARS = 3
"""Seconds in which what a session wrote last can be read everywhere."""


_NO_ROW = Row("", "", Status.TERMINATED, Status.TERMINATED.value, Result.SUCCESS, "", {}, 0.0, None, None)
"""Of a session that has a record of its end, and that the cluster does not show."""


class Finished(NamedTuple):
    """The end of a session."""

    outcome: Outcome
    at: float | None
    data: Mapping[str, Any]


class Finisher:
    """Reads what sessions of one user on one cluster left."""

    def __init__(self, cluster: Cluster, looker: Looker, vfolders: Vfolders) -> None:
        self._cluster, self._looker, self._vfolders = cluster, looker, vfolders

    async def finish(self, session: Session) -> Finished:
        """How ``session``, all of whose rows are over, ended; one that the cluster does not show by its record alone.

        Raises:
            BackendUnreachable: nothing is known; call again.
        """
        row = _telling(session.rows) if session.rows else _NO_ROW
        record, usage = await both(self._record(session, row), self._usage(session))
        kill = session.kill or await self._killed(session, row, record)
        seen = Seen(row.status or session.status, row.result, row.info, row.data)
        if record is None and kill is None and row is not _NO_ROW:
            seen = await self._looked_into(session, row, seen)
        outcome = ends.outcome_of(record, seen, kill, session.spec.timeout)
        data: dict[str, Any] = {"failure": outcome.failure} if outcome.failure else {}
        if record is not None and record.began:
            data["started_at"] = record.began  # some releases say RUNNING when a short command has long ended
        if usage:
            data["usage"] = usage
        if outcome.result is Result.SUCCESS and record is not None and session.spec.wanted_outputs:
            data |= await self._outputs(session, record)
        if record is not None and record.ranks.codes:
            data["ranks"] = list(record.ranks.codes)
        if record is not None and record.has_metrics:
            data |= await self._noted(session)
        at = record.ended if record is not None and record.ended else row.ended_at
        return Finished(outcome, at, data)

    async def _looked_into(self, session: Session, row: Row, seen: Seen) -> Seen:
        """What else there is to be known of an end without a record. Raises BackendUnreachable."""
        log, gone = await both(self.own_log(row.id), self._gone(session.folder))
        (info, data), has_begun = await both(self._told_by_containers(session, row), self._has_begun(session))
        return seen._replace(info=info, data=data, log=log, gone=gone, has_begun=has_begun)

    async def _told_by_containers(self, session: Session, row: Row) -> tuple[str, Mapping[str, Any]]:
        """``status_info`` and ``status_data``, of the containers where the session itself has none."""
        if row.info and ends.error_words(row.data):
            return row.info, row.data
        try:
            told = await self._looker.containers(session.name, row.id)
        except BackendUnreachable:
            raise
        except FastTrackError:
            return row.info, row.data
        info = row.info or next((info for info, _ in told if info), "")
        candidates = (row.data, *(data for _, data in told))
        return info, next((data for data in candidates if ends.error_words(data)), row.data)

    async def _has_begun(self, session: Session) -> bool | None:
        """Whether its command began; None: its records cannot be looked at. Raises BackendUnreachable."""
        try:
            found = await self._vfolders.lister.entries(session.folder, places.control(session.spec.attempt_id))
        except BackendUnreachable:
            raise
        except FastTrackError:
            return None
        return None if found is None else any(entry.name == BEGUN for entry in found)

    async def ask_for_the_end(self, row: Row, forced: bool) -> None:
        """Ask the cluster to end a session; what is gone is no trouble. Raises BackendUnreachable, Forbidden …"""
        path = f"/session/{row.id}"
        query = {"forced": "true"} if forced else {}
        try:
            await self._cluster.call("DELETE", path, query=query)
        except NotFound:
            return
        except BackendUnreachable:
            raise
        except FastTrackError:  # what is just being prepared is ended by force only
            if forced:
                raise
            await self._cluster.call("DELETE", path, query={"forced": "true"})

    async def write_down(self, session: Session, kill: Kill) -> None:
        """Among its records, who ended it and why. Raises FastTrackError, TimeoutError."""
        path = f"{places.control(session.spec.attempt_id)}/killed"
        async with asyncio.timeout(5.0):
            await self._vfolders.write(session.folder, path, kill.dump())

    async def own_log(self, session_id: str) -> str:
        """What a session wrote to its own log; empty where the cluster keeps none."""
        try:
            told = await self._cluster.call("GET", f"/session/{session_id}/logs", repeat=False)
        except BackendUnreachable as error:
            if error.details.get("status") == 500:  # its container never was
                return ""
            raise
        except FastTrackError:
            return ""
        logs = ((told or {}).get("result") or {}).get("logs")
        return str(logs or "").replace("\r\n", "\n")

    async def _record(self, session: Session, row: Row) -> EndRecord | None:
        """The wrapper's record; None where there is none, or none that is whole."""
        path = f"{places.control(session.spec.attempt_id)}/end"
        tries = _APPEARS if row.result is Result.SUCCESS else 2 if row.result is Result.FAILURE else 1
        for tried in range(1, tries + 1):
            try:
                return EndRecord.parse(await self._vfolders.read(session.folder, path, 0, _RECORD_CAP))
            except (NotFound, ValueError):
                if tried < tries:
                    await asyncio.sleep(1.0)
        return None

    async def _gone(self, folder: str) -> str:
        """The name of a vfolder that is not there any more; empty where it is. Raises BackendUnreachable."""
        there = {each.name for each in await self._vfolders.catalogue.all(fresh=True)}
        return "" if folder in there else folder

    async def _killed(self, session: Session, row: Row, record: EndRecord | None) -> Kill | None:
        """Why an earlier engine ended it."""
        if not session.was_found or (record is not None and record.code == 0 and row.result is Result.SUCCESS):
            return None
        path = f"{places.control(session.spec.attempt_id)}/killed"
        with contextlib.suppress(NotFound, ValueError):
            return Kill.parse(await self._vfolders.read(session.folder, path, 0, 65_536))
        return None

    async def _usage(self, session: Session) -> Mapping[str, Any]:
        """What it used in all, as far as the cluster tells: of no weight for its end."""
        try:
            used = dict((await self._looker.measure([session.name], ended=True)).get(session.name, {}))
        except FastTrackError:
            return {}
        used.pop("mem", None)
        return used

    async def _outputs(self, session: Session, record: EndRecord) -> dict[str, Any]:
        values = dict(record.values)
        paths = dict(session.spec.wanted_outputs)
        missing = list(record.missing)
        for name in (name for name in record.large if name != "."):
            if name and (text := await self._text(session, paths.get(name, ""))) is not None:
                values[name] = text
            elif name:
                missing.append(name)
        found: dict[str, Any] = {"values": values, "missing": missing}
        listed = await self._text(session, ARTIFACT_LIST) if "." in record.large else record.artifacts
        if listed:
            found["artifacts"] = parse_artifacts(listed.encode())
        whole = record.outputs_json
        if whole is None and "" in record.large:
            whole = await self._text(session, "outputs.json")
        return found if whole is None else {**found, "outputs_json": whole}

    async def _noted(self, session: Session) -> dict[str, Any]:
        """Its metrics, parameters and tags, as far as :data:`METRICS_CAP` reaches."""
        table, path, start = MetricTable(), f"{session.spec.outputs}/{METRICS}", 0
        try:
            while start < METRICS_CAP:
                page = await self._vfolders.read(session.folder, path, start, METRICS_PAGE)
                await asyncio.to_thread(table.feed, page)
                start += len(page)
                if len(page) < METRICS_PAGE:
                    break
            else:
                table.truncated = True
        except BackendUnreachable:
            raise
        except FastTrackError:
            return {}
        return table.facts()

    async def _text(self, session: Session, path: str) -> str | None:
        try:
            data = await self._vfolders.read(session.folder, f"{session.spec.outputs}/{path}", 0, VALUE_CAP)
        except BackendUnreachable:
            raise
        except (BackendError, FastTrackError):
            return None
        return data.decode("utf-8", "replace")


def _telling(rows: tuple[Row, ...]) -> Row:
    """Of several sessions of one attempt the one that got furthest."""
    return max(rows, key=lambda row: (row.result is Result.SUCCESS, row.began_at is not None, row.created_at))
