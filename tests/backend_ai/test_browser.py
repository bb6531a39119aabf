"""The cluster browser on real clusters: vfolders and their files, sharing in two roles, sessions, apps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from backend_ai.looking import connected, interactive, unique
from backend_ai.real_cluster import Cluster as RealCluster
from backend_ai.real_cluster import Who

from fasttrack_jupyter.backends.backend_ai.cluster import Browser
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.engine.clusters import NewFolder, ShareRequest
from fasttrack_jupyter.errors import BadRequest, Conflict, FastTrackError, Forbidden, NotFound

pytestmark = pytest.mark.usefixtures("second_user")


@asynccontextmanager
async def browsing(cluster: RealCluster, who: Who = "user") -> AsyncIterator[Browser]:
    """The cluster as somebody sees it."""
    async with connected(cluster, who) as connection:
        yield Browser(connection, Surveyor(connection), Vfolders(connection))


@asynccontextmanager
async def folder_of(browser: Browser, project: str | None = None) -> AsyncIterator[str]:
    """A vfolder for the time of the block."""
    name = unique("data")
    await browser.make_folder(NewFolder(name=name, usage_mode="data", project=project))
    try:
        yield name
    finally:
        await browser.remove_folder(name)


async def names_of(browser: Browser) -> list[str]:
    return [folder.name for folder in await browser.folders()]


def test_what_there_is(cluster: RealCluster) -> None:
    """One view of a project; images are found by words; another project is refused with the names there are."""

    async def main() -> None:
        async with browsing(cluster) as browser:
            view = await browser.overview(None, fresh=True)
            assert (view.user, view.project) == (cluster.user.email, cluster.project)
            assert view.groups[0].free["cpu"]
            found = await browser.images("python DEBIAN12", None, installed=True)
            assert cluster.image in [image.name for image in found]
            assert await browser.images("no-such-thing", None, installed=False) == []
            with pytest.raises(NotFound) as refused:
                await browser.overview("defalt", fresh=False)
            assert repr(cluster.project) in refused.value.hint

    asyncio.run(main())


def test_a_vfolder_is_made_filled_browsed_and_removed(cluster: RealCluster, tmp_path: Path) -> None:
    """Folders first, files with their sizes; a range and an archive; what is not there is told."""
    file = tmp_path / "up.bin"
    file.write_bytes(bytes(range(256)) * 1000)
    sent: list[int] = []

    async def main() -> None:
        async with browsing(cluster) as browser, folder_of(browser) as name:
            with pytest.raises(Conflict):
                await browser.make_folder(NewFolder(name=name))
            await browser.make_path(name, "a/b")
            await browser.upload(name, "a/up 한글.bin", file, sent.append)
            listed = await browser.files(name, "a")
            assert [(one.name, one.is_dir, one.size) for one in listed] == [
                ("b", True, 0),
                ("up 한글.bin", False, 256_000),
            ]
            assert await browser.size(name, "a/up 한글.bin") == 256_000
            pieces = [piece async for piece in browser.download(name, "a/up 한글.bin", 255_999)]
            assert b"".join(pieces) == b"\xff"
            zipped = b"".join([piece async for piece in browser.archive(name, "a")])
            assert zipped.startswith(b"PK")
            await browser.remove_path(name, "a/up 한글.bin")
            for lost in ("a/up 한글.bin", "nowhere"):
                with pytest.raises(NotFound):
                    await browser.remove_path(name, lost)
            with pytest.raises(NotFound):
                await browser.files(name, "nowhere")
            with pytest.raises(Forbidden):
                await browser.files(name, "../..")
        async with browsing(cluster) as browser:
            assert name not in await names_of(browser)

    asyncio.run(main())
    assert sent[-1] == 256_000


def test_a_vfolder_is_shared_with_another_user(cluster: RealCluster, tmp_path: Path) -> None:
    """Who accepts sees and reads it, and may not write; then he may, as the release lets him; then it is gone."""
    (tmp_path / "a.txt").write_text("mine")

    async def main() -> None:
        async with browsing(cluster) as owner, browsing(cluster, "second") as other, folder_of(owner) as name:
            await owner.upload(name, "a.txt", tmp_path / "a.txt", lambda sent: None)
            wish = ShareRequest(users=(cluster.second.email,), permission="ro")
            assert [share.is_accepted for share in await owner.share(name, wish)] == [False]
            (invitation,) = [each for each in await other.invitations() if each.folder == name]
            assert invitation.inviter == cluster.user.email
            assert name not in await names_of(other)
            await other.answer(invitation.id, accept=True)
            (seen,) = [folder for folder in await other.folders() if folder.name == name]
            assert (seen.is_owner, seen.permission, seen.owner) == (False, "ro", cluster.user.email)
            assert [file.name for file in await other.files(name, "")] == ["a.txt"]
            with pytest.raises(FastTrackError):  # 26.4 would let him: then we do not
                await other.upload(name, "b.txt", tmp_path / "a.txt", lambda sent: None)
            changed = await owner.share(name, wish.model_copy(update={"permission": "rw"}))
            assert [(share.user, share.permission) for share in changed] == [(cluster.second.email, "rw")]
            if cluster.settings.is_before(26, 9):
                await other.upload(name, "b.txt", tmp_path / "a.txt", lambda sent: None)
            else:  # 26.9.6 keeps uploads to the owner, and says so of a permission that has another name
                with pytest.raises(Forbidden, match="upload"):
                    await other.upload(name, "b.txt", tmp_path / "a.txt", lambda sent: None)
            await owner.unshare(name, cluster.second.email)
            assert await owner.shares(name) == []
            assert name not in await names_of(other)

    asyncio.run(main())


def test_an_invitation_can_be_turned_down(cluster: RealCluster) -> None:
    """Then it is nowhere any more, for either of the two."""

    async def main() -> None:
        async with browsing(cluster) as owner, browsing(cluster, "second") as other, folder_of(owner) as name:
            await owner.share(name, ShareRequest(users=(cluster.second.email,)))
            (invitation,) = [each for each in await other.invitations() if each.folder == name]
            await other.answer(invitation.id, accept=False)
            assert [each for each in await other.invitations() if each.folder == name] == []
            assert await owner.shares(name) == []

    asyncio.run(main())


def test_whom_the_cluster_does_not_know_cannot_be_invited(cluster: RealCluster) -> None:
    """26.9 takes such an invitation, with no permission at all: it is taken back, and told."""

    async def main() -> None:
        async with browsing(cluster) as owner, folder_of(owner) as name:
            with pytest.raises(NotFound, match=r"nobody@example\.org"):
                await owner.share(name, ShareRequest(users=("nobody@example.org",)))
            with pytest.raises(BadRequest):
                await owner.share(name, ShareRequest(users=("nobody",)))
            assert await owner.shares(name) == []

    asyncio.run(main())


def test_a_vfolder_of_the_project_is_everybodys(cluster: RealCluster, tmp_path: Path) -> None:
    """An administrator makes it; both users of the project see it as the project's, and what the other puts there."""
    (tmp_path / "a.txt").write_text("ours")

    async def main() -> None:
        async with (
            browsing(cluster, "admin") as admin,
            folder_of(admin, cluster.project) as name,
            browsing(cluster) as user,
            browsing(cluster, "second") as other,
        ):
            (seen,) = [folder for folder in await user.folders() if folder.name == name]
            assert (seen.project, seen.is_owner) == (cluster.project, False)
            await user.upload(name, "a.txt", tmp_path / "a.txt", lambda sent: None)
            assert [file.name for file in await other.files(name, "")] == ["a.txt"]

    asyncio.run(main())


def test_who_may_make_a_vfolder_of_the_project_is_the_clusters_to_say(cluster: RealCluster) -> None:
    """Up to 26.4 it is kept to administrators; later releases let members."""

    async def main() -> None:
        async with browsing(cluster) as user:
            if cluster.settings.is_before(26, 9):
                with pytest.raises(Forbidden):
                    await user.make_folder(NewFolder(name=unique("denied"), project=cluster.project))
            else:
                async with folder_of(user, cluster.project) as name:
                    assert name in await names_of(user)

    asyncio.run(main())


def test_quotas_say_what_is_told(cluster: RealCluster) -> None:
    """A plain directory counts nothing: null, not zero; how full the host is, everybody may know."""

    async def main() -> None:
        async with browsing(cluster) as browser:
            found = await browser.quotas()
            assert [(quota.host, quota.scope) for quota in found] == [
                (cluster.vfolder_host, "you"),
                (cluster.vfolder_host, cluster.project),
            ]
            assert found[0].used is None
            assert found[0].host_full is not None

    asyncio.run(main())


def test_a_session_is_listed_read_and_ended(cluster: RealCluster) -> None:
    """One's own alone; what has ended only when asked for."""

    async def main() -> None:
        async with browsing(cluster) as browser, browsing(cluster, "second") as other, connected(cluster) as connection:
            async with interactive(cluster, connection) as (session, name):
                (found,) = (await browser.sessions(live=True, text=name, limit=10, offset=0)).sessions
                assert (found.id, found.status, found.image) == (session, "RUNNING", cluster.image)
                assert found.resources["cpu"] == "1"
                assert "ttyd" in [app.name for app in found.apps]
                assert (await other.sessions(live=True, text=name, limit=10, offset=0)).sessions == ()
                assert "uid" in (await browser.log(session)).lower()
                await browser.terminate(session, forced=True)
            assert (await browser.sessions(live=True, text=name, limit=10, offset=0)).total == 0
            (ended,) = (await browser.sessions(live=False, text=name, limit=10, offset=0)).sessions
            assert ended.ended_at is not None
            with pytest.raises(Conflict, match="TERMINATED"):
                await browser.start_app(session, "ttyd")

    asyncio.run(main())


def test_a_terminal_is_opened_where_there_is_an_app_proxy(cluster: RealCluster) -> None:
    """Its address leads to a page; where there is no proxy, that is said."""

    async def main() -> None:
        async with (
            browsing(cluster) as browser,
            connected(cluster) as connection,
            interactive(cluster, connection) as (_, name),
        ):
            if not cluster.app_proxy:
                with pytest.raises(Conflict, match="app proxy"):
                    await browser.start_app(name, "ttyd")
                return
            with pytest.raises(NotFound, match="nothing"):
                await browser.start_app(name, "nothing")
            address = await browser.start_app(name, "ttyd")
            jar = aiohttp.CookieJar(unsafe=True)
            async with aiohttp.ClientSession(cookie_jar=jar) as tab, tab.get(address.url) as page:
                assert page.status == 200
                assert "ttyd - Terminal" in await page.text()

    asyncio.run(main())
