"""Errors as they cross the wire: ``{code, message, hint, details}`` there and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fasttrack_jupyter.errors import FastTrackError, InvalidPipeline


def error_from(status: int, body: bytes) -> FastTrackError:
    """The error that an answer with a status ≥ 400 tells of, as the class that its code names."""
    try:
        told = json.loads(body)
        error = _rebuild(told["code"], str(told["message"]), str(told.get("hint", "")), told.get("details") or {})
    except (ValueError, KeyError, TypeError):
        return FastTrackError(f"the engine answered {status}: {body[:200].decode(errors='replace')}")
    return error


def error_classes() -> dict[str, type[FastTrackError]]:
    """Every class of the error tree by its code."""
    return {kind.code: kind for kind in _tree(FastTrackError)}


def _tree(kind: type[FastTrackError]) -> Iterator[type[FastTrackError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _rebuild(code: str, message: str, hint: str, details: Mapping[str, Any]) -> FastTrackError:
    kind = error_classes().get(code, FastTrackError)
    if kind is InvalidPipeline:
        from fasttrack_jupyter.model.problems import Problem  # pydantic: slow to import, and only needed here

        problems = tuple(Problem.model_validate(problem) for problem in details.get("problems", ()))
        return InvalidPipeline(message, problems, hint=hint)
    return kind(message, hint=hint, details=details)
