"""Pretended accelerators, through Backend.AI's own mock plugin.

The plugin reads ``mock-accelerator.toml`` in the agent's working directory, which is the cluster's folder, and knows
one slot name; for further ones a module in the agent's environment has subclasses that read a file of their own. Its
allocation mode is etcd's ``config/plugins/accelerator/<entry point>/allocation_mode`` (the entry point's name, not the
slot's, as its documents say). Seen with 26.9.6 only.
"""

from __future__ import annotations

from pathlib import Path

from .config import HERE
from .settings import ClusterError, Settings

FRACTIONAL = {"allocation_mode": "fractional", "unit_mem": "42949672960", "unit_proc": "108"}
"""4 devices of 40 GiB and 108 processors are 4 shares in all with these units."""
MIG_PARTS = (("MIG-20g", "20G", 56), ("MIG-10g", "10G", 28), ("MIG-10g", "10G", 28))


def slots(asked: str) -> list[str]:
    """The slot names that the cluster has for one that was asked for."""
    if asked.endswith(".mig"):
        return ["cuda.device", "cuda.device:20g-mig", "cuda.device:10g-mig"]
    return [asked]


def check(asked: tuple[str, ...]) -> None:
    """
    Raises:
        ClusterError: there is no such slot, or two of one kind of device.
    """
    wrong = [slot for slot in asked if slot.partition(".")[2] not in ("device", "shares") and slot != "cuda.mig"]
    if wrong:
        raise ClusterError(f"no accelerator {wrong[0]!r}: KEY.device or KEY.shares for any KEY, or cuda.mig")
    if len({slot.partition(".")[0] for slot in asked}) < len(asked):
        raise ClusterError("one accelerator of each kind: an agent has cuda.device or cuda.shares, not both")


def write(settings: Settings) -> tuple[dict[str, dict[str, str]], str]:
    """Write what the agent reads; give what etcd must know (entry point → settings), and SQL for the slots' types."""
    for old in settings.dir.glob("mock-accelerator*.toml"):
        old.unlink()
    modes, classes = {}, {}
    for index, slot in enumerate(settings.accelerators):
        key, _, kind = slot.partition(".")
        entry, file = ("mock", "mock-accelerator") if not index else (f"mock_{key}", f"mock-accelerator-{key}")
        (settings.dir / f"{file}.toml").write_text(_devices(index, key, kind))
        modes[entry] = FRACTIONAL if kind == "shares" else {"allocation_mode": "discrete"}
        if index:
            classes[entry] = file
    _install_plugins(settings, classes)
    return modes, "\n".join(_slot_type(name) for slot in settings.accelerators for name in slots(slot))


def _devices(index: int, key: str, kind: str) -> str:
    """The mock plugin's configuration for four devices; with MIG two, and three slices."""
    rows = [(f"{key.upper()} device", "40G", 108, "false")] * (2 if kind == "mig" else 4)
    rows += [(*part, "true") for part in MIG_PARTS] if kind == "mig" else []
    devices = "".join(
        f'  {{ mother_uuid = "{index:08x}-91cd-4cd3-a1b0-{number:012x}", model_name = "{model}", numa_node = 0, '
        f'subproc_count = {processors}, memory_size = "{memory}", is_mig_device = {mig} }},\n'
        for number, (model, memory, processors, mig) in enumerate(rows)
    )
    formats = "".join(
        f'[formats."{name}"]\ndisplay_unit = "{unit}"\ndisplay_icon = "gpu1"\nhuman_readable_name = "{key} {name}"\n'
        f'description = "pretended {key}"\nnumber_format = {{ binary = false, round_length = {digits} }}\n'
        for name, unit, digits in (("device", "GPU", 0), ("shares", "fGPU", 2), ("*-mig", "GPU", 0))
    )
    driver = 'nvidia_driver = "450.0.0"\ncuda_runtime = "11.0"\n' if key == "cuda" else ""
    of = "CUDADevice" if key == "cuda" else "MockDevice"
    return f'slot_name = "{key}"\ndevice_plugin_name = "{of}"\ndevices = [\n{devices}]\n[attributes]\n{driver}{formats}'


def _slot_type(name: str) -> str:
    """One slot that the table lacks makes the manager refuse all slots of the agent."""
    digits, kind = (2, "count") if name.endswith(".shares") else (0, "unique" if name.endswith("-mig") else "count")
    columns = "slot_name, slot_type, display_name, description, display_unit, display_icon, number_format, rank"
    number = f'{{"binary": false, "round_length": {digits}}}'
    row = f"'{name}', '{kind}', '{name}', 'pretended {name}', 'GPU', 'gpu1', '{number}', 2000"
    return f"INSERT INTO resource_slot_types ({columns}) VALUES ({row}) ON CONFLICT DO NOTHING;"


def _install_plugins(settings: Settings, classes: dict[str, str]) -> None:
    """A tiny distribution in the agent's environment, whose entry points the agent finds."""
    site = next((settings.dir / "venv/lib").glob("python3.*/site-packages"))
    info = site / "more_mocks-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more-mocks\nVersion: 1.0\n")
    (info / "RECORD").touch()
    entries = "".join(f"{name} = more_mocks:{name}\n" for name in classes)
    (info / "entry_points.txt").write_text(f"[backendai_accelerator_v21]\n{entries}")
    made = "".join(f"{name} = another({name!r}, {file!r})\n" for name, file in classes.items())
    (site / "more_mocks.py").write_text(Path(HERE / "inside/more_mocks.py").read_text() + made)
