"""Which well-known images another environment can honestly stand for, judged by what their names promise.

A name promises a Python and perhaps a framework, each with a version: ``stable/python:3.11-ubuntu22.04``,
``ngc-pytorch:24.09-pytorch2.5-py311-cuda12.6``. The promise is kept only by the same minor version of
each; everything else that is in such an image is not promised by its name, and the user is told what stands
for it. A promise that nothing keeps is the policy's affair.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

_PYTHON_TAG = re.compile(r"(?:^|-)py(\d)(\d+)(?:-|$)")
_FRAMEWORKS = {"pytorch": "torch", "tensorflow": "tensorflow", "jax": "jax", "scikit-learn": "scikit-learn"}


@dataclass(frozen=True, slots=True)
class Promise:
    """What an image's name promises: a minor version of Python, packages with their minor version (or None)."""

    python: str | None
    packages: tuple[tuple[str, str | None], ...] = ()

    def is_kept_by(self, python: str, version_of: Callable[[str], str | None]) -> bool:
        """Whether a Python of version ``python`` with the packages of ``version_of`` keeps it."""
        if self.python is not None and not _is_same_minor(python, self.python):
            return False
        return all(_keeps(version_of(name), wanted) for name, wanted in self.packages)

    def __str__(self) -> str:
        packages = [f"{name} {wanted or ''}".strip() for name, wanted in self.packages]
        return " with ".join([f"Python {self.python or ''}".strip(), *packages])


def promise_of(image: str) -> Promise | None:
    """The promise of an image's name; None where the name is none of those we know."""
    name, _, tag = image.rpartition("/")[2].partition(":")
    if name == "python":
        match = re.match(r"(\d+\.\d+)(?:[.-]|$)", tag)
        return Promise(match[1]) if match else None
    family = name.removeprefix("ngc-").removeprefix("python-")
    if family not in _FRAMEWORKS:
        return None
    python = _PYTHON_TAG.search(tag)
    version = re.search(rf"{family}-?(\d+\.\d+)", tag)
    if version is None and not name.startswith("ngc-"):
        version = re.match(r"(\d+\.\d+)", tag)  # NGC counts releases by month; the others by the framework
    package = (_FRAMEWORKS[family], version[1] if version else None)
    return Promise(f"{python[1]}.{python[2]}" if python else None, (package,))


def installed_version(distribution: str) -> str | None:
    """The version of a distribution in this interpreter, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _keeps(version: str | None, wanted: str | None) -> bool:
    return version is not None and (wanted is None or _is_same_minor(version, wanted))


def _is_same_minor(version: str, wanted: str) -> bool:
    return version.split(".")[:2] == wanted.split(".")[:2]
