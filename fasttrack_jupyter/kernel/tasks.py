"""The task instances of a job in hand: ``job.tasks["train"]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.lifecycle import ENDED

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.jobs import Job
    from fasttrack_jupyter.kernel.results import Outputs

Json = dict[str, Any]

_PAGE = 1 << 18


class Tasks(Mapping[str, "TaskHandle"]):
    """The task instances of a job by their path (``train``, ``sweep[2]/train``), in the pipeline's order."""

    def __init__(self, of: Job) -> None:
        self._job = of

    def __getitem__(self, path: str) -> TaskHandle:
        if not any(task["path"] == path for task in self._job.view["tasks"]):
            names = ", ".join(self) or "none"
            raise NotFound(f"{self._job.name} has no task {path!r}", hint=f"Its tasks: {names}.")
        return TaskHandle(self._job, path)

    def __contains__(self, path: object) -> bool:
        return any(task["path"] == path for task in self._job.view["tasks"])

    def get(self, path: str, default: Any = None) -> Any:
        """The task instance, or ``default`` where there is none."""
        if path not in self:
            return default
        return self[path]

    def __iter__(self) -> Iterator[str]:
        return iter([task["path"] for task in self._job.view["tasks"]])

    def __len__(self) -> int:
        return len(self._job.view["tasks"])

    def __repr__(self) -> str:
        return f"{{{', '.join(repr(task) for task in self.values())}}}"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


class TaskHandle:
    """One task instance of a job."""

    def __init__(self, of: Job, path: str) -> None:
        self.job = of
        self.name = path

    @property
    def view(self) -> Json:
        """As the engine shows it: TaskInstanceView, as JSON."""
        found: Json = next(task for task in self.job.view["tasks"] if task["path"] == self.name)
        return found

    @property
    def status(self) -> str:
        """Its session's status; WAITING before there is one."""
        return str(self.view["status"])

    @property
    def result(self) -> str:
        """SUCCESS, FAILURE or UNDEFINED."""
        return str(self.view["result"])

    @property
    def reason(self) -> str:
        """Why it came out as it did, or what it waits for."""
        return str(self.view["reason"] or "")

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED

    @property
    def outputs(self) -> Outputs:
        """What it left, by name; a variable is loaded when it is asked for: ``task.outputs["model"]``."""
        from fasttrack_jupyter.kernel.results import Outputs

        return Outputs(self)

    @property
    def usage(self) -> Json:
        """What it uses now or, when it has ended, used."""
        if self.is_ended:
            return dict(self.view["usage"])
        return self.job.client.usage(self.job.id, self.name)

    def log(self, attempt: int | None = None) -> str:
        """What it wrote until now, secrets masked.

        Raises:
            NotFound: it never ran in this job (it was skipped or reused, or waits), so there is no log.
        """
        parts, after = [], 0
        while True:
            page = self.job.client.logs(self.job.id, self.name, attempt=attempt, after=after, limit=_PAGE)
            parts.append(page["data"])
            if page["next"] <= after or page["next"] >= page["size"]:
                return "".join(parts)
            after = page["next"]

    def tail(self, size: int) -> str:
        """The last ``size`` bytes of its log, whole lines of it.

        Raises:
            NotFound: as :meth:`log`.
        """
        page = self.job.client.logs(self.job.id, self.name, after=-size, limit=size)
        data = str(page["data"])
        return data.partition("\n")[2] if page["start"] else data

    def follow_log(self) -> Iterator[str]:
        """Its log part by part as it is written, until the attempt has ended."""
        for page in self.job.client.follow_logs(self.job.id, self.name):
            yield page["data"]

    def metrics(self) -> Json:
        """What it has noted until now: MetricsView, as JSON, with at most 2,000 points of each series."""
        return self.job.client.metrics(self.job.id, self.name)

    def figures(self) -> Json:
        """Matrices, ROC curves and numbers that its artifacts hold: FiguresView, as JSON; empty before its end."""
        return self.job.client.figures(self.job.id, self.name)

    def register(self, output: str, model: str | None = None) -> Json:
        """Make a file or folder that it left a version of a model (by default of the one that the output names).

        The same output once more is the version that it is already: ModelVersion, as JSON.

        Raises:
            NotFound: it declares no such output.
            Conflict: it has not succeeded.
        """
        found = [line["version"] for line in self.job.client.register_model(self.job.id, self.name, output, model)]
        return dict(found[-1])

    def cancel(self) -> None:
        """Ask for its end."""
        self.job.cancel(self.name)

    def __repr__(self) -> str:
        from fasttrack_jupyter.kernel.told import task_line

        return f"<{task_line(self.view)}>"
