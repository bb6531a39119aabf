"""What a cluster has beside jobs: the handlers of these operations; see :mod:`fasttrack_jupyter.api.routes`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from fasttrack_jupyter.api.streams import UNFIT, byte_range, while_working
from fasttrack_jupyter.engine import clusters as see
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound


class ClusterQuery(View):
    """Which project (the profile's where there is none); ``fresh``: asked now, not some seconds ago."""

    project: str | None = None
    fresh: bool = False


class ImagesQuery(View):
    """Images that have every word of ``text`` in name, alias or label."""

    text: str = ""
    accelerator: str | None = None
    installed: bool = False


class PlaceQuery(View):
    """A folder within the vfolder; empty: the vfolder itself."""

    path: str = ""


class DownloadQuery(View):
    """``archive``: a folder, as a zip."""

    archive: bool = False


class PartQuery(View):
    """Where in the file the part begins."""

    offset: int = Field(ge=0, lt=2**63)


class SessionsQuery(View):
    """Which sessions, newest first; ``text`` is in the name."""

    live: bool = True
    text: str = ""
    limit: int = Field(default=50, ge=1, le=500)
    offset: int = Field(default=0, ge=0)


class EndQuery(View):
    """``forced``: at once, without waiting for the session to end in order."""

    forced: bool = False


class Answer(View):
    """To an invitation."""

    accept: bool


async def cluster(engine: FastTrack, backend: str, query: ClusterQuery) -> see.ClusterView:
    """A cluster, and what it offers its user in one project."""
    return await engine.cluster(backend).overview(query.project, fresh=query.fresh)


async def cluster_images(engine: FastTrack, backend: str, query: ImagesQuery) -> list[see.ClusterImage]:
    """The images that tasks may name there; those that some node has already come first."""
    browser = engine.cluster(backend)
    return await browser.images(query.text, query.accelerator, installed=query.installed)


async def cluster_quotas(engine: FastTrack, backend: str) -> list[see.ClusterQuota]:
    """How much one may keep there, and keeps."""
    return await engine.cluster(backend).quotas()


async def cluster_folders(engine: FastTrack, backend: str) -> list[see.ClusterFolder]:
    """The vfolders that one can reach there."""
    return await engine.cluster(backend).folders()


async def make_cluster_folder(engine: FastTrack, backend: str, body: see.NewFolder) -> see.ClusterFolder:
    """Make a vfolder. A name that is taken is refused."""
    return await engine.cluster(backend).make_folder(body)


async def remove_cluster_folder(engine: FastTrack, backend: str, folder: str) -> None:
    """Remove a vfolder for good, with all that is in it."""
    await engine.cluster(backend).remove_folder(folder)


async def cluster_files(engine: FastTrack, backend: str, folder: str, query: PlaceQuery) -> list[see.ClusterFile]:
    """What is in one folder of a vfolder, not below it."""
    return await engine.cluster(backend).files(folder, query.path)


async def make_cluster_path(engine: FastTrack, backend: str, folder: str, query: PlaceQuery) -> None:
    """Make a folder inside a vfolder, and those on the way; one that is there stays."""
    if not query.path.strip("/"):
        raise BadRequest("no folder is named", hint="say which: path=…")
    await engine.cluster(backend).make_path(folder, query.path)


async def remove_cluster_path(engine: FastTrack, backend: str, folder: str, path: str) -> None:
    """Remove a file, or a folder with all that is in it."""
    await engine.cluster(backend).remove_path(folder, path)


async def download_cluster_file(
    engine: FastTrack, request: web.Request, backend: str, folder: str, path: str, query: DownloadQuery
) -> web.StreamResponse:
    """A file's bytes, or a range of them; or a folder as a zip."""
    browser = engine.cluster(backend)
    if query.archive:
        return await _send(request, browser.archive(folder, path), f"{path.rpartition('/')[2] or folder}.zip")
    size = await browser.size(folder, path)
    is_part = "Range" in request.headers
    start, until = byte_range(request, size) if is_part else (0, size)
    response = web.StreamResponse(status=206 if is_part else 200)
    response.headers["Accept-Ranges"] = "bytes"
    if is_part:
        response.headers["Content-Range"] = f"bytes {start}-{until - 1}/{size}"
    response.content_length = until - start
    pieces = browser.download(folder, path, start) if until > start else _nothing()
    return await _send(request, pieces, path.rpartition("/")[2], response, until - start)


async def add_upload_part(engine: FastTrack, request: web.Request, key: str, query: PartQuery) -> see.Received:
    """A part of a file that a browser sends; the parts are put together here, in order, under a key of one's own."""
    return see.Received(received=await engine.spool.add(key, query.offset, await request.read()))


async def upload_cluster_file(
    engine: FastTrack, backend: str, folder: str, body: see.UploadRequest
) -> AsyncIterator[see.UploadProgress | None]:
    """Bring a file of this machine, or one whose parts were sent, into a vfolder; asked again, it goes on."""
    source = _source(engine, body)
    size = source.stat().st_size
    if body.size not in (None, size):
        raise Conflict(
            f"{size} bytes are here of {body.path!r}, which has {body.size}",
            hint="send the parts that are missing",
            details={"received": size},
        )
    return _upload(engine, engine.cluster(backend), folder, body, source, size)


async def folder_shares(engine: FastTrack, backend: str, folder: str) -> list[see.FolderShare]:
    """Whom a vfolder is shared with."""
    return await engine.cluster(backend).shares(folder)


async def share_folder(engine: FastTrack, backend: str, folder: str, body: see.ShareRequest) -> list[see.FolderShare]:
    """Share a vfolder: users are invited."""
    return await engine.cluster(backend).share(folder, body)


async def unshare_folder(engine: FastTrack, backend: str, folder: str, user: str) -> None:
    """Share a vfolder with somebody no longer, whether he has accepted or not."""
    await engine.cluster(backend).unshare(folder, user)


async def cluster_invitations(engine: FastTrack, backend: str) -> list[see.FolderInvitation]:
    """What others share, and is not answered yet."""
    return await engine.cluster(backend).invitations()


async def answer_invitation(engine: FastTrack, backend: str, invitation: str, body: Answer) -> None:
    """Accept an invitation, or turn it down."""
    await engine.cluster(backend).answer(invitation, accept=body.accept)


async def cluster_sessions(engine: FastTrack, backend: str, query: SessionsQuery) -> see.SessionsPage:
    """One's sessions there, whoever started them."""
    return await engine.cluster_sessions(
        backend, live=query.live, text=query.text, limit=query.limit, offset=query.offset
    )


async def terminate_session(engine: FastTrack, backend: str, session: str, query: EndQuery) -> None:
    """End a session."""
    await engine.cluster(backend).terminate(session, forced=query.forced)


async def cluster_session_log(engine: FastTrack, backend: str, session: str) -> see.SessionLog:
    """What a session wrote, as the cluster keeps it; the secrets of this home are masked."""
    return see.SessionLog(text=await engine.cluster_log(backend, session))


async def start_app(engine: FastTrack, backend: str, session: str, app: str) -> see.AppAddress:
    """Start a service of a running session: a URL to open."""
    return await engine.cluster(backend).start_app(session, app)


def _source(engine: FastTrack, body: see.UploadRequest) -> Path:
    if (body.source is None) == (body.key is None):
        raise BadRequest("an upload has a source, or the key of parts that were sent")
    if body.source is None:
        return engine.spool.file(cast(str, body.key))
    source = Path(body.source)
    if not source.is_absolute() or not source.is_file():
        raise NotFound(f"there is no file {body.source!r}", hint="give the whole path of a file of this machine")
    return source


async def _upload(
    engine: FastTrack, browser: see.ClusterBrowser, folder: str, body: see.UploadRequest, source: Path, size: int
) -> AsyncIterator[see.UploadProgress | None]:
    """How far it is, at most some times a second; whoever stops reading ends it."""
    sent = 0

    def hear(so_far: int) -> None:
        nonlocal sent
        sent = so_far

    work = asyncio.create_task(browser.upload(folder, body.path, source, hear))
    async with aclosing(while_working(work, lambda: see.UploadProgress(sent=sent, size=size))) as beats:
        async for told in beats:
            yield told
    if body.key is not None:
        await engine.spool.drop(body.key)
    yield see.UploadProgress(sent=size, size=size, done=True)


async def _send(
    request: web.Request,
    pieces: AsyncIterator[bytes],
    name: str,
    response: web.StreamResponse | None = None,
    length: int | None = None,
) -> web.StreamResponse:
    """The pieces, at most ``length`` bytes of them; what fails before the first is an error like any other."""
    response = response or web.StreamResponse()
    response.content_type = "application/octet-stream"
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(UNFIT.sub('-', name), safe='')}"
    async with aclosing(cast(Any, pieces)):
        first = await anext(pieces, b"")
        await response.prepare(request)
        left = length
        while first:
            part = first if left is None else first[:left]
            await response.write(part)
            left = None if left is None else left - len(part)
            first = b"" if left == 0 else await anext(pieces, b"")
    await response.write_eof()
    return response


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


HANDLERS = (
    *(cluster, cluster_images, cluster_quotas, cluster_folders, make_cluster_folder, remove_cluster_folder),
    *(cluster_files, make_cluster_path, download_cluster_file, remove_cluster_path),
    *(add_upload_part, upload_cluster_file),
    *(folder_shares, share_folder, unshare_folder, cluster_invitations, answer_invitation),
    *(cluster_sessions, terminate_session, cluster_session_log, start_app),
)
