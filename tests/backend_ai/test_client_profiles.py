"""Profiles: kept without their keys, checked before, gone with them; each is a backend."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from backend_ai.fake_manager import KEYS, FakeManager, fake_manager

from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.profiles import Profiles, profile_of
from fasttrack_jupyter.backends.backend_ai.signing import signed_headers
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.profiles import ProfileDesk, ProfileRequest, SignedRequest
from fasttrack_jupyter.errors import (
    BackendError,
    BackendUnreachable,
    BadRequest,
    Conflict,
    KeysRefused,
    NotFound,
    SignedOut,
    StoreError,
)
from fasttrack_jupyter.store.secrets import open_secrets

ENDPOINT = "https://ai.example.org"
SECRET = "the-secret-key"
Made = list[tuple[Profile, Keys]]


@pytest.fixture
def made() -> Made:
    """Of which profiles, with which keys, backends were made."""
    return []


@pytest.fixture
def open_profiles(tmp_path: Path, made: Made) -> Callable[[], Profiles]:
    """The profiles of one home, as another engine finds them each time."""

    def make(profile: Profile, keys: Keys) -> ExecutionBackend:
        made.append((profile, keys))
        return cast("ExecutionBackend", f"backend of {profile.name}")

    def opened() -> Profiles:
        profiles = Profiles(tmp_path, lambda: open_secrets(tmp_path / "profiles", "file"), make)
        profiles.open()
        return profiles

    return opened


def request(**more: Any) -> ProfileRequest:
    """Somebody's profile, put without a look at the cluster."""
    fields = {"endpoint": ENDPOINT, "user": "AKIAEXAMPLEKEY", "secret": SECRET, "check": False}
    return ProfileRequest(**{**fields, **more})


def put(profiles: Profiles, name: str = "default", **more: Any) -> Any:
    """Put one; the view and the backend."""
    return asyncio.run(profiles.put(name, request(**more)))


def test_a_profile_is_there_again_for_the_next_engine(open_profiles: Callable[[], Profiles], made: Made) -> None:
    """With its keys, and as a backend of its name."""
    put(open_profiles(), resource_group="gpu", verify_tls=False)
    put(open_profiles(), "work", mode="session", user="me@example.org", secret=" pass word ")
    made.clear()
    profiles = open_profiles()
    assert [(profile.backend, keys.secret) for profile, keys in made] == [
        ("backend.ai", SECRET), ("backend.ai:work", " pass word ")
    ]  # fmt: skip
    assert [(view.name, view.account, view.key, view.kept) for view in profiles.views()] == [
        ("default", None, "…EKEY", True), ("work", "me@example.org", None, True)
    ]  # fmt: skip
    assert made[0][0].resource_group == "gpu"
    assert made[0][0].verify_tls is False


def test_no_key_is_in_the_file_of_profiles_or_in_a_view(open_profiles: Callable[[], Profiles], tmp_path: Path) -> None:
    """Keys are where secrets are, and nobody else can read either."""
    profiles = open_profiles()
    view = put(profiles).view
    text = (tmp_path / "profiles.json").read_text()
    for told in (text, view.model_dump_json(), repr(view), repr(request()), repr(profiles.views())):
        assert SECRET not in told
        assert "AKIAEXAMPLEKEY" not in told
    for file in (tmp_path / "profiles.json", tmp_path / "profiles" / "secrets.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "profiles").stat().st_mode) == 0o700


def test_a_key_that_was_replaced_is_gone(open_profiles: Callable[[], Profiles], tmp_path: Path) -> None:
    """A secret store keeps former values to mask logs with; keys are in no log."""
    profiles = open_profiles()
    put(profiles)
    put(profiles, secret="another-key")
    kept = (tmp_path / "profiles" / "secrets.json").read_text()
    assert "another-key" in kept
    assert SECRET not in kept
    asyncio.run(profiles.remove("default"))
    assert "another-key" not in (tmp_path / "profiles" / "secrets.json").read_text()
    assert json.loads((tmp_path / "profiles.json").read_text()) == {"profiles": {}}


def test_what_is_not_to_be_kept_is_nowhere_on_disk(open_profiles: Callable[[], Profiles], tmp_path: Path) -> None:
    """It is a backend for this engine's life."""
    profiles = open_profiles()
    kept = put(profiles, keep=False)
    assert kept.backend is not None
    assert not kept.view.kept
    assert list(tmp_path.iterdir()) == []
    assert open_profiles().views() == []


def test_the_same_again_changes_nothing(open_profiles: Callable[[], Profiles]) -> None:
    """Its backend goes on; a stored profile stays stored."""
    profiles = open_profiles()
    put(profiles)
    again = put(profiles, keep=False)
    assert again.backend is None
    assert again.view.kept
    assert put(profiles, project="other").backend is not None


def test_kept_keys_serve_where_they_served_before_only(open_profiles: Callable[[], Profiles], made: Made) -> None:
    """Who changes the address (or whom to trust on the way) gives them again: else they would be handed to anybody."""
    profiles = open_profiles()
    put(profiles)
    put(profiles, user=None, secret=None, project="other")
    assert made[-1][1].secret == SECRET
    for change in ({"endpoint": "https://evil.example.org"}, {"verify_tls": False}, {"proxy": "http://evil:1"},
                   {"mode": "session"}):  # fmt: skip
        with pytest.raises(BadRequest, match="give them again"):
            put(profiles, user=None, secret=None, **change)
    with pytest.raises(BadRequest, match="needs an access key and its secret key"):
        put(profiles, "new", user=None, secret=None)
    with pytest.raises(BadRequest, match="needs"):
        put(profiles, secret=None)


def test_a_profile_whose_keys_are_lost_says_so(open_profiles: Callable[[], Profiles], tmp_path: Path) -> None:
    """It is no backend then, and the others are."""
    put(open_profiles())
    (tmp_path / "profiles" / "secrets.json").unlink()
    profiles = open_profiles()
    assert "not where they were kept" in profiles.views()[0].trouble
    with pytest.raises(KeysRefused, match="not where they were kept"):
        asyncio.run(profiles.check("default"))
    put(profiles)
    assert profiles.views()[0].trouble == ""


def test_a_damaged_file_is_told(open_profiles: Callable[[], Profiles], tmp_path: Path) -> None:
    """Rather than taken for no profiles, or written over; who works on this machine alone does not suffer."""
    (tmp_path / "profiles.json").write_text("{")
    profiles = open_profiles()
    with pytest.raises(StoreError, match="damaged"):
        profiles.views()
    with pytest.raises(StoreError, match="damaged"):
        put(profiles)
    assert (tmp_path / "profiles.json").read_text() == "{"


def test_what_a_later_version_wrote_is_read(open_profiles: Callable[[], Profiles], tmp_path: Path) -> None:
    """Fields that nobody knows are passed by."""
    put(open_profiles())
    told = json.loads((tmp_path / "profiles.json").read_text())
    told["profiles"]["default"]["colour"] = "blue"
    (tmp_path / "profiles.json").write_text(json.dumps(told))
    assert open_profiles().views()[0].endpoint == ENDPOINT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"endpoint": "ai.example.org"}, "has no scheme"), ({"endpoint": "ftp://ai.example.org"}, "is no address"),
        ({"endpoint": "https://"}, "is no address"), ({"endpoint": "https://a:b@ai.example.org"}, "password in it"),
        ({"endpoint": "https://ai.example.org/?a=1"}, "more than host"), ({"endpoint": "https://a b/"}, "address|host"),
        ({"proxy": "http://me:pw@proxy:3128"}, "password in it"), ({"endpoint": f"{ENDPOINT}:99999"}, "address"),
    ],
)  # fmt: skip
def test_addresses_that_make_no_sense_are_refused(change: dict[str, str], said: str) -> None:
    """Before anything is sent there; a password in one is not said again."""
    with pytest.raises(BadRequest, match=said) as told:
        profile_of("default", request(**change))
    assert "pw" not in told.value.message.replace("password", "")


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "ä", "x" * 33, "a:b"])
def test_names_that_make_no_sense_are_refused(name: str) -> None:
    """They become names of backends."""
    with pytest.raises(BadRequest, match="can be called"):
        profile_of(name, request())


def test_slashes_at_the_end_of_an_endpoint_do_not_count() -> None:
    """And what is empty is the default."""
    profile = profile_of("default", request(endpoint=f" {ENDPOINT}/ ", domain="", project="", proxy=""))
    assert (profile.endpoint, profile.domain, profile.project, profile.proxy) == (ENDPOINT, "default", "default", None)


def test_a_request_is_recognised_by_a_profiles_keys(open_profiles: Callable[[], Profiles]) -> None:
    """As signed by its own user, now; by nobody else, and by no password."""
    profiles = open_profiles()
    put(profiles)
    put(profiles, "web", mode="session", user="me@example.org")
    made = signed_headers(
        "POST", "/login/", host="here:9500", content_type="application/json", version="v9.20250722",
        when=datetime.now(UTC), access_key="AKIAEXAMPLEKEY", secret_key=SECRET,
    )  # fmt: skip
    signed = SignedRequest.model_validate(
        {"method": "POST", "path": "/login/", **{name.lower(): value for name, value in made.items()}}
    )
    assert profiles.verify("default", signed).access_key == "…EKEY"
    assert "credential" not in repr(signed)
    for wrong in ({"path": "/other/"}, {"authorization": ""}, {"host": "there"}):
        with pytest.raises(SignedOut, match="not signed with the keys"):
            profiles.verify("default", signed.model_copy(update=wrong))
    with pytest.raises(SignedOut, match="a password"):
        profiles.verify("web", signed)
    with pytest.raises(NotFound):
        profiles.verify("nobody", signed)


# ---------------------------------------------------------------- checked by the cluster


def _who(**user: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    told = {"email": "me@example.org", "role": "user", "domain_name": "default", "groups": [{"name": "default"}]}

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"data": {"user": {**told, **user}}})

    return answer


def checked(profiles: Profiles, *ahead: Any, **more: Any) -> Any:
    """Put one whose cluster is a fake that answers so."""

    async def main() -> Any:
        async with fake_manager() as manager:
            manager.ahead = list(ahead)
            fields = {"user": KEYS.user, "secret": KEYS.secret, "check": True, **more}
            return await profiles.put("default", request(endpoint=manager.endpoint, **fields))

    return asyncio.run(main())


def test_the_cluster_is_asked_who_one_is(open_profiles: Callable[[], Profiles]) -> None:
    """Its answer comes along, and the account is remembered."""
    profiles = open_profiles()
    view = checked(profiles, _who(groups=[{"name": "b"}, {"name": "default"}])).view
    assert (view.checked.release, view.checked.projects, view.checked.role) == ("26.9.6", ("b", "default"), "user")
    assert open_profiles().views()[0].account == "me@example.org"


@pytest.mark.parametrize(
    ("ahead", "more", "kind", "said"),
    [
        ([], {"secret": "wrong"}, KeysRefused, "refuses the keys"),
        ([_who()], {"project": "defualt"}, BadRequest, "no project 'defualt'"),
        ([_who(domain_name="lab")], {}, BadRequest, "of domain 'lab'"),
        ([503] * 9, {}, BackendUnreachable, "cannot answer now"),
    ],
)
def test_what_the_cluster_refuses_is_not_kept(
    open_profiles: Callable[[], Profiles], made: Made, ahead: Any, more: Any, kind: Any, said: str
) -> None:
    """Nothing is stored, and no backend is made."""
    profiles = open_profiles()
    with pytest.raises(kind, match=said):
        checked(profiles, *ahead, **more)
    assert profiles.views() == open_profiles().views() == []
    assert made == []


def test_a_release_that_nobody_tried_is_noted(
    open_profiles: Callable[[], Profiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may work; one should know."""
    real = FakeManager.__init__

    def old(self: FakeManager) -> None:
        real(self)
        self.version, self.manager = "v6.20220615", "22.09.3"

    monkeypatch.setattr(FakeManager, "__init__", old)
    assert "release 22.9.3 was not tried" in checked(open_profiles(), _who()).view.checked.notes[0]


# ---------------------------------------------------------------- with the engine's backends


class Roster:
    """Backends that come and go; ``needed`` ones go only if jobs may be set aside."""

    def __init__(self) -> None:
        self.backends: dict[str, object] = {}
        self.needed, self.broken = False, False

    async def add_backend(self, name: str, backend: ExecutionBackend) -> None:
        self.backends[name] = backend
        if self.broken:
            raise BackendError(f"the backend {name!r} is not here: it is full")

    async def remove_backend(self, name: str, *, set_aside: bool = False) -> None:
        if name not in self.backends:
            raise NotFound(name)
        if not set_aside:
            self.check_unneeded(name)
        del self.backends[name]

    def check_unneeded(self, name: str) -> None:
        if self.needed:
            raise Conflict(f"the backend {name!r} is needed")


def test_profiles_are_backends_that_come_and_go(open_profiles: Callable[[], Profiles]) -> None:
    """Put: it is there. Deleted: it is not. Needed by jobs: it stays, unless they may wait."""
    roster = Roster()
    desk = ProfileDesk(open_profiles(), roster)

    async def main() -> None:
        await desk.put("work", request())
        assert list(roster.backends) == ["backend.ai:work"]
        roster.needed = True
        with pytest.raises(Conflict, match="needed"):
            await desk.delete("work", set_aside=False)
        assert [view.name for view in desk.views()] == ["work"]
        await desk.delete("work", set_aside=True)
        assert roster.backends == {}
        assert desk.views() == []
        with pytest.raises(NotFound, match="no profile 'work'"):
            await desk.delete("work", set_aside=False)

    asyncio.run(main())


def test_a_profile_does_not_move_to_another_cluster_under_its_jobs(open_profiles: Callable[[], Profiles]) -> None:
    """There none of their sessions would be found. What else it says may change, and without jobs it may move."""
    roster = Roster()
    desk = ProfileDesk(open_profiles(), roster)

    async def main() -> None:
        await desk.put("work", request())
        roster.needed = True
        with pytest.raises(Conflict, match=r"cannot move to another cluster: .* is needed"):
            await desk.put("work", request(endpoint="https://other.example.org"))
        assert desk.views()[0].endpoint == ENDPOINT
        await desk.put("work", request(endpoint=f"{ENDPOINT}/ ", secret="another-key"))
        await desk.put("new", request(endpoint="https://other.example.org"))
        roster.needed = False
        await desk.put("work", request(endpoint="https://other.example.org"))
        assert desk.views()[1].endpoint == "https://other.example.org"

    asyncio.run(main())


def test_a_backend_that_cannot_be_opened_is_told_and_its_profile_kept(open_profiles: Callable[[], Profiles]) -> None:
    """The keys are right; what is wrong is something else."""
    roster = Roster()
    roster.broken = True
    profiles = open_profiles()
    view = asyncio.run(ProfileDesk(profiles, roster).put("default", request()))
    assert "it is full" in view.trouble
    assert len(open_profiles().views()) == 1
