"""What is kept of a service, so that any later engine goes on with it: one JSON file each, replaced as a whole.

``<home>/services/named/<name>/service.json`` says what is wanted (replicas, revisions) and which replicas were begun;
how they are says each one's session. No secret is ever in it: variables whose value contains one are left out
(``withheld`` names them), and the engine is asked for the attempt's spec again when a replica has to be started.

A record that this release cannot read (a later one wrote it, or a disk lost it) is left as it is: the service is
*unread*, nothing of it is touched, and ``fasttrack services`` and ``doctor`` say so.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.files.removal import remove_tree
from fasttrack_jupyter.backends.local.fresh import open_private
from fasttrack_jupyter.engine.ports import ServiceSpec, SessionSpec
from fasttrack_jupyter.model.names import escape_name, unescape_name
from fasttrack_jupyter.model.resources import Mount, ResourceSlots
from fasttrack_jupyter.model.serving import ModelService

log = logging.getLogger(__name__)

_FILE = "service.json"
_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")
_PLAIN = ("attempt_id", "job_id", "job_index", "pipeline", "folder", "path", "number", "image", "code", "shmem")
"""Fields of a spec that are kept as they are."""


@dataclass(slots=True)
class Revision:
    """What one rollout brings: named by its attempt, counted for people."""

    spec: SessionSpec
    """Of the deployment; where variables are withheld it has them only in the engine that was given them."""
    model_path: str
    served: ModelService
    number: int
    begun_at: float
    timeout: float
    withheld: tuple[str, ...] = ()
    is_complete: bool = True
    """Whether the spec has its secrets."""

    @property
    def id(self) -> str:
        """The attempt's."""
        return self.spec.attempt_id

    @property
    def service(self) -> ServiceSpec:
        """What it serves."""
        assert self.spec.service is not None
        return self.spec.service


@dataclass(slots=True)
class ReplicaRecord:
    """That a replica was begun. ``port`` is its own one of this machine, None in a network of its own."""

    id: str
    revision: str
    port: int | None = None
    was_healthy: bool = False


@dataclass(slots=True)
class ServiceRecord:
    """One service."""

    name: str
    wanted: int
    """Replicas."""
    wanted_before: int = 0
    """The same before the rollout that is under way."""
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    """Of this very service, even if another one of its name comes later."""
    port: int = 0
    """Of its URL; 0 until the gateway has one."""
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    is_going: bool = False
    was_healthy: bool = False
    begun: int = 0
    """Replicas so far."""
    current: str | None = None
    """The revision whose rollout succeeded last."""
    target: str | None = None
    """The revision that is wanted."""
    revisions: dict[str, Revision] = field(default_factory=dict)
    replicas: list[ReplicaRecord] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """The newest replicas that are gone, whose logs can still be read."""

    @property
    def newest(self) -> Revision | None:
        """The revision that is wanted, or was wanted last."""
        return self.revisions.get(self.target or self.current or "")

    @property
    def is_public(self) -> bool:
        """Whether every revision that may answer does so without a token."""
        return all(revision.service.is_public for revision in self.revisions.values())

    def drop_unused(self) -> None:
        """Forget revisions that nobody wants and no replica has."""
        used = {self.current, self.target, *(replica.revision for replica in self.replicas)}
        self.revisions = {name: revision for name, revision in self.revisions.items() if name in used}


@dataclass(frozen=True, slots=True)
class Unread:
    """A service whose record cannot be read, with what can be seen of it all the same."""

    name: str
    why: str
    codes: frozenset[str]
    """What may be digests of the snapshots that its replicas run from."""
    changed_at: float

    @property
    def reason(self) -> str:
        """In words, for people."""
        return f"its record cannot be read ({self.why}), so nobody looks after it; nothing of it is changed"


@contextlib.contextmanager
def change(record: ServiceRecord, keep: Callable[[ServiceRecord], None]) -> Iterator[None]:
    """What is changed in the block is written down by ``keep``; if that fails, it was never changed."""
    before = {name: copy.copy(getattr(record, name)) for name in ServiceRecord.__slots__}
    try:
        yield
        keep(record)
    except BaseException:
        for name, value in before.items():
            setattr(record, name, value)
        raise


def folder_of(root: Path, name: str) -> Path:
    """Where a service's file is."""
    return root / escape_name(name)


def save(root: Path, record: ServiceRecord) -> None:
    """Write it down, safe from a power cut. Raises OSError."""
    folder = folder_of(root, record.name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: getattr(record, name) for name in ServiceRecord.__slots__ if name not in ("revisions", "replicas")}
    kept["revisions"] = [_written(revision) for revision in record.revisions.values()]
    kept["replicas"] = [asdict(replica) for replica in record.replicas]
    write_safely(folder / _FILE, kept)


def write_safely(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the JSON file at ``path``: whole, private and on the disk. Raises OSError."""
    draft = f"{path}.new"
    with open(draft, "w", encoding="utf-8", opener=open_private) as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(draft, path)
    parent = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def load_all(root: Path) -> tuple[list[ServiceRecord], list[Unread]]:
    """All services of this home, by name; and those whose record cannot be read, of which the log tells as well.

    A folder in which a record was only about to be written is removed.
    """
    records: list[ServiceRecord] = []
    unread: list[Unread] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        try:
            records.append(_read(json.loads((folder / _FILE).read_bytes())))
        except FileNotFoundError:
            remove_tree(folder)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            unread.append(_unread(folder, error))
            log.error("the service %s is left alone, as %s cannot be read: %r", folder.name, folder / _FILE, error)
    return records, unread


def _unread(folder: Path, error: Exception) -> Unread:
    name, text, changed_at = folder.name, b"", 0.0
    with contextlib.suppress(ValueError):  # it was shortened
        name = unescape_name(folder.name)
    with contextlib.suppress(OSError):
        text, changed_at = (folder / _FILE).read_bytes(), (folder / _FILE).stat().st_mtime
    codes = frozenset(found.decode() for found in _DIGEST.findall(text))
    return Unread(name, _why_unread(text, error), codes, changed_at)


def _why_unread(text: bytes, error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    try:
        unknown = sorted(json.loads(text).keys() - set(ServiceRecord.__slots__))
    except (ValueError, AttributeError):
        return "it is damaged"
    what = f"it has {', '.join(unknown)}" if unknown else f"{type(error).__name__}: {error}"
    return f"a later release may have written it: {what}"


def without_secrets(spec: SessionSpec) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables that may be written down, and the names of the others."""
    shown = {name: value for name, value in spec.environ.items() if not any(s in value for s in spec.secrets if s)}
    return shown, tuple(name for name in spec.environ if name not in shown)


def _written(revision: Revision) -> dict[str, Any]:
    spec = revision.spec
    shown, withheld = without_secrets(spec) if revision.is_complete else (dict(spec.environ), revision.withheld)
    return {
        "spec": {
            **{name: getattr(spec, name) for name in _PLAIN},
            "slots": dict(spec.slots),
            "environ": shown,
            "mounts": [mount.model_dump() for mount in spec.mounts],
            "service": asdict(revision.service),
        },
        "withheld": withheld,
        "model_path": revision.model_path,
        "served": revision.served.model_dump(mode="json"),
        "number": revision.number,
        "begun_at": revision.begun_at,
        "timeout": revision.timeout,
    }


def _read(kept: dict[str, Any]) -> ServiceRecord:
    revisions = [_read_revision(each) for each in kept.pop("revisions")]
    replicas = [ReplicaRecord(**each) for each in kept.pop("replicas")]
    return ServiceRecord(**kept, revisions={each.id: each for each in revisions}, replicas=replicas)


def _read_revision(kept: dict[str, Any]) -> Revision:
    told = kept.pop("spec")
    spec = SessionSpec(
        **{name: told[name] for name in _PLAIN},
        command="",
        slots=ResourceSlots(told["slots"]),
        environ=told["environ"],
        mounts=tuple(Mount(**mount) for mount in told["mounts"]),
        service=ServiceSpec(**told["service"]),
    )
    withheld = tuple(kept.pop("withheld"))
    served = ModelService.model_validate(kept.pop("served"))
    return Revision(spec, served=served, withheld=withheld, is_complete=not withheld, **kept)
