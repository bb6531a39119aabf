"""What the server answers itself: how it is, the pipeline files of the workspace, and the description of all routes."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api.failures import parsed
from fasttrack_jupyter.api.paths import Operation
from fasttrack_jupyter.errors import Forbidden
from fasttrack_jupyter.server.building import NotebookBuild, NotebookPipeline
from fasttrack_jupyter.server.debugging import DebugFile
from fasttrack_jupyter.server.description import Own, describe
from fasttrack_jupyter.server.fixing import FixRequest, FixView
from fasttrack_jupyter.server.handlers import FastTrackHandler
from fasttrack_jupyter.server.views import (
    Catalog,
    CatalogRequest,
    Catalogs,
    CatalogsQuery,
    CatalogUpdate,
    FileSave,
    FileText,
    PipelineFiles,
    ServerInfo,
)

_ENGINE_S = ("version", "pid", "started_at", "backends", "running_jobs", "seq")
_FILE = "/files/{path*}"


class OwnHandler(FastTrackHandler):
    """Answers with views."""

    async def show(self, found: BaseModel | dict[str, Any] | None) -> None:
        """Answer with that, as JSON."""
        self.set_header("Cache-Control", "no-cache")
        if found is None:
            self.set_status(204)
            await self.finish()
        else:
            await self.finish(found.model_dump_json() if isinstance(found, BaseModel) else json.dumps(found))


class InfoHandler(OwnHandler):
    """How the server and its engine are: an answer also while there is no engine."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""
        supervisor, engine = self.face.supervisor, {}
        if supervisor.state.state == "connected":
            async with supervisor.call("GET", "/info") as reply:
                engine = json.loads(await reply.body())
        info = ServerInfo(
            extension_version=__version__,
            root=self.face.root,
            home=str(self.face.home.path),
            engine=supervisor.state,
            **{name: engine[name] for name in _ENGINE_S if name in engine},
        )
        await self.show(info)


class FilesHandler(OwnHandler):
    """The pipelines of the workspace."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""
        await self.show(await self.face.files.all())


class FileHandler(OwnHandler):
    """One pipeline file; needs Jupyter's permission for ``contents`` as well."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""
        if not await self.allows(operation.action, "contents"):
            raise Forbidden(f"you may not {operation.action} contents")
        path, files = words[0].strip("/"), self.face.files
        match operation.method:
            case "GET":
                await self.show(await files.read(path))
            case "PUT":
                await self.show(await files.write(path, parsed(FileSave, self.request.body)))
            case _:
                await files.delete(path)
                await self.show(None)


class CatalogsHandler(OwnHandler):
    """Clones of Git repositories with templates; needs Jupyter's permission for ``contents`` as well."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""
        if not await self.allows(operation.action, "contents"):
            raise Forbidden(f"you may not {operation.action} contents")
        catalogs = self.face.catalogs
        match operation.name:
            case "catalogs":
                folders = tuple(self.get_query_arguments("folder"))
                query = CatalogsQuery(folder=folders) if folders else CatalogsQuery()
                await self.show(await catalogs.all(query.folder))
            case "add_catalog":
                await self.show(await catalogs.add(parsed(CatalogRequest, self.request.body)))
            case _:
                await self.show(await catalogs.update(parsed(CatalogUpdate, self.request.body).path))


class NotebooksHandler(OwnHandler):
    """A notebook as a pipeline; one that is on the disk needs Jupyter's permission for ``contents`` as well."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""

        async def may_read() -> None:
            if not await self.allows(operation.action, "contents"):
                raise Forbidden(f"you may not {operation.action} contents")

        self.set_header("Cache-Control", "no-cache")
        await self.finish(await self.face.notebooks.built(self.request.body, may_read))


class DebugHandler(OwnHandler):
    """Failed tasks as notebooks; needs Jupyter's permission for ``contents`` as well."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""
        if not await self.allows(operation.action, "contents"):
            raise Forbidden(f"you may not {operation.action} contents")
        if operation.name == "debug_task":
            await self.show(await self.face.debugging.write(*words))
        else:
            self.set_header("Cache-Control", "no-cache")
            await self.finish(await self.face.debugging.fix(self.request.body))


class DescriptionHandler(OwnHandler):
    """All routes, described."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""
        async with self.face.supervisor.call("GET", "/openapi.json") as reply:
            engine_s = json.loads(await reply.body())
        await self.show(describe(engine_s, [own for _, each in OWN for own in each], self.base_url))


OWN: tuple[tuple[type[OwnHandler], tuple[Own, ...]], ...] = (
    (InfoHandler, (Own(Operation("info", "GET", "/info", "read"), "This server and its engine.", ServerInfo),)),
    (
        FilesHandler,
        (Own(Operation("files", "GET", "/files", "read"), "The pipelines of the workspace.", PipelineFiles),),
    ),
    (
        FileHandler,
        (
            Own(Operation("file", "GET", _FILE, "read"), "One pipeline file.", FileText),
            Own(Operation("save_file", "PUT", _FILE, "write"), "Write a pipeline file.", FileText, FileSave),
            Own(Operation("delete_file", "DELETE", _FILE, "write"), "Delete a pipeline file."),
        ),
    ),
    (
        CatalogsHandler,
        (
            Own(
                Operation("catalogs", "GET", "/catalogs", "read"),
                "Clones of Git repositories with templates.",
                Catalogs,
                query=CatalogsQuery,
            ),
            Own(Operation("add_catalog", "POST", "/catalogs", "write"), "Clone one.", Catalog, CatalogRequest),
        ),
    ),
    (
        CatalogsHandler,
        (
            Own(
                Operation("update_catalog", "POST", "/catalogs/update", "write"),
                "Bring one up to date.",
                Catalog,
                CatalogUpdate,
            ),
        ),
    ),
    (
        NotebooksHandler,
        (
            Own(
                Operation("build_notebook", "POST", "/notebooks/build", "read"),
                "A notebook as a pipeline; nothing is written.",
                NotebookPipeline,
                NotebookBuild,
            ),
        ),
    ),
    (
        DebugHandler,
        (
            Own(
                Operation("debug_task", "POST", "/jobs/{job}/tasks/{path}/debug", "write"),
                "Write a notebook that runs in a session like that of a task.",
                DebugFile,
            ),
        ),
    ),
    (
        DebugHandler,
        (
            Own(
                Operation("fix_notebook", "POST", "/notebooks/fix", "read"),
                "What a debug notebook changes in its original; nothing is written.",
                FixView,
                FixRequest,
            ),
        ),
    ),
    (DescriptionHandler, (Own(Operation("openapi", "GET", "/openapi.json", "read"), "All routes, described."),)),
)
"""Which handler answers which operations; each row is one path."""
