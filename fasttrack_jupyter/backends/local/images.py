"""What an image's name asks for, before anything is looked up: the spellings, and the user's own map.

::

    (none) | current              this interpreter
    /path/of/a/venv | venv:/path  a virtual environment that exists
    conda:NAME | conda:/path      a conda environment that exists
    kernel:NAME                   the Python of a Jupyter kernel
    uv:pandas>=2 scikit-learn     an environment built here from requirements (PEP 508, split as a shell does)
    uv:requirements.txt           … from files of the job's code (words that end in .txt, or pyproject.toml)
    uv:python=3.12 numpy          … on another Python of this machine
    docker:NAME | podman:NAME     an image of the container engine, and nothing else
    anything else                 a container image's name, as FastTrack writes it

The user's own map of names (:mod:`fasttrack_jupyter.backends.image_map`) comes first; what it names is not looked up
in it again.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fasttrack_jupyter.errors import ImageUnresolved

_REQUIREMENT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\s*(\[[^\]]*\])?\s*(@.+|[<>=!~;(].*)?", re.DOTALL)
_PYTHON = re.compile(r"python\s*={1,2}\s*(\d+\.\d+(?:\.\d+)?)")


class Spelling(StrEnum):
    """The kinds of name that an image can have."""

    CURRENT = "current"
    VENV = "venv"
    CONDA = "conda"
    KERNEL = "kernel"
    UV = "uv"
    CONTAINER = "container"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's name, parsed: ``value`` is what follows the prefix."""

    text: str
    spelling: Spelling
    value: str


@dataclass(frozen=True, slots=True)
class Requirements:
    """What ``uv:`` asks for: a Python (None: this one's version), requirements, and files of the code."""

    python: str | None
    words: tuple[str, ...]
    files: tuple[str, ...]


_PREFIXES = {
    "venv": Spelling.VENV, "conda": Spelling.CONDA, "kernel": Spelling.KERNEL, "uv": Spelling.UV,
    "docker": Spelling.CONTAINER, "podman": Spelling.CONTAINER,
}  # fmt: skip


def parse_image(text: str | None) -> ImageName:
    """Which spelling ``text`` is.

    Raises:
        ImageUnresolved: a prefix with nothing behind it.
    """
    text = (text or "").strip()
    if text in ("", "current"):
        return ImageName(text, Spelling.CURRENT, "")
    prefix, colon, value = text.partition(":")
    if colon and prefix in _PREFIXES and not _is_registry_name(prefix, value):
        if not value.strip():
            raise ImageUnresolved(f"image {text!r} names nothing behind {prefix!r}:", hint=f"write {prefix}:NAME")
        return ImageName(text, _PREFIXES[prefix], value.strip())
    if text.startswith(("/", "~")):
        return ImageName(text, Spelling.VENV, text)
    return ImageName(text, Spelling.NAME, text)


def _is_registry_name(prefix: str, value: str) -> bool:
    """``docker:24-dind`` is Docker Hub's image *docker* with a tag; ``docker:python:3.12`` is ours."""
    return prefix == "docker" and bool(re.fullmatch(r"(\d[\w.-]*|latest|dind|cli)", value))


def parse_requirements(value: str) -> Requirements:
    """What stands behind ``uv:``, such as ``python=3.12 pandas>=2 requirements.txt``.

    Raises:
        ImageUnresolved: it cannot be a list of requirements; the message names the word.
    """
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise ImageUnresolved(f"image 'uv:{value}' cannot be split into words: {error}") from None
    pythons = [match[1] for word in words if (match := _PYTHON.fullmatch(word))]
    files = [word for word in words if _is_file(word)]
    rest = [word for word in words if not _is_file(word) and not _PYTHON.fullmatch(word)]
    for word in rest:
        _check_requirement(word)
    for name in files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ImageUnresolved(f"{name!r} is not a file of the code", hint="name it relative to the pipeline's file")
    if len(pythons) > 1:
        raise ImageUnresolved(f"image 'uv:{value}' asks for {len(pythons)} Pythons", hint="keep one python=X.Y")
    return Requirements(pythons[0] if pythons else None, tuple(sorted(rest)), tuple(files))


def _is_file(word: str) -> bool:
    return word.endswith(".txt") or Path(word).name == "pyproject.toml"


def _check_requirement(word: str) -> None:
    if word.startswith("-"):
        raise ImageUnresolved(f"option {word!r} cannot stand in an image", hint="put it into a requirements.txt")
    if not _REQUIREMENT.fullmatch(word):
        hint = "write a package as pip does (pandas>=2), or a requirements.txt of the code"
        raise ImageUnresolved(f"{mask_credentials(word)!r} is not a requirement", hint=hint)


def mask_credentials(text: str) -> str:
    """``text`` with the user and password of every URL in it hidden."""
    return re.sub(r"(?<=://)[^/\s@]*@", "****@", text)
