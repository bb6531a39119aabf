"""All services of this home: what the local backend answers when it is asked to serve."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fasttrack_jupyter.backends.files.removal import remove_tree
from fasttrack_jupyter.backends.local import attempts, logs
from fasttrack_jupyter.backends.local.attempts import Killed
from fasttrack_jupyter.backends.local.doctor import Check
from fasttrack_jupyter.backends.local.fresh import make_fresh
from fasttrack_jupyter.backends.local.services import records, relay, replicas, rollouts, telling
from fasttrack_jupyter.backends.local.services.keeper import Keeper
from fasttrack_jupyter.backends.local.services.link import GatewayLink
from fasttrack_jupyter.backends.local.services.records import ReplicaRecord, Revision, ServiceRecord, Unread
from fasttrack_jupyter.backends.local.services.rollouts import Outcome, Rollout
from fasttrack_jupyter.backends.local.services.tokens import make_token
from fasttrack_jupyter.backends.local.sessions import Sessions
from fasttrack_jupyter.engine.ports import LogChunk, SessionReport, SessionSpec
from fasttrack_jupyter.engine.serving import Recall, ServiceInfo, SlotDesk
from fasttrack_jupyter.errors import BackendUnreachable, Conflict, NotFound
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.serving import ModelDefinition

_TIMEOUT = 600.0
_OUTPUTS = Callable[[SessionSpec], str]


class Services:
    """See the module's text. It is also the ground on which replicas stand."""

    desk: SlotDesk

    def __init__(
        self, home: Path, sessions: Sessions, outputs_of: _OUTPUTS, report: Callable[[SessionReport], None]
    ) -> None:
        self._home, self._sessions, self._outputs_of, self.report = home, sessions, outputs_of, report
        self._root = home / "services" / "named"
        self._keepers: dict[str, Keeper] = {}
        self._unread: dict[str, Unread] = {}
        self._link = GatewayLink(home, self._wake_all)
        self._networks: bool | None = None
        self._recall: Recall | None = None
        self._changed: Callable[[], None] = lambda: None
        self._known: list[ServiceInfo] = []
        """As the engine was last told that something is new."""

    # ------------------------------------------------------------ the engine begins and ends

    def begin(self, desk: SlotDesk, recall: Recall, changed: Callable[[], None] = lambda: None) -> None:
        """Hold what runs, go on with what is wanted."""
        self.desk, self._recall, self._changed = desk, recall, changed
        found, unread = records.load_all(self._root)
        self._unread = {each.name: each for each in unread}
        for record in found:
            self._keep(record).begin()

    def is_serving(self) -> bool:
        """Whether there is a service."""
        return bool(self._keepers)

    def codes(self) -> set[str]:
        """Digests of the snapshots that replicas are started from."""
        known = {
            revision.spec.code
            for keeper in self._keepers.values()
            for revision in keeper.record.revisions.values()
            if revision.spec.code is not None
        }
        return known.union(*(unread.codes for unread in self._unread.values()))

    async def aclose(self) -> None:
        """Stop; replicas and the gateway go on."""
        await asyncio.gather(*(keeper.aclose() for keeper in self._keepers.values()))
        await self._link.aclose()

    def _keep(self, record: ServiceRecord) -> Keeper:
        keeper = self._keepers[record.name] = Keeper(record, self)
        return keeper

    def _wake_all(self) -> None:
        for keeper in self._keepers.values():
            keeper.wake()

    def hear(self, report: SessionReport) -> None:
        """What sessions report: of a replica it is for its service, of all others for the engine."""
        for keeper in self._keepers.values():
            if report.attempt_id in keeper.replicas:
                keeper.heard(report)
                return
        self.report(report)

    # ------------------------------------------------------------ rollouts

    def rollout(self, attempt_id: str) -> Rollout | None:
        """Of this attempt, whether it is over or not."""
        for keeper in self._keepers.values():
            if attempt_id in keeper.rollouts:
                return keeper.rollouts[attempt_id]
        return rollouts.load(attempt_id, Path(self.control(attempt_id)))

    def is_told(self, attempt_id: str) -> bool:
        """Whether nothing more is said about the attempt by a rollout."""
        return not any(attempt_id in keeper.rollouts for keeper in self._keepers.values())

    def go_on(self, spec: SessionSpec) -> bool:
        """Take up the rollout of ``spec`` again; whether there is one. Raises OSError."""
        assert spec.service is not None
        rollout, keeper = self.rollout(spec.attempt_id), self._keepers.get(spec.service.name)
        if rollout is None:
            return False
        if rollout.is_over:
            self.report(rollout.last())
        elif keeper is not None and (rollout.outcome or spec.attempt_id in keeper.record.revisions):
            rollout.said = None
            keeper.follow(rollout, spec)
        elif rollout.outcome is None and not self._was_begun(rollout):
            return False  # a crash lay between its first word and the service's
        else:
            self._end_without_service(rollout)
        return True

    @staticmethod
    def _was_begun(rollout: Rollout) -> bool:
        return (rollout.control / "log").exists()

    def _end_without_service(self, rollout: Rollout) -> None:
        known = rollout.outcome or Outcome(Status.ERROR, Result.FAILURE, f"service {rollout.service} was removed")
        rollout.save(Outcome(known.status, known.result, known.reason, at=time.time()))
        self.report(rollout.last())

    def lost(self, spec: SessionSpec) -> None:
        """There is no rollout of ``spec``, though there was one."""
        assert spec.service is not None
        report = SessionReport(spec.attempt_id, Status.ERROR, time.time(), Result.FAILURE, reason="lost")
        self.report(report)

    def roll(self, spec: SessionSpec, definition: ModelDefinition) -> None:
        """Make the service of ``spec``, or bring it up to date. Raises BackendUnreachable, Conflict, OSError."""
        service, control = spec.service, Path(self.control(spec.attempt_id))
        assert service is not None
        self._refuse_unread(service.name)
        keeper = self._keepers.get(service.name)
        if keeper is not None and keeper.record.is_going:
            raise BackendUnreachable(f"service {service.name} is being removed", hint="It is tried again.")
        model, served = definition.served
        is_new = keeper is None
        if keeper is None:
            keeper = Keeper(ServiceRecord(service.name, service.replicas), self)
        before = keeper.record.revisions.get(keeper.record.current or "")
        revision = Revision(
            spec, model.model_path, served, number=before.number + 1 if before else 1, begun_at=time.time(),
            timeout=_TIMEOUT if spec.timeout is None else spec.timeout,
        )  # fmt: skip
        rollout = Rollout(spec.attempt_id, control, service.name)
        make_fresh(self._outputs_of(spec))  # which is an input of the tasks that depend on it
        rollout.save()
        keeper.roll(revision, rollout)
        if is_new:
            self._keepers[service.name] = keeper
            keeper.begin()
        rollout.note(f"revision {revision.number} of {service.name}: {service.replicas} × {service.model}")

    def cancel(self, attempt_id: str, reason: str) -> None:
        """Take a rollout back."""
        for keeper in self._keepers.values():
            if attempt_id in keeper.rollouts:
                keeper.cancel(keeper.rollouts[attempt_id], reason)

    # ------------------------------------------------------------ what there is

    def keeper(self, name: str) -> Keeper:
        """Of the service. Raises NotFound; Conflict for one whose record cannot be read."""
        self._refuse_unread(name)
        if (keeper := self._keepers.get(name)) is None:
            raise NotFound(f"there is no service {name!r} on this machine", hint="`fasttrack services` lists them.")
        return keeper

    def _refuse_unread(self, name: str) -> None:
        if (unread := self._unread.get(name)) is not None:
            raise Conflict(f"service {name!r}: {unread.reason}", hint=self._remedy(unread))

    def _remedy(self, unread: Unread) -> str:
        folder = records.folder_of(self._root, unread.name)
        return f"use the release that wrote it; or, to give it up, move {folder} away, and deploy it again"

    def info(self, name: str) -> ServiceInfo:
        """One of them. Raises NotFound."""
        if (unread := self._unread.get(name)) is not None:
            return telling.info_of_unread(unread)
        return telling.info_of(self.keeper(name))

    def infos(self) -> list[ServiceInfo]:
        """All, by name."""
        return [self.info(name) for name in sorted({*self._keepers, *self._unread})]

    async def checks(self) -> list[Check]:
        """The doctor's lines."""
        has_networks, count = await self.has_networks(), len(self._keepers)
        ways = "a network for each replica" if has_networks else "replicas share this machine's ports"
        gateway = f"gateway (pid {self._link.pid})" if self._link.pid else "no gateway runs"
        found = f"{ways}; {count} {'service' if count == 1 else 'services'}, {gateway if count else 'so no gateway'}"
        remedy = "let start commands take their port from $PORT, or allow network namespaces"
        unread = [Check("service", False, f"{e.name}: {e.reason}", self._remedy(e)) for e in self._unread.values()]
        return [Check("serving", has_networks and (not count or self._link.pid is not None), found, remedy), *unread]

    def token(self, name: str, seconds: float) -> str:
        """See the port."""
        record = self.keeper(name).record
        return "" if record.is_public else make_token(self._link.key(), record.id, time.time() + seconds)

    def log(self, name: str, replica: str | None, after: int, limit: int) -> LogChunk:
        """See the port. Blocks."""
        record = self.keeper(name).record
        known = [*record.ended, *(each.id for each in record.replicas)]
        if replica is None and not known:
            raise NotFound(f"service {name!r} has no replica yet", hint="It is being started.")
        chosen = known[-1] if replica is None else replica
        if chosen not in known:
            raise NotFound(f"service {name!r} has no replica {chosen!r}", hint=f"It has {', '.join(known) or 'none'}.")
        control = self.control(chosen)
        return logs.read(control, chosen, after, limit, not attempts.is_held(control))

    # ------------------------------------------------------------ the ground of replicas

    def control(self, attempt_id: str) -> str:
        """See ``Ground``."""
        return self._sessions.control(attempt_id)

    def exists(self, attempt_id: str) -> bool:
        """See ``Ground``."""
        finding = attempts.look(self.control(attempt_id))
        return finding not in (attempts.Finding.ABSENT, attempts.Finding.UNSTARTED)

    def begin_session(self, spec: SessionSpec, *, create: bool) -> None:
        """See ``Ground``."""
        self._sessions.begin(spec, create=create)

    def end(self, attempt_id: str, reason: str) -> None:
        """See ``Ground``."""
        if (session := self._sessions.get(attempt_id)) is not None:
            self._sessions.end(session, Killed("cancel", reason))

    async def has_networks(self) -> bool:
        """See ``Ground``."""
        if self._networks is None:
            self._networks = await asyncio.to_thread(can_have_networks)
        return self._networks

    def save(self, record: ServiceRecord) -> None:
        """See ``House``."""
        records.save(self._root, record)

    async def forget(self, record: ServiceRecord) -> None:
        """See ``House``."""
        await self.discard_logs(record.ended)
        await asyncio.to_thread(remove_tree, records.folder_of(self._root, record.name))

    def let_go(self, record: ServiceRecord) -> None:
        """See ``House``."""
        self._keepers.pop(record.name, None)

    async def discard(self, replica: ReplicaRecord, revision: Revision) -> None:
        """See ``House``."""
        self._sessions.forget(replica.id)
        outputs = Path(self._outputs_of(replicas.replica_spec(revision, replica)))
        await asyncio.to_thread(remove_tree, outputs)
        await asyncio.to_thread(remove_tree, Path(self.control(replica.id)) / "work")

    async def discard_logs(self, replicas: Sequence[str]) -> None:
        """See ``House``."""
        for replica in replicas:
            self._sessions.forget(replica)
            await asyncio.to_thread(remove_tree, Path(self.control(replica)))

    async def recall(self, attempt_id: str) -> SessionSpec:
        """See ``House``."""
        assert self._recall is not None
        return await self._recall(attempt_id)

    def looked(self) -> None:
        """See ``House``."""
        if (now := self.infos()) != self._known:
            self._known = now
            self._changed()

    async def sync(self) -> dict[str, int]:
        """See ``House``."""
        kept = {k.record.id: k for k in self._keepers.values() if not k.record.is_going or k.replicas}
        told = [telling.told_of(keeper) for keeper in kept.values()]
        answer = await self._link.sync(told, spared=list(self._unread))
        for service, keeper in kept.items():
            keeper.door_trouble = answer["troubles"].get(service, "")
            if (port := answer["ports"].get(service)) and port != keeper.record.port:
                with records.change(keeper.record, self.save):
                    keeper.record.port = port
                keeper.wake()
        busy: dict[str, int] = answer["busy"]
        return busy


def can_have_networks() -> bool:
    """Whether a process here can have a network of its own, found out by doing it. Blocks."""
    argv = [sys.executable, "-I", "-S", relay.__file__, "0"]
    tried = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=os.sep)
    return tried.returncode == 0
