"""What the engine needs from the world: contracts that an adapter's author can implement unread.

The runner calls all of these from one asyncio loop; what would block it for milliseconds goes to a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from fasttrack_jupyter.model.approvals import Question
from fasttrack_jupyter.model.launchers import Launch
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ClusterMode, Mount, ResourceSlots


@dataclass(frozen=True, slots=True)
class GitSource:
    """Code of a task that comes from Git. ``commit`` is what ``ref`` was to an earlier session of the same job."""

    url: str
    ref: str | None = None
    subfolder: str | None = None
    commit: str | None = None
    username: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What a deployment serves, every default filled in. ``mount`` is absolute, ``definition`` relative to it."""

    name: str
    model: str
    """The model vfolder's name."""
    mount: str
    definition: str
    variant: str = "custom"
    replicas: int = 1
    is_public: bool = False
    is_ephemeral: bool = False
    max_surge: int = 1
    max_unavailable: int = 0


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """Everything a backend needs to run one attempt. A backend sees a command, never a cell.

    Folders are named as (pipeline folder, path inside it): ``outputs`` is this attempt's fresh
    output folder (``jobs/12/train``), ``inputs`` are the outputs of the direct dependencies
    (None: nothing before, mount an empty folder) at ``/pipeline/input1`` …, ``named_inputs`` are
    ``{name: path of a file or folder}`` at ``/pipeline/inputs/<name>`` (a name may be ``models/0``: one of several
    that are one input), and ``input_values`` are
    ``{name: text}``, files with a value at the same place.
    """

    attempt_id: str
    job_id: str
    job_index: int
    pipeline: str
    folder: str
    path: str
    number: int
    command: str
    image: str | None
    slots: ResourceSlots
    environ: Mapping[str, str] = field(repr=False)
    """Complete but for what only the backend knows (session and cluster variables). May hold secrets: never stored."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """The secret values inside ``environ``, for masking in logs."""
    outputs: str = ""
    inputs: tuple[str | None, ...] = ()
    named_inputs: Mapping[str, str] = field(default_factory=dict)
    input_values: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    mounts: tuple[Mount, ...] = ()
    shmem: int | None = None
    timeout: float | None = None
    cluster_mode: ClusterMode = ClusterMode.SINGLE_NODE
    cluster_size: int = 1
    run_on_all: bool = False
    launch: Launch | None = None
    """With a launcher the command runs once per rank, on all containers: :mod:`~fasttrack_jupyter.model.launchers`."""
    project: str | None = None
    resource_group: str | None = None
    git: GitSource | None = None
    service: ServiceSpec | None = None
    """Of a deployment (see :mod:`~fasttrack_jupyter.engine.serving`): ``command`` is empty, image, slots, environ,
    mounts and the like are each replica's, ``timeout`` is the rollout's."""
    approval: Question | None = None
    """Of an approval, which the engine asks itself: no backend sees one."""
    wanted_outputs: tuple[tuple[str, str], ...] = ()
    """``(name, relative path)`` of the declared outputs to read or to check when the command ends with 0:
    an artifact's own path, or ``.values/<name>`` for a value (else the key of ``outputs.json``)."""


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What a backend says about an attempt, whenever something changed. Reports may repeat; the last one ends it."""

    attempt_id: str
    status: Status
    at: float
    result: Result = Result.UNDEFINED
    exit_code: int | None = None
    reason: str = ""
    """In words: ``exit 3``, ``timeout 1h``, ``lost``; for a session that waits, why."""
    is_final: bool = False
    """With FAILURE: another attempt would be no use (it can never start as asked)."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """``started_at`` (of the command), ``mode``, ``session`` (reference), ``usage`` ({peak_mem: bytes, cpu_seconds}),
    ``commit``, ``environment`` (digest), ``notes``; at the end ``values`` ({name: text as written}), ``missing``
    ([outputs not there]), ``failure`` (the text in the ``.failure.json`` among the outputs of a command that failed:
    the engine makes it part of the reason, without secrets), ``metrics``, ``params`` and ``tags`` of its
    ``.metrics.jsonl`` (see :meth:`MetricTable.facts`), ``artifacts`` ({name: metadata} of its ``.artifacts.json``). By
    itself, and seldom, for each becomes an event that is kept: ``progress`` of a running session, ``{fraction: 0 to 1
    or None, text: one line}``, as its ``.progress.json`` among the outputs says. At the end of what has a launcher,
    ``ranks``: the exit code of each (below zero: the signal that killed it; None: not known)."""


SWEPT = ("environment", "commit")
"""Keys of a report's data that name what :meth:`ExecutionBackend.sweep` may remove once no job needs it."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Part of a log: ``data`` begins at byte ``start``, ``next`` is where to go on, ``ended``: nothing will follow."""

    data: bytes
    start: int
    next: int
    size: int
    ended: bool


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """What a session used at one moment: ``cpu`` in cores since the point before, ``mem`` in bytes.

    ``gpus`` are the session's own, in order: percent of time in which it was busy (None: not told), bytes in use.
    """

    at: float
    cpu: float
    mem: int
    processes: int
    gpus: tuple[tuple[float | None, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file or folder below an output folder; ``path`` is relative to it."""

    path: str
    is_dir: bool
    size: int
    modified_at: float


@dataclass(frozen=True, slots=True)
class FolderInfo:
    """A vfolder: a named folder with a usage mode (general, model, data)."""

    name: str
    usage_mode: str
    created_at: float
    host_path: str | None = None
    pipeline: str | None = None


@runtime_checkable
class Foreseeing(Protocol):
    """A backend that can make a session ready before it may begin."""

    def foresee(self, spec: SessionSpec) -> None:
        """``spec`` is decided upon and not recorded yet: do what counts for nothing if it is never submitted.

        Until then nothing of the session may begin, and it does not exist (:meth:`ExecutionBackend.exists`). Nothing
        raises: :meth:`ExecutionBackend.submit` does and tells what is left, :meth:`ExecutionBackend.forget` drops it.
        """
        ...


@runtime_checkable
class Fitting(Protocol):
    """A backend that cannot give every amount of a slot."""

    def fit(self, slots: ResourceSlots) -> tuple[ResourceSlots, tuple[str, ...]]:
        """What one container is given that asks for ``slots``, and why it is not just that, in words for the plan.

        (``cpu 0.5 → 1: a cluster gives whole ones``.) At once, and always the same; never less than asked for.
        """
        ...


@runtime_checkable
class Placed(Protocol):
    """A backend whose name may lead to another place one day: that of a profile, which can be put anew."""

    def place(self) -> Mapping[str, str | None]:
        """Where its sessions and folders are: ``endpoint``, and whose they are there: ``account`` (None: not known).

        At once. A job keeps it: at another endpoint, or as somebody else, its sessions would be taken for lost.
        """
        ...


@dataclass(frozen=True, slots=True)
class LentFile:
    """A plain file below an output folder that lies on this machine."""

    place: Path
    size: int
    sha256: str


@runtime_checkable
class OnThisMachine(Protocol):
    """A backend whose vfolders are folders of this machine."""

    def place_of(self, folder: str) -> str | None:
        """Where a vfolder is, without looking whether it is there; None for a name that none can have."""
        ...

    async def lend(self, folder: str, path: str) -> Mapping[str, LentFile]:
        """What is below ``path``, by relative path, with hashes; a link within it counts as what it leads to.

        Left out: links that lead elsewhere, or to folders, and whatever is no file. Raises NotFound, Forbidden.
        """
        ...


class ExecutionBackend(Protocol):
    """Where sessions run.

    Repeatable by attempt id: :meth:`submit` looks first and creates only if there is no session
    of that attempt yet, so that the engine may repeat it after a crash. What a backend learns it
    hands to ``report`` (given to :meth:`open`), from the loop's own thread. Trouble in reaching
    a session is never an end: say nothing, or a report with the last status and the trouble as reason.
    """

    name: str

    async def open(self, report: Callable[[SessionReport], None]) -> None:
        """Get ready. Called once, before anything else; waits for nobody on a network, who may never answer."""
        ...

    def capacity(self) -> ResourceSlots | None:
        """All that can be handed out at once, or None where the backend queues by itself (a cluster)."""
        ...

    async def check(self, specs: Sequence[SessionSpec]) -> list[tuple[str, Problem]]:
        """Preflight: ``(path, problem)`` for each of ``specs`` that cannot run here (image, slots, mounts, git …).

        A problem's own ``path`` leads to the place within the task, where it has one: ``("environment", "image")``,
        ``("resources", "cpu")``, ``("mounts",)`` with the folder as value, ``("module_uri",)``.
        Specs carry no resolved inputs yet. No side effects that outlive the call, nothing built.
        """
        ...

    async def submit(self, spec: SessionSpec) -> None:
        """Start the attempt's session, or find the one that is there. Returns as soon as the request is safe.

        Raises:
            SessionRejected: it can never start as asked (becomes ERROR, FAILURE).
            BackendUnreachable: nothing is known; the runner calls again.
        """
        ...

    async def adopt(self, spec: SessionSpec) -> None:
        """As :meth:`submit` for an attempt that was seen alive once: find it, never create it; gone means ``lost``."""
        ...

    async def exists(self, attempt_id: str) -> bool:
        """Whether a session of this attempt was ever created (running or ended)."""
        ...

    async def cancel(self, attempt_id: str, reason: str) -> None:
        """Ask for the end of the whole session. A request: the report (CANCELLED, ``reason``) confirms it."""
        ...

    async def forget(self, attempt_id: str) -> None:
        """The end of this attempt is stored: let go of what was held for it (watchers, slots, secrets)."""
        ...

    async def logs(self, attempt_id: str, after: int, limit: int) -> LogChunk:
        """At most ``limit`` bytes of the raw log from byte ``after``; live and after the end. The caller masks secrets.

        Raises:
            NotFound: there is no log of such an attempt (yet).
        """
        ...

    async def usage(self, attempt_id: str) -> Mapping[str, Any]:
        """Now: ``{mem: bytes, cpu_seconds, processes}``; empty when not running."""
        ...

    async def usage_samples(self, attempt_id: str) -> Sequence[UsagePoint]:
        """What the session used over time, oldest first, while it runs and after; at most some hundreds.

        Empty for a session that was too short to be looked at, for an unknown one, and where nobody looks.
        """
        ...

    async def shell(self, attempt_id: str) -> Sequence[str]:
        """An argv that, run on this machine, opens a shell inside the running session's view.

        Raises:
            Conflict: it is not running, or this backend cannot.
        """
        ...

    async def make_folder(self, name: str, usage_mode: str, pipeline: str | None = None) -> FolderInfo:
        """Make a vfolder; an existing one of that name comes back as it is."""
        ...

    async def folders(self) -> list[FolderInfo]:
        """All vfolders, by name."""
        ...

    async def remove_folder(self, name: str) -> None:
        """Remove a vfolder and what is in it."""
        ...

    async def put_code(self, files: Mapping[str, str | bytes], onto: str | None = None) -> str:
        """Keep a snapshot of files by content, durable when its digest comes back.

        ``{relative path: absolute path on this machine, or the content itself as bytes}``, laid over the snapshot
        ``onto``, if there is one. The same content has the same digest on every backend of a home. Raises NotFound
        where ``onto`` is gone.
        """
        ...

    async def code_manifest(self, digest: str) -> Mapping[str, str]:
        """``{relative path: sha256}`` of a snapshot. Raises NotFound."""
        ...

    async def files(self, folder: str, path: str) -> list[FileEntry]:
        """What is below ``path``, recursively, sorted. Raises Forbidden if it leaves the folder (symlinks included)."""
        ...

    async def missing(self, folder: str, paths: Sequence[str]) -> set[str]:
        """Which of ``paths`` (output folders such as ``jobs/12/train``) are not there in a vfolder, or it is not."""
        ...

    async def read(self, folder: str, path: str, start: int, limit: int) -> bytes:
        """A range of one file's bytes. Raises NotFound, Forbidden."""
        ...

    async def put_file(
        self, folder: str, path: str, source: Path | bytes, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """Make a file of what is in ``source`` (a file of this machine, or its content), with the folders around it.

        Under its name it is whole or not there, whatever happens meanwhile; one that is there is replaced.
        ``progress`` hears how many bytes of it have arrived. Raises NotFound (no such vfolder), Forbidden,
        BackendUnreachable (then it is asked for again, and goes on where it was, if that can be).
        """
        ...

    async def make_dirs(self, folder: str, paths: Sequence[str]) -> None:
        """Make folders within a vfolder, and those around them; those that are there stay as they are."""
        ...

    async def remove(self, folder: str, paths: Sequence[str]) -> int:
        """Remove files and folders such as ``jobs/12/train`` (gc), as far as they are there; the bytes freed."""
        ...

    async def remove_sessions(self, attempt_ids: Sequence[str]) -> int:
        """Remove logs and records of ended attempts (gc); returns the bytes that became free."""
        ...

    async def sweep(self, keep: set[str], *, dry_run: bool) -> tuple[list[str], int]:
        """Remove what jobs once needed and none of those that stay does (gc): names, bytes.

        ``keep`` holds digests of code snapshots, and what reports called ``environment`` and ``commit``.
        """
        ...

    async def doctor(self) -> list[Mapping[str, Any]]:
        """``{check, ok, found, remedy}`` each: what this backend finds here."""
        ...

    async def images(self) -> list[Mapping[str, Any]]:
        """What can be named as an image here: ``{name, kind, description, ready}``."""
        ...

    async def slots(self) -> Mapping[str, Any]:
        """``{slots: {name: {total, used}}, devices: [...], default_image, mode}`` in written quantities, for people."""
        ...

    async def aclose(self) -> None:
        """Stop watching. Sessions go on: they belong to no engine."""
        ...
