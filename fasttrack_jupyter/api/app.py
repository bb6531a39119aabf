"""The application around the routes: who may call, how calls become arguments, and results and errors answers."""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import Any, cast, get_type_hints

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api.failures import bad_request, parsed
from fasttrack_jupyter.api.routes import ROUTES, Control, Route
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.errors import BadRequest, FastTrackError, Forbidden, NotFound, OtherVersion

MAX_BODY = 256 << 20
"""Bytes of a request; a pipeline of 100,000 tasks is about 20 MiB of text."""
VERSION_HEADER = "FastTrack-Version"
_ANY_VERSION = frozenset({"/v1/info", "/v1/shutdown"})
_LOG = logging.getLogger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(engine: FastTrack, control: Control) -> web.Application:
    """The API over one façade; to be served on a private unix socket only."""
    app = web.Application(middlewares=[_answer_errors, _gate(engine)], client_max_size=MAX_BODY)
    for route in ROUTES:
        pattern = "/v1" + route.path.replace("}", ":[^/]+}")  # a slash inside a word comes as %2F
        app.router.add_route(route.method, pattern, _Endpoint(route, {"engine": engine, "control": control}).answer)
    return app


class _Endpoint:
    """One route, ready to be called: gathers its handler's arguments by name and writes what it returns."""

    def __init__(self, route: Route, given: Mapping[str, Any]) -> None:
        self._handler = route.handler
        self._given = given

    @cached_property
    def _wanted(self) -> dict[str, Any]:
        return {name: kind for name, kind in get_type_hints(self._handler).items() if name != "return"}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return await _present(request, await self._handler(**await self._arguments(request)))

    async def _arguments(self, request: web.Request) -> dict[str, Any]:
        known: dict[str, Any] = {**request.match_info, **self._given, "request": request}
        if kind := self._wanted.get("query"):
            known["query"] = _query(kind, request)
        if kind := self._wanted.get("body"):
            known["body"] = parsed(kind, await request.read())
        return {name: known[name] for name in self._wanted}


def _query(kind: type[BaseModel], request: web.Request) -> BaseModel:
    """The query as a model; a word given several times is a list where the model has one."""
    many = {name for name, field in kind.model_fields.items() if field.default == ()}
    words = {name: request.query.getall(name) if name in many else request.query[name] for name in request.query}
    try:
        return kind.model_validate(words)
    except ValidationError as error:
        raise bad_request("query", error) from error


async def _present(request: web.Request, value: Any) -> web.StreamResponse:
    if isinstance(value, web.StreamResponse):
        return value
    if value is None:
        return web.Response(status=204)
    if isinstance(value, str):
        return web.Response(text=value)
    if isinstance(value, AsyncGenerator):
        return await _stream(request, value)
    return web.Response(body=_json(value), content_type="application/json")


def _json(value: Any) -> bytes:
    try:
        return to_json(value, inf_nan_mode="null")
    except PydanticSerializationError:  # half characters: of a file's name that is no UTF-8, say
        return json.dumps(to_jsonable_python(value, inf_nan_mode="null")).encode("ascii")


async def _stream(request: web.Request, items: AsyncGenerator[Any, None]) -> web.StreamResponse:
    """JSON lines; an empty one for None. What fails before the first line is an error like any other."""
    async with aclosing(items):
        first = await anext(items, None)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        async for line in _lines(request, first, items):
            await response.write(line)
    await response.write_eof()
    return response


async def _lines(request: web.Request, first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    yield b"\n" if first is None else _json(first) + b"\n"
    try:
        async for item in rest:
            yield b"\n" if item is None else _json(item) + b"\n"
    except Exception as error:
        yield _json({"error": _told(request, error).to_dict()}) + b"\n"


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """The one place where an error becomes an answer: ``{code, message, hint, details}``."""
    try:
        return await handler(request)
    except Exception as error:
        if request.transport is None or request.transport.is_closing():  # nobody is there to be told
            if isinstance(error, ConnectionError):
                return web.Response()  # that he left is no trouble of ours
            raise
        told = _told(request, error)
        if (
            request.writer.output_size
        ):  # too late for another answer: break this one off, so that nobody takes it for whole
            raise ConnectionAbortedError(told.message) from error
        status = error.status if isinstance(error, web.HTTPException) else told.status_hint
        return web.Response(status=status, body=_json(told.to_dict()), content_type="application/json")


def _told(request: web.Request, error: Exception) -> FastTrackError:
    """What the caller hears of an error; of one that nobody foresaw, only the number under which it is in the log."""
    if isinstance(error, FastTrackError):
        return error
    if isinstance(error, web.HTTPNotFound):
        return NotFound(f"the API has no {request.method} {request.path}")
    if isinstance(error, web.HTTPException):
        return BadRequest(f"{request.method} {request.path}: {error.reason}")
    number = os.urandom(4).hex()
    _LOG.error("request %s: %s %s failed", number, request.method, request.path, exc_info=error)
    return FastTrackError(
        f"something unforeseen went wrong in the engine (request {number})",
        hint="This is a bug of FastTrack: its engine's log tells more under that number.",
        details={"request": number},
    )


def _gate(engine: FastTrack) -> Middleware:
    """Only this user (or root) may call, and only a caller of the same version."""

    @web.middleware
    async def check(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if _peer(request) not in (None, 0, os.geteuid()):
            raise Forbidden("this engine belongs to another user")
        version = request.headers.get(VERSION_HEADER, __version__)
        if version != __version__ and request.path not in _ANY_VERSION:
            raise OtherVersion(
                f"the engine of this home is FastTrack {__version__}, the caller is {version}",
                hint=f"Use that version, or stop the engine (kill {os.getpid()}): its sessions go on.",
                details={"engine_version": __version__, "pid": os.getpid(), "idle": engine.is_idle()},
            )
        return await handler(request)

    return check


def _peer(request: web.Request) -> int | None:
    """The user id at the other end of the socket, where the platform tells; elsewhere its permissions must do."""
    wire = request.transport.get_extra_info("socket") if request.transport else None
    if wire is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    _, uid, _ = struct.unpack("3i", wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return cast(int, uid)
