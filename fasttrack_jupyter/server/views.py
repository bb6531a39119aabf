"""What the Jupyter server itself says and is asked; everything else is in the engine's words."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from fasttrack_jupyter.engine.views import View


class EngineState(View):
    """How the server gets on with its engine; unless it is connected, ``message`` says why and ``hint`` what to do."""

    state: Literal["connected", "starting", "failed"]
    message: str = ""
    hint: str = ""


class ServerInfo(View):
    """This server, and the engine that it keeps up; the engine's own words are null until there is one."""

    extension_version: str
    root: str | None
    """Absolute path of the folder that the file browser shows; null where its files are not on this machine's disk."""
    home: str
    engine: EngineState
    version: str | None = None
    pid: int | None = None
    started_at: datetime | None = None
    backends: tuple[str, ...] = ()
    running_jobs: int | None = None
    seq: int | None = None


class PipelineFile(View):
    """A pipeline of the workspace; ``path`` is the contents path; ``name`` and ``tasks`` are null where unreadable."""

    path: str
    name: str | None = None
    tasks: int | None = None
    modified_at: datetime
    size: int
    problem: str | None = None
    """The first error in it, in words."""


class PipelineFiles(View):
    """The pipelines below the contents root, by path; ``is_complete`` is false where there were too many to look at."""

    files: tuple[PipelineFile, ...]
    is_complete: bool = True


class FileText(View):
    """One pipeline file as it is now; ``hash`` is SHA-256 of its text in UTF-8, in hexadecimal."""

    path: str
    text: str
    modified_at: datetime
    hash: str


class FileSave(View):
    """A pipeline file to write.

    ``if_hash`` or ``if_modified_at`` is what the writer believes to be there; if it is not, nothing is written (409).
    With neither, the file must be new. Without ``text`` it begins as a small example.
    """

    text: str | None = None
    if_hash: str | None = None
    if_modified_at: datetime | None = None


class Catalog(View):
    """A clone of a Git repository below a folder of templates; ``path`` is its contents path.

    ``url`` is where it came from, without user, password and query; ``is_dirty``: files of the repository were changed
    here. Where git cannot tell, ``problem`` says why and what to do.
    """

    path: str
    url: str | None = None
    branch: str | None = None
    commit: str | None = None
    is_dirty: bool = False
    problem: str | None = None


class Catalogs(View):
    """The clones that there are, by path."""

    catalogs: tuple[Catalog, ...]


class CatalogsQuery(View):
    """Below which folders to look for clones (contents paths)."""

    folder: tuple[str, ...] = ("templates",)


class CatalogRequest(View):
    """A repository to clone into ``folder`` (a contents path), as ``name`` (by default as the address ends)."""

    url: str = Field(max_length=2000)
    folder: str = "templates"
    name: str | None = None


class CatalogUpdate(View):
    """The clone to bring up to date; ``path`` is its contents path."""

    path: str


class Hint(View):
    """Something happened: ask ``events?after=`` with the last seq that you know."""

    seq: int = Field(ge=0)
    engine: Literal["connected", "starting", "failed"]
