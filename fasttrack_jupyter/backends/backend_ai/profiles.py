"""The profiles of a home: ``profiles.json`` without a key in it, and the keys where secrets are kept.

::

    <home>/profiles.json    {"profiles": {name: {endpoint, mode, …, account, key_end}}}, 0600, replaced as a whole
    <home>/profiles/        the keys, one secret for each profile: in the keyring, or in a 0600 file in here

A file with a profile whose keys are gone (or the other way round) is what a crash can leave: the profile says so.
Kept keys only ever go where they went before: who changes the address, or whom to trust on the way, gives them again.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yarl import URL

from fasttrack_jupyter.backends.backend_ai.asking_who import ask_who
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile, is_profile_name
from fasttrack_jupyter.backends.backend_ai.signing import is_signed, signer_of
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.profiles import (
    Kept,
    ProfileCheck,
    ProfileRequest,
    ProfileView,
    SignedBy,
    SignedRequest,
    no_such_profile,
)
from fasttrack_jupyter.engine.surroundings import SecretStore
from fasttrack_jupyter.errors import BadRequest, FastTrackError, KeysRefused, NotFound, SignedOut, StoreError

_SECRET = "KEYS"
_NAMES = frozenset(field.name for field in fields(Profile))

Maker = Callable[[Profile, Keys], ExecutionBackend]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is known of a profile besides its keys; ``key_end`` is for people to know it by."""

    profile: Profile
    key_end: str | None
    is_kept: bool
    trouble: str = ""


class Profiles:
    """A home's profiles; see ``engine.profiles.ProfileKeeper``, which this is. Call :meth:`open` first."""

    def __init__(self, home: Path, secrets: Callable[[], SecretStore], make: Maker) -> None:
        """``secrets`` opens the place of the keys; it is not called where there is no profile."""
        self._file = home / "profiles.json"
        self._open_secrets, self._make = secrets, make
        self._entries: dict[str, _Entry] = {}
        self._keys: dict[str, Keys] = {}
        self._damage: StoreError | None = None
        """Why the file cannot be read: nothing is changed then, and whoever asks is told."""

    def open(self) -> dict[str, ExecutionBackend]:
        """Read what is stored; a backend, by its name, for each profile whose keys could be had.

        A file that cannot be read keeps nobody from working on this machine: there is none then, and the other calls
        raise StoreError.
        """
        try:
            stored = self._read()
        except StoreError as error:
            self._damage, stored = error, {}
        for name, entry in stored.items():
            try:
                self._keys[name] = self._load(name)
            except FastTrackError as error:
                entry = replace(entry, trouble=error.message)
            self._entries[name] = entry
        return {
            entry.profile.backend: self._make(entry.profile, self._keys[name])
            for name, entry in self._entries.items()
            if name in self._keys
        }

    def views(self) -> list[ProfileView]:
        """See the port. Raises StoreError."""
        self._check_whole()
        return [_view(self._entries[name]) for name in sorted(self._entries)]

    async def put(self, name: str, request: ProfileRequest) -> Kept:
        """See the port. Raises StoreError."""
        self._check_whole()
        profile, keys = profile_of(name, request), self._keys_for(name, request)
        checked = await ask_who(profile, keys) if request.check else None
        before = self._entries.get(name)
        is_same = before is not None and before.profile == profile and self._keys.get(name) == keys
        account = checked.account if checked else before.profile.account if before and is_same else None
        profile = replace(profile, account=account or (keys.user if profile.mode == "session" else None))
        kept = request.keep or (before is not None and is_same and before.is_kept)
        entry = _Entry(profile, keys.user[-4:] if profile.mode == "api" else None, kept)
        backend = None if is_same else self._make(profile, keys)
        await asyncio.to_thread(self._keep, name, entry, keys)
        self._entries[name], self._keys[name] = entry, keys
        return Kept(_view(entry).model_copy(update={"checked": checked}), backend)

    async def remove(self, name: str) -> None:
        """See the port."""
        entry = self._entry(name)
        rest = {key: each for key, each in self._entries.items() if key != name}
        if entry.is_kept:
            await asyncio.to_thread(self._write, rest)
            await asyncio.to_thread(self._forget_keys, name)
        self._entries = rest
        self._keys.pop(name, None)

    async def check(self, name: str) -> ProfileCheck:
        """See the port."""
        entry = self._entry(name)
        if name not in self._keys:
            raise KeysRefused(f"profile {name!r} cannot be used: {entry.trouble}", hint="Log in again: fasttrack login")
        return await ask_who(entry.profile, self._keys[name])

    def verify(self, name: str, signed: SignedRequest) -> SignedBy:
        """See the port."""
        entry, keys = self._entry(name), self._keys.get(name)
        if entry.profile.mode != "api" or keys is None:
            why = entry.trouble or "it has a password, not an access key"
            raise SignedOut(f"profile {name!r} cannot check signatures: {why}", hint="fasttrack login --mode api")
        headers = signed.model_dump(by_alias=True, exclude={"method", "path"})
        is_own = signer_of(signed.authorization) == keys.user
        if not is_own or not is_signed(signed.method, signed.path, headers, keys.secret, now=datetime.now(UTC)):
            raise SignedOut(f"this is not signed with the keys of profile {name!r}", hint="Or the clocks differ.")
        return SignedBy(account=entry.profile.account, access_key=f"…{keys.user[-4:]}")

    # ------------------------------------------------------------------ keys

    def _keys_for(self, name: str, request: ProfileRequest) -> Keys:
        if request.user and request.secret:
            return Keys(request.user.strip(), request.secret.strip() if request.mode == "api" else request.secret)
        before, keys = self._entries.get(name), self._keys.get(name)
        if request.user or request.secret or before is None or keys is None:
            what = "an access key and its secret key" if request.mode == "api" else "an e-mail address and a password"
            raise BadRequest(
                f"profile {name!r} needs {what}", hint="fasttrack login asks for them.", details={"field": "user"}
            )
        if _way(before.profile) != _way(profile_of(name, request)):
            raise BadRequest(
                f"the keys of profile {name!r} would go another way than before: give them again",
                hint="That is so when endpoint, mode, proxy or the check of certificates change.",
                details={"field": "user"},
            )
        return keys

    def _load(self, name: str) -> Keys:
        try:
            found = json.loads(self._open_secrets().get(_SECRET, name) or "")
            return Keys(found["user"], found["secret"])
        except (ValueError, KeyError, TypeError):
            raise StoreError("its keys are not where they were kept", hint="fasttrack login") from None

    def _keep(self, name: str, entry: _Entry, keys: Keys) -> None:
        """Keys first: a profile without keys would be a profile that does not work."""
        stored = {key: each for key, each in self._entries.items() if key != name}
        if entry.is_kept:
            self._file.with_name("profiles").mkdir(mode=0o700, exist_ok=True)
            self._forget_keys(name)  # a secret store keeps former values, which nobody needs of these
            self._open_secrets().set(_SECRET, json.dumps({"user": keys.user, "secret": keys.secret}), name)
            self._write({**stored, name: entry})
        elif name in self._read():
            self._write(stored)
            self._forget_keys(name)

    def _forget_keys(self, name: str) -> None:
        try:
            self._open_secrets().remove(_SECRET, name)
        except NotFound:
            return  # as it should be

    # ------------------------------------------------------------------ the file

    def _check_whole(self) -> None:
        if self._damage is not None:
            raise self._damage

    def _entry(self, name: str) -> _Entry:
        self._check_whole()
        if name not in self._entries:
            raise no_such_profile(name, tuple(sorted(self._entries)))
        return self._entries[name]

    def _read(self) -> dict[str, _Entry]:
        try:
            told = json.loads(self._file.read_bytes())["profiles"]
            return {name: _entry(name, fields) for name, fields in told.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{self._file} is damaged",
                hint="Mend or remove it, stop the engine (fasttrack engine stop), and log in again.",
            ) from error
        except OSError as error:
            raise StoreError(f"{self._file} cannot be read: {error.strerror}") from error

    def _write(self, entries: dict[str, _Entry]) -> None:
        """Replace the file; a crash leaves the old one or the new one."""
        told = {name: _stored(entry) for name, entry in sorted(entries.items()) if entry.is_kept}
        fresh = self._file.with_name(f".{self._file.name}.new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"profiles": told}, file, ensure_ascii=False, indent=1)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._file)
        except OSError as error:
            raise StoreError(f"{self._file} cannot be written: {error.strerror}") from error


def profile_of(name: str, request: ProfileRequest) -> Profile:
    """The profile that is asked for. Raises BadRequest."""
    if not is_profile_name(name):
        raise BadRequest(
            f"no profile can be called {name!r}",
            hint="Letters, digits, - and _; it begins with one of the former.",
            details={"field": "name"},
        )
    proxy = _address(request.proxy, "proxy") if request.proxy else None
    return Profile(
        name=name,
        endpoint=_address(request.endpoint, "endpoint"),
        mode=request.mode,
        domain=request.domain or "default",
        project=request.project or "default",
        resource_group=request.resource_group or None,
        folder_host=request.folder_host or None,
        verify_tls=request.verify_tls,
        proxy=proxy,
    )


def _address(text: str, what: str) -> str:
    text, where = text.strip(), {"field": what}
    if "://" not in text:
        raise BadRequest(f"the {what} {text!r} has no scheme", hint=f"Perhaps https://{text}", details=where)
    text = text.rstrip("/")
    try:
        url = URL(text)
        is_good = url.scheme in ("http", "https") and bool(url.host) and url.port is not None
    except ValueError:
        is_good = False
    if not is_good:
        hint = "It is like https://backend.example.org:8090"
        raise BadRequest(f"the {what} {text!r} is no address", hint=hint, details=where)
    if url.user or url.password:
        hint = "A proxy's password belongs into the engine's environment: HTTPS_PROXY=http://name:password@host:port"
        raise BadRequest(
            f"the {what} has a password in it", hint=hint if what == "proxy" else "Leave it out.", details=where
        )
    if url.query_string or url.fragment or any(character.isspace() for character in text):
        raise BadRequest(f"the {what} {text!r} has more than host, port and path", details=where)
    return text


def _way(profile: Profile) -> tuple[object, ...]:
    """All that decides who gets to see the keys."""
    return profile.endpoint, profile.mode, profile.proxy, profile.verify_tls


def _view(entry: _Entry) -> ProfileView:
    return ProfileView(
        **asdict(entry.profile),
        backend=entry.profile.backend,
        key=f"…{entry.key_end}" if entry.key_end else None,
        kept=entry.is_kept,
        trouble=entry.trouble,
    )


def _stored(entry: _Entry) -> dict[str, Any]:
    profile = {key: value for key, value in asdict(entry.profile).items() if key != "name"}
    return {**profile, "key_end": entry.key_end}


def _entry(name: str, stored: dict[str, Any]) -> _Entry:
    known = {key: value for key, value in stored.items() if key in _NAMES}  # a later version may have written more
    return _Entry(Profile(**{**known, "name": name}), stored.get("key_end"), is_kept=True)
