"""The Jupyter server extension: where handlers, the engine's supervisor and Jupyter's event bus meet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.services.contents.fileio import FileManagerMixin
from jupyter_server.services.contents.manager import ContentsManager
from traitlets import Unicode

from fasttrack_jupyter.api.paths import OPERATIONS, Operation
from fasttrack_jupyter.home import Home
from fasttrack_jupyter.server.catalogs import CatalogKeeper
from fasttrack_jupyter.server.debugging import DebugNotebooks
from fasttrack_jupyter.server.face import Face
from fasttrack_jupyter.server.files import Files
from fasttrack_jupyter.server.handlers import FastTrackHandler, ForwardHandler
from fasttrack_jupyter.server.hints import SCHEMA, Hints
from fasttrack_jupyter.server.notebooks import Notebooks
from fasttrack_jupyter.server.own import OWN
from fasttrack_jupyter.server.supervisor import Supervisor


class FastTrackApp(ExtensionApp):
    """FastTrack: pipelines in JupyterLab."""

    name = "fasttrack_jupyter"
    load_other_extensions = True
    home = Unicode(
        "",
        help="The folder where jobs, logs and outputs are kept; default: $FASTTRACK_HOME, else the user's data folder.",
    ).tag(config=True)

    def initialize_handlers(self) -> None:
        """Add every route, and have an engine come up as soon as the loop runs."""
        server = self.serverapp
        assert server is not None
        assert server.event_logger is not None
        home = Home(Path(self.home).expanduser() if self.home else None)
        server.event_logger.register_event_schema(SCHEMA)
        self.hints = Hints(server.event_logger)
        self.supervisor = Supervisor(home, self.log, self._note)
        root = contents_root(server.contents_manager)
        files = Files(server.contents_manager, self.supervisor, root, home.path)
        self.catalogs = CatalogKeeper(root)
        notebooks = Notebooks(server.contents_manager, root)
        debugging = DebugNotebooks(server.contents_manager, home, root)
        face = Face(self.supervisor, files, self.catalogs, notebooks, debugging, home, root)
        self.handlers.extend(_routes(face))
        server.io_loop.add_callback(self.supervisor.start)

    def _note(self, seq: int) -> None:
        self.hints.note(seq, self.supervisor.state.state, self.supervisor.service_changes)

    def current_activity(self) -> dict[str, int] | None:
        """Unfinished jobs: a server that stops by itself when nobody needs it has to wait for them."""
        return {"jobs": self.supervisor.running_jobs} if self.supervisor.running_jobs else None

    async def stop_extension(self) -> None:
        """Let go of the engine, which goes on."""
        self.catalogs.close()
        await self.supervisor.aclose()
        self.hints.close()


def contents_root(contents: ContentsManager) -> str | None:
    """The folder that the file browser shows, absolute and without links, as the engine tells sources of jobs.

    None where its files are not on this machine's disk.
    """
    return str(Path(contents.root_dir).resolve()) if isinstance(contents, FileManagerMixin) else None


def _routes(face: Face) -> Iterator[tuple[str, type[FastTrackHandler], dict[str, Any]]]:
    """Pattern, handler and its arguments; the first that matches answers."""
    for handler, own in OWN:
        yield pattern(own[0].operation.path), handler, {"face": face, "operations": [each.operation for each in own]}
    forwarded = sorted((each for each in OPERATIONS if each.is_forwarded), key=_specific)
    for path, same in groupby(forwarded, lambda each: each.path):
        yield pattern(path), ForwardHandler, {"face": face, "operations": tuple(same)}
    yield r"fasttrack(?:/.*)?", FastTrackHandler, {"face": face}


def _specific(operation: Operation) -> str:
    """Orders paths so that a word comes before what stands for any word."""
    return operation.path.replace("{", "\uffff")


def pattern(path: str) -> str:
    """The expression for a path; ``{name}`` is one word (a slash in it comes as %2F), ``{name*}`` all the rest."""
    words = re.split(r"(\{\w+\*?\})", path)
    return "fasttrack" + "".join(
        re.escape(word) if index % 2 == 0 else "(.+)" if word.endswith("*}") else "([^/]+)"
        for index, word in enumerate(words)
    )
