"""Snapshots of code, by content.

::

    <root>/<digest>/…              a read-only tree, complete as soon as it is there (renamed into place)
    <root>/.manifests/<digest>     JSON: {path: [sha256, kind]}; the digest is this file's own sha256
    <root>/.blobs/<sha256>[.x]     each content once (.x: executable); trees are made of hard links to these
    <root>/.seen                   JSON: what was hashed: [device, inode, size, mtime_ns, ctime_ns] → sha256
    <root>/.lock                   flock: shared while something is put, exclusive while something is removed

A file that has not changed since it was hashed is not read again. As git does it: a file that
was changed within two seconds of being hashed is not believed (its time may not tell the next change).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.files.beneath import parts_of
from fasttrack_jupyter.backends.files.removal import GRACE, is_older, remove_tree
from fasttrack_jupyter.errors import BackendError, BadRequest, Forbidden, NotFound

FILE, EXECUTABLE, LINK = "file", "executable", "link"

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file (btrfs, xfs)
_CHUNK = 1 << 20
_RACY_NS = 2_000_000_000
_MOST_SEEN = 50_000


class Snapshots:
    """The snapshots below ``root`` (made 0700 if it is not there). Every call blocks: use a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs, self._manifests = root / ".blobs", root / ".manifests"
        for folder in (root, self._blobs, self._manifests):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, files: Mapping[str, str | bytes], onto: str | None = None) -> str:
        """Keep ``{relative path: absolute path, or content}``; the digest of the whole, the same of the same content.

        Executable bits are kept, symlinks stay symlinks, folders are those that files need. They are laid over the
        snapshot ``onto``, if there is one.

        Raises:
            NotFound: there is no snapshot ``onto`` (any more).
            Forbidden: a symlink that leaves the tree, or a file that cannot be read.
            BadRequest: two paths that cannot be in one tree, or something that is no file.
            BackendError: it cannot be written (disk full …).
        """
        with self._locked(fcntl.LOCK_SH), _told():
            seen = _Seen(self.root / ".seen")
            entries = self._entries(onto) if onto else {}
            entries |= {path: self._entry(path, source, seen) for path, source in sorted(files.items())}
            seen.save()
            manifest = json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()
            digest = hashlib.sha256(manifest).hexdigest()
            tree = self.root / digest
            if not tree.is_dir():
                self._make_tree(tree, entries, manifest)
            os.utime(tree)
            return digest

    def path(self, digest: str) -> Path:
        """The read-only tree. Raises NotFound."""
        tree = self.root / digest
        if not digest.isalnum() or not tree.is_dir():
            raise NotFound(
                f"no code snapshot {digest!r}", hint="its job was deleted, or the folder was cleaned by hand"
            )
        return tree

    def manifest(self, digest: str) -> dict[str, str]:
        """``{path: sha256}`` of the contents (of a symlink's target). Raises NotFound."""
        return {path: entry[0] for path, entry in self._entries(digest).items()}

    def read(self, digest: str, path: str, limit: int) -> bytes:
        """At most ``limit`` first bytes of one of its files; where it is a symlink, what it leads to, as text.

        Raises:
            NotFound: there is no such snapshot, or no such file in it.
        """
        if path not in self._entries(digest):
            raise NotFound(f"the code snapshot {digest[:12]} has no file {path!r}")
        place = self.path(digest) / path
        if place.is_symlink():
            return os.fsencode(os.readlink(place))[:limit]
        with place.open("rb") as file:
            return file.read(limit)

    def kinds(self, digest: str) -> dict[str, str]:
        """``{path: FILE, EXECUTABLE or LINK}`` of what is in it. Raises NotFound."""
        return {path: entry[1] for path, entry in self._entries(digest).items()}

    def unused(self, keep: Set[str], *, grace: float = GRACE) -> list[Path]:
        """What :meth:`remove_unused` would remove, by name."""
        trees = [path for path in self.root.iterdir() if not path.name.startswith(".") and path.name not in keep]
        return sorted(path for path in trees if is_older(path, grace))

    def remove_unused(self, keep: Set[str], *, grace: float = GRACE) -> int:
        """Remove every snapshot that is not in ``keep`` and was not put in the last ``grace`` seconds; bytes freed."""
        with self._locked(fcntl.LOCK_EX), _told():
            freed = 0
            for tree in [*self.unused(keep, grace=grace), *self.root.glob(".new-*")]:
                freed += remove_tree(tree)
                (self._manifests / tree.name).unlink(missing_ok=True)
            for blob in list(os.scandir(self._blobs)):
                if blob.stat(follow_symlinks=False).st_nlink == 1:
                    freed += remove_tree(Path(blob.path))
            return freed

    # ------------------------------------------------------------ contents

    def _entries(self, digest: str) -> dict[str, list[str]]:
        self.path(digest)
        entries: dict[str, list[str]] = json.loads((self._manifests / digest).read_bytes())
        return entries

    def _entry(self, path: str, source: str | bytes, seen: _Seen) -> list[str]:
        parts = parts_of(path)
        if "/".join(parts) != path:
            raise BadRequest(f"{path!r} is no plain relative path")
        if isinstance(source, bytes):
            return [self._keep(source), FILE]
        try:
            found = os.lstat(source)
            if stat.S_ISLNK(found.st_mode):
                target = _relative_target(path, source)
                return [hashlib.sha256(os.fsencode(target)).hexdigest(), LINK, target]
            if not stat.S_ISREG(found.st_mode):
                raise BadRequest(f"{path} is no file", hint="leave it out of `files:`")
            kind = EXECUTABLE if found.st_mode & 0o100 else FILE
            known = seen.digest(found)
            if known and self._blob(known, kind).exists():
                return [known, kind]
            digest, found = self._copy_in(source, kind)
        except OSError as error:
            if error.filename != source:
                raise
            raise Forbidden(f"{path} cannot be read: {error.strerror}", hint="change it, or leave it out") from error
        seen.add(found, digest)
        return [digest, kind]

    def _copy_in(self, source: str, kind: str) -> tuple[str, os.stat_result]:
        """Hash while copying: what has the digest is what was kept, even if the file changes meanwhile."""
        partial = _unique(self._blobs)
        try:
            with (
                os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as reader,
                os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b") as writer,
            ):
                found = os.fstat(reader.fileno())
                digest = _clone(reader, writer)
                os.fchmod(writer.fileno(), 0o555 if kind == EXECUTABLE else 0o444)
                os.fsync(writer.fileno())
            if not (blob := self._blob(digest, kind)).exists():
                partial.replace(blob)
        finally:
            partial.unlink(missing_ok=True)
        return digest, found

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if not (blob := self._blob(digest, FILE)).exists():
            _write_synced(blob, content, 0o444)
        return digest

    def _blob(self, digest: str, kind: str) -> Path:
        return self._blobs / (digest + ".x" if kind == EXECUTABLE else digest)

    # ------------------------------------------------------------ trees

    def _make_tree(self, tree: Path, entries: Mapping[str, list[str]], manifest: bytes) -> None:
        new = _unique(self.root)
        try:
            new.mkdir(mode=0o700)
            folders = {new} | {new / parent for path in entries for parent in Path(path).parents}
            for folder in sorted(folders):
                folder.mkdir(mode=0o700, exist_ok=True)
            for path, entry in entries.items():
                self._place(new / path, entry)
            _check_links(new, [path for path, entry in entries.items() if entry[1] == LINK])
            for folder in folders:
                folder.chmod(0o555)
            _write_synced(self._manifests / tree.name, manifest)
            _rename_unless_there(new, tree)
        except (FileExistsError, NotADirectoryError) as error:
            raise BadRequest(f"one path of the code is a file as well as a folder: {error.filename}") from error
        finally:
            remove_tree(new)

    def _place(self, target: Path, entry: list[str]) -> None:
        digest, kind, *link = entry
        if link:
            target.symlink_to(link[0])
            return
        blob = self._blob(digest, kind)
        try:
            os.link(blob, target)
        except FileExistsError:
            raise
        except OSError:  # no hard links here, or as many as there can be
            with blob.open("rb") as reader, target.open("xb") as writer:
                _clone(reader, writer)
                os.fchmod(writer.fileno(), 0o555 if kind == EXECUTABLE else 0o444)

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        fd = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, how)
            yield
        finally:
            os.close(fd)


class _Seen:
    """What was hashed before, by all that tells a file's change without reading it."""

    def __init__(self, path: Path) -> None:
        self._path, self._changed = path, False
        try:
            self._known: dict[str, str] = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            self._known = {}

    def digest(self, found: os.stat_result) -> str | None:
        return self._known.get(_identity(found))

    def add(self, found: os.stat_result, digest: str) -> None:
        if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > _RACY_NS:
            self._known[_identity(found)] = digest
            self._changed = True

    def save(self) -> None:
        """Keep it. Two that save at once: one is kept, and the other's files are read once more."""
        if self._changed:
            newest = dict(list(self._known.items())[-_MOST_SEEN:])
            _write_synced(self._path, json.dumps(newest).encode())


def _identity(found: os.stat_result) -> str:
    return f"{found.st_dev}-{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"


def _clone(reader: Any, writer: Any) -> str:
    """Copy, sharing blocks where the file system can; the sha256 of what arrived."""
    digest = hashlib.sha256()
    shared = reader
    with contextlib.suppress(OSError):
        fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        shared = writer
    while chunk := shared.read(_CHUNK):
        digest.update(chunk)
        if shared is reader:
            writer.write(chunk)
    writer.flush()
    return digest.hexdigest()


def _relative_target(path: str, source: str) -> str:
    """A symlink's target as it must be in the tree: relative."""
    target = str(Path(source).readlink())
    if not target.startswith("/"):
        return target
    root = source.removesuffix(path)
    if root == source or not target.startswith(root):
        raise Forbidden(f"{path} is a symlink that leaves the code, to {target}", hint="copy what it leads to")
    return os.path.relpath(target, Path(source).parent)


def _check_links(tree: Path, links: list[str]) -> None:
    real = os.path.realpath(tree)
    for path in links:
        if not Path(os.path.realpath(tree / path)).is_relative_to(real):
            raise Forbidden(f"{path} is a symlink that leaves the code", hint="copy what it leads to")


def _rename_unless_there(new: Path, tree: Path) -> None:
    try:
        new.rename(tree)
    except OSError:
        if not tree.is_dir():  # else somebody put the same meanwhile: theirs is as good
            raise


def _unique(folder: Path) -> Path:
    return folder / f".new-{os.getpid()}-{time.monotonic_ns()}-{os.urandom(4).hex()}"


def _write_synced(path: Path, content: bytes, mode: int = 0o600) -> None:
    partial = _unique(path.parent)
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackendError(
            f"the code snapshot failed: {error.strerror} ({error.filename})", hint="is there space on the disk?"
        ) from error
