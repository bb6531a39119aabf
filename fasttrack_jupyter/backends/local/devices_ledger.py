"""Which attempt holds which accelerators, on disk, so that an engine that adopts a session knows.

Every device has 100 hundredths. A whole device (``cuda.device: 1``) takes all of one that nobody uses; a share
(``cuda.shares: 0.3``) goes onto the fullest device that still has room (best fit keeps whole ones free); a
share of 1.5 is one whole device and half of another. So no device is ever both whole and shared. A share is an
agreement on who runs where, not a wall: it is enforced only where NVIDIA's MPS runs, which is then told.

Slots add up, devices do not: two halves on two devices are no whole one. What the sums allow and the
devices do not is a :class:`Conflict`: wait until somebody lets go.

A session sees exactly what it holds. That includes nothing: on a machine with GPUs a task that asks for none
gets ``CUDA_VISIBLE_DEVICES=""``, or the first one that imports a framework would take them all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from fasttrack_jupyter.backends.local.devices import SHARES, WHOLE, Capacity, visible_variable
from fasttrack_jupyter.errors import Conflict, SessionRejected
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import HUNDRED, ResourceSlots, format_quantity

Holding = dict[str, dict[str, int]]
"""Kind → device id → hundredths."""


class DeviceLedger:
    """Hands out ``capacity``'s devices and remembers in the file ``path``. For one engine: nothing is locked."""

    def __init__(self, path: Path, capacity: Capacity, environ: Mapping[str, str] | None = None) -> None:
        self.capacity = capacity
        self._path = path
        self._kinds = capacity.kinds
        self._environ = os.environ if environ is None else environ
        self._held: dict[str, Holding] = _read(path)

    def allocate(self, attempt_id: str, slots: ResourceSlots) -> dict[str, str]:
        """Take what ``slots`` ask for; the variables that show the session its devices.

        Repeatable: an attempt that holds something already gets the same again. Durable on return
        against the end of the engine (not of the machine: then the sessions are gone as well).

        Raises:
            Conflict: no room on the devices now; nothing was taken.
            SessionRejected: half a whole device was asked for.
        """
        held = self._held.get(attempt_id)
        if held is None:
            held = self._place(slots, self._used())
            if held is None:
                raise Conflict(f"no room for {_devices_in_words(slots)} now", hint="it starts when others have ended")
            if held:
                self._held[attempt_id] = held
                self._write()
        return self._variables(held)

    def release(self, attempt_id: str) -> None:
        """Give back what the attempt holds, if anything."""
        if self._held.pop(attempt_id, None) is not None:
            self._write()

    def restore(self, alive: Collection[str]) -> list[str]:
        """After a start: keep the holdings of the attempts in ``alive``; the ids of those let go."""
        gone = sorted(set(self._held) - set(alive))
        for attempt_id in gone:
            del self._held[attempt_id]
        if gone:
            self._write()
        return gone

    def holdings(self) -> Mapping[str, Holding]:
        """Attempt id → kind → device id → hundredths."""
        return self._held

    def devices_of(self, attempt_id: str, kind: str = "cuda") -> tuple[str, ...]:
        """The ids of the devices of ``kind`` that the attempt holds (for ``--gpus`` of a container)."""
        return tuple(self._held.get(attempt_id, {}).get(kind, ()))

    def can_place(self, slots: ResourceSlots, count: int = 1) -> bool:
        """Whether ``count`` sessions of ``slots`` have room on the devices now, all at once."""
        return not any(slot.endswith((WHOLE, SHARES)) for slot in slots) or self._fits(slots, count, self._used())

    def check(self, slots: ResourceSlots, count: int = 1) -> Problem | None:
        """What makes ``slots`` impossible on these devices even when nobody else uses them; None if nothing does."""
        try:
            if self._fits(slots, count, {}):
                return None
        except SessionRejected as error:
            return Problem(code=error.code, message=error.message, hint=error.hint)
        here = ", ".join(f"{len(self.capacity.of_kind(kind))} {kind}" for kind in self._kinds) or "none"
        message = f"{_devices_in_words(slots.times(count))} can never be placed: devices of this machine: {here}"
        return Problem(code="devices_never_fit", message=message, hint="ask for less; whole devices and shares add up")

    # ---------------------------------------------------------------- placing

    def _used(self) -> dict[tuple[str, str], int]:
        used: dict[tuple[str, str], int] = {}
        for held in self._held.values():
            for kind, parts in held.items():
                for device, amount in parts.items():
                    used[kind, device] = used.get((kind, device), 0) + amount
        return used

    def _fits(self, slots: ResourceSlots, count: int, used: dict[tuple[str, str], int]) -> bool:
        for _ in range(count):
            held = self._place(slots, used)
            if held is None:
                return False
            for kind, parts in held.items():
                for device, amount in parts.items():
                    used[kind, device] = used.get((kind, device), 0) + amount
        return True

    def _place(self, slots: ResourceSlots, used: Mapping[tuple[str, str], int]) -> Holding | None:
        """Where ``slots`` would go with ``used`` taken; None if nowhere. Asks for no device: an empty holding."""
        held: Holding = {}
        kinds = dict.fromkeys(slot.rpartition(".")[0] for slot in slots if slot.endswith((WHOLE, SHARES)))
        for kind in kinds:
            whole, shares = slots.get(kind + WHOLE, 0), slots.get(kind + SHARES, 0)
            if whole % HUNDRED:
                amount = format_quantity(kind + WHOLE, whole)
                hint = f"ask for a part of one with {kind}{SHARES}: {amount}"
                raise SessionRejected(f"{kind}{WHOLE}: {amount} is no whole number of devices", hint=hint)
            free = {d.id: HUNDRED - used.get((kind, d.id), 0) for d in self.capacity.of_kind(kind)}
            parts = _pick(free, whole // HUNDRED + shares // HUNDRED, shares % HUNDRED)
            if parts is None:
                return None
            held[kind] = parts
        return held

    def _variables(self, held: Holding) -> dict[str, str]:
        variables = {visible_variable(kind): ",".join(held.get(kind, ())) for kind in self._kinds}
        if "cuda" in self._kinds:
            variables["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        parts = list(held.get("cuda", {}).values())
        if parts and min(parts) < HUNDRED and self._has_mps():
            variables["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = str(min(parts))
        return variables

    def _has_mps(self) -> bool:
        return Path(self._environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"), "control").exists()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written = self._path.with_name(self._path.name + ".tmp")
        written.write_text(json.dumps(self._held))
        written.replace(self._path)


def _pick(free: Mapping[str, int], whole: int, share: int) -> dict[str, int] | None:
    """``whole`` devices that nobody uses and ``share`` hundredths of another; None if there is no room."""
    # the share first, on the fullest with room: an unused device only if every other is too full
    parts: dict[str, int] = {}
    if share:
        room = [device for device, left in free.items() if left >= share]
        if not room:
            return None
        parts[min(room, key=lambda device: free[device])] = share
    unused = [device for device, left in free.items() if left == HUNDRED and device not in parts]
    if len(unused) < whole:
        return None
    return dict.fromkeys(unused[:whole], HUNDRED) | parts


def _read(path: Path) -> dict[str, Holding]:
    try:
        read = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}  # empty after a power cut: the sessions that held something are gone with it
    return {str(attempt): {k: dict(v) for k, v in held.items()} for attempt, held in read.items()}


def _devices_in_words(slots: ResourceSlots) -> str:
    words = [f"{slot}: {format_quantity(slot, slots[slot])}" for slot in slots if slot.endswith((WHOLE, SHARES))]
    return ", ".join(words)
