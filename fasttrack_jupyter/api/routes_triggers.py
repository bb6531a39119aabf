"""Jobs that the ends of other pipelines' jobs start: the handlers of these operations; see :mod:`.routes`."""

from __future__ import annotations

from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.triggering import TriggerRequest, TriggerView
from fasttrack_jupyter.errors import BadRequest


async def triggers(engine: FastTrack) -> list[TriggerView]:
    """Which pipelines' jobs start which."""
    return await engine.triggers.views()


async def add_trigger(engine: FastTrack, body: TriggerRequest) -> TriggerView:
    """From now on the end of a job starts one of another pipeline."""
    return await engine.triggers.add(body)


async def remove_trigger(engine: FastTrack, trigger: str) -> None:
    """It starts nothing any more."""
    if not trigger.isdecimal() or len(trigger) > 18:
        raise BadRequest(f"{trigger!r} is no number of a trigger", hint="see them with: fasttrack triggers")
    await engine.triggers.remove(int(trigger))


HANDLERS = (triggers, add_trigger, remove_trigger)
