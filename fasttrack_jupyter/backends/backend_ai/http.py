"""One user's connection to one cluster: signed calls, or calls through a webserver that signs them.

Connections are kept and used again, fewer than a manager would mind; they are given up before a server gives them up
(its 75 s), so that a request which must not be repeated does not meet a connection that just closes.
Cookies are not left to a jar: a jar goes by host, without the port, and would show a webserver's session to the
storage proxy beside it. Proxies are taken from the environment here, because aiohttp's ``trust_env`` reads
``~/.netrc`` too, whose entry for the same host would clash with the signature. Redirects are not followed: a
signature is for one address.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from yarl import URL

from fasttrack_jupyter import __version__
from fasttrack_jupyter.backends.backend_ai import foreign
from fasttrack_jupyter.backends.backend_ai.events import event_stream
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.proxying import proxy_for
from fasttrack_jupyter.backends.backend_ai.releases import Greeting, Release
from fasttrack_jupyter.backends.backend_ai.repeating import TRIES, pause, wait_before_next
from fasttrack_jupyter.backends.backend_ai.signing import signed_headers
from fasttrack_jupyter.backends.backend_ai.webserver import WebLogin
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest

CONNECTIONS = 16
"""At a time, to each host."""
_KEEP_ALIVE = 30.0
_CONNECT = 10.0
"""Seconds for a connection to come about."""
_REPEATABLE = ("GET", "HEAD", "DELETE", "OPTIONS")
_JSON, _NOTHING = "application/json", "text/plain"
_OLD_VERSION = "unsupported api version"
_NEVER_SENT = (aiohttp.ClientConnectorError,)

Data = bytes | AsyncIterable[bytes] | None


@dataclass(frozen=True, slots=True)
class StorageAnswer:
    """What a storage proxy (or anybody) answered; ``headers`` do not mind case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, which may be sent several times; ``headers`` are made anew for each (signatures age)."""

    method: str
    url: URL
    headers: Callable[[], Mapping[str, str]]
    data: Data
    timeout: float
    is_safe: bool


class Cluster:
    """One user's connection to one cluster. Belongs to the event loop that first uses it; opens when it does."""

    def __init__(self, profile: Profile, keys: Keys) -> None:
        self.profile: Final = profile
        self._keys = keys
        self._base = URL(profile.endpoint)
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False
        self._greeting: Greeting | None = None
        self._greeting_lock = asyncio.Lock()
        self._login = WebLogin(self._base, keys, self._where) if profile.mode == "session" else None

    def __repr__(self) -> str:
        return f"Cluster({self.profile.name!r}, {self.profile.endpoint!r})"

    async def release(self) -> Release:
        """Which release the manager is. Raises BackendUnreachable, also where no manager answers."""
        return (await self._greet()).release

    async def access_key(self) -> str:
        """The one that the cluster knows us by; a webserver's is asked for. Raises BackendUnreachable, KeysRefused."""
        if self._login is None:
            return self._keys.user
        told = await self.graphql("query { keypair { access_key } }")
        return str((told.get("keypair") or {}).get("access_key") or "")

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        repeat: bool | None = None,
        timeout: float = 30.0,
    ) -> Any:
        """One call of the manager's API; its answer's JSON, None where there is none.

        ``path`` begins with a slash; a name in it is percent-encoded where it has ``/``, ``?``, ``#`` or ``%``.
        ``query`` takes strings, numbers, booleans; None leaves a key out. ``repeat`` says whether it does no harm to
        send it twice; by default that is so for GET, HEAD and DELETE (whose second may find nothing: NotFound).
        What was never sent, or turned away at the door, is always sent again. ``timeout``: seconds for each try.

        Raises:
            KeysRefused, Forbidden, NotFound, BadRequest: the manager's refusals; ``details`` has status and type.
            BackendUnreachable: no answer, or none that tells anything: nothing is known.
        """
        is_safe = method.upper() in _REPEATABLE if repeat is None else repeat
        url = self._url(path, query)
        data = None if body is None else json.dumps(body, ensure_ascii=False, default=str).encode()
        greeting = await self._greet()
        answer = await self._signed(method.upper(), url, data, greeting, timeout, is_safe)
        if answer.status == 400 and _OLD_VERSION in foreign.words(foreign.problem(answer.body)).lower():
            self._greeting = None  # the manager is another release by now; it turned this away at the door
            answer = await self._signed(method.upper(), url, data, await self._greet(), timeout, is_safe)
        try:
            return self._parsed(answer, body)
        except BackendUnreachable as error:
            raise foreign.without_storage(error) if path.startswith(_OF_STORAGE) else error from None

    async def graphql(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The ``data`` of a GraphQL query (repeated where need be) or mutation (not). Raises as :meth:`call` does."""
        is_query = not query.lstrip().startswith("mutation")
        body = {"query": query, "variables": dict(variables or {})}
        for tried in range(1, TRIES + 1):
            told = await self.call("POST", "/admin/gql", body=body, repeat=is_query)
            if not isinstance(told, dict):
                raise foreign.not_a_manager(self._where, "its GraphQL answer is none")
            if not told.get("errors"):
                return told.get("data") or {}
            error = foreign.graphql_error(told["errors"], where=self._where)
            if not is_query or not isinstance(error, BackendUnreachable) or tried == TRIES:
                raise error
            await asyncio.sleep(pause(tried))
        raise AssertionError("the last try either returns or raises")

    async def storage(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Data = None,
        query: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> StorageAnswer:
        """One unsigned request to a storage proxy, whatever it answers; GET and HEAD are repeated where need be.

        Raises:
            BackendUnreachable: no answer.
        """
        sent = dict(headers or {})
        return await self._send(
            _Request(method, _with(URL(url), query), lambda: sent, data, timeout, method in ("GET", "HEAD"))
        )

    async def storage_stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        chunk: int = 1 << 20,
        timeout: float = 60.0,
    ) -> AsyncGenerator[bytes, None]:
        """A large file from a storage proxy, piece by piece; ``timeout``: seconds without any.

        Raises:
            NotFound, EmptyRange …: as :meth:`call`; BackendUnreachable also in the middle: go on with a range.
        """
        target = _with(URL(url), query)
        times = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=timeout)
        sent = {"User-Agent": _AGENT, **(headers or {})}
        try:
            async with self._opened().get(
                target, headers=sent, timeout=times, proxy=self._proxy(target), allow_redirects=False
            ) as response:
                if response.status >= 300:
                    where, said = f"the storage proxy {target.origin()}", await response.read()
                    raise foreign.refusal(response.status, response.headers, said, where=where)
                async for piece in response.content.iter_chunked(chunk):
                    yield piece
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._trouble(error, target, timeout) from None

    async def events(self, query: Mapping[str, str]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """What happens to sessions (``GET /events/session``), as hints: ``(event, data)``, until closed.

        ``("connected", {})`` comes first and after every new connection: what happened in between was missed, so
        look. It connects again by itself, for ever.

        Raises:
            KeysRefused, Forbidden, NotFound, BadRequest: asking again would not help.
        """
        async for event in event_stream(lambda: self._subscribed(query)):
            yield event

    async def aclose(self) -> None:
        """Give the connections up, for good; a webserver's session ends with them."""
        if self._session is None:
            self._is_closed = True
            return
        if self._login is not None:
            await self._login.leave(self._once_unsigned)
        self._is_closed = True
        session, self._session = self._session, None
        await session.close()

    @property
    def _where(self) -> str:
        return f"the cluster {self.profile.endpoint}"

    async def _greet(self) -> Greeting:
        """What the manager says it is; asked for again after a connection broke: it may have been updated."""
        async with self._greeting_lock:
            if self._greeting is None:
                url = self._url("/", None)
                answer = await self._send(_Request("GET", url, dict, None, _CONNECT, is_safe=True))
                if answer.status >= 500 or answer.status == 429:
                    raise foreign.refusal(answer.status, answer.headers, answer.body, where=self._where)
                self._greeting = self._greeted(answer)
            return self._greeting

    def _greeted(self, answer: StorageAnswer) -> Greeting:
        try:
            return Greeting.parse(json.loads(answer.body))
        except ValueError:
            kind = answer.headers.get("Content-Type", "nothing").partition(";")[0]
            why = f"it greets with status {answer.status} and {kind}"
            raise foreign.not_a_manager(self._where, why, {"status": answer.status}) from None

    async def _signed(
        self, method: str, url: URL, data: bytes | None, greeting: Greeting, timeout: float, is_safe: bool
    ) -> StorageAnswer:
        def headers() -> Mapping[str, str]:
            return self._headers(method, url, _NOTHING if data is None else _JSON, greeting)

        request = _Request(method, url, headers, data, timeout, is_safe)
        if self._login is None:
            return await self._send(request)
        seen = await self._login.enter(self._once_unsigned)
        answer = await self._send(request)
        if answer.status == 401 and self._login.is_session_over(answer.body):
            await self._login.enter(self._once_unsigned, instead_of=seen)
            answer = await self._send(request)
        return answer

    def _headers(self, method: str, url: URL, content_type: str, greeting: Greeting) -> dict[str, str]:
        common = {"X-BackendAI-Domain": self.profile.domain, "Accept": "application/json, */*;q=0.5"}
        if self._login is not None:
            web = {"X-BackendAI-Version": greeting.version, "Content-Type": content_type}
            return {**common, **web, **self._login.headers()}
        signed = signed_headers(
            method,
            url.raw_path_qs,
            host=url.host_port_subcomponent or "",
            content_type=content_type,
            version=greeting.version,
            when=datetime.now(UTC),
            access_key=self._keys.user,
            secret_key=self._keys.secret,
        )
        return {**common, **signed}

    async def _send(self, request: _Request) -> StorageAnswer:
        """Send it until there is an answer that tells something, as often as that is right."""
        for tried in range(1, TRIES + 1):
            try:
                answer = await self._once(request)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._greeting = None
                again = request.is_safe or isinstance(error, _NEVER_SENT)
                if not again or tried == TRIES or not _may_pass(error):
                    raise self._trouble(error, request.url, request.timeout) from None
                wait = pause(tried)
            else:
                after = wait_before_next(answer.status, answer.headers, tried, is_safe=request.is_safe)
                if after is None:
                    return answer
                wait = after
            await asyncio.sleep(wait)
        raise AssertionError("the last try either returns or raises")

    async def _once(self, request: _Request) -> StorageAnswer:
        times = aiohttp.ClientTimeout(total=request.timeout, sock_connect=min(_CONNECT, request.timeout))
        headers = {"User-Agent": _AGENT, **request.headers()}
        async with self._opened().request(
            request.method,
            request.url,
            headers=headers,
            data=request.data,
            timeout=times,
            proxy=self._proxy(request.url),
            allow_redirects=False,
        ) as response:
            return StorageAnswer(response.status, response.headers, await response.read())

    async def _once_unsigned(self, method: str, url: URL, headers: Mapping[str, str], data: bytes) -> StorageAnswer:
        """For logging in and out: sent again only where it was never sent."""
        return await self._send(_Request(method, url, lambda: headers, data, 30.0, is_safe=False))

    async def _subscribed(self, query: Mapping[str, str]) -> aiohttp.ClientResponse:
        """An open event stream. Raises what :meth:`call` does."""
        url = self._url("/events/session", query)
        greeting = await self._greet()
        if self._login is not None:
            await self._login.enter(self._once_unsigned)
        times = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE)
        try:
            response = await self._opened().get(
                url,
                headers={"User-Agent": _AGENT, **self._headers("GET", url, _NOTHING, greeting)},
                timeout=times,
                proxy=self._proxy(url),
                allow_redirects=False,
            )
            if response.status != 200:
                async with response:
                    raise foreign.refusal(response.status, response.headers, await response.read(), where=self._where)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._trouble(error, url, _CONNECT) from None
        return response

    def _parsed(self, answer: StorageAnswer, asked: Any) -> Any:
        if not 200 <= answer.status < 300:
            hidden = foreign.secrets_in(asked)
            raise foreign.refusal(answer.status, answer.headers, answer.body, where=self._where, hidden=hidden)
        if not answer.body.strip():
            return None
        try:
            return json.loads(answer.body)
        except ValueError:
            kind = answer.headers.get("Content-Type", "something")
            raise foreign.not_a_manager(self._where, f"it answers with {kind}") from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._is_closed:  # what is left over of a call must not open connections that nobody gives up
            raise BackendUnreachable(f"the connection to {self._where} was given up")
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(
                limit=0, limit_per_host=CONNECTIONS, keepalive_timeout=_KEEP_ALIVE, ssl=self.profile.verify_tls
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._session

    def _url(self, path: str, query: Mapping[str, Any] | None) -> URL:
        if {".", ".."} & set(path.split("/")):  # they would be worked off, and something else asked for
            raise BadRequest(f"{path!r} has a name in it that nothing can have", hint="a name of dots alone is none")
        func = "/func" if self.profile.mode == "session" else ""
        return _with(URL(f"{str(self._base).rstrip('/')}{func}{path}"), query)

    def _proxy(self, url: URL) -> str | None:
        return self.profile.proxy or proxy_for(url)

    def _trouble(self, error: Exception, url: URL, timeout: float) -> Exception:
        here = self._where if url.origin() == self._base.origin() else f"the storage proxy {url.origin()}"
        proxy = self._proxy(url)
        shown = str(URL(proxy).with_user(None)) if proxy else None
        return foreign.trouble(error, where=here, timeout=timeout, proxy=shown)


_OF_STORAGE = "/folders"
_AGENT = f"fasttrack-jupyter/{__version__}"
_SILENCE = 60.0
"""Seconds without a byte (there are pings) after which an event stream is taken for dead."""


def _with(url: URL, query: Mapping[str, Any] | None) -> URL:
    told = {key: _plain(value) for key, value in (query or {}).items() if value is not None}
    return url.update_query(told) if told else url


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _may_pass(error: Exception) -> bool:
    """Whether the same may go well in a moment; a certificate or a name that is wrong stays so."""
    return not isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL)
