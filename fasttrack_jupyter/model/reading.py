"""From a text to a pipeline, with everything that is wrong with it told at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import ValidationError

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model.document import Document, parse
from fasttrack_jupyter.model.pipeline import Generation, Pipeline
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.yaml_errors import refusal


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a text. ``pipeline`` is None exactly where there are errors."""

    pipeline: Pipeline | None
    problems: tuple[Problem, ...]
    """Errors, warnings and notices, in the order of the text."""
    generation: Generation | None
    document: Document | None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those of the problems that keep a job from starting."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)


def read_pipeline(text: str | bytes, *, secrets: Collection[str] | None = None) -> Reading:
    """Read ``text``. With the names of the ``secrets`` that exist, unresolved ones are errors too."""
    try:
        document = parse(text)
    except InvalidPipeline as error:
        return Reading(None, error.problems, None, None)
    problems = list(document.problems)
    pipeline = None
    try:
        pipeline = Pipeline.model_validate(document.data)
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            line, column = document.position(wrong["loc"])
            problems.append(
                Problem(code=wrong["type"], message=wrong["msg"], path=wrong["loc"], line=line, column=column)
            )
    return Reading(None if problems else pipeline, tuple(problems), None, document)


def read_or_raise(text: str | bytes, *, secrets: Collection[str] | None = None) -> Reading:
    """As :func:`read_pipeline`.

    Raises:
        InvalidPipeline: the text has errors; it carries all of its problems.
    """
    reading = read_pipeline(text, secrets=secrets)
    if reading.errors:
        raise refusal(reading.problems)
    return reading
