"""Calls of the engine handed on, asynchronously and unread: for a server whose loop must stay free.

:mod:`fasttrack_jupyter.api.client` understands what it asks; this does not. What comes in is sent as it is, what comes
back is given part by part as it arrives, and whoever stops reading ends the call at the engine too.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping

import aiohttp
from yarl import URL

from fasttrack_jupyter import __version__

PATIENCE = 600.0
"""Seconds without a byte of an answer, after which an engine counts as stuck; ``gc`` may think that long."""
_CONNECT = 5.0
_BUFFER = 1 << 16


class Gone(ConnectionError):
    """The engine went away, or says nothing; ``was_asked``: it may have done what the call wanted all the same."""

    def __init__(self, why: object, *, was_asked: bool) -> None:
        super().__init__(str(why) or type(why).__name__)
        self.was_asked = was_asked


class Reply:
    """One answer, whose body has not been read yet; to be closed."""

    def __init__(self, response: aiohttp.ClientResponse, open_ones: set[Reply]) -> None:
        self._response, self._open_ones = response, open_ones
        open_ones.add(self)
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it arrives.

        Raises:
            Gone: it ended early.
        """
        try:
            async for part in self._response.content.iter_any():
                yield part
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            raise Gone(error, was_asked=True) from error

    async def body(self) -> bytes:
        """All of it. Raises Gone."""
        return b"".join([part async for part in self.parts()])

    def close(self) -> None:
        """Read no more; unless all was read, that ends the call at the engine too."""
        self._open_ones.discard(self)
        self._response.release()

    def break_off(self) -> None:
        """Whoever reads this hears that the engine is gone."""
        self._response.close()


class Link:
    """The way to one engine's socket; to be made, used and closed in one running loop."""

    def __init__(self, socket: str) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=socket, limit=0),  # streams are as many as there are readers
            headers={"FastTrack-Version": __version__, "Accept-Encoding": "identity"},
            auto_decompress=False,
            read_bufsize=_BUFFER,
        )
        self._asking: set[asyncio.Task[aiohttp.ClientResponse]] = set()
        self._replies: set[Reply] = set()
        self._is_closed = False

    async def aclose(self) -> None:
        """End every call: each raises Gone (by itself, aiohttp would let them wait for a connection that it closed)."""
        self._is_closed = True
        for asking in self._asking:
            asking.cancel()
        for reply in tuple(self._replies):
            reply.break_off()
        await self._session.close()

    async def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        patience: float = PATIENCE,
    ) -> Reply:
        """The answer as soon as its head is there, to be closed; ``target`` is quoted, below ``/v1``, with its query.

        Raises:
            Gone: there is no engine, or it left before it answered.
        """
        asking = asyncio.create_task(self._request(method, target, headers or {}, body, patience))
        self._asking.add(asking)
        try:
            return Reply(await asking, self._replies)
        except asyncio.CancelledError:
            if self._is_closed:
                raise Gone("it has ended", was_asked=True) from None
            raise
        except (aiohttp.ClientConnectorError, RuntimeError) as error:  # RuntimeError: the session was closed meanwhile
            raise Gone(error, was_asked=False) from error
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            raise Gone(error, was_asked=True) from error
        finally:
            self._asking.discard(asking)

    async def _request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, patience: float
    ) -> aiohttp.ClientResponse:
        return await self._session.request(
            method,
            URL(f"http://fasttrack/v1{target}", encoded=True),
            headers=headers,
            data=io.BytesIO(body) if body else None,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=patience),
            allow_redirects=False,
        )
