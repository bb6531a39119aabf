"""Leads a replica in a network of its own, so that any number of them can listen on one and the same port.

The command that a model definition names binds the port that is written there. Two replicas (and an update needs two)
would be in each other's way, and in the way of whatever else listens on this machine. So this script, which the
session starts, moves into a network namespace where nothing but loopback is, starts the command there, and passes
every connection to the unix socket :data:`SOCKET` in the working directory on to the command's port: sockets
in folders belong to no network. That works for ordinary users, touches no port of the machine, and ends with
the command. The price: a replica reaches nothing outside (see ``replicas.uses_port_variable`` for the way around).

While nothing listens on the port, a connection is answered by the relay itself: ``502`` with :data:`REFUSED`, which no
command writes, and where it listens instead. Run as ``python -I -S relay.py PORT COMMAND …``; standard library only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

SOCKET = ".fasttrack-replica"
"""In the replica's working directory."""
REFUSED = "X-FastTrack-Replica: refused"
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCSIFFLAGS, _IFF_UP_AND_RUNNING = 0x8914, 0x41
_CHUNK = 1 << 18
_LISTENS = "0A"


def enter_own_network() -> None:
    """Move this process into a network with loopback alone. Raises OSError where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        raise OSError(38, "no network namespaces on this system")
    if libc.unshare(_CLONE_NEWNET):
        uid, gid = os.getuid(), os.getgid()
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"a network of its own: {os.strerror(number)}")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        fcntl.ioctl(wire, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_AND_RUNNING))


def listening_ports() -> list[int]:
    """The TCP ports that somebody listens on in this network, as ``/proc/net/tcp`` tells."""
    found = set()
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{name}") as table:
            rows = [line.split() for line in table]
            found |= {int(row[1].rpartition(":")[2], 16) for row in rows[1:] if row[3] == _LISTENS}
    return sorted(found)


def refusal(port: int) -> bytes:
    """What a connection is answered while nothing listens on ``port``."""
    others = ", ".join(map(str, listening_ports()))
    words = f"nothing listens on port {port} yet" + (f", but on {others}" if others else "")
    head = f"HTTP/1.1 502 Bad Gateway\r\n{REFUSED}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(words)}\r\n\r\n{words}".encode()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on all that comes, at the pace of who reads it."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the command, which may listen on one of the two loopbacks alone. Raises OSError."""
    try:
        return await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return await asyncio.open_connection("::1", port)


async def pass_on(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, until either side has said all: who asks here never ends only its own half."""
    try:
        try:
            inner_reader, inner_writer = await connect(port)
        except OSError:
            writer.write(refusal(port))
            await writer.drain()
            return
        ways = [asyncio.ensure_future(copy(reader, inner_writer)), asyncio.ensure_future(copy(inner_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            inner_writer.close()
    finally:
        with contextlib.suppress(OSError):
            writer.close()


async def lead(port: int, argv: list[str]) -> int:
    """Start the command and pass connections on until it ends; its exit code, as a shell tells it."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # the command hears them too, and ends as it likes
        asyncio.get_running_loop().add_signal_handler(number, lambda: None)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)
    server = await asyncio.start_unix_server(lambda r, w: pass_on(port, r, w), SOCKET, backlog=1024)
    os.chmod(SOCKET, 0o600)
    try:
        command = await asyncio.create_subprocess_exec(*argv, close_fds=False)
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return 127 if isinstance(error, FileNotFoundError) else 126
    code = await command.wait()
    server.close()
    return code if code >= 0 else 128 - code


def main() -> int:
    """See the module's text; without a command it only tries whether there can be a network of its own."""
    port, argv = int(sys.argv[1]), sys.argv[2:]
    try:
        enter_own_network()
    except OSError as error:
        print(f"the replica has no network of its own: {error}", file=sys.stderr)
        return 125
    if not argv:
        return 0
    return asyncio.run(lead(port, argv))


if __name__ == "__main__":
    os._exit(main())
