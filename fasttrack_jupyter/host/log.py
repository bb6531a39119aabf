"""The engine's own log: lines on stderr, which in the background is a file that is turned over at a size."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

TURN_OVER = 4 << 20
"""Bytes; then ``engine.log`` becomes ``engine.log.1`` and a fresh one begins."""


def start_logging(file: Path | None) -> None:
    """Log to stderr; ``file`` is the file that stderr goes to, where it does."""
    handler = EngineLog(file)
    handler.setFormatter(_Utc("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class EngineLog(logging.Handler):
    """Writes each record whole; what others print to stderr lands in the same file."""

    def __init__(self, file: Path | None, turn_over: int = TURN_OVER) -> None:
        super().__init__()
        self._file, self._turn_over = file, turn_over

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
            if self._file is not None and os.fstat(2).st_size > self._turn_over:
                self._begin_again(self._file)
        except (OSError, ValueError):
            self.handleError(record)  # a full disk must not stop the engine

    def _begin_again(self, file: Path) -> None:
        file.replace(file.with_name(f"{file.name}.1"))
        fresh = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(fresh, 1)
        os.dup2(fresh, 2)
        os.close(fresh)


class _Utc(logging.Formatter):
    """Formatter whose times are in UTC."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (logging's name)
        return time.strftime(datefmt or "%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
