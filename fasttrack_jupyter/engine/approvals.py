"""Questions to people that jobs wait for. The attempt of an approval task is one: no backend has a session of it.

What a question is follows from its job at any time; when it was first asked is noted in a file of its own, so that an
engine that was killed asks on, and its patience ends when it was to end. An answer is recorded with the end of its
attempt, and told to whoever answered only then: who was told nothing may answer again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.engine.views import View
from fasttrack_jupyter.errors import BadRequest, Conflict
from fasttrack_jupyter.model.approvals import ANSWERED_BY, COMMENT, Answer, Question
from fasttrack_jupyter.model.expressions import as_text
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.parameters import Parameter, bind_parameters
from fasttrack_jupyter.model.quantities import format_duration

LONGEST_COMMENT = 2_000
"""Characters of what is written with an answer."""
_SHOWN = 200
"""Characters of a question that become part of a reason."""
_LONGEST_SLEEP = 86_400.0


class QuestionView(View):
    """A question that a job waits for."""

    job_id: str
    job_index: int
    pipeline: str
    path: str
    attempt: str
    question: str
    fields: tuple[dict[str, Any], ...]
    """As parameters are declared: ``name``, ``type``, perhaps ``default``, ``choices``, ``description``."""
    asked_at: datetime
    until: datetime | None
    """When its task's timeout ends; None: it is asked for ever."""
    on_timeout: Answer


class QuestionsView(View):
    """All that is asked just now."""

    questions: tuple[QuestionView, ...]


class AnswerRequest(View):
    """An answer; ``values`` by field, a string is read as the field's type."""

    answer: Answer
    values: dict[str, Any] = Field(default_factory=dict)
    comment: str = ""
    by: str = ""
    """Who answers."""


@dataclass(slots=True)
class _Asked:
    spec: SessionSpec
    asked: Question
    at: float
    timer: asyncio.TimerHandle | None = None

    @property
    def until(self) -> float | None:
        return None if self.spec.timeout is None else self.at + self.spec.timeout


class ApprovalDesk:
    """The open questions of one home. Its methods are those of a backend that :class:`Acts` calls."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self._home, self._clock = home / "approvals", clock
        self._open: dict[str, _Asked] = {}
        self._report: Callable[[SessionReport], None] = lambda report: None

    def open(self, report: Callable[[SessionReport], None]) -> None:
        """Hear from now on what becomes of questions."""
        self._report = report

    def close(self) -> None:
        """Ask no more; the next engine does."""
        for asked in self._open.values():
            if asked.timer is not None:
                asked.timer.cancel()
        self._open.clear()

    async def submit(self, spec: SessionSpec) -> None:
        """Ask, or go on asking."""
        assert spec.approval is not None
        at = await asyncio.to_thread(self._note, spec.attempt_id, self._clock.now())
        if (before := self._open.get(spec.attempt_id)) is not None and before.timer is not None:
            before.timer.cancel()
        asked = self._open[spec.attempt_id] = _Asked(spec, spec.approval, at)
        self._tell(asked, Status.RUNNING, f"waits for an answer: {spec.approval.question[:_SHOWN]}", started_at=at)
        self._watch(spec.attempt_id)

    adopt = submit

    async def exists(self, attempt_id: str) -> bool:
        """Whether it was ever asked."""
        return await asyncio.to_thread(self._file(attempt_id).exists)

    async def cancel(self, attempt_id: str, reason: str) -> None:
        """Ask no more."""
        if asked := self._open.pop(attempt_id, None):
            self._end(asked)
        self._report(SessionReport(attempt_id, Status.CANCELLED, self._clock.now(), reason=reason))

    async def forget(self, attempt_id: str) -> None:
        """Its end is stored."""
        if asked := self._open.pop(attempt_id, None):
            self._end(asked)
        await asyncio.to_thread(self._file(attempt_id).unlink, missing_ok=True)

    # ------------------------------------------------------------------ for people

    def questions(self) -> list[QuestionView]:
        """All that are open, the oldest first."""
        return [_view(asked) for asked in sorted(self._open.values(), key=lambda asked: asked.at)]

    def answer(self, job_id: str, path: str, request: AnswerRequest) -> None:
        """Take an answer to what a task instance asks.

        Raises:
            Conflict: it asks nothing (any more).
            BadRequest: a field is missing, unknown or of another type.
        """
        wanted = (job_id, path)
        asked = next((each for each in self._open.values() if (each.spec.job_id, each.spec.path) == wanted), None)
        if asked is None:
            raise Conflict(f"task {path!r} asks nothing just now", hint="see what is asked with: fasttrack approvals")
        if len(request.comment) > LONGEST_COMMENT:
            raise BadRequest(f"a comment has {LONGEST_COMMENT} characters at most", hint="shorten it")
        values = _bound(asked.asked.fields, request.values) if request.answer is Answer.APPROVE else {}
        del self._open[asked.spec.attempt_id]
        self._end(asked)
        self._decide(asked, request.answer, values, request.comment, request.by)

    # ------------------------------------------------------------------ parts

    def _decide(self, asked: _Asked, answer: Answer, values: Mapping[str, Any], comment: str, by: str) -> None:
        said = "approved" if answer is Answer.APPROVE else "rejected"
        said += (f" by {by}" if by else "") + (f": {comment}" if comment else "")
        if answer is Answer.REJECT:
            self._tell(asked, Status.TERMINATED, said, Result.FAILURE)
            return
        texts = {name: as_text(value) for name, value in values.items()}
        self._tell(asked, Status.TERMINATED, said, Result.SUCCESS, values={**texts, COMMENT: comment, ANSWERED_BY: by})

    def _time_out(self, attempt_id: str) -> None:
        asked = self._open.get(attempt_id)
        if asked is None or asked.until is None or self._clock.now() < asked.until:
            self._watch(attempt_id)
            return
        del self._open[attempt_id]
        waited = f"no answer within {format_duration(asked.spec.timeout or 0)}"
        if asked.asked.on_timeout is Answer.APPROVE:
            self._decide(asked, Answer.APPROVE, _bound(asked.asked.fields, {}), waited, "")
        else:
            self._tell(asked, Status.TERMINATED, waited, Result.FAILURE)

    def _watch(self, attempt_id: str) -> None:
        asked = self._open.get(attempt_id)
        if asked is not None and asked.until is not None:
            left = min(max(asked.until - self._clock.now(), 0.0), _LONGEST_SLEEP)
            asked.timer = asyncio.get_running_loop().call_later(left, self._time_out, attempt_id)

    def _tell(self, asked: _Asked, status: Status, reason: str, result: Result = Result.UNDEFINED, **data: Any) -> None:
        report = SessionReport(
            asked.spec.attempt_id, status, self._clock.now(), result, reason=reason, is_final=True, data=data
        )
        self._report(report)

    def _end(self, asked: _Asked) -> None:
        if asked.timer is not None:
            asked.timer.cancel()

    def _note(self, attempt_id: str, now: float) -> float:
        """When the question was asked first."""
        file = self._file(attempt_id)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return float(json.loads(file.read_text())["asked_at"])
        file.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"asked_at": now}))
        fresh.replace(file)
        return now

    def _file(self, attempt_id: str) -> Path:
        return self._home / f"{attempt_id}.json"


def _bound(fields: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every field. Raises BadRequest, in words of fields."""
    try:
        bound = bind_parameters(fields, given)
    except BadRequest as error:
        known = ", ".join(f"{field.name} ({field.type})" for field in fields)
        told = error.message.replace("parameter ", "field ").replace("--param ", "")
        hint = f"its fields are {known}" if known else "it has no fields"
        raise BadRequest(told, hint=hint, details=error.details) from error
    return {name: value for name, value in bound.items() if value is not None}


def _view(asked: _Asked) -> QuestionView:
    spec = asked.spec
    return QuestionView(
        job_id=spec.job_id, job_index=spec.job_index, pipeline=spec.pipeline, path=spec.path, attempt=spec.attempt_id,
        question=asked.asked.question, on_timeout=asked.asked.on_timeout,
        fields=tuple(map(_field, asked.asked.fields)),
        asked_at=datetime.fromtimestamp(asked.at, UTC),
        until=None if asked.until is None else datetime.fromtimestamp(asked.until, UTC),
    )  # fmt: skip


def _field(field: Parameter) -> dict[str, Any]:
    return {**field.model_dump(mode="json", exclude_unset=True), "type": field.type}
