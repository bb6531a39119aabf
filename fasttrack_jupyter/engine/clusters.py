"""What faces see of a cluster beside jobs: its images, resources, vfolders and sessions, as its user sees them.

Amounts are written as in a pipeline (``cpu: "4"``, ``mem: 16g``). What the cluster does not tell this user is null:
not zero, and not unlimited (a limit that is not in a map is unlimited).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from fasttrack_jupyter.engine.views import View

Slots = dict[str, str]
"""Written amounts by slot."""
Permission = Literal["ro", "rw", "wd"]
"""Of a vfolder: to read, to write too, to remove it too."""


class ClusterImage(View):
    """An image that a task may name."""

    name: str
    architectures: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()
    """Families of slots that it is made for (``cuda``, ``rocm``); ``*``: any."""
    minimum: Slots = Field(default_factory=dict)
    maximum: Slots = Field(default_factory=dict)
    is_installed: bool
    """On some node already; else it is pulled first."""
    size: int
    """Bytes."""
    apps: tuple[str, ...] = ()
    """Services that it brings (``jupyter``, ``tensorboard``)."""
    labels: dict[str, str] = Field(default_factory=dict)


class ClusterGroup(View):
    """A resource group that sessions may go to."""

    name: str
    is_active: bool
    free: Slots
    """To be had now, in all nodes together; never more than the user's own limits leave."""
    mine: Slots
    """Held by the user's own sessions."""
    total: Slots | None
    used: Slots | None
    """By everybody."""
    largest: Slots | None
    """Slot by slot, the most that one node has."""
    nodes: int | None


class ClusterPreset(View):
    """A named amount of resources."""

    name: str
    resources: Slots
    shmem: str | None
    is_free: bool
    """Some node could take it now."""


class ClusterProject(View):
    """A project that the user is a member of."""

    name: str
    id: str
    is_active: bool
    limits: Slots


class ClusterLimits(View):
    """What the user may have at once; a count of null is unlimited, a slot that is not there as well."""

    policy: str
    slots: Slots
    used: Slots
    left: Slots
    """What the limits of keypair, project and domain leave now, together."""
    domain: Slots
    sessions: int
    max_sessions: int | None
    max_pending_sessions: int | None
    max_containers: int | None
    """In one session (``cluster_size``)."""
    max_lifetime: float | None
    """Seconds."""
    idle_timeout: float | None
    """Seconds."""
    max_folders: int | None


class ClusterSlot(View):
    """A kind of resource."""

    name: str
    title: str
    unit: str
    is_whole: bool
    """Handed out in whole ones only."""


class ClusterView(View):
    """A cluster and what it offers its user in one project."""

    backend: str
    endpoint: str
    release: str
    user: str
    domain: str
    project: str
    asked_at: datetime
    projects: tuple[ClusterProject, ...]
    groups: tuple[ClusterGroup, ...]
    presets: tuple[ClusterPreset, ...]
    limits: ClusterLimits
    slots: tuple[ClusterSlot, ...]


class ClusterFolder(View):
    """A vfolder that the user can reach."""

    name: str
    id: str
    host: str
    usage_mode: str
    created_at: datetime | None
    permission: str
    is_owner: bool
    owner: str | None
    project: str | None
    """Whose it is; null: somebody's own."""


class ClusterFile(View):
    """A file or a folder in a vfolder."""

    name: str
    path: str
    """Within the vfolder."""
    is_dir: bool
    is_link: bool
    size: int
    modified_at: datetime | None


class UploadRequest(View):
    """A file for a vfolder: a ``source`` of this machine, or the parts that were sent under ``key``."""

    path: str = Field(min_length=1)
    """Within the vfolder."""
    source: str | None = None
    key: str | None = None
    size: int | None = Field(default=None, ge=0)
    """Bytes that it must have: parts of which some are missing are no file."""


class UploadProgress(View):
    """How far an upload is."""

    sent: int
    size: int
    done: bool = False


class Received(View):
    """Bytes of an upload's parts that are here."""

    received: int


class ClusterQuota(View):
    """How much a place holds, and may hold, in bytes; null: not told, or no limit."""

    host: str
    scope: str
    """Whose: the user's own, or a project's name."""
    used: int | None
    limit: int | None
    host_full: float | None
    """Percent of the whole host that is taken, by everybody."""


class ClusterApp(View):
    """A service of a running session."""

    name: str
    protocol: str
    ports: tuple[int, ...]
    """Inside the session."""


class AppAddress(View):
    """Where an app that was started is to be found: a URL to open, good for this user and for a while."""

    app: str
    url: str


class SessionTask(View):
    """The task instance that a session is an attempt of."""

    job: str
    """The job's id."""
    pipeline: str
    index: int
    path: str
    attempt: int


class ClusterSession(View):
    """A session of the user's."""

    id: str
    name: str
    type: str
    status: str
    result: str
    image: str
    project: str
    group: str | None
    resources: Slots
    cluster_size: int
    created_at: datetime | None
    ended_at: datetime | None
    attempt: str | None
    """The attempt that it is, where it was started by FastTrack for Jupyter (of this home or another one)."""
    task: SessionTask | None = None
    """What ``attempt`` is an attempt of, where this home has the job."""
    apps: tuple[ClusterApp, ...]


class SessionsPage(View):
    """Some of the user's sessions, newest first."""

    total: int
    sessions: tuple[ClusterSession, ...]


class SessionLog(View):
    """What a session wrote, as the cluster keeps it: both streams in one."""

    text: str


class FolderShare(View):
    """Somebody whom a vfolder is shared with."""

    user: str
    permission: str
    is_accepted: bool
    """False while the invitation waits for an answer."""


class FolderInvitation(View):
    """Somebody shares a vfolder with the user, who has not answered yet."""

    id: str
    folder: str
    inviter: str
    permission: str


class ShareRequest(View):
    """With whom to share a vfolder."""

    users: tuple[str, ...] = Field(min_length=1, max_length=100)
    """E-mail addresses."""
    permission: Permission = "ro"


class NewFolder(View):
    """A vfolder to make."""

    name: str = Field(min_length=1, max_length=64)
    usage_mode: Literal["general", "model", "data"] = "general"
    project: str | None = None
    """Whose it shall be; the user's own where there is none."""


class ClusterBrowser(Protocol):
    """One cluster, as its user sees it. Every method raises FastTrackErrors only."""

    async def overview(self, project: str | None, *, fresh: bool) -> ClusterView:
        """What there is in a project (the profile's where there is none). Raises NotFound."""
        ...

    async def images(self, text: str, accelerator: str | None, *, installed: bool) -> list[ClusterImage]:
        """Images whose name, alias or label has every word of ``text``."""
        ...

    async def folders(self) -> list[ClusterFolder]:
        """Vfolders, by name."""
        ...

    async def make_folder(self, request: NewFolder) -> ClusterFolder:
        """Raises Conflict where there is one of that name, Forbidden, BadRequest."""
        ...

    async def remove_folder(self, folder: str) -> None:
        """For good, with all that is in it."""
        ...

    async def files(self, folder: str, path: str) -> list[ClusterFile]:
        """What is in one folder of a vfolder, not below it. Raises NotFound."""
        ...

    async def make_path(self, folder: str, path: str) -> None:
        """A folder inside a vfolder, and those on the way."""
        ...

    async def upload(self, folder: str, path: str, source: Path, sent: Callable[[int], None]) -> None:
        """A file of this machine into a vfolder, whole or not at all; ``sent`` hears how many bytes are there.

        Broken off, it goes on where it was when it is asked for again.
        """
        ...

    async def size(self, folder: str, path: str) -> int:
        """Bytes in a file. Raises NotFound."""
        ...

    def download(self, folder: str, path: str, start: int) -> AsyncIterator[bytes]:
        """A file from a byte on."""
        ...

    def archive(self, folder: str, path: str) -> AsyncIterator[bytes]:
        """A folder as a zip."""
        ...

    async def remove_path(self, folder: str, path: str) -> None:
        """A file, or a folder with all that is in it. Raises NotFound."""
        ...

    async def quotas(self) -> list[ClusterQuota]:
        """How much the user may keep, and keeps."""
        ...

    async def shares(self, folder: str) -> list[FolderShare]:
        """Whom a vfolder of the user's is shared with."""
        ...

    async def share(self, folder: str, request: ShareRequest) -> list[FolderShare]:
        """Invite users to a vfolder. Raises NotFound for one that the cluster does not know."""
        ...

    async def unshare(self, folder: str, user: str) -> None:
        """Take it back, accepted or not."""
        ...

    async def invitations(self) -> list[FolderInvitation]:
        """What others share with the user, not answered yet."""
        ...

    async def answer(self, invitation: str, *, accept: bool) -> None:
        """Accept an invitation, or turn it down."""
        ...

    async def sessions(self, *, live: bool, text: str, limit: int, offset: int) -> SessionsPage:
        """The user's sessions, newest first; ``text``: of those whose name has it."""
        ...

    async def log(self, session: str) -> str:
        """What a session (id or name) wrote. Raises NotFound."""
        ...

    async def terminate(self, session: str, *, forced: bool) -> None:
        """Ask for its end. Raises NotFound, also for what has ended."""
        ...

    async def start_app(self, session: str, app: str) -> AppAddress:
        """Start a service of a running session. Raises NotFound, Conflict (no app proxy, or not running)."""
        ...


@runtime_checkable
class Browsable(Protocol):
    """A backend whose cluster can be looked into."""

    def browser(self) -> ClusterBrowser:
        """The cluster, as the profile's user sees it."""
        ...
