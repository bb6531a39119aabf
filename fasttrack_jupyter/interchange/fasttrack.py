"""FastTrack's own YAML, out: the three generations, each from each, with a report of what was lost.

The text is edited, not written anew (``rewriting``): what the target knows keeps its place, its
quotes and its comments. A file of the target's own generation that has nothing of ours comes back
byte for byte.

Keys that neither FastTrack nor we know are kept. What only we know is written out in FastTrack's
words where it has some (parameters as their defaults, implied dependencies, inputs as paths) and
dropped where it has none.
"""

from __future__ import annotations

from fasttrack_jupyter.errors import BadRequest, FastTrackError
from fasttrack_jupyter.interchange.conversion import Conversion
from fasttrack_jupyter.interchange.losses import Losses
from fasttrack_jupyter.interchange.rewriting import rewrite
from fasttrack_jupyter.model.generations import detect_generation
from fasttrack_jupyter.model.pipeline import Generation
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.reading import read_or_raise


def export(text: str, to: Generation) -> tuple[str, tuple[Problem, ...]]:
    """``text`` as FastTrack ``to`` reads it, and what was lost (warnings) or said otherwise (notices) on the way.

    Raises:
        InvalidPipeline: ``text`` has errors.
        BadRequest: it has loops or groups, whose tasks come to be only while a job runs.
    """
    reading = read_or_raise(text)
    if reading.document is None or reading.pipeline is None:
        raise FastTrackError("the pipeline was read without errors but came to nothing")
    if containers := [task.name for task in reading.pipeline.tasks if task.is_container]:
        more = f" (and {len(containers) - 1} more)" if len(containers) > 1 else ""
        raise BadRequest(
            f"task {containers[0]!r}{more} is a loop or a group, and FastTrack's pipelines have none",
            hint="write its tasks out for the export; with --backend backend.ai it runs on a cluster as it is",
        )
    data, losses = reading.document.data, Losses()
    origin = reading.generation or detect_generation(data)
    conversion = Conversion(reading.pipeline, origin, to, losses)
    source = reading.document.source.decode()
    exported, keeps_comments = rewrite(source, data, conversion.convert(data))
    if not keeps_comments:
        losses.lose((), "the text is formatted in a way that could not be edited: its comments are not in the export")
    if not losses.has_leftovers:
        read_or_raise(exported)
    return exported, losses.located(reading.document)
