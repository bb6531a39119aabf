"""What a value of an option may be: checks that return it as it is kept, and say in words what is wrong."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from decimal import Decimal

from fasttrack_jupyter.model.checks.names import is_backend_name, is_task_name, suggest_task_name
from fasttrack_jupyter.model.conditions import parse_condition
from fasttrack_jupyter.model.expressions import ExpressionError, did_you_mean
from fasttrack_jupyter.model.parameters import ValueType
from fasttrack_jupyter.model.quantities import parse_duration
from fasttrack_jupyter.model.resources import Mount, asked_quantity, parse_size

_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SLOT = re.compile(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*", re.ASCII)
_PYTHON = re.compile(r"python={1,2}\d+\.\d+(?:\.\d+)?")
_LONGEST_SECONDS = 31_536_000


class Wrong(ValueError):
    """A value that is none, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def word(text: str) -> str:
    """Any text that is not empty and has no line break."""
    if not text.strip() or not text.isprintable():
        said = f"{text!r} holds a control character" if text.strip() else "it is empty"
        raise Wrong(said, "write a name")
    return text.strip()


def image(text: str) -> str:
    """An image's name; what it is, the backend finds out."""
    if "${{" in text:
        raise Wrong("expressions have no meaning in an image", "write its name")
    return word(text)


def backend(text: str) -> str:
    """A backend's name; whether there is one of that name, the engine knows."""
    if not is_backend_name(text.strip()):
        raise Wrong(f"{text!r} is no backend's name", "write local, backend.ai or backend.ai:PROFILE")
    return text.strip()


def amount_of(slot: str) -> Callable[[str], str]:
    """The check of an amount of ``slot``."""

    def check(text: str) -> str:
        asked_quantity(slot, text)
        return text.strip()

    return check


def whole_gpus(text: str) -> str:
    """A number of GPUs, which is whole."""
    hundredths = asked_quantity("cuda.device", text)
    if hundredths % 100:
        raise Wrong(f"{text} is no whole number of GPUs", f"a part of one is --gpu-share {text}")
    return str(Decimal(text.strip()).quantize(Decimal(1)))


def slot(name: str) -> Callable[[str], str]:
    """The check of the amount of the slot called ``name``."""
    if not _SLOT.fullmatch(name):
        raise Wrong(f"{name!r} is no resource slot", "write one such as cuda.device=1 or rocm.device=1")
    return amount_of(name)


def size(text: str) -> str:
    """A size in bytes."""
    parse_size(text)
    return text.strip()


def mount(text: str) -> str:
    """A vfolder, ``name`` or ``name:alias``, as short as it can be written."""
    return Mount.parse(text.strip()).written


def env(name: str) -> Callable[[str], str]:
    """The check of the value of the environment variable called ``name``."""
    if not _ENV.fullmatch(name):
        raise Wrong(f"{name!r} is no environment variable", "letters, digits and _ only, such as EPOCHS=10")
    return str


def secret(text: str) -> str:
    """The name of a secret, which becomes that of an environment variable."""
    if not _ENV.fullmatch(text):
        raise Wrong(f"{text!r} is no secret's name", "letters, digits and _ only, such as TOKEN (never its value)")
    return text


def attempts(text: str) -> int:
    """How often a task may be tried, all in all."""
    if not re.fullmatch(r"\d{1,4}", text.strip(), re.ASCII) or not 1 <= int(text) <= 1000:
        raise Wrong(f"{text!r} is no number of attempts", "write a whole number from 1 (no retry) to 1000")
    return int(text)


def duration(text: str) -> str:
    """A time of one attempt."""
    seconds = parse_duration(text)
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise Wrong(f"{text!r} is no time limit", "write more than nothing and at most a year, such as 30s or 1h30m")
    return text.strip()


def condition(text: str) -> str:
    """A condition: one expression, with its braces or without."""
    whole = text.strip() if "${{" in text else f"${{{{ {text.strip()} }}}}"
    try:
        parse_condition(whole)
    except ExpressionError as error:
        hint = error.hint or "write an expression, such as 'params.quick' or 'tasks.check.result == \"FAILURE\"'"
        raise Wrong(f"{text!r} is no condition: {error.message}", hint) from None
    return whole


def task_name(text: str) -> str:
    """A task's name."""
    if not is_task_name(text):
        hint = f"call it {suggest_task_name(text)!r}" if text.strip() else "write a name, such as train"
        raise Wrong(f"{text!r} is no task's name (letters, digits, space, _ and - only, 64 at most)", hint)
    return text


def pipeline_name(text: str) -> str:
    """A pipeline's name."""
    name = word(text)
    if len(name) > 128 or "#" in name:
        raise Wrong(f"{text!r} is no pipeline's name", "128 characters at most, and no #")
    return name


def variable(text: str) -> str:
    """A Python variable's name."""
    if not text.isidentifier():
        raise Wrong(f"{text!r} is no variable's name", "write names with commas between, such as X,y")
    return text


def value(name: str) -> Callable[[str], str]:
    """The check of the type of the plain value called ``name``."""
    variable(name)
    return one_of(*ValueType)


def requirement(text: str) -> str:
    """One package as pip names it, or ``python=3.12``."""
    if text.startswith("-"):
        raise Wrong(f"option {text!r} cannot stand there", "write a requirements.txt and --requirements-file")
    if not _PYTHON.fullmatch(text):
        from packaging.requirements import InvalidRequirement, Requirement  # PEP 508; only some notebooks have any

        try:
            Requirement(text)
        except InvalidRequirement:
            raise Wrong(
                f"{_masked(text)!r} is no requirement", "write a package as pip does, such as 'pandas>=2'"
            ) from None
    return text


def requirements_file(text: str) -> str:
    """A file of requirements, relative to the notebook."""
    name = word(text).replace("\\", "/")
    if not name.endswith(".txt") and name.rpartition("/")[2] != "pyproject.toml":
        raise Wrong(f"{text!r} is no file of requirements", "its name ends in .txt, or is pyproject.toml")
    if name.startswith(("/", "~")) or ".." in name.split("/"):
        raise Wrong(f"{text!r} does not lie beside the notebook", "name it relative to the notebook's folder")
    return name


def one_of(*words: str) -> Callable[[str], str]:
    """The check of a value that is one of ``words``."""

    def check(text: str) -> str:
        if text not in words:
            raise Wrong(f"{text!r} is not {' or '.join(words)}", did_you_mean(text, words))
        return text

    return check


def image_of(image: str | None, requirements: tuple[str, ...], requirements_file: str | None) -> str | None:
    """The image that the three options name together, in the words of ``environment.image``; or None."""
    words = [*map(_quoted, requirements), *([_quoted(requirements_file)] if requirements_file else [])]
    return f"uv:{' '.join(words)}" if words else image


def _quoted(text: str) -> str:
    """``text`` so that splitting as a shell does gives it back; ``>`` needs nothing for that."""
    return text if shlex.split(text) == [text] else shlex.quote(text)


def _masked(text: str) -> str:
    return re.sub(r"(?<=://)[^/\s@]*@", "****@", text)
