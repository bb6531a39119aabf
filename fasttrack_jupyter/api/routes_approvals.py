"""Questions that jobs ask people: the handlers of these operations; see :mod:`.routes`."""

from __future__ import annotations

from fasttrack_jupyter.engine.approvals import AnswerRequest, QuestionsView
from fasttrack_jupyter.engine.service import FastTrack


async def questions(engine: FastTrack) -> QuestionsView:
    """What jobs ask people just now, the oldest first."""
    return QuestionsView(questions=tuple(await engine.questions()))


async def answer(engine: FastTrack, job: str, path: str, body: AnswerRequest) -> None:
    """Answer what a task asks: approve, with the values of its fields, or reject."""
    await engine.answer(job, path, body)


HANDLERS = (questions, answer)
