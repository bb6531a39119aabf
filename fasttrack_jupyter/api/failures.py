"""Errors as they cross the wire: ``{code, message, hint, details}`` there and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from fasttrack_jupyter.errors import BadRequest, FastTrackError, InvalidPipeline

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    Model = TypeVar("Model", bound=BaseModel)


def error_from(status: int, body: bytes) -> FastTrackError:
    """The error that an answer with a status ≥ 400 tells of."""
    try:
        return error_of(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        return FastTrackError(f"the engine answered {status}: {body[:200].decode(errors='replace')}")


def error_of(told: Mapping[str, Any]) -> FastTrackError:
    """The error that ``{code, message, hint, details}`` tells of, as the class that its code names."""
    kind = error_classes().get(told["code"], FastTrackError)
    message, hint, details = told["message"], told.get("hint", ""), told.get("details") or {}
    if issubclass(kind, InvalidPipeline):
        from fasttrack_jupyter.model.problems import Problem  # pydantic: slow to import, and only needed here

        problems = tuple(Problem.model_validate(problem) for problem in details.get("problems", ()))
        return kind(message, problems, hint=hint)
    return kind(message, hint=hint, details=details)


def error_classes() -> dict[str, type[FastTrackError]]:
    """Every class of the error tree by its code; one that a module adds below it has a constructor of its own."""
    return {kind.code: kind for kind in _tree(FastTrackError) if kind.__module__ == FastTrackError.__module__}


def parsed(kind: type[Model], body: bytes) -> Model:
    """A request's body as a model; an empty one is ``{}``. Raises BadRequest."""
    from pydantic import ValidationError  # slow to import, and only needed where requests arrive

    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise bad_request("body", error) from error


def bad_request(what: str, error: ValidationError) -> BadRequest:
    """What is wrong and where; never the values themselves, which may be secret."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    said = "; ".join(f"{'.'.join(map(str, (what, *each['loc'])))}: {each['msg']}" for each in found[:5])
    return BadRequest(f"the request makes no sense: {said}", details={"problems": found})


def _tree(kind: type[FastTrackError]) -> Iterator[type[FastTrackError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)
