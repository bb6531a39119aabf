"""What this machine hands out: cpu and memory within control groups, accelerators one by one."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.backends.local.devices import Capacity, Device, detect_slots, gpu_usage
from fasttrack_jupyter.backends.local.devices_ledger import DeviceLedger
from fasttrack_jupyter.backends.local.machine_limits import usable_cpus, usable_memory
from fasttrack_jupyter.errors import BadRequest, Conflict, SessionRejected
from fasttrack_jupyter.model.resources import ResourceSlots

# ruff: noqa: N802


class NVMLError(Exception):
    """As pynvml's."""


class FakeNvml:
    """Two GPUs, the second split by MIG into two instances, as pynvml shows them."""

    NVMLError = NVMLError

    def __init__(self, *, driver: bool = True) -> None:
        self.driver = driver

    def nvmlInit(self) -> None:
        if not self.driver:
            raise NVMLError("NVML Shared Library Not Found")

    def nvmlShutdown(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        return f"GPU-{index}aaa"

    def nvmlDeviceGetUUID(self, handle: str) -> bytes:
        return handle.encode()

    def nvmlDeviceGetName(self, handle: str) -> str:
        return "Fake"

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:
        return SimpleNamespace(total=80 << 30, used=1 << 30)

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> Any:
        if handle == "GPU-1aaa":
            raise NVMLError("Not Supported")
        return SimpleNamespace(gpu=42)

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:
        if handle == "GPU-0aaa":
            raise NVMLError("Not Supported")
        return [1, 1]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: str) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: str, index: int) -> str:
        if index not in (0, 3):
            raise NVMLError("Not Found")
        return f"MIG-{index}"


def detected(root: Path, **others: Any) -> Capacity:
    """Of a machine that has nothing but what the test gives it."""
    return detect_slots(**{"root": root, "environ": {}, "nvml": FakeNvml(driver=False), **others})


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


# ---------------------------------------------------------------- cpu and memory


def test_machine_without_limits_is_all_usable(tmp_path: Path) -> None:
    """Every processor that the affinity allows, and all memory."""
    assert usable_cpus(tmp_path) == len(os.sched_getaffinity(0)) * 100
    assert usable_memory(tmp_path) == psutil.virtual_memory().total


def test_tightest_limit_of_version_2_groups_counts(tmp_path: Path) -> None:
    """A parent's limit binds although the group itself has none."""
    written(tmp_path / "proc/self/cgroup", "0::/user.slice/app.scope\n")
    groups = tmp_path / "sys/fs/cgroup"
    written(groups / "user.slice/app.scope/cpu.max", "max 100000\n")
    written(groups / "user.slice/cpu.max", "50000 100000\n")
    written(groups / "user.slice/memory.max", f"{1 << 30}\n")
    written(groups / "user.slice/app.scope/memory.max", "max\n")
    assert (usable_cpus(tmp_path), usable_memory(tmp_path)) == (50, 1 << 30)


def test_limits_of_version_1_groups_count(tmp_path: Path) -> None:
    """Each controller has a hierarchy of its own; -1 and the huge default are no limits."""
    written(tmp_path / "proc/self/cgroup", "4:memory:/job\n2:cpu,cpuacct:/job\n0::/\n")
    groups = tmp_path / "sys/fs/cgroup"
    written(groups / "cpu,cpuacct/job/cpu.cfs_quota_us", "25000\n")
    written(groups / "cpu,cpuacct/job/cpu.cfs_period_us", "100000\n")
    written(groups / "cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    written(groups / "memory/job/memory.limit_in_bytes", f"{512 << 20}\n")
    written(groups / "memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert (usable_cpus(tmp_path), usable_memory(tmp_path)) == (25, 512 << 20)


def test_containers_own_group_is_the_top_of_its_mount(tmp_path: Path) -> None:
    """In a container /proc tells the host's path, which is not there: the top of the mount is the limit."""
    written(tmp_path / "proc/self/cgroup", "0::/docker/0123\n")
    written(tmp_path / "sys/fs/cgroup/memory.max", f"{2 << 30}\n")
    assert usable_memory(tmp_path) == 2 << 30


# ---------------------------------------------------------------- accelerators


def test_nvidia_gpus_are_found_by_uuid_and_mig_instances_are_devices(tmp_path: Path) -> None:
    """A whole GPU is one device; one that is split counts as its instances."""
    capacity = detected(tmp_path, nvml=FakeNvml())
    assert [device.id for device in capacity.devices] == ["GPU-0aaa", "MIG-0", "MIG-3"]
    assert capacity.slots["cuda.device"] == capacity.slots["cuda.shares"] == 300


@pytest.mark.parametrize(
    ("visible", "ids"),
    [
        ("0", ["GPU-0aaa"]),
        ("GPU-1", ["MIG-0", "MIG-3"]),
        ("", []),
        ("-1", []),
        ("7,0", []),
        ("0,7", ["GPU-0aaa"]),
        ("MIG-3", ["MIG-3"]),
    ],
)
def test_gpus_hidden_from_the_engine_are_not_handed_out(tmp_path: Path, visible: str, ids: list[str]) -> None:
    """The engine's own CUDA_VISIBLE_DEVICES is a limit, read as CUDA reads it."""
    capacity = detected(tmp_path, nvml=FakeNvml(), environ={"CUDA_VISIBLE_DEVICES": visible})
    assert [device.id for device in capacity.devices] == ids


def test_other_accelerators_are_found_by_their_files(tmp_path: Path) -> None:
    """AMD's by the KFD topology (processors are nodes too), others by device files."""
    nodes = tmp_path / "sys/class/kfd/kfd/topology/nodes"
    written(nodes / "0/properties", "cpu_cores_count 8\nsimd_count 0\n")
    written(nodes / "1/properties", "cpu_cores_count 0\nsimd_count 304\n")
    written(tmp_path / "dev/rbln0", "")
    written(tmp_path / "dev/rbln1", "")
    slots = detected(tmp_path).slots
    assert (slots["rocm.device"], slots["atom.device"], "cuda.device" in slots) == (100, 200, False)


def test_user_says_what_there_is(tmp_path: Path) -> None:
    """The variable wins over the file, and both over what was detected; the rest stays as detected."""
    written(tmp_path / "home/slots.yaml", "cpu: 3\nmem: 4g\n")
    environ = {"FASTTRACK_SLOTS": "cpu=8, cuda.device=2,licence=5"}
    slots = detected(tmp_path, home=tmp_path / "home", environ=environ).slots
    assert slots.written() == {"cpu": "8", "mem": "4g", "cuda.device": "2", "cuda.shares": "2", "licence": "5"}


def test_fewer_devices_than_there_are_may_be_said(tmp_path: Path) -> None:
    """``cuda.device=1`` hands out the first one alone."""
    capacity = detected(tmp_path, nvml=FakeNvml(), amounts={"cuda.device": "1"})
    assert [device.id for device in capacity.devices] == ["GPU-0aaa"]


@pytest.mark.parametrize("text", ["cpu", "cpu=many", "mem=16gg"])
def test_nonsense_slots_are_refused(tmp_path: Path, text: str) -> None:
    """What is no slot and amount is said, with where it stands."""
    with pytest.raises(BadRequest, match="slot"):
        detected(tmp_path, environ={"FASTTRACK_SLOTS": text})


def test_gpu_usage_tells_what_nvml_tells() -> None:
    """Percent and bytes; None where a GPU does not tell; nothing without a driver."""
    assert [gpu["busy"] for gpu in gpu_usage(FakeNvml())] == [42, None]
    assert gpu_usage(FakeNvml(driver=False)) == []


# ---------------------------------------------------------------- who holds what


def ledger(path: Path, cuda: int = 2, **environ: str) -> DeviceLedger:
    """Of a machine with GPUs g0, g1 …"""
    devices = tuple(Device("cuda", f"g{number}") for number in range(cuda))
    slots = ResourceSlots({"cuda.device": cuda * 100, "cuda.shares": cuda * 100})
    return DeviceLedger(path / "devices.json", Capacity(slots, devices, ("cuda",)), environ)


def cuda(device: str | None = None, shares: str | None = None) -> ResourceSlots:
    asked = {"cuda.device": device, "cuda.shares": shares}
    return ResourceSlots.parse({slot: amount for slot, amount in asked.items() if amount})


def test_whole_devices_are_named_in_pci_order(tmp_path: Path) -> None:
    """A session sees the devices it holds, and CUDA numbers them as the bus does."""
    environ = ledger(tmp_path).allocate("a", cuda(device="2"))
    assert environ == {"CUDA_VISIBLE_DEVICES": "g0,g1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def test_session_that_asks_for_no_gpu_sees_none(tmp_path: Path) -> None:
    """On a machine with GPUs nobody grabs one unasked; on a machine without, nothing is set."""
    assert ledger(tmp_path).allocate("a", ResourceSlots())["CUDA_VISIBLE_DEVICES"] == ""
    assert DeviceLedger(tmp_path / "x", Capacity(ResourceSlots())).allocate("a", ResourceSlots()) == {}


def test_shares_are_packed_onto_one_device(tmp_path: Path) -> None:
    """0.3 + 0.3 + 0.4 fill one device, so that the other stays whole."""
    books = ledger(tmp_path)
    seen = [books.allocate(f"a{share}", cuda(shares=share))["CUDA_VISIBLE_DEVICES"] for share in ("0.3", "0.29", "0.4")]
    assert seen == ["g0"] * 3
    assert books.allocate("whole", cuda(device="1"))["CUDA_VISIBLE_DEVICES"] == "g1"


def test_share_above_one_is_a_whole_device_and_a_part(tmp_path: Path) -> None:
    """1.5 takes one device alone and half of another."""
    books = ledger(tmp_path)
    books.allocate("small", cuda(shares="0.5"))
    assert books.allocate("big", cuda(shares="1.5"))["CUDA_VISIBLE_DEVICES"] == "g1,g0"
    assert books.holdings()["big"] == {"cuda": {"g1": 100, "g0": 50}}


def test_no_device_is_both_whole_and_shared(tmp_path: Path) -> None:
    """Two devices, each in use by a share: a whole one has no room although the sums allow it."""
    books = ledger(tmp_path)
    books.allocate("a", cuda(shares="0.6"))
    books.allocate("b", cuda(shares="0.6"))
    assert not books.can_place(cuda(device="1"))
    assert not books.can_place(cuda(shares="0.5"))
    with pytest.raises(Conflict, match=r"cuda.device: 1"):
        books.allocate("c", cuda(device="1"))
    books.release("b")
    assert books.allocate("c", cuda(device="1"))["CUDA_VISIBLE_DEVICES"] == "g1"


def test_allocating_again_gives_the_same(tmp_path: Path) -> None:
    """A repeated submit takes nothing more."""
    books = ledger(tmp_path)
    assert books.allocate("a", cuda(device="1")) == books.allocate("a", cuda(device="1"))
    assert books.can_place(cuda(device="1"))


def test_holdings_survive_the_engine(tmp_path: Path) -> None:
    """The next engine knows what adopted sessions hold, and lets go of what the dead held."""
    books = ledger(tmp_path)
    books.allocate("alive", cuda(device="1"))
    books.allocate("dead", cuda(shares="0.5"))
    again = ledger(tmp_path)
    assert again.restore({"alive"}) == ["dead"]
    assert again.devices_of("alive") == ("g0",)
    assert again.allocate("new", cuda(device="1"))["CUDA_VISIBLE_DEVICES"] == "g1"


def test_ledger_emptied_by_a_power_cut_is_no_obstacle(tmp_path: Path) -> None:
    """A file without content means that nobody holds anything."""
    (tmp_path / "devices.json").write_text("")
    assert ledger(tmp_path).can_place(cuda(device="2"))


def test_room_for_several_at_once_is_seen(tmp_path: Path) -> None:
    """A cluster of three with 0.6 each does not fit on two devices though the sum does."""
    books = ledger(tmp_path)
    assert books.can_place(cuda(shares="0.6"), 2)
    assert not books.can_place(cuda(shares="0.6"), 3)


def test_what_can_never_be_placed_is_a_problem(tmp_path: Path) -> None:
    """A whole device and a share of another need two; half a whole device is nonsense; both are said beforehand."""
    books = ledger(tmp_path, cuda=1)
    assert books.check(cuda(device="1")) is None
    problem = books.check(cuda(device="1", shares="0.5"))
    assert problem is not None
    assert "1 cuda" in problem.message
    with pytest.raises(SessionRejected, match="no whole number"):
        books.allocate("a", cuda(device="0.5"))
    half = books.check(cuda(device="0.5"))
    assert half is not None
    assert half.hint.endswith("cuda.shares: 0.5")


def test_share_is_enforced_only_where_mps_runs(tmp_path: Path) -> None:
    """With MPS's control pipe there, the share is its percentage of threads; without, it is an agreement."""
    written(tmp_path / "mps/control", "")
    with_mps = ledger(tmp_path, CUDA_MPS_PIPE_DIRECTORY=str(tmp_path / "mps"))
    assert with_mps.allocate("a", cuda(shares="0.25"))["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "25"
    without = ledger(tmp_path, CUDA_MPS_PIPE_DIRECTORY=str(tmp_path / "none"))
    assert "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE" not in without.allocate("b", cuda(shares="0.25"))


_ASKS = st.tuples(st.integers(0, 2), st.integers(0, 250), st.booleans())


@settings(max_examples=80, deadline=None)
@given(asks=st.lists(_ASKS, max_size=20))
def test_no_device_is_ever_overbooked(
    tmp_path_factory: pytest.TempPathFactory, asks: list[tuple[int, int, bool]]
) -> None:
    """Whatever comes and goes: no device above 100, every holding as asked, and can_place tells what allocate does."""
    books = ledger(tmp_path_factory.getbasetemp() / f"books-{os.getpid()}", cuda=3)
    books.restore([])
    for number, (whole, share, leaves) in enumerate(asks):
        slots = ResourceSlots({"cuda.device": whole * 100, "cuda.shares": share})
        possible = books.can_place(slots)
        try:
            books.allocate(str(number), slots)
        except Conflict:
            assert not possible
        else:
            assert possible
            assert sum(books.holdings().get(str(number), {}).get("cuda", {}).values()) == whole * 100 + share
        used: dict[str, int] = {}
        for held in books.holdings().values():
            for device, amount in held["cuda"].items():
                used[device] = used.get(device, 0) + amount
        assert all(amount <= 100 for amount in used.values())
        if leaves:
            books.release(str(number))
