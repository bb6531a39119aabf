"""Names in the model registry: models, their versions, and the words by which a version is asked for.

A version of a model is a model vfolder of its own: version 3 of ``digits`` is the vfolder ``digits-v3``. One asks for
it as ``digits@3``, by an alias (``digits@production``), or as ``digits@latest``: the highest version that there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LATEST = "latest"
"""The word for the highest version; computed, so nobody can give it away."""
MODEL_NAME_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?$"
"""A vfolder's name on every release, with room for ``-v`` and a number (48 characters in all)."""
_NAME = re.compile(MODEL_NAME_PATTERN.removesuffix("$"), re.ASCII)
_ALIAS = re.compile(r"[a-z](?:[a-z0-9_.-]{0,30}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"v?[0-9]+", re.ASCII)
_FOLDER = re.compile(r"(.+)-v([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model as somebody asks for it; ``word`` is ``latest``, a version's number, or an alias."""

    model: str
    word: str = LATEST

    @property
    def version(self) -> int | None:
        """The number, where it is one."""
        return int(self.word.removeprefix("v")) if _NUMBER.fullmatch(self.word) else None

    def __str__(self) -> str:
        return f"{self.model}@{self.word}"


def parse_model_ref(text: str) -> ModelRef:
    """From ``digits``, ``digits@3``, ``digits@latest``, ``digits@production``.

    Raises:
        ValueError: it is none of these.
    """
    model, at, word = text.partition("@")
    check_model_name(model)
    if at and not (word == LATEST or _NUMBER.fullmatch(word) or _ALIAS.fullmatch(word)):
        raise ValueError(f"{text!r} names no version: write {model}@latest, {model}@3, or {model} with an alias")
    return ModelRef(model, word if at else LATEST)


def check_model_name(name: str) -> None:
    """Raises ValueError for what cannot name a model."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a model: write at most 40 letters, digits, '-', '_' and '.'")


def check_alias(word: str) -> None:
    """Raises ValueError for what cannot be an alias."""
    if word == LATEST or _NUMBER.fullmatch(word) or not _ALIAS.fullmatch(word):
        why = "is always the highest version" if word == LATEST else "is no alias"
        raise ValueError(f"{word!r} {why}: write a word in small letters, such as production")


def folder_of(model: str, version: int) -> str:
    """The vfolder of a version."""
    return f"{model}-v{version}"


def version_of(folder: str) -> tuple[str, int] | None:
    """Which version a vfolder would be by its name; None: none."""
    match = _FOLDER.fullmatch(folder)
    return (match[1], int(match[2])) if match and _NAME.fullmatch(match[1]) else None


def is_version(model: str) -> bool:
    """Whether ``service.model`` names a version of a registered model (``digits@3``), not a folder as it is."""
    return "@" in model
