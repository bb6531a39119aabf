"""Kale's cell tags, read as marks.

A notebook is Kale's where a cell has a tag ``step:name`` (``block:name`` in old ones). Then, as in Kale itself
(github.com/kubeflow-kale/kale, ``nbprocessor.py``), a cell without such a tag goes on with what the cell before it
was, and cells before the first tag belong to nothing. ``imports`` and ``functions`` are common cells,
``pipeline-parameters`` the parameters; a ``pipeline-metrics`` cell runs at the end of the task before it, where what it
shows is kept; ``prev:a`` is ``--after a``; ``limit:nvidia.com/gpu:1`` and its like are resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.ipython_syntax import Finding

_SPECIAL = {
    "imports": "common", "functions": "common", "pipeline-parameters": "params", "pipeline-metrics": "metrics",
    "skip": "skip",
}  # fmt: skip
_LIMITS = {"nvidia.com/gpu": "gpu", "cpu": "cpu", "memory": "mem"}
_NO_MEANING = ("annotation:", "label:")


@dataclass(slots=True)
class KaleMark:
    """What a cell is: ``kind`` as in ``metadata.fasttrack``, its task, and what else such metadata would say."""

    kind: str
    task: str | None = None
    said: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def kale_marks(tags: Sequence[Sequence[str]]) -> list[KaleMark | None]:
    """For the tags of each code cell, in order, its mark; all None where the notebook is none of Kale's."""
    if not any(_names(cell) for cell in tags):
        return [None] * len(tags)
    marks: list[KaleMark | None] = []
    before: KaleMark | None = None
    for cell in tags:
        mark = _mark(cell, before)
        marks.append(mark)
        if mark is not None and mark.kind != "skip":
            before = mark
    return marks


def _names(tags: Sequence[str]) -> list[str]:
    """The steps that a cell names; the labextension may leave an empty ``step:``, which names none."""
    return [tag.partition(":")[2] for tag in tags if tag.startswith(("step:", "block:")) and tag.partition(":")[2]]


def _mark(tags: Sequence[str], before: KaleMark | None) -> KaleMark | None:
    special = next((_SPECIAL[tag] for tag in tags if tag in _SPECIAL), None)
    names = _names(tags)
    if special == "metrics":
        return _metrics(before)
    if special is not None:
        return KaleMark(special)
    if not names:
        mark = KaleMark(before.kind, before.task) if before is not None else None
        if any(tag.startswith(("prev:", "limit:")) for tag in tags):
            mark = mark or KaleMark("plain")
            mark.findings.append(Finding(1, "the tag prev: or limit: stands without a step:", "add the tag step:NAME"))
        return mark
    mark = KaleMark("task", names[0])
    if len(names) > 1 or ";" in names[0]:
        message = f"the cell belongs to several steps: {', '.join(names)}"
        mark.findings.append(Finding(1, message, "keep one; put what they share into a cell tagged functions"))
    _say(mark, tags)
    return mark


def _metrics(before: KaleMark | None) -> KaleMark:
    if before is not None and before.kind == "task":
        return KaleMark("task", before.task)
    finding = Finding(1, "the tag pipeline-metrics stands before any step", "put the cell at the end of the notebook")
    return KaleMark("plain", findings=[finding])


def _say(mark: KaleMark, tags: Sequence[str]) -> None:
    """Options that stand in tags: what comes before, resources."""
    if after := [tag.partition(":")[2] for tag in tags if tag.startswith("prev:")]:
        mark.said["after"] = after
    for tag in tags:
        if tag.startswith("limit:"):
            slot, _, amount = tag.removeprefix("limit:").rpartition(":")
            key = _LIMITS.get(slot)
            if key is None:
                mark.findings.append(_dropped(tag))
            else:
                mark.said[key] = amount.removesuffix("i") if key == "mem" else amount
        elif tag.startswith(_NO_MEANING):
            mark.findings.append(_dropped(tag))


def _dropped(tag: str) -> Finding:
    message = f"the tag {tag} speaks of Kubernetes and has no meaning here"
    return Finding(1, message, "say it with --slot, --gpu or --group if it is needed", Severity.NOTICE)
