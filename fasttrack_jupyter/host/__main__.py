"""Start the engine; see the package."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.home import Home
from fasttrack_jupyter.host.seat import Seat, take_seat
from fasttrack_jupyter.host.settings import HostSettings


def main(argv: list[str] | None = None) -> int:
    """Serve a home. Exit status: 0 served, or another engine does; 1 it failed; 2 it could not begin."""
    parser = argparse.ArgumentParser(prog="python -m fasttrack_jupyter.host", description="The FastTrack engine.")
    parser.add_argument("--home", type=Path, help="the home to serve (default: $FASTTRACK_HOME)")
    parser.add_argument("--idle", type=float, help="end after so many idle seconds; 0: never (default: 60)")
    parser.add_argument("--foreground", action="store_true", help="do not go into the background; log to stderr")
    options = parser.parse_args(argv)
    if not options.foreground:
        os.closerange(3, 256)  # whoever started us may wait for the end of a pipe that we inherited
    os.umask(0o077)  # what the engine writes is its user's alone; sessions get the usual one from their launcher
    try:
        settings = HostSettings.from_environ(os.environ)
        if options.idle is not None:
            settings = settings._replace(idle=options.idle)
        seat = take_seat(Home(options.home))
    except (FastTrackError, OSError) as error:
        print("\n".join(filter(None, (str(error), getattr(error, "hint", "")))), file=sys.stderr)
        return 2
    if seat is None:
        return 0
    if options.foreground:
        seat.sign(os.getpid())
    else:
        _go_into_background(seat)
    return _serve(seat, settings, in_background=not options.foreground)


def _go_into_background(seat: Seat) -> None:
    """Go on in a child of its own session; the process that was started ends, which says that the socket listens."""
    if child := os.fork():
        seat.sign(child)
        os._exit(0)
    os.setsid()
    os.chdir("/")
    log = os.open(seat.home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(null)


def _serve(seat: Seat, settings: HostSettings, *, in_background: bool) -> int:
    gc.disable()  # until everything is imported: it would look at what stays again and again (an eighth of the start)
    try:
        from fasttrack_jupyter.api.half import prefer_half

        prefer_half()
        from fasttrack_jupyter.host.serving import serve  # everything slow; the socket listens already

        return serve(seat, settings, in_background=in_background)
    finally:
        seat.leave()


if __name__ == "__main__":
    sys.exit(main())
