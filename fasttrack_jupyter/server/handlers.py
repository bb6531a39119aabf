"""Who may call what, and where the call goes: every route below ``{base_url}fasttrack``.

A handler contains no ``try``: whatever is raised becomes ``{code, message, hint, details}`` in
:meth:`FastTrackHandler.write_error`. All methods of a path lead to one place, which asks the same questions
in the same order: is somebody logged in (Jupyter's identity provider, and its XSRF check before that), is there such
an operation, may this user do that (Jupyter's authorizer, resource ``fasttrack``). Only then is it done.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Coroutine, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.iostream import StreamClosedError

from fasttrack_jupyter.api.paths import Operation
from fasttrack_jupyter.errors import BadRequest, FastTrackError
from fasttrack_jupyter.server.face import Face

RESOURCE = "fasttrack"
"""What Jupyter's authorizer is asked about."""
_ASKED = ("Accept", "Content-Type", "If-None-Match", "If-Range", "Range")
_ANSWERED = (
    *("Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "Content-Type"),
    *("ETag", "Last-Modified"),
)
_ONLY_FOR_JUPYTER = re.compile(r"(?:token|_xsrf|no_track_activity)(?:=|$)|\d+=?$")
"""Words of a query that are Jupyter's own: its keys, and the bare number by which browsers are kept from caching."""
_MALFORMED = re.compile(r"%(?![0-9A-Fa-f]{2})|[#\\\x00-\x20\x7f]")
"""Half a quoted character, or one that has to be quoted: who reads the path next would take ``#`` for its end."""
MAX_BODY = 64 << 20
"""Bytes that one call may bring; of what is larger nothing is kept, though all of it is let in to be answered."""
_CODES = {400: "bad_request", 403: "forbidden", 404: "not_found", 409: "conflict"}
_HINTS = {
    403: "Log in again, or reload the page; if that does not help, you are not allowed this.",
    405: "See fasttrack/openapi.json for what there is.",
    413: f"At most {MAX_BODY >> 20} MiB can be sent at once.",
}


@web.stream_request_body
class FastTrackHandler(APIHandler):
    """Checks each call, and tells errors in the one shape; where there are no operations, there is nothing (404)."""

    def initialize(self, face: Face, operations: Iterable[Operation] = ()) -> None:
        """``operations``: all that can be done at this path."""
        self.face = face
        self.operations: Mapping[str, Operation] = {each.method: each for each in operations}
        self._is_gone = False
        self._body: list[bytes] = []
        self._size = 0
        self._is_too_large = False
        self._work: asyncio.Task[None] | None = None

    def data_received(self, chunk: bytes) -> None:
        """Gather the body, as far as it may go: Jupyter's own limit is of a size that would stall the server."""
        self._size += len(chunk)
        self._is_too_large = self._size > MAX_BODY
        if self._is_too_large:
            self._body.clear()
        else:
            self._body.append(chunk)

    @web.authenticated
    async def _checked(self, *words: str) -> None:
        if _MALFORMED.search(self.request.path) or {".", ".."} & set(words):
            raise BadRequest(f"the path {self.request.path} makes no sense")
        operation = self.operations.get(self.request.method or "")
        if operation is None:
            raise web.HTTPError(405 if self.operations else 404)
        if not await self.allows(operation.action, RESOURCE):
            raise web.HTTPError(403, f"you may not {operation.action} {RESOURCE}")
        if self._is_too_large:
            raise web.HTTPError(413)
        self.request.body = b"".join(self._body)
        await self._while_connected(self.answer(operation, *words))

    get = post = put = patch = delete = head = _checked

    async def allows(self, action: str, resource: str) -> bool:
        """Whether Jupyter's authorizer lets this user do that."""
        return bool(await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, resource)))

    async def answer(self, operation: Operation, *words: str) -> None:
        """Do it; ``words`` are the parts of the path, decoded."""
        raise NotImplementedError

    async def _while_connected(self, work: Coroutine[Any, Any, None]) -> None:
        """Work for as long as somebody waits for the answer."""
        self._work = asyncio.create_task(work)
        await asyncio.wait([self._work])
        failure = None if self._work.cancelled() else self._work.exception()  # heard, also where nobody waits for it
        if not self._is_gone and not isinstance(failure, StreamClosedError):  # who asked left before anybody said so
            self._work.result()

    def on_connection_close(self) -> None:
        """The browser went away: so does the call of the engine."""
        self._is_gone = True
        if self._work is not None:
            self._work.cancel()
        super().on_connection_close()

    # ------------------------------------------------------------ errors

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Too late for an error once an answer has begun: it is broken off, so that nobody takes it for whole."""
        if self._headers_written and not self._finished:
            self.detach().close()
        else:
            super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """``{code, message, hint, details}``, with the status that belongs to it."""
        error = kwargs.get("exc_info", (None, None))[1]
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.operations))
        if isinstance(error, FastTrackError):
            self.set_status(error.status_hint)
            told = error.to_dict()
        else:
            told = _told(status_code, error, f"{self.request.method} {self.request.path}")
        self.finish(json.dumps(told))

    def log_exception(self, *exc_info: Any) -> None:
        """What was foreseen needs no traceback."""
        error = exc_info[1]
        if isinstance(error, FastTrackError):
            if error.status_hint >= 500:
                self.log.warning("FastTrack: %s", error.message)
        elif not isinstance(error, web.HTTPError):  # Jupyter's log of requests tells those, with the token taken out
            super().log_exception(*exc_info)


def _told(status: int, error: BaseException | None, what: str) -> dict[str, Any]:
    """An error of Jupyter's, in our words; of one that nobody foresaw, nothing but that it is in the log."""
    phrase = HTTPStatus(status).phrase.lower() if status in set(HTTPStatus) else f"error {status}"
    code, hint = _CODES.get(status, phrase.replace(" ", "_")), _HINTS.get(status, "")
    if status >= 500 and not isinstance(error, web.HTTPError):
        return FastTrackError(f"{what}: something unforeseen went wrong", hint="The server's log tells more.").to_dict()
    said = error.log_message % error.args if isinstance(error, web.HTTPError) and error.log_message else phrase
    return {"code": code, "message": f"{what}: {said}", "hint": hint, "details": {}}


class ForwardHandler(FastTrackHandler):
    """Hands a call on to the engine, and its answer back, both unread; lines of a stream as they come."""

    async def answer(self, operation: Operation, *words: str) -> None:
        """See the class."""
        request = self.request
        headers = {name: request.headers[name] for name in _ASKED if name in request.headers}
        async with self.face.supervisor.call(operation.method, self._target(), headers, request.body) as reply:
            self.set_status(reply.status)
            for name in _ANSWERED:
                if name in reply.headers:
                    self.set_header(name, reply.headers[name])
            self.set_header("Cache-Control", "no-cache")
            async for part in reply.parts():
                self.write(part)
                await self.flush()
        await self.finish(set_content_type=reply.headers.get("Content-Type", "application/octet-stream"))

    def _target(self) -> str:
        """The engine's path and query: just as they came, less what is Jupyter's."""
        path = self.request.path[len(self.base_url.rstrip("/")) + len("/fasttrack") :]
        query = "&".join(word for word in self.request.query.split("&") if not _ONLY_FOR_JUPYTER.match(word))
        return f"{path}?{query}" if query else path
