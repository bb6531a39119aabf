"""Parameters of a job as people give them on a line: ``NAME=VALUE`` words."""

from __future__ import annotations

from collections.abc import Iterable

from fasttrack_jupyter.errors import BadRequest


def parameters(words: Iterable[str], option: str) -> dict[str, str]:
    """The words behind ``option`` (``-p``, ``--param``) by name; the engine reads each as the parameter's type.

    Raises:
        BadRequest: a word without ``=``, or a name given twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise BadRequest(f"{option} {word!r} is not NAME=VALUE", hint=f"Write {option} learning_rate=0.1.")
        if name in found:
            raise BadRequest(f"{option} gives {name!r} twice", hint="Give each parameter once.")
        found[name] = value
    return found
