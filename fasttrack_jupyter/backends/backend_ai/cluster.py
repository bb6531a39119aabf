"""The cluster browser: what a panel, a terminal and an editor's pickers ask of a cluster, in one place."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.catalogue import Vfolder
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.listing import Entry
from fasttrack_jupyter.backends.backend_ai.own_sessions import OwnSessions
from fasttrack_jupyter.backends.backend_ai.presenting import at, present_cluster, present_images
from fasttrack_jupyter.backends.backend_ai.quotas import quotas_of
from fasttrack_jupyter.backends.backend_ai.sharing import Sharing
from fasttrack_jupyter.backends.backend_ai.survey import ImageInfo, Survey
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.engine.clusters import (
    AppAddress,
    ClusterFile,
    ClusterFolder,
    ClusterImage,
    ClusterQuota,
    ClusterView,
    FolderInvitation,
    FolderShare,
    NewFolder,
    SessionsPage,
    ShareRequest,
)
from fasttrack_jupyter.errors import Conflict, Forbidden, NotFound
from fasttrack_jupyter.model.expressions import did_you_mean


class Browser:
    """One cluster as its user sees it: see :class:`~fasttrack_jupyter.engine.clusters.ClusterBrowser`."""

    def __init__(self, cluster: Cluster, surveyor: Surveyor, vfolders: Vfolders) -> None:
        self._cluster, self._surveyor, self._vfolders = cluster, surveyor, vfolders
        self._sharing = Sharing(cluster, vfolders.catalogue)
        self._sessions = OwnSessions(cluster, surveyor)

    # ------------------------------------------------------------ what there is

    async def overview(self, project: str | None, *, fresh: bool) -> ClusterView:
        """See the protocol."""
        name = project or self._cluster.profile.project
        survey = await self._surveyor.look(projects=(name,), fresh=fresh)
        if (offer := survey.offers.get(name)) is None:
            names = [each.name for each in survey.projects]
            raise NotFound(f"you are no member of a project {name!r}", hint=did_you_mean(name, names))
        return present_cluster(self._cluster.profile, survey, offer)

    async def images(self, text: str, accelerator: str | None, *, installed: bool) -> list[ClusterImage]:
        """See the protocol."""
        survey = await self._surveyor.look()
        return present_images(
            image
            for image in survey.images
            if _matches(image, text.lower().split())
            and (accelerator is None or accelerator in image.accelerators)
            and (image.is_installed or not installed)
        )

    # ------------------------------------------------------------ vfolders

    async def folders(self) -> list[ClusterFolder]:
        """See the protocol."""
        survey = await self._surveyor.look()
        return [_folder(each, survey) for each in await self._vfolders.catalogue.all(fresh=True)]

    async def make_folder(self, request: NewFolder) -> ClusterFolder:
        """See the protocol."""
        if any(each.name == request.name for each in await self._vfolders.catalogue.all(fresh=True)):
            raise Conflict(f"there is a vfolder {request.name!r} already")
        survey = await self._surveyor.look()
        if request.project is None:
            await self._vfolders.make(request.name, request.usage_mode)
        else:
            project = survey.project(request.project)
            if project is None:
                hint = did_you_mean(request.project, [each.name for each in survey.projects])
                raise NotFound(f"you are no member of a project {request.project!r}", hint=hint)
            host = self._cluster.profile.folder_host
            await self._sharing.make_of_project(request.name, request.usage_mode, project, host)
        self._surveyor.forget()
        return _folder(await self._vfolders.catalogue.get(request.name), survey)

    async def remove_folder(self, folder: str) -> None:
        """See the protocol."""
        await self._vfolders.remove(folder)
        self._surveyor.forget()

    async def files(self, folder: str, path: str) -> list[ClusterFile]:
        """See the protocol."""
        path = places.relative(path)
        entries = await self._vfolders.lister.entries(folder, path)
        if entries is None:
            raise NotFound(f"there is no folder {path!r} in the vfolder {folder!r}", details={"path": path})
        found = (_file(path, entry) for entry in entries)
        return sorted(found, key=lambda file: (not file.is_dir, file.name))

    async def make_path(self, folder: str, path: str) -> None:
        """See the protocol."""
        await self._vfolders.mkdirs(folder, [path])

    async def upload(self, folder: str, path: str, source: Path, sent: Callable[[int], None]) -> None:
        """See the protocol."""
        try:
            await self._vfolders.write(folder, places.relative(path), source, sent)
        except Forbidden as error:
            await self._vfolders.catalogue.all(fresh=True)  # the permission may have been changed meanwhile
            found = await self._vfolders.catalogue.get(folder)
            if found.project is not None or found.permission == "ro" or found.owner in ((await self._me()), None):
                raise
            hint = "This release lets those with whom a vfolder is shared write in sessions only; its owner can upload."
            raise Forbidden(f"you may not upload to {folder!r} of {found.owner}", hint=hint) from error

    async def _me(self) -> str:
        return (await self._surveyor.look()).user

    async def size(self, folder: str, path: str) -> int:
        """See the protocol."""
        size = await self._vfolders.size(folder, path)
        if size is None:
            raise NotFound(f"there is no file {path!r} in the vfolder {folder!r}", details={"path": path})
        return size

    def download(self, folder: str, path: str, start: int) -> AsyncIterator[bytes]:
        """See the protocol."""
        return self._vfolders.downloads.stream(folder, path, start)

    def archive(self, folder: str, path: str) -> AsyncIterator[bytes]:
        """See the protocol."""
        return self._vfolders.downloads.archive(folder, path)

    async def remove_path(self, folder: str, path: str) -> None:
        """See the protocol."""
        if await self._vfolders.lister.entry(folder, places.relative(path)) is None:
            raise NotFound(f"there is no {path!r} in the vfolder {folder!r}", details={"path": path})
        await self._vfolders.remove_paths(folder, [path])

    # ------------------------------------------------------------ sharing, quotas

    async def quotas(self) -> list[ClusterQuota]:
        """See the protocol."""
        return await quotas_of(self._cluster, await self._surveyor.look())

    async def shares(self, folder: str) -> list[FolderShare]:
        """See the protocol."""
        return await self._sharing.shares(folder)

    async def share(self, folder: str, request: ShareRequest) -> list[FolderShare]:
        """See the protocol."""
        return await self._sharing.share(folder, request.users, request.permission)

    async def unshare(self, folder: str, user: str) -> None:
        """See the protocol."""
        await self._sharing.unshare(folder, user)

    async def invitations(self) -> list[FolderInvitation]:
        """See the protocol."""
        return await self._sharing.invitations()

    async def answer(self, invitation: str, *, accept: bool) -> None:
        """See the protocol."""
        await (self._sharing.accept(invitation) if accept else self._sharing.decline(invitation))
        self._surveyor.forget()

    # ------------------------------------------------------------ sessions

    async def sessions(self, *, live: bool, text: str, limit: int, offset: int) -> SessionsPage:
        """See the protocol."""
        return await self._sessions.page(live=live, text=text, limit=limit, offset=offset)

    async def log(self, session: str) -> str:
        """See the protocol."""
        return await self._sessions.log(session)

    async def terminate(self, session: str, *, forced: bool) -> None:
        """See the protocol."""
        await self._sessions.terminate(session, forced=forced)
        self._surveyor.forget()

    async def start_app(self, session: str, app: str) -> AppAddress:
        """See the protocol."""
        return await self._sessions.start_app(session, app)


def _matches(image: ImageInfo, words: Iterable[str]) -> bool:
    """Whether name, an alias or a label has every word."""
    labels = " ".join(image.labels.get(label, "") for label in ("ai.backend.base-distro", "ai.backend.runtime-type"))
    text = f"{image.name} {' '.join(image.aliases)} {labels} {' '.join(image.accelerators)}".lower()
    return all(word in text for word in words)


def _folder(found: Vfolder, survey: Survey) -> ClusterFolder:
    names = {each.id.replace("-", ""): each.name for each in survey.projects}
    whose = names.get(found.project.replace("-", ""), found.project) if found.project else None
    return ClusterFolder(
        name=found.name,
        id=found.id,
        host=found.host,
        usage_mode=found.usage_mode,
        created_at=at(found.created_at),
        permission=found.permission,
        is_owner=found.project is None and found.owner in (survey.user, None),  # 26.9 says so of every vfolder
        owner=found.owner,
        project=whose,
    )


def _file(parent: str, entry: Entry) -> ClusterFile:
    return ClusterFile(
        name=entry.name,
        path=posixpath.join(parent, entry.name),
        is_dir=entry.is_folder,
        is_link=entry.is_link,
        size=0 if entry.is_folder else entry.size,
        modified_at=at(entry.modified_at),
    )
