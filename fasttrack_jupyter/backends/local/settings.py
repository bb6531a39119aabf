"""What can be chosen about running sessions on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.quantities import parse_duration
from fasttrack_jupyter.model.resources import parse_size

MODES = ("auto", "namespaces", "folders", "plain")
_PREFIX = "FASTTRACK_LOCAL_"


@dataclass(frozen=True)
class LocalSettings:
    """Settings of the local backend; :meth:`from_environ` overrides them by ``FASTTRACK_LOCAL_<NAME>``."""

    home: Path
    mode: str = "auto"
    """``namespaces``: FastTrack's paths through private mounts. ``folders``: through substitution and links.
    ``plain``: as folders, without a supervisor; a session whose launcher dies is lost.
    ``auto``: the first that works."""
    grace: float = 10.0
    """Seconds between TERM and KILL."""
    log_cap: int = 1 << 30
    """Bytes of a log that are kept: its beginning and its end."""
    watch_interval: float = 1.0
    """Seconds between looks at memory and logs (longer when a look itself takes long)."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """Amounts that replace what was detected on this machine (``{"cpu": "8"}``)."""
    image_policy: str = "current"
    """What an image that nothing resolves means: ``current`` (this interpreter, with a warning) or ``strict``."""
    warm_start: bool = False
    """Whether tasks of cells are forked from interpreters that have imported what cells import (:mod:`.warm`)."""
    source_patience: float = 600.0
    """Seconds in all that a package index or a Git server which does not answer is asked again."""
    pass_environment: tuple[str, ...] = (
        "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    )  # fmt: skip
    """Variables of the engine that sessions see as well; all others stay with the engine."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise BadRequest(f"{self.mode!r} is no mode of local sessions", hint=f"Use one of {', '.join(MODES)}.")
        if self.image_policy not in ("current", "strict"):
            raise BadRequest(f"{self.image_policy!r} is no image policy", hint="Use current or strict.")

    def at(self, home: Path) -> LocalSettings:
        """The same for another home."""
        return replace(self, home=home)

    @classmethod
    def from_environ(cls, home: Path, environ: Mapping[str, str] | None = None, **chosen: Any) -> LocalSettings:
        """The settings for ``home``: ``chosen``, overridden by the environment.

        Raises:
            BadRequest: a variable holds what its setting cannot be.
        """
        environ = os.environ if environ is None else environ
        for item in fields(cls):
            written = environ.get(_PREFIX + item.name.upper())
            if written is not None and item.name in _READERS:
                chosen[item.name] = _read(_PREFIX + item.name.upper(), item.name, written)
        return cls(home, **chosen)


def _switch(text: str) -> bool:
    if text.lower() not in ("1", "0", "yes", "no", "true", "false", "on", "off", ""):
        raise ValueError("it is neither 1 nor 0")
    return text.lower() in ("1", "yes", "true", "on")


def _pairs(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return {name.strip(): amount.strip() for name, _, amount in pairs}


_READERS: dict[str, Any] = {
    "mode": str, "grace": parse_duration, "log_cap": parse_size, "watch_interval": parse_duration,
    "source_patience": parse_duration, "slots": _pairs, "image_policy": str,
    "warm_start": _switch,
    "pass_environment": lambda text: tuple(text.split(",")),
}  # fmt: skip


def _read(variable: str, name: str, written: str) -> Any:
    try:
        return _READERS[name](written)
    except ValueError as error:
        raise BadRequest(f"{variable}={written!r}: {error}", hint=f"Correct or unset {variable}.") from None
