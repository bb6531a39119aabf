"""How a person names a model and one of its versions, and on which backend that is."""

from __future__ import annotations

from typing import Any

import click

from fasttrack_jupyter.cli import completion
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.errors import BadRequest, NotFound

Json = dict[str, Any]

backend_option = click.option(
    "--backend", metavar="NAME", shell_complete=completion.backends,
    help="On which backend; by default the one that has a model of that name.",
)  # fmt: skip


def asked(text: str, *, exactly: bool = False) -> tuple[str, str]:
    """Name and word of ``NAME[@WORD]``; the word is ``latest`` where there is none, unless it must be said ``exactly``.

    Raises:
        BadRequest: it is neither.
    """
    from fasttrack_jupyter.model.registry import parse_model_ref

    if exactly and "@" not in text:
        raise BadRequest(f"{text} is a model, with all its versions", hint=f"say which version: {text}@3")
    try:
        ref = parse_model_ref(text)
    except ValueError as error:
        message, _, hint = str(error).partition(": ")
        raise BadRequest(message, hint=hint) from error
    return ref.model, ref.word


def numbered(model: Json, word: str) -> int:
    """The version of a ModelView that ``word`` stands for. Raises NotFound."""
    numbers = [int(one["version"]) for one in model["versions"]]
    known = {"latest": numbers[0], **model["aliases"], **{str(number): number for number in numbers}}
    found = known.get(word.removeprefix("v") if word[1:].isdigit() else word)
    if found is None:
        hint = f"there is {model['name']}@ {', '.join(list(known)[:8])}"
        raise NotFound(f"there is no {model['name']}@{word} on {model['backend']}", hint=hint)
    return int(found)


def place_of(face: Face, name: str, backend: str | None) -> str:
    """The backend of a model: the one that was named (here, or before the subcommand), or that which has it.

    Raises:
        NotFound: none has it.
        BadRequest: several have one of that name.
    """
    above = click.get_current_context().parent
    while backend is None and above is not None:
        backend, above = above.params.get("backend"), above.parent
    if backend is not None:
        return backend
    found = face.client.models()
    places = [str(one["backend"]) for one in found["models"] if one["name"] == name]
    if len(places) > 1:
        raise BadRequest(f"{' and '.join(places)} both have a model {name!r}", hint="say which: --backend NAME")
    if not places:
        names = ", ".join(dict.fromkeys(one["name"] for one in found["models"]))
        silent = "; ".join(f"{place} does not answer: {why}" for place, why in found["silent"].items())
        raise NotFound(
            f"there is no model {name!r}" + (f" ({silent})" if silent else ""),
            hint=f"there are {names}" if names else "an output {type: Model, register: NAME} registers one",
        )
    return places[0]
