"""From a text to a pipeline, with everything that is wrong with it told at once.

Three sieves, each of which lets through what the next can use: the text is read around what is no
YAML; data that has the wrong type is taken out and the rest becomes a pipeline (``checks.repair``);
the pipeline is checked. Places in the text are looked up once, at the end, for all findings together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model.checks import Finding, Repair, check_merges, check_pipeline
from fasttrack_jupyter.model.document import Document, parse
from fasttrack_jupyter.model.generations import detect_generation
from fasttrack_jupyter.model.pipeline import Generation, Pipeline
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.yaml_errors import refusal

MAX_PROBLEMS = 10_000
"""No more are told of; a last one says how many there are."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a text. ``pipeline`` is None exactly where there are errors."""

    pipeline: Pipeline | None
    problems: tuple[Problem, ...]
    """Errors, warnings and notices, in the order of the text."""
    generation: Generation | None
    """Which of FastTrack's formats the text is in; None where it is no YAML."""
    document: Document | None
    """The text's data and places; None where it is no YAML."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those of the problems that keep a job from starting."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)


def read_pipeline(text: str | bytes, *, secrets: Collection[str] | None = None) -> Reading:
    """Read ``text``, which is UTF-8 if bytes. Never raises for what is in it.

    With the names of the ``secrets`` that exist, ``${{ secrets.X }}`` of another name is an error too.
    """
    try:
        document = parse(text)
    except InvalidPipeline as error:
        return Reading(None, error.problems, None, None)
    repair = Repair(document.data)
    findings = [*repair.findings, *check_merges(document.data, document.source)]
    if repair.pipeline is not None:
        findings += _checked(repair, secrets)
    problems = _ordered([*document.problems, *_placed(findings, document)])
    is_sound = all(problem.severity is not Severity.ERROR for problem in problems)
    generation = detect_generation(document.data)
    return Reading(repair.pipeline if is_sound else None, problems, generation, document)


def read_or_raise(text: str | bytes, *, secrets: Collection[str] | None = None) -> Reading:
    """As :func:`read_pipeline`; ``pipeline`` is there.

    Raises:
        InvalidPipeline: the text has errors; it carries all of its problems.
    """
    reading = read_pipeline(text, secrets=secrets)
    if reading.errors:
        raise refusal(reading.problems)
    return reading


def _checked(repair: Repair, secrets: Collection[str] | None) -> Iterator[Finding]:
    assert repair.pipeline is not None
    for finding in check_pipeline(repair.pipeline, secrets):
        if not repair.findings:
            yield finding
        elif not repair.is_consequence(finding):
            yield repair.moved(finding)


def _placed(findings: list[Finding], document: Document) -> Iterator[Problem]:
    document.locate([finding.path for finding in findings] + [finding.see for finding in findings if finding.see])
    for finding in findings:
        if finding.at_key:
            place = document.key_position(finding.path)
        elif finding.offset is not None:
            place = document.position_within(finding.path, finding.offset)
        else:
            place = document.position(finding.path)
        first = document.position(finding.see)[0] if finding.see else 0
        yield finding.problem(*place, first=first)


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    found = sorted(problems, key=lambda problem: (problem.line, problem.column, problem.severity is not Severity.ERROR))
    if len(found) > MAX_PROBLEMS:
        message = f"{len(found) - MAX_PROBLEMS:,} more problems are not shown"
        last = found[MAX_PROBLEMS - 1]
        rest = Problem(code="more-problems", message=message, line=last.line, column=last.column)
        severity = min((problem.severity for problem in found[MAX_PROBLEMS:]), key=list(Severity).index)
        found = [*found[:MAX_PROBLEMS], rest.model_copy(update={"severity": severity})]
    return tuple(found)
