"""The client's calls that look at several jobs at once: compare, diff, lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fasttrack_jupyter.api.caller import Caller, Json, quoted


class CompareCalls(Caller):
    """Shapes are those of ``engine/compare_views``, ``diff_views`` and ``lineage_views``."""

    def compare(self, jobs: Sequence[str]) -> Json:
        """Jobs side by side: JobComparison. Raises NotFound, BadRequest (fewer than two different ones)."""
        return self._ask("GET", "/compare", query={"job": list(jobs)})

    def figures(self, job: str, path: str) -> Json:
        """What the artifacts of a task instance tell: FiguresView. Raises NotFound."""
        return self._ask("GET", f"/jobs/{quoted(job)}/tasks/{quoted(path)}/figures")

    def diff(self, one: Mapping[str, str], other: Mapping[str, str], *, code: bool = False) -> Json:
        """What is different in ``other``: PipelineDiff. Each is ``{job: …}``, or ``{source: …}`` and perhaps ``text``.

        Raises NotFound, InvalidPipeline.
        """
        return self._ask("POST", "/diff", {"one": dict(one), "other": dict(other), "code": code})

    def lineage(self, **what: str) -> Json:
        """Where it comes from and what became of it: LineageView. ``job`` and ``task``, or ``file``, or ``model``.

        Raises NotFound.
        """
        return self._ask("GET", "/lineage", query=what)
