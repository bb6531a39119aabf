"""Marks as people write them: a magic's line, the metadata of a cell or of a notebook."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, TypeVar

from fasttrack_jupyter.errors import BadRequest, SeveralWrong
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.notebook import marks_values as values
from fasttrack_jupyter.notebook.marks import (
    PIPELINE,
    TASK,
    Mark,
    Option,
    PipelineOptions,
    Place,
    Shape,
    TaskOptions,
)

Said = TypeVar("Said", bound=Place)
HELP = frozenset({"--help", "-h", "-?", "?"})
"""What asks for help, behind any magic of ours."""


def each_of(error: BadRequest) -> tuple[BadRequest, ...]:
    """The errors that one stands for: itself, or several."""
    return error.each or (error,) if isinstance(error, SeveralWrong) else (error,)


class _Gathered:
    """Errors, told together at the end."""

    def __init__(self) -> None:
        self._errors: list[BadRequest] = []

    def attempt(self, do: Callable[[], None]) -> None:
        """Do it; what is wrong with it is noted."""
        try:
            do()
        except BadRequest as error:
            self._errors.extend(each_of(error))

    def tell(self) -> None:
        """Raise what was noted, if there is anything."""
        if len(self._errors) > 1:
            raise SeveralWrong.of(tuple(self._errors))
        if self._errors:
            raise self._errors[0]


@dataclass(frozen=True, slots=True)
class Line:
    """A magic's line, read: the NAME (None where the mark takes none), and what its options say, by field."""

    name: str | None
    said: Mapping[str, Any]


def wants_help(line: str) -> bool:
    """Whether the line asks what may be written on it."""
    return any(word in HELP for word in line.split())


def help_of(mark: Mark) -> str:
    """What ``--help`` prints: usage, purpose, each option with its meaning."""
    usage = f"{mark.written}{' NAME' if mark.naming else ''} [options]"
    rows = [(f"{option.flag} {option.metavar}".strip(), option.help) for option in mark.options]
    width = max(len(left) for left, _ in rows)
    lines = [f"  {left:<{width}}  {right}" for left, right in rows]
    return "\n".join([usage, "", mark.purpose, "", "Options:", *lines])


def read_task_line(line: str) -> tuple[str, TaskOptions]:
    """What stands behind ``%%fasttrack_task``: the task's name, its options.

    Raises:
        BadRequest: the message says which word is wrong, the hint what to write.
    """
    read = read_line(TASK, line)
    assert read.name is not None
    return read.name, _checked(TASK, TaskOptions(**read.said))


def read_pipeline_line(line: str) -> PipelineOptions:
    """What stands behind ``%fasttrack_pipeline``. Raises BadRequest."""
    read = read_line(PIPELINE, line)
    return _checked(PIPELINE, PipelineOptions(name=read.name, **read.said))


def read_other_line(mark: Mark, line: str) -> TaskOptions:
    """What stands behind ``%%fasttrack_params`` and ``%%fasttrack_common``. Raises BadRequest."""
    return TaskOptions(**read_line(mark, line).said)


def read_line(mark: Mark, line: str) -> Line:
    """The words behind a magic, by the table. Raises BadRequest; SeveralWrong where more than one value is wrong."""
    words = _words(mark, line)
    names: list[str] = []
    said: dict[str, Any] = {}
    wrong = _Gathered()
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if not word.startswith("-") or word == "-":
            names.append(word)
            continue
        flag, equals, value = word.partition("=")
        option = _option(mark, flag)
        if option.takes_value and not equals:
            value = _following(mark, option, words, place)
            place += 1
        elif equals and not option.takes_value:
            raise _bad(mark, f"{option.flag} takes no value", f"write {option.flag} alone")
        wrong.attempt(partial(_add, mark, said, option, value))
    found: list[str | None] = [None]
    wrong.attempt(lambda: found.insert(0, _name(mark, names)))
    wrong.tell()
    return Line(found[0], said)


def _words(mark: Mark, line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        hint = "close the quotes" if "quotation" in str(error) else "write two backslashes"
        raise _bad(mark, f"its line cannot be split into words: {str(error).lower()}", hint) from None


def _option(mark: Mark, flag: str) -> Option:
    option = mark.option(flag.removeprefix("--")) if flag.startswith("--") else None
    if option is None:
        hint = did_you_mean(flag, [option.flag for option in mark.options])
        hint = hint if hint.startswith("did you") else f"{mark.written} --help lists the options"
        raise _bad(mark, f"there is no option {flag}", hint)
    return option


def _following(mark: Mark, option: Option, words: list[str], place: int) -> str:
    """The value behind an option; another option is none."""
    if place >= len(words) or (words[place].startswith("--") and mark.option(words[place][2:].split("=")[0])):
        raise _bad(mark, f"{option.flag} lacks its value", f"write {option.flag} {option.metavar}")
    return words[place]


def _name(mark: Mark, names: list[str]) -> str | None:
    if not mark.naming:
        if names:
            raise _bad(mark, f"takes no name: {names[0]!r}", f"write {mark.written} alone")
        return None
    if not names:
        raise _bad(mark, f"lacks the {mark.naming}'s name", f"write {mark.written} NAME")
    if len(names) > 1:
        if names[1].startswith("#"):
            hint = "move the comment into the cell"
        else:
            hint = f"put a name with spaces in quotes ({' '.join(names)!r}), and commas without spaces into lists (a,b)"
        raise _bad(mark, f"has {len(names)} names: {', '.join(names)}", hint)
    check = values.task_name if mark is TASK else values.pipeline_name
    return str(_valued(mark, f"the {mark.naming}'s name", lambda: check(names[0])))


def _add(mark: Mark, said: dict[str, Any], option: Option, value: str) -> None:
    """Put what one option says to the rest. Raises BadRequest where it is wrong or comes twice."""
    if option.shape in (Shape.ONE, Shape.FLAG, Shape.NO) and option.place in said:
        raise _bad(mark, f"{option.flag} comes twice, or contradicts another option", "keep one of them")
    if option.shape in (Shape.FLAG, Shape.NO):
        said[option.place] = option.shape is Shape.FLAG
    elif option.shape is Shape.ONE:
        said[option.place] = _valued(mark, option.flag, lambda: option.check(value))
    else:
        before = said.get(option.place, ())
        said[option.place] = before + _valued(mark, option.flag, lambda: tuple(_several(option, value)))


def _several(option: Option, value: str) -> Iterator[Any]:
    if option.shape is Shape.EACH:
        yield option.check(value)
    elif option.shape is Shape.NAMES:
        yield from (option.check(name.strip()) for name in value.split(",") if name.strip())
    elif option.shape is Shape.WORDS:
        yield from (option.check(word) for word in shlex.split(value))
    else:
        name, equals, text = value.partition("=")
        if not equals:
            raise values.Wrong(f"{value!r} is not {option.metavar}", f"write {option.flag} {option.metavar}")
        yield _pair(option, name, text)


def _pair(option: Option, name: str, text: str) -> tuple[str, object]:
    check = option.check(name)
    assert callable(check)
    return name, check(text)


def _valued(mark: Mark, what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except values.Wrong as error:
        raise _bad(mark, f"{what}: {error}", error.hint) from None
    except ValueError as error:  # the model's: "what is wrong: what to write"
        message, _, hint = str(error).partition(": ")
        raise _bad(mark, f"{what}: {message}", hint) from None


def _checked(mark: Mark, said: Said) -> Said:
    """``said``, if its options go together. Raises BadRequest."""
    if said.image and (said.requirements or said.requirements_file):
        hint = "write the packages into the image (uv:pandas numpy), or leave --image out"
        raise _bad(mark, "--image and --requirements are both given", hint)
    if said.gpu and said.gpu_share:
        raise _bad(mark, "--gpu and --gpu-share are both given", "keep --gpu for whole GPUs, or --gpu-share for a part")
    own = {"cpu": said.cpu, "mem": said.mem, "cuda.device": said.gpu, "cuda.shares": said.gpu_share}
    for kind, pairs in (("--slot", said.slot), ("--env", said.env)):
        names = [name for name, _ in pairs]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise _bad(mark, f"{kind} gives {twice} twice", "keep one of them")
    if double := next((name for name, _ in said.slot if own.get(name)), None):
        raise _bad(mark, f"the slot {double} is given twice", "leave it out of --slot")
    if both := {name for name, _ in said.env} & set(said.secret):
        raise _bad(mark, f"{min(both)} is both an --env and a --secret", "keep one of them")
    return said


def _bad(mark: Mark, message: str, hint: str) -> BadRequest:
    joint = " " if message.startswith(("takes", "lacks", "has ")) else ": "
    return BadRequest(f"{mark.written}{joint}{message}", hint=hint)


def kind_by_metadata(metadata: Mapping[str, Any]) -> Any:
    """The kind of cell that ``metadata.fasttrack`` tells, a name being enough for a task; unchecked."""
    return metadata.get("kind") or ("task" if metadata.get("task") else "plain")


def said_by_metadata(mark: Mark, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What metadata say, by field: keys as :attr:`.Option.key`; lists, mappings, numbers and true as JSON has them.

    None and empty texts are "not said", as forms leave them. Raises BadRequest.
    """
    said: dict[str, Any] = {}
    wrong = _Gathered()
    for key, value in metadata.items():
        wrong.attempt(partial(_add_key, mark, said, key, value))
    wrong.tell()
    return said


def _add_key(mark: Mark, said: dict[str, Any], key: str, value: Any) -> None:
    option = mark.option(key.replace("_", "-"))
    if option is None:
        known = [option.key for option in mark.options]
        raise BadRequest(f"metadata.fasttrack: there is no {key!r}", hint=did_you_mean(key, known))
    if value is None or value == "" or (option.takes_value and option.shape is Shape.ONE and value is False):
        return
    _add_data(mark, said, option, value)


def _add_data(mark: Mark, said: dict[str, Any], option: Option, value: Any) -> None:
    if not option.takes_value:
        if not isinstance(value, bool):
            raise BadRequest(f"metadata.fasttrack: {option.key} is {_shown(value)}", hint="write true or false")
        if value:
            said[option.place] = option.shape is Shape.FLAG
        elif option.place in ("run", "cache"):
            said[option.place] = option.shape is Shape.NO
        return
    for text in _texts(option, value):
        _add(mark, said, option, text)
    if option.shape is not Shape.ONE:
        said.setdefault(option.place, ())


def _texts(option: Option, value: Any) -> Iterable[str]:
    """The value as one would write it behind the option."""
    if isinstance(value, Mapping) and option.shape is Shape.PAIRS:
        return [f"{name}={_scalar(option, item)}" for name, item in value.items()]
    if isinstance(value, list) and option.shape is not Shape.ONE:
        texts = [_scalar(option, item) for item in value]
        return [shlex.quote(text) for text in texts] if option.shape is Shape.WORDS else texts
    return [_scalar(option, value)]


def _scalar(option: Option, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadRequest(f"metadata.fasttrack: {option.key} is {_shown(value)}", hint=f"write {option.metavar} as text")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def overlaid(kind: type[Said], *layers: Mapping[str, Any], mark: Mark) -> Said:
    """Options from several layers of what was said, the later ones winning field by field. Raises BadRequest."""
    return _checked(mark, kind(**{name: value for layer in layers for name, value in layer.items()}))


def joined(name: str, first: TaskOptions, second: TaskOptions, places: tuple[str, str]) -> TaskOptions:
    """The options of two cells of task ``name``, whose labels are ``places``: lists add up, all else must agree.

    Raises:
        BadRequest: the two contradict each other; it names both cells.
    """
    told: dict[str, Any] = {}
    for field in fields(TaskOptions):
        one, other = getattr(first, field.name), getattr(second, field.name)
        unsaid = field.default
        if one in (unsaid, other) or other == unsaid:
            told[field.name] = other if one == unsaid else one
        elif isinstance(one, tuple):
            told[field.name] = (*one, *(item for item in other if item not in one))
        else:
            message = (
                f"task {name!r} has {field.name.replace('_', '-')} {one} in {places[0]} and {other} in {places[1]}"
            )
            raise BadRequest(message, hint="say it once: the cells of one name are one task")
    return _checked(TASK, TaskOptions(**told))
