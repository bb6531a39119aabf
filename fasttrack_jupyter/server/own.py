"""What the server answers itself: how it is, the pipeline files of the workspace, and the description of all routes."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api.paths import Operation
from fasttrack_jupyter.server.handlers import FastTrackHandler
from fasttrack_jupyter.server.views import ServerInfo

_ENGINE_S = ("version", "pid", "started_at", "backends", "running_jobs", "seq")


class OwnHandler(FastTrackHandler):
    """Answers with views."""

    async def show(self, view: BaseModel | dict[str, Any]) -> None:
        """Answer with that, as JSON."""
        text = view.model_dump_json(by_alias=True) if isinstance(view, BaseModel) else json.dumps(view)
        self.set_header("Cache-Control", "no-cache")
        await self.finish(text)


class InfoHandler(OwnHandler):
    """How the server and its engine are: an answer also while there is no engine."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""
        face = self.face
        engine: dict[str, Any] = {}
        if face.supervisor.state.state == "connected":
            async with face.supervisor.call("GET", "/info") as reply:
                engine = json.loads(await reply.body())
        told = {name: engine[name] for name in _ENGINE_S if name in engine}
        state = face.supervisor.state
        info = ServerInfo(extension_version=__version__, root=face.root, home=str(face.home.path), engine=state, **told)
        await self.show(info)


OWN: tuple[tuple[type[OwnHandler], tuple[Operation, ...]], ...] = (
    (InfoHandler, (Operation("server_info", "GET", "/info", "read"),)),
)
"""Which handler answers which operations; each row is one path."""
