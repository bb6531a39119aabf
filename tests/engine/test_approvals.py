"""Questions to people: asked when what is before them has ended, answered with typed fields, asked on after a crash."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fasttrack_jupyter.engine.approvals import AnswerRequest, QuestionView
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, JobView
from fasttrack_jupyter.errors import BadRequest, Conflict
from fasttrack_jupyter.testing.fakes import FakeBackend

TEXT = """\
name: gate
tasks:
- {name: check, command: check, outputs: {accuracy: float}}
- name: go live
  type: approval
  timeout: TIMEOUT
  approval:
    question: Serve with ${{ tasks.check.outputs.accuracy }}?
    on_timeout: ANSWER
    fields:
    - {name: share, type: float, default: 0.1}
    - {name: stage, type: str, default: canary, choices: [canary, all]}
- {name: deploy, command: "deploy ${{ tasks['go live'].outputs.share }} ${{ tasks['go live'].outputs.answered_by }}"}
"""


def gate(timeout: str = "1h", answer: str = "reject") -> JobRequest:
    """A job with a question."""
    return JobRequest(text=TEXT.replace("TIMEOUT", timeout).replace("ANSWER", answer))


async def asked(engine: Any, fasttrack: FastTrack) -> QuestionView:
    """The one question, once it is asked."""

    async def is_asked() -> bool:
        return bool(await fasttrack.questions())

    await engine.until(is_asked)
    (question,) = await fasttrack.questions()
    return question


def told(job: JobView) -> list[tuple[str, str, str]]:
    """Status, result and reason of each task."""
    return [(task.status.value, task.result.value, task.reason) for task in job.tasks]


def a_backend() -> FakeBackend:
    backend = FakeBackend()
    backend.values["check"] = {"accuracy": "0.95"}
    return backend


def test_a_question_is_asked_and_what_is_behind_it_sees_the_answer(engine: Any) -> None:
    """With what is known by then; fields that are not given have their defaults; no backend sees any of it."""

    async def story() -> None:
        backend = a_backend()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(gate())
            question = await asked(engine, fasttrack)
            assert (question.question, question.path) == ("Serve with 0.95?", "go live")
            assert question.until is not None
            assert [field["name"] for field in question.fields] == ["share", "stage"]
            request = AnswerRequest(answer="approve", values={"share": "0.5"}, comment="fine", by="ann")
            await fasttrack.answer("last", "go live", request)
            job = await engine.finish(fasttrack)
            with pytest.raises(Conflict, match="asks nothing"):
                await fasttrack.answer("last", "go live", request)
        assert job.tasks[1].outputs == {"comment": "fine", "answered_by": "ann", "share": 0.5, "stage": "canary"}
        assert told(job)[1] == ("TERMINATED", "SUCCESS", "approved by ann: fine")
        assert [spec.path for spec in backend.started] == ["check", "deploy"]
        assert backend.started[-1].command == "deploy 0.5 ann"

    asyncio.run(story())


def test_a_rejection_fails_the_task(engine: Any) -> None:
    """What is behind it is cancelled; who rejected it and why is told."""

    async def story() -> None:
        async with engine.on(a_backend()) as fasttrack:
            await fasttrack.run(gate())
            await asked(engine, fasttrack)
            await fasttrack.answer("last", "go live", AnswerRequest(answer="reject", comment="too bad", by="ann"))
            job = await engine.finish(fasttrack)
        assert job.result == "FAILURE"
        assert told(job)[1:] == [
            ("TERMINATED", "FAILURE", "rejected by ann: too bad"),
            ("CANCELLED", "UNDEFINED", "dependency go live failed"),
        ]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"share": "much"}, "field share: 'much' is not a float"),
        ({"stage": "none"}, "'none' is not one of 'canary', 'all'"),
        ({"other": "1"}, "unknown field 'other'"),
    ],
)
def test_a_wrong_answer_is_refused_and_it_is_asked_on(engine: Any, values: dict[str, str], said: str) -> None:
    """Nothing has changed."""

    async def story() -> None:
        async with engine.on(a_backend()) as fasttrack:
            await fasttrack.run(gate())
            await asked(engine, fasttrack)
            with pytest.raises(BadRequest) as caught:
                await fasttrack.answer("last", "go live", AnswerRequest(answer="approve", values=values))
            assert said in caught.value.message
            assert len(await fasttrack.questions()) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        ("reject", ("TERMINATED", "FAILURE", "no answer within 0.05s")),
        ("approve", ("TERMINATED", "SUCCESS", "approved: no answer within 0.05s")),
    ],
)
def test_nobody_answers_in_time(engine: Any, answer: str, end: tuple[str, str, str]) -> None:
    """Then what the file says holds."""

    async def story() -> None:
        async with engine.on(a_backend()) as fasttrack:
            await fasttrack.run(gate("0.05", answer))
            await asked(engine, fasttrack)
            engine.clock.at += 1
            job = await engine.finish(fasttrack)
        assert told(job)[1] == end

    asyncio.run(story())


def test_the_next_engine_asks_on_since_when_it_was_asked_first(engine: Any) -> None:
    """Its patience is what was left of it; and a cancel ends it."""

    async def story() -> None:
        backend = a_backend()
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(gate())
            first = await asked(engine, fasttrack)
        engine.clock.at += 600
        async with engine.on(backend) as fasttrack:
            again = await asked(engine, fasttrack)
            assert (again.asked_at, again.until, again.attempt) == (first.asked_at, first.until, first.attempt)
            assert (await fasttrack.job("last")).tasks[1].attempts == 1
            await fasttrack.cancel("last")
            job = await engine.finish(fasttrack)
            assert await fasttrack.questions() == []
        assert told(job)[1] == ("CANCELLED", "UNDEFINED", "cancelled")
        assert not list((engine.folder / "approvals").iterdir())

    asyncio.run(story())
