"""Typed inputs and outputs of tasks.

A *value* (int, float, str, bool, list, struct) is a small text: the file ``.values/<name>`` in the
task's output folder, or the key ``<name>`` of ``outputs.json`` there, which wins where both exist.
A ``str`` is the file's text less one line end, everything else is read as JSON is (``True`` and
``yes`` are true as well).

An *artifact* is a file or folder in the output folder, with a type name of the author's choice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from fasttrack_jupyter.model.parameters import FOREIGN_TYPES, ValueType, check_value, read_value, suggest_type
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.quantities import Text
from fasttrack_jupyter.model.registry import check_model_name

OUTPUTS = "/pipeline/outputs"
"""Where a task instance finds its own output folder."""
VALUES = ".values"
"""The folder of values, in the output folder."""
OUTPUTS_JSON = "outputs.json"
"""The file that may hold all values at once, in the output folder."""
PROGRESS = ".progress.json"
"""The file that tells while a task runs how far it is, in the output folder; no output."""
FAILURE = ".failure.json"
"""The file that may tell why a task failed, in the output folder; no output."""

_TYPE = re.compile(r"[^\W\d_][\w.-]{0,63}")
_NAME = re.compile(r"\w[\w -]{0,63}")
MODEL = "Model"
"""The type of artifacts that can be registered."""


class OutputSpec(BaseModel):
    """A declared output: a value (``int`` …) or an artifact (any other type name: File, Folder, Model, Metrics …).

    ``path`` is relative to the output folder. ``accuracy: float`` is short for ``accuracy: {type: float}``.
    ``register`` (of a Model) names the model in the registry that each success makes a new version of.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    path: str | None = None
    description: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    register_as: str | None = Field(default=None, alias="register", examples=["digits"])
    source: Text | None = Field(
        default=None, alias="from", examples=["train.model", "big.model | small.model"],
        description="Of a group: which output inside it is; of several with | between them the first that is there",
    )  # fmt: skip

    @property
    def refs(self) -> tuple[InputRef, ...]:
        """The outputs inside of a group that it may be, the first that is there counts."""
        return InputSpec(source=self.source).refs if self.source else ()

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @field_validator("type")
    @classmethod
    def _known_or_named(cls, value: str) -> str:
        return checked_type(value)

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str | None) -> str | None:
        return value if value is None else output_path(value)

    @field_validator("register_as")
    @classmethod
    def _a_model_name(cls, value: str | None) -> str | None:
        if value is not None:
            check_model_name(value)
        return value

    @property
    def is_value(self) -> bool:
        """Whether this is a value, not a file or folder."""
        return self.type in frozenset(ValueType)

    def path_of(self, name: str) -> str:
        """Where the output called ``name`` is, relative to the output folder."""
        return self.path or (f"{VALUES}/{name}" if self.is_value else name)


def checked_type(value: str) -> str:
    """``value``, if it is the name of a type.

    Raises:
        ValueError: no type is called so.
    """
    if value.lower() in FOREIGN_TYPES or (value not in frozenset(ValueType) and suggest_type(value)):
        raise ValueError(f"unknown type {value!r} ({suggest_type(value)})")
    if not _TYPE.fullmatch(value):
        raise ValueError(f"{value!r} is not a type: write int, float, str, bool, list, struct, or a name such as Model")
    return value


def output_path(written: str) -> str:
    """A path as its author wrote it, made relative to the output folder.

    Raises:
        ValueError: it leads out of the output folder.
    """
    path = PurePosixPath(written)
    if path.is_absolute() and path.is_relative_to(OUTPUTS):
        path = path.relative_to(OUTPUTS)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in written:
        raise ValueError(f"path {written!r} leaves {OUTPUTS}: write a path below it, such as model.pkl")
    return str(path)


@dataclass(frozen=True, slots=True)
class InputRef:
    """Where an input comes from: an output of a task, or its whole output folder (``output`` None)."""

    task: str
    output: str | None = None

    @classmethod
    def parse(cls, text: str) -> InputRef:
        """From ``prep.clean`` or ``prep``; task names may hold spaces.

        Raises:
            ValueError: it is neither.
        """
        task, dot, output = text.strip().partition(".")
        if "${{" in text or not _NAME.fullmatch(task) or (dot and not _NAME.fullmatch(output)):
            raise ValueError(
                f"{text!r} is not an input: write the task and its output, such as prep.clean, or a task alone"
            )
        return cls(task, output if dot else None)

    @classmethod
    def alternatives(cls, text: str) -> tuple[InputRef, ...]:
        """From ``big.model | small.model``: the first whose task was not skipped and did not fail is meant.

        Raises:
            ValueError: one of them is no input.
        """
        return tuple(map(cls.parse, text.split("|")))

    def __str__(self) -> str:
        return self.task if self.output is None else f"{self.task}.{self.output}"


class InputSpec(BaseModel):
    """A declared input: which output it is, or which ones of several, and of what type it must be.

    ``clean: prep.clean`` is short for ``clean: {from: prep.clean}``, and is how it is written again.
    """

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    source: Text = Field(
        alias="from", description="The task and its output, or several with | between them: the first that is there",
        examples=["prep.clean", "big.model | small.model"],
    )  # fmt: skip
    type: str | None = Field(
        default=None, description="What it must be: the type of the output that it comes from", examples=["Model"]
    )
    description: Text | None = Field(default=None, description="For people")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if value is None or isinstance(value, list):
            raise ValueError("an input is text: write the task and its output, such as prep.clean, or a.x | b.x")
        return value if isinstance(value, (dict, InputSpec)) else {"from": value}

    @field_validator("type")
    @classmethod
    def _known_or_named(cls, value: str | None) -> str | None:
        return value if value is None else checked_type(value)

    @model_serializer(mode="wrap")
    def _shortest(self, write: SerializerFunctionWrapHandler) -> Any:
        """The short form, where that says it all."""
        return self.source if self.is_short else write(self)

    @property
    def is_short(self) -> bool:
        """Whether the short form says it all."""
        return not (self.type is not None or self.description is not None or self.model_extra)

    @property
    def refs(self) -> tuple[InputRef, ...]:
        """Where it may come from, in order of preference.

        Raises:
            ValueError: the text names no outputs; validation refuses it.
        """
        return InputRef.alternatives(self.source)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks that it may come from, also where the text is wrong beyond that."""
        return tuple(written.strip().partition(".")[0] for _, written in self.parts)

    @property
    def parts(self) -> Iterator[tuple[int, str]]:
        """What stands between the ``|``, each with its offset in the text."""
        start = 0
        for part in self.source.split("|"):
            yield start + len(part) - len(part.lstrip()), part.strip()
            start += len(part) + 1

    def __str__(self) -> str:
        return self.source


ARTIFACTS: Mapping[str, str] = {
    "File": "a file of any kind",
    "Folder": "a folder of any kind",
    "Artifact": "a file or folder of any kind",
    "Dataset": "data to learn from",
    "Model": "a trained model; it can be registered",
    "Metrics": "numbers by name, as JSON",
    "ClassificationMetrics": "a confusion matrix, a ROC curve",
    "SlicedClassificationMetrics": "the same for each slice of the data",
    "HTML": "a page",
    "Markdown": "a text",
    "Plot": "a picture, or a Vega or Plotly figure",
}
"""The types of artifacts that are known by name; any other name is a type of the author's own."""
_ANY_ARTIFACT = ("File", "Artifact")


def accepts(wanted: str, given: str | None) -> bool:
    """Whether an input of type ``wanted`` may come from an output of type ``given``, None being a whole output folder.

    A value goes into its own type (and an int into a float), an artifact into its own type and
    into ``File`` and ``Artifact``, which take every artifact.
    """
    given = given or "Folder"
    values = frozenset(ValueType)
    if wanted in values or given in values:
        return wanted == given or (wanted, given) == (ValueType.FLOAT, ValueType.INT)
    return wanted == given or wanted in _ANY_ARTIFACT


def check_names(names: Mapping[str, Any], what: str) -> list[Problem]:
    """What is wrong with the names of inputs or outputs (``what``: "input", "output"), which are file names too."""
    return [
        Problem(
            code=f"bad-{what}-name", path=(name,), value=name,
            message=f"{name!r} is not a name for an {what}",
            hint="letters, digits, space, _ and - only, 64 at most",
        )
        for name in names
        if not _NAME.fullmatch(name)
    ]  # fmt: skip


def wanted(outputs: Mapping[str, OutputSpec]) -> tuple[tuple[str, str], ...]:
    """``(name, path in the output folder)`` of every declared output: what to look for when the command has ended."""
    return tuple((name, spec.path_of(name)) for name, spec in outputs.items())


def read_values(
    specs: Mapping[str, OutputSpec], texts: Mapping[str, str], outputs_json: str | None
) -> tuple[dict[str, Any], list[str]]:
    """The values that a task handed on, and in words what is wrong or missing.

    ``texts`` are the values' files by output name; ``outputs_json`` is that file's text, if there is
    one. Artifacts are left alone.
    """
    together, problems = _read_together(outputs_json)
    values: dict[str, Any] = {}
    for name, spec in specs.items():
        if not spec.is_value:
            continue
        try:
            values[name] = _whole(_read(name, spec, texts, together))
        except ValueError as error:
            problems.append(f"output {name}: {error}")
    return values, problems


def _read_together(text: str | None) -> tuple[dict[str, Any], list[str]]:
    if text is None or not text.strip():
        return {}, []
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {}, [f"{OUTPUTS_JSON} is not JSON: {error}"]
    if not isinstance(read, dict):
        return {}, [f'{OUTPUTS_JSON} is not a JSON object such as {{"accuracy": 0.9}}']
    return read, []


def _whole(value: Any) -> Any:
    """The value, if all of its text is whole characters: nobody could write it on otherwise."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("holds half a character (a lone surrogate): write UTF-8") from None
    return value


def _read(name: str, spec: OutputSpec, texts: Mapping[str, str], together: Mapping[str, Any]) -> Any:
    kind = ValueType(spec.type)
    if name in together:
        value = together[name]
        return read_value(kind, value) if isinstance(value, str) else check_value(kind, value)
    if name not in texts:
        raise ValueError(
            f"not written: the task must write {OUTPUTS}/{spec.path_of(name)}, or {name!r} in {OUTPUTS_JSON}"
        )
    text = texts[name]
    return re.sub(r"\r?\n\Z", "", text) if kind is ValueType.STR else read_value(kind, text)


def folders_of_places(outputs: Any) -> Iterator[str]:
    """The folders around each artifact that a loop or a group hands on, within the pipeline folder, from its task's on.

    ``jobs/12/sweep`` and ``jobs/12/sweep/0`` for the place ``jobs/12/sweep/0/model.pkl``.
    """
    todo = [outputs]
    while todo:
        value = todo.pop()
        if isinstance(value, dict) and isinstance(place := value.get("place"), str):
            steps = place.split("/")
            yield from ("/".join(steps[:end]) for end in range(3, len(steps)))
        elif isinstance(value, dict | list):
            todo += value.values() if isinstance(value, dict) else value
