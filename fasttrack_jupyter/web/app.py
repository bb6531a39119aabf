"""The routes of FastTrack's API, on aiohttp. Everything but ``login/`` needs a token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from aiohttp import web

from fasttrack_jupyter.errors import BadRequest, FastTrackError, SignedOut
from fasttrack_jupyter.web.access import Door
from fasttrack_jupyter.web.desk import Desk

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SIGNED = ("Authorization", "Date", "X-BackendAI-Date", "X-BackendAI-Version", "Content-Type", "Host")
_MOST_BYTES = 32 << 20
_USER: ContextVar[Json] = ContextVar("user")
"""Of the request that is being answered; each has a context of its own."""


def make_app(desk: Desk, door: Door) -> web.Application:
    """The application; ``desk`` and ``door`` are used from threads."""
    app = web.Application(middlewares=[_middleware(door)], client_max_size=_MOST_BYTES)
    for path in ("/login/", "/api/login/"):
        app.router.add_post(path, _login(door))
    app.router.add_delete("/auth-token/", _logout(door))
    app.router.add_get("/api/users/me/", _me)
    _add_pipelines(app.router, desk)
    _add_jobs(app.router, desk)
    return app


def _add_pipelines(router: web.UrlDispatcher, desk: Desk) -> None:
    one = "/api/pipelines/{id}/"
    router.add_get("/api/pipelines/", _of(lambda request: desk.pipelines()))
    router.add_get(one, _of(lambda request: desk.pipeline(_id(request))))
    router.add_delete(one, _of(lambda request: desk.delete(_id(request)), status=204))
    router.add_post("/api/pipelines/", _with_body(lambda _, given: desk.create(given), status=201))
    for add in (router.add_patch, router.add_put):
        add(one, _with_body(lambda request, given: desk.update(_id(request), given)))
    router.add_post(f"{one}run/", _with_body(lambda request, given: desk.run(_id(request), given), status=201))


def _add_jobs(router: web.UrlDispatcher, desk: Desk) -> None:
    router.add_get("/api/pipeline-jobs/", _of(lambda request: desk.jobs()))
    router.add_get("/api/pipeline-jobs/{id}/", _of(lambda request: desk.job(_id(request))))
    for add in (router.add_delete, router.add_post):  # the web UI says DELETE
        add("/api/pipeline-jobs/{id}/stop/", _of(lambda request: desk.stop(_id(request))))
    instances = "/api/task-instances/"
    router.add_get(instances, _of(lambda request: desk.instances(request.query.get("pipeline_job"))))
    router.add_get(f"{instances}{{id}}/", _of(lambda request: desk.instance(_id(request))))


def _id(request: web.Request) -> str:
    return request.match_info["id"]


def _of(do: Callable[[web.Request], Any], status: int = 200) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = await asyncio.to_thread(do, request)
        return web.Response(status=status) if answer is None else web.json_response(answer, status=status)

    return handle


def _with_body(do: Callable[[web.Request, Json], Any], status: int = 200) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        given = await _body(request)
        return web.json_response(await asyncio.to_thread(do, request, given), status=status)

    return handle


async def _body(request: web.Request) -> Json:
    raw = await request.read()
    try:
        given = json.loads(raw or b"{}")
    except ValueError as error:
        raise BadRequest(f"the body is no JSON: {error}") from None
    if not isinstance(given, dict):
        raise BadRequest("the body is no JSON object", hint='Send something like {"yaml": "name: …"}.')
    return given


def _login(door: Door) -> Handler:
    async def login(request: web.Request) -> web.StreamResponse:
        return web.json_response(await asyncio.to_thread(door.login, _signed(request)))

    return login


def _signed(request: web.Request) -> Json:
    """What of a request may be signed."""
    headers = {name.lower(): request.headers.get(name, "") for name in _SIGNED}
    return {**headers, "method": request.method, "path": request.raw_path}


async def _me(_: web.Request) -> web.StreamResponse:
    return web.json_response(_USER.get())


def _logout(door: Door) -> Handler:
    async def logout(request: web.Request) -> web.StreamResponse:
        door.logout(request.headers.get("Authorization"))
        return web.Response(status=204)

    return logout


def _middleware(door: Door) -> Any:
    """Lets in who has a token, and turns every error into words: the one seam."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path not in ("/login/", "/api/login/"):
                _USER.set(await asyncio.to_thread(door.admit, _signed(request)))
            return await handler(request)
        except FastTrackError as error:
            return _told(error)
        except web.HTTPException as error:
            error.content_type = "application/json"
            error.text = json.dumps({"code": "http", "message": error.reason, "title": error.reason, "details": {}})
            raise

    return middleware


def _told(error: FastTrackError) -> web.Response:
    """Our error, with ``title`` and ``msg`` beside it, which Backend.AI's web UI shows."""
    words = {**error.to_dict(), "title": error.message, "msg": error.hint or error.message}
    headers = {"WWW-Authenticate": "Token"} if isinstance(error, SignedOut) else {}
    return web.json_response(words, status=error.status_hint, headers=headers)
