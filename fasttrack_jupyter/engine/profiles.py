"""Profiles: who this home's user is on which cluster. Each is a backend, and they come and go while the engine runs.

Keys come in and never go out again: no view has a field that could hold one. Who keeps them, and how a profile
becomes a backend, is behind :class:`ProfileKeeper`; this is only what the faces may ask, one at a time.
"""

from __future__ import annotations

import asyncio
from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BackendError, Conflict, NotFound


class ProfileRequest(View):
    """A profile to make or to change. Without keys the kept ones stay, unless they would go somewhere else then."""

    endpoint: str = Field(max_length=2048)
    """``https://host[:port][/path]``: a manager's (mode ``api``) or a webserver's (mode ``session``)."""
    mode: Literal["api", "session"] = "api"
    domain: str = Field(default="default", max_length=64)
    project: str = Field(default="default", max_length=64)
    resource_group: str | None = Field(default=None, max_length=64)
    folder_host: str | None = Field(default=None, max_length=128)
    verify_tls: bool = True
    proxy: str | None = Field(default=None, max_length=2048)
    user: str | None = Field(default=None, repr=False, max_length=256)
    """The access key, or the e-mail address."""
    secret: str | None = Field(default=None, repr=False, max_length=1024)
    """The secret key, or the password."""
    keep: bool = True
    """Whether it is stored; else it is there for this engine's life."""
    check: bool = True
    """Whether the cluster is asked first; what it refuses is not kept."""


class ProfileCheck(View):
    """What a cluster says to a profile."""

    release: str
    account: str | None
    """The e-mail address of whose keys they are."""
    role: str | None
    projects: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What one should know: a password that travels in the clear, a release that nobody tried."""


class SignedRequest(View):
    """A request that somebody signed, as it came in: its first line, and the headers that were signed."""

    method: str
    path: str
    """Raw, with the query."""
    authorization: str = Field(default="", repr=False)
    date: str = ""
    x_backendai_date: str = Field(default="", alias="x-backendai-date")
    host: str = ""
    content_type: str = Field(default="", alias="content-type")
    x_backendai_version: str = Field(default="", alias="x-backendai-version")


class SignedBy(View):
    """Whose signature it is."""

    account: str | None
    access_key: str
    """Its last characters, ``…MPLE``."""


class ProfileView(View):
    """A profile, without anything secret."""

    name: str
    backend: str
    """Its name as a backend: ``backend.ai``, ``backend.ai:NAME``."""
    endpoint: str
    mode: Literal["api", "session"]
    domain: str
    project: str
    resource_group: str | None
    folder_host: str | None
    verify_tls: bool
    proxy: str | None
    account: str | None
    """The e-mail address of whose keys they are, as far as that is known."""
    key: str | None
    """The last characters of the access key, ``…MPLE``."""
    kept: bool
    """Whether it is stored; else it goes with this engine."""
    trouble: str = ""
    """Why it cannot be used, where that is known without asking the cluster."""
    checked: ProfileCheck | None = None
    """What the cluster said, where it was just asked."""


class Kept(NamedTuple):
    """A profile that was put; ``backend`` is None where nothing changed."""

    view: ProfileView
    backend: ExecutionBackend | None


class ProfileKeeper(Protocol):
    """Keeps profiles and their keys, and makes backends of them."""

    def views(self) -> list[ProfileView]:
        """All, by name."""
        ...

    async def put(self, name: str, request: ProfileRequest) -> Kept:
        """Check it (if asked to), then keep it. Nothing is kept where it raises.

        Raises:
            BadRequest: the name, the endpoint or the proxy makes no sense, or keys are missing.
            KeysRefused, BackendUnreachable: the cluster's answer to the check, or none.
        """
        ...

    async def remove(self, name: str) -> None:
        """Forget it and its keys. Raises NotFound."""
        ...

    async def check(self, name: str) -> ProfileCheck:
        """Ask its cluster. Raises NotFound, KeysRefused, BackendUnreachable."""
        ...

    def verify(self, name: str, signed: SignedRequest) -> SignedBy:
        """Whether a request was just signed with this profile's keys. Raises NotFound, SignedOut."""
        ...


class NoProfiles:
    """Where no cluster can be used at all."""

    def views(self) -> list[ProfileView]:
        """None."""
        return []

    async def put(self, name: str, request: ProfileRequest) -> Kept:
        """Raises NotFound."""
        raise NotFound("this engine knows no clusters")

    async def remove(self, name: str) -> None:
        """Raises NotFound."""
        raise no_such_profile(name, ())

    async def check(self, name: str) -> ProfileCheck:
        """Raises NotFound."""
        raise no_such_profile(name, ())

    def verify(self, name: str, signed: SignedRequest) -> SignedBy:
        """Raises NotFound."""
        raise no_such_profile(name, ())


class Roster(Protocol):
    """Where backends come and go: see ``FastTrack.add_backend``, ``remove_backend``, ``check_unneeded``."""

    async def add_backend(self, name: str, backend: ExecutionBackend) -> None: ...

    async def remove_backend(self, name: str, *, set_aside: bool = False) -> None: ...

    def check_unneeded(self, name: str) -> None: ...


class ProfileDesk:
    """What faces may ask about profiles."""

    def __init__(self, keeper: ProfileKeeper, roster: Roster) -> None:
        self._keeper, self._roster = keeper, roster
        self._lock = asyncio.Lock()

    def views(self) -> list[ProfileView]:
        """All profiles, by name."""
        return self._keeper.views()

    async def check(self, name: str) -> ProfileCheck:
        """See the keeper."""
        return await self._keeper.check(name)

    def verify(self, name: str, signed: SignedRequest) -> SignedBy:
        """See the keeper."""
        return self._keeper.verify(name, signed)

    async def put(self, name: str, request: ProfileRequest) -> ProfileView:
        """Keep it and use it from now on; jobs that wait for its backend go on. See the keeper.

        Raises:
            Conflict: it would be another cluster, and jobs that have not ended have sessions where it is now.
        """
        async with self._lock:
            self._check_move(name, request)
            view, backend = await self._keeper.put(name, request)
            if backend is None:
                return view
            try:
                await self._roster.add_backend(view.backend, backend)
            except BackendError as error:  # the profile is kept all the same, and says what is wrong with it
                return view.model_copy(update={"trouble": error.message})
            return view

    async def delete(self, name: str, *, set_aside: bool) -> None:
        """Forget it and its backend.

        Raises:
            NotFound: there is none of that name.
            Conflict: unfinished jobs need it, and are not to be ``set_aside`` until it is back.
        """
        async with self._lock:
            for view in self._keeper.views():
                if view.name == name:
                    await self._leave(view.backend, set_aside)
            await self._keeper.remove(name)

    def _check_move(self, name: str, request: ProfileRequest) -> None:
        """Sessions are looked for where a profile leads: at another cluster they would be taken for lost."""
        for view in self._keeper.views():
            if view.name == name and view.endpoint != request.endpoint.strip().rstrip("/"):
                try:
                    self._roster.check_unneeded(view.backend)
                except Conflict as error:
                    hint = (
                        "Give the other cluster a profile of its own (--profile NAME), or wait until they have ended."
                    )
                    raise Conflict(
                        f"profile {name!r} cannot move to another cluster: {error.message}", hint=hint
                    ) from error

    async def _leave(self, backend: str, set_aside: bool) -> None:
        try:
            await self._roster.remove_backend(backend, set_aside=set_aside)
        except NotFound:
            return  # a profile whose keys were not to be had is no backend


def no_such_profile(name: str, names: tuple[str, ...]) -> NotFound:
    """Raise it; ``names`` are those that there are."""
    hint = f"There are: {', '.join(names)}." if names else "Make one: fasttrack login"
    return NotFound(f"there is no profile {name!r}", hint=hint)
