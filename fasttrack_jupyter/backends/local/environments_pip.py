"""uv does not read pip's configuration, and people's machines are configured for pip: say it in uv's words.

Read as pip does (https://pip.pypa.io/en/stable/topics/configuration/): the files for everybody, then the
user's, then the interpreter's, then ``PIP_CONFIG_FILE``; in each ``[global]`` and then ``[install]``; the
``PIP_*`` variables over all of them. A ``UV_*`` variable that is already set always wins. Values may hold
passwords: they go into the environment of the uv process and nowhere else.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

_KEYS = (
    "index-url", "extra-index-url", "find-links", "no-index", "cert", "trusted-host",
    "timeout", "default-timeout", "proxy", "pre", "constraint",
)  # fmt: skip


def uv_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a uv process that make it look for packages where pip would."""
    pip = pip_settings(environ)
    found = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(_existing(pip.get("extra-index-url", ""))),
        "UV_FIND_LINKS": ",".join(_existing(pip.get("find-links", ""))),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("timeout", pip.get("default-timeout", "")).partition(".")[0],
        "UV_PRERELEASE": "allow" if _is_true(pip.get("pre", "")) else "",
        "UV_CONSTRAINT": " ".join(pip.get("constraint", "").split()),
        "SSL_CERT_FILE": pip.get("cert", ""),
        "ALL_PROXY": pip.get("proxy", ""),
    }
    if found["UV_INDEX"]:
        # pip looks for the best version on all its indexes; uv would stop at the first that knows the name
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in found.items() if value and name not in environ}


def uv_options(environ: Mapping[str, str]) -> list[str]:
    """The options for ``uv pip install`` that have no variable."""
    return ["--no-index"] if _is_true(pip_settings(environ).get("no-index", "")) else []


def pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's own settings that say where packages come from, by pip's long option names."""
    settings: dict[str, str] = {}
    for path in _config_files(environ):
        settings.update(_read(path))
    for key in _KEYS:
        value = environ.get("PIP_" + key.upper().replace("-", "_"))
        if value:
            settings[key] = value
    return settings


def _config_files(environ: Mapping[str, str]) -> list[Path]:
    """In pip's order, the later one wins."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path(environ.get("HOME", "~")).expanduser()
    shared = [Path(folder, "pip", "pip.conf") for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")]
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    user = [home / ".pip" / "pip.conf", config / "pip" / "pip.conf"]
    if sys.platform == "darwin":
        shared.append(Path("/Library/Application Support/pip/pip.conf"))
        user.insert(1, home / "Library" / "Application Support" / "pip" / "pip.conf")
    files = [*shared, Path("/etc/pip.conf"), *user, Path(sys.prefix, "pip.conf")]
    return [*files, Path(named)] if named else files


def _read(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}  # pip itself complains about a broken file; what is readable still counts
    sections = [dict(parser.items(name)) for name in ("global", "install") if parser.has_section(name)]
    merged = {name.replace("_", "-"): value for section in sections for name, value in section.items()}
    return {key: merged[key] for key in _KEYS if merged.get(key)}


def _existing(places: str) -> list[str]:
    """The entries but for folders of this machine that are not there: pip passes over them, uv would fail."""
    return [place for place in places.split() if (path := _as_path(place)) is None or path.exists()]


def _as_path(place: str) -> Path | None:
    if place.startswith("file:"):
        return Path(unquote(urlsplit(place).path))
    return None if "://" in place else Path(place).expanduser()


def _is_true(value: str) -> bool:
    return value.strip().lower() in ("1", "true", "yes", "on", "y", "t")
