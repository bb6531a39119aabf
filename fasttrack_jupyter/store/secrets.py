"""Where secrets are kept: the desktop's keyring where there is one, else a file that only its owner can read.

A secret belongs to the home or to one pipeline; a pipeline's own comes first. Values leave through :meth:`get` alone,
for the environment of a session; they are in no listing, no log, no ``repr`` and not in the store.

Importing ``keyring`` takes 0.1 s and asking it may wait for a person to unlock it. So nothing is
imported before a secret is really asked for, and a home that has none never asks.

A value that was replaced is kept beside the new one, as ``NAME~1``, ``NAME~2`` …, which no expression can name: logs
may hold it, and are masked with it. Removing a secret removes its former values as well.
"""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.errors import BadRequest, Forbidden, NotFound, StoreError

if TYPE_CHECKING:
    from fasttrack_jupyter.engine.surroundings import SecretStore

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_LONGEST = 120_000
"""Bytes; Linux refuses to start a program with a longer environment variable (MAX_ARG_STRLEN)."""
Names = list[tuple[str, str | None]]
_FORMER = "~"
"""Between a secret's name and the number of a value that it had before."""


def open_secrets(home: Path, setting: str = "auto") -> SecretStore:
    """The secrets of ``home``; ``setting`` is ``auto``, ``keyring`` or ``file``.

    ``auto`` stays with what the home already uses; the first secret goes into the keyring if a usable
    one is there, else into the file.
    """
    file, keyring = FileSecrets(home / "secrets.json"), KeyringSecrets(home)
    if setting not in ("auto", "keyring", "file"):
        raise BadRequest(f"no way to keep secrets is called {setting!r}", hint="Choose auto, keyring or file.")
    kinds: dict[str, SecretStore] = {"file": file, "keyring": keyring, "auto": AutoSecrets(file, keyring)}
    return kinds[setting]


class FileSecrets:
    """Secrets in one JSON file, ``{"home": {name: value}, "pipelines": {pipeline: {name: value}}}``, mode 0600."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"FileSecrets({str(self._path)!r})"

    def exists(self) -> bool:
        return self._path.exists()

    def get(self, name: str, pipeline: str | None = None) -> str | None:
        """The pipeline's own secret of that name, or else the home's. Raises Forbidden, StoreError."""
        scopes = self._load()
        own = scopes.get(pipeline, {}) if pipeline is not None else {}
        return own.get(name, scopes.get(None, {}).get(name))

    def set(self, name: str, value: str, pipeline: str | None = None) -> None:
        check_secret(name, value)
        with self._lock:
            scopes = self._load()
            held = scopes.setdefault(pipeline, {})
            if held.get(name, value) != value:
                held[_former(name, held)] = held[name]
            held[name] = value
            self._save(scopes)

    def names(self) -> Names:
        """``(name, pipeline or None)``, sorted."""
        found = [(name, pipeline) for pipeline, held in self._load().items() for name in held]
        return _in_order([pair for pair in found if _FORMER not in pair[0]])

    def values(self, pipeline: str | None) -> list[str]:
        """See the port."""
        scopes = self._load()
        return [value for scope in {None, pipeline} for value in scopes.get(scope, {}).values()]

    def remove(self, name: str, pipeline: str | None = None) -> None:
        """Raises NotFound."""
        with self._lock:
            scopes = self._load()
            held = scopes.get(pipeline, {})
            if name not in held or _FORMER in name:
                raise _no_such(name, pipeline)
            scopes[pipeline] = {key: value for key, value in held.items() if key.partition(_FORMER)[0] != name}
            self._save({scope: held for scope, held in scopes.items() if held})

    def kept_in(self) -> tuple[str, str]:
        """See the port."""
        trouble = ""
        try:
            mode = stat.S_IMODE(self._path.stat().st_mode)
            trouble = f"it could be read by others (mode {mode:04o})" if mode & 0o077 else ""
        except FileNotFoundError:
            return f"nothing yet; a file that only you can read ({self._path})", ""
        except OSError as error:
            trouble = f"it cannot be read: {error.strerror}"
        return f"a file of mode 0600 ({self._path})", trouble

    def _load(self) -> dict[str | None, dict[str, str]]:
        data = _read_private(self._path) or {"home": {}, "pipelines": {}}
        return {None: data.get("home", {}), **data.get("pipelines", {})}

    def _save(self, scopes: Mapping[str | None, Mapping[str, str]]) -> None:
        pipelines = {name: held for name, held in scopes.items() if name is not None}
        _write_private(self._path, {"home": scopes.get(None, {}), "pipelines": pipelines})


class KeyringSecrets:
    """Secrets in the operating system's keyring; their names in a 0600 file, because keyrings cannot list."""

    def __init__(self, home: Path) -> None:
        self._service = f"fasttrack {home}"
        self._index = home / "secrets-in-keyring.json"
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"KeyringSecrets({self._service!r})"

    def exists(self) -> bool:
        return self._index.exists()

    def is_usable(self) -> bool:
        """Whether this session has a keyring that really keeps things (the null and the fail backend do not)."""
        import keyring

        backend = keyring.get_keyring()
        return getattr(backend, "priority", 0) >= 1

    def kept_in(self) -> tuple[str, str]:
        """See the port."""
        import keyring

        backend = keyring.get_keyring()
        trouble = "" if self.is_usable() else "this session has no keyring that keeps things"
        return f"{'' if self.exists() else 'nothing yet; '}the keyring ({getattr(backend, 'name', backend)})", trouble

    def get(self, name: str, pipeline: str | None = None) -> str | None:
        """The pipeline's own secret of that name, or else the home's. Raises StoreError."""
        held = self.names()
        for scope in dict.fromkeys((pipeline, None)):
            if (name, scope) in held:
                return self._ask("get_password", name, scope)
        return None

    def set(self, name: str, value: str, pipeline: str | None = None) -> None:
        check_secret(name, value)
        with self._lock:
            entries = {*self._entries(), (name, pipeline)}
            before = self._ask("get_password", name, pipeline)
            if before not in (None, value):
                former = _former(name, [entry for entry, scope in entries if scope == pipeline])
                self._ask("set_password", former, pipeline, str(before))
                entries.add((former, pipeline))
            self._ask("set_password", name, pipeline, value)
            _write_private(self._index, {"names": _in_order(entries)})

    def names(self) -> Names:
        """``(name, pipeline or None)``, sorted."""
        return [pair for pair in self._entries() if _FORMER not in pair[0]]

    def values(self, pipeline: str | None) -> list[str]:
        """See the port."""
        asked = (self._ask("get_password", *pair) for pair in self._entries() if pair[1] in (None, pipeline))
        return [value for value in asked if value]

    def _entries(self) -> Names:
        """Names, and those of former values."""
        data = _read_private(self._index) or {"names": []}
        return [(name, pipeline) for name, pipeline in data["names"]]

    def remove(self, name: str, pipeline: str | None = None) -> None:
        """Raises NotFound."""
        with self._lock:
            if (name, pipeline) not in self.names():
                raise _no_such(name, pipeline)
            gone = [pair for pair in self._entries() if (pair[0].partition(_FORMER)[0], pair[1]) == (name, pipeline)]
            for pair in gone:
                self._ask("delete_password", *pair)
            _write_private(self._index, {"names": [pair for pair in self._entries() if pair not in gone]})

    def _ask(self, verb: str, name: str, pipeline: str | None, *value: str) -> str | None:
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        entry = name if pipeline is None else f"{pipeline}/{name}"
        try:
            found: str | None = getattr(keyring, verb)(self._service, entry, *value)
        except PasswordDeleteError:
            found = None  # somebody removed it from the keyring: that is what was asked for
        except KeyringError as error:
            raise StoreError(
                f"the keyring could not be asked for secret {name!r}: {error}",
                hint="Unlock the keyring, or keep secrets in a file: FASTTRACK_SECRETS=file.",
            ) from error
        return found


class AutoSecrets:
    """The keyring or the file: what this home uses already, else the keyring where one is usable."""

    def __init__(self, file: FileSecrets, keyring: KeyringSecrets) -> None:
        self._file = file
        self._keyring = keyring

    def get(self, name: str, pipeline: str | None = None) -> str | None:
        return self._used().get(name, pipeline)

    def set(self, name: str, value: str, pipeline: str | None = None) -> None:
        check_secret(name, value)
        (self._used() if self._is_begun() else self._first()).set(name, value, pipeline)

    def names(self) -> Names:
        return self._used().names()

    def values(self, pipeline: str | None) -> list[str]:
        return self._used().values(pipeline)

    def remove(self, name: str, pipeline: str | None = None) -> None:
        self._used().remove(name, pipeline)

    def kept_in(self) -> tuple[str, str]:
        """See the port."""
        return (self._used() if self._is_begun() else self._first()).kept_in()

    def _is_begun(self) -> bool:
        return self._keyring.exists() or self._file.exists()

    def _first(self) -> FileSecrets | KeyringSecrets:
        """Where the first secret goes."""
        return self._keyring if self._keyring.is_usable() else self._file

    def _used(self) -> FileSecrets | KeyringSecrets:
        return self._keyring if self._keyring.exists() else self._file


def check_secret(name: str, value: str) -> None:
    """Raise BadRequest unless ``name`` can stand in an expression and ``value`` in an environment variable."""
    if not _NAME.fullmatch(name):
        raise BadRequest(
            f"{name!r} cannot name a secret", hint="Use letters, digits and _, not beginning with a digit (API_TOKEN)."
        )
    if not value or "\0" in value:
        raise BadRequest(f"secret {name!r} is empty or holds a NUL", hint="An environment variable cannot hold that.")
    if len(value.encode("utf-8", "surrogateescape")) > _LONGEST:
        raise BadRequest(f"secret {name!r} is longer than {_LONGEST} bytes", hint="Keep it in a file of a vfolder.")


def _former(name: str, held: Iterable[str]) -> str:
    """A name for a value that ``name`` had before; ``held`` are the names that are taken."""
    return f"{name}{_FORMER}{sum(entry.startswith(name + _FORMER) for entry in held) + 1}"


def _in_order(names: Any) -> Names:
    return sorted(names, key=lambda pair: (pair[0], pair[1] or ""))


def _no_such(name: str, pipeline: str | None) -> NotFound:
    where = "this home" if pipeline is None else f"pipeline {pipeline!r}"
    return NotFound(f"{where} has no secret {name!r}", hint="`fasttrack secrets list` shows their names.")


def _read_private(path: Path) -> dict[str, Any] | None:
    """The JSON of a file that nobody else can read; None where there is no file."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.getuid():
                raise Forbidden(
                    f"{path} could be read by others", hint=f"Change what is in it, then: chmod 600 '{path}'"
                )
            data = json.load(file)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise StoreError(f"{path} is damaged", hint="Restore it, or remove it and set the secrets again.") from error
    return data if isinstance(data, dict) else {}


def _write_private(path: Path, data: Mapping[str, Any]) -> None:
    """Replace the file as a whole: a reader sees the old one or the new one, and so does who comes after a crash."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(f"{path} could not be written: {error.strerror}") from error
    parent = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
