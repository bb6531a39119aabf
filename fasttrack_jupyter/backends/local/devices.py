"""What this machine can hand out: cpu, memory, and accelerators one by one.

A kind of accelerator is the first part of its slots' names: ``cuda`` has ``cuda.device`` (whole devices)
and ``cuda.shares`` (hundredths of one); both count the same devices. NVIDIA's are found through NVML, and
named by UUID; a GPU that is split by MIG counts as its instances. Others come from a small table, and
anything can be said by the user: ``FASTTRACK_SLOTS="cpu=8,mem=16g,cuda.device=2,tpu.device=1"`` or
``<home>/slots.yaml`` (``cuda.device: 2``); what they do not name stays as detected.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fasttrack_jupyter.backends.local.machine_limits import usable_cpus, usable_memory
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.resources import HUNDRED, ResourceSlots

SLOTS_VARIABLE = "FASTTRACK_SLOTS"
SLOTS_FILE = "slots.yaml"
WHOLE, SHARES = ".device", ".shares"
_SHARED = ("cuda",)
"""Kinds whose devices may be shared unless the user says otherwise."""

_FILES = {"tpu": "dev/accel[0-9]*", "atom": "dev/rbln[0-9]*"}
"""Kind → its device files, one a device: Google's TPU, Rebellions' ATOM."""
_VARIABLES = {"rocm": "ROCR_VISIBLE_DEVICES", "tpu": "TPU_VISIBLE_CHIPS", "atom": "RBLN_DEVICES"}


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator: ``id`` is what its kind's variable takes (a UUID for NVIDIA, else a number)."""

    kind: str
    id: str
    name: str = ""
    memory: int = 0
    """Bytes; 0 where unknown."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """All that this machine hands out, and the devices behind it, in the order in which they are taken."""

    slots: ResourceSlots
    devices: tuple[Device, ...] = ()
    kinds: tuple[str, ...] = ()
    """The kinds of accelerator that are here, also those of which nothing is handed out."""

    def of_kind(self, kind: str) -> tuple[Device, ...]:
        """The devices of one kind."""
        return tuple(device for device in self.devices if device.kind == kind)


def visible_variable(kind: str) -> str:
    """The variable that tells a process which devices of ``kind`` it may use."""
    return _VARIABLES.get(kind, kind.upper().replace("-", "_") + "_VISIBLE_DEVICES")


def detect_slots(
    amounts: Mapping[str, str] | None = None,
    *,
    home: Path | None = None,
    environ: Mapping[str, str] | None = None,
    root: Path = Path("/"),
    nvml: Any = None,
) -> Capacity:
    """What is here, overridden by ``<home>/slots.yaml``, by ``FASTTRACK_SLOTS`` and by ``amounts``, in this order.

    ``nvml`` is the NVML library (default: ``pynvml``). Devices that the engine's own ``CUDA_VISIBLE_DEVICES``
    hides are not counted.

    Raises:
        BadRequest: an override is no slot and amount.
    """
    environ = os.environ if environ is None else environ
    found = [*_nvidia_devices(nvml, environ), *_rocm_devices(root), *_devices_by_file(root)]
    written = {**_from_file(home), **_from_variable(environ), **(amounts or {})}
    try:
        overrides = {slot: ResourceSlots.parse({slot: amount}).get(slot, 0) for slot, amount in written.items()}
    except ValueError as error:
        raise BadRequest(f"the slots of this machine: {error}", hint=f"see {SLOTS_VARIABLE} and {SLOTS_FILE}") from None
    devices = _overridden(found, overrides)
    slots = {"cpu": usable_cpus(root), "mem": usable_memory(root)}
    kinds = _kinds(found, overrides)
    for kind in kinds:
        count = sum(device.kind == kind for device in devices) * HUNDRED
        slots |= {kind + WHOLE: count} | ({kind + SHARES: count} if kind in _SHARED else {})
    return Capacity(ResourceSlots({**slots, **overrides}), tuple(devices), kinds)


# ---------------------------------------------------------------- what the user says


def _from_variable(environ: Mapping[str, str]) -> dict[str, str]:
    pairs = {}
    for word in filter(None, (word.strip() for word in environ.get(SLOTS_VARIABLE, "").split(","))):
        slot, equals, amount = word.partition("=")
        if not equals:
            raise BadRequest(f"{SLOTS_VARIABLE}: {word!r} is no slot=amount", hint="write cpu=8,mem=16g,cuda.device=2")
        pairs[slot.strip()] = amount.strip()
    return pairs


def _from_file(home: Path | None) -> dict[str, str]:
    path = home / SLOTS_FILE if home is not None else None
    if path is None or not path.exists():
        return {}
    try:
        read: Any = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadRequest(f"{path} cannot be read: {error}", hint="mend or remove it") from error
    if not isinstance(read, dict):
        raise BadRequest(f"{path} is no map of slots to amounts", hint="write lines such as cuda.device: 2")
    return {str(slot): str(amount) for slot, amount in read.items()}


def _overridden(found: list[Device], overrides: Mapping[str, int]) -> list[Device]:
    """As many devices of each kind as the user says: the first of those found, and numbered ones beyond."""
    devices = []
    for kind in _kinds(found, overrides):
        here = [device for device in found if device.kind == kind]
        count = overrides.get(kind + WHOLE, len(here) * HUNDRED) // HUNDRED
        here += [Device(kind, str(number)) for number in range(len(here), count)]
        devices += here[:count]
    return devices


def _kinds(found: list[Device], overrides: Mapping[str, int]) -> tuple[str, ...]:
    named = [slot.removesuffix(WHOLE) for slot in overrides if slot.endswith(WHOLE)]
    return tuple(dict.fromkeys([*(device.kind for device in found), *named]))


# ---------------------------------------------------------------- what is here


def _nvidia_devices(nvml: Any, environ: Mapping[str, str]) -> list[Device]:
    library = _nvml(nvml)
    if library is None:
        return []
    try:
        gpus = [(uuid, _mig_instances(library, handle) or [handle]) for uuid, handle in _gpus(library)]
        parts = [[(uuid, part) for part in parts] for uuid, parts in gpus]
        return [_nvidia_device(library, part) for part in _visible(library, parts, environ)]
    finally:
        library.nvmlShutdown()


def _nvml(nvml: Any) -> Any:
    """The initialised library, or None where there is no NVIDIA driver."""
    library = importlib.import_module("pynvml") if nvml is None else nvml
    try:
        library.nvmlInit()
    except library.NVMLError:
        return None
    return library


def _gpus(library: Any) -> list[tuple[str, Any]]:
    """UUID and handle of every GPU that answers, in PCI order."""
    found = []
    for index in range(library.nvmlDeviceGetCount()):
        try:
            handle = library.nvmlDeviceGetHandleByIndex(index)
            found.append((_text(library.nvmlDeviceGetUUID(handle)), handle))
        except library.NVMLError:
            continue  # fallen off the bus: nothing can run on it
    return found


def _nvidia_device(library: Any, handle: Any) -> Device:
    try:
        memory = int(library.nvmlDeviceGetMemoryInfo(handle).total)
    except library.NVMLError:
        memory = 0  # not told where the GPU has the machine's own memory
    return Device("cuda", _text(library.nvmlDeviceGetUUID(handle)), _text(library.nvmlDeviceGetName(handle)), memory)


def _mig_instances(library: Any, handle: Any) -> list[Any]:
    """The MIG devices that a GPU is split into; empty for a whole one."""
    try:
        if not library.nvmlDeviceGetMigMode(handle)[0]:
            return []
        count = library.nvmlDeviceGetMaxMigDeviceCount(handle)
    except library.NVMLError:
        return []  # a GPU that knows no MIG
    instances = []
    for index in range(count):
        try:
            instances.append(library.nvmlDeviceGetMigDeviceHandleByIndex(handle, index))
        except library.NVMLError:
            continue  # a place where no instance has been made
    return instances


def _visible(library: Any, gpus: list[list[tuple[str, Any]]], environ: Mapping[str, str]) -> list[Any]:
    """The devices that ``CUDA_VISIBLE_DEVICES`` lets this process see, by number (in PCI order) or beginning of a UUID.

    ``gpus`` are ``(UUID of the GPU, handle)`` of the parts of each GPU.
    """
    wanted = environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return [part for parts in gpus for _, part in parts]
    chosen: list[Any] = []
    for word in (word.strip() for word in wanted.split(",")):
        hits = [
            part
            for number, parts in enumerate(gpus)
            for uuid, part in parts
            if word and (word == str(number) or _text(library.nvmlDeviceGetUUID(part)).startswith(word)
                         or uuid.startswith(word))
        ]  # fmt: skip
        if not hits:
            break  # as CUDA does: what follows a word that names no device does not count
        chosen += [part for part in hits if part not in chosen]
    return chosen


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _rocm_devices(root: Path) -> list[Device]:
    """AMD's: the nodes of the KFD topology that compute (those of processors have no SIMD units)."""
    nodes = sorted(root.glob("sys/class/kfd/kfd/topology/nodes/*/properties"))
    gpus = [node for node in nodes if any(_has_simd(line) for line in node.read_text().splitlines())]
    return [Device("rocm", str(number)) for number in range(len(gpus))]


def _has_simd(line: str) -> bool:
    return line.startswith("simd_count ") and line.split()[1] != "0"


def _devices_by_file(root: Path) -> list[Device]:
    counts = {kind: len(list(root.glob(pattern))) for kind, pattern in _FILES.items()}
    return [Device(kind, str(number)) for kind, count in counts.items() for number in range(count)]


def gpu_usage(nvml: Any = None) -> list[dict[str, Any]]:
    """``{id, busy, mem_used, mem_total}`` of each NVIDIA GPU now: percent of time, bytes. Empty where there is none."""
    library = _nvml(nvml)
    if library is None:
        return []
    try:
        return [_usage(library, uuid, handle) for uuid, handle in _gpus(library)]
    finally:
        library.nvmlShutdown()


def _usage(library: Any, uuid: str, handle: Any) -> dict[str, Any]:
    memory = library.nvmlDeviceGetMemoryInfo(handle)
    try:
        busy = int(library.nvmlDeviceGetUtilizationRates(handle).gpu)
    except library.NVMLError:
        busy = None  # not told for a GPU that is split by MIG
    return {"id": uuid, "busy": busy, "mem_used": int(memory.used), "mem_total": int(memory.total)}
