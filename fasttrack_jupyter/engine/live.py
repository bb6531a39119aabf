"""A job while it runs: its machine, what its instances left, and how to ask for their sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fasttrack_jupyter.engine.admission import Key, Rank
from fasttrack_jupyter.engine.carrying import Carriage
from fasttrack_jupyter.engine.conditions import considered, run_if_of, verdict_of
from fasttrack_jupyter.engine.containers import at_once, collected, folder_of, opening, plan_inside, reused_inside
from fasttrack_jupyter.engine.demands import GivenSlots
from fasttrack_jupyter.engine.machine import JobMachine
from fasttrack_jupyter.engine.masking import Masker, without_secrets
from fasttrack_jupyter.engine.plan import PlannedTask
from fasttrack_jupyter.engine.ports import SessionReport, SessionSpec
from fasttrack_jupyter.engine.roll import Roll, growth_of
from fasttrack_jupyter.engine.sessions import Outcome, SessionBuilder, outputs_dir_of
from fasttrack_jupyter.engine.stimuli import Decision as MachineDecision
from fasttrack_jupyter.engine.stimuli import InstanceAdmitted, InstancePlan, SessionReported, Verdict, VerdictKind
from fasttrack_jupyter.engine.views import Decision
from fasttrack_jupyter.engine.whereabouts import backends_of, places_of
from fasttrack_jupyter.model.artifacts import read_values
from fasttrack_jupyter.model.graph import TaskGraph
from fasttrack_jupyter.model.groups import MAX_INSIDE
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import ENDED, Result, Status
from fasttrack_jupyter.model.pipeline import Pipeline, TaskType
from fasttrack_jupyter.model.resources import ResourceSlots

_NAMED = 5
"""Dependencies that a waiting instance names at most."""
LONGEST_FAILURE = 300
"""Signs of what a task tells about its failure that become part of the reason."""
LONGEST_PROGRESS = 200
"""Signs of what a task tells about how far it is that are kept."""
_NO_SLOTS = ResourceSlots()
_NOTED = frozenset({"metrics", "params", "tags", "artifacts"})
"""What a task notes of itself, in a report's data."""
_READ = frozenset({"values", "outputs_json", "missing", "artifacts"})
"""What outputs are made of, in a report's data."""
_ENDS_AS = {Decision.SKIP: Status.SKIPPED, Decision.REUSE: Status.TERMINATED}


def plan_record(
    tasks: Sequence[PlannedTask], default: Callable[[PlannedTask], ResourceSlots], backend: str
) -> dict[str, Any]:
    """The part of a plan that a job must remember, as JSON: what does not simply run on its ``backend``, by path.

    And whose slots are not the ``default`` ones.
    """
    record: dict[str, Any] = {}
    for task in tasks:
        entry: dict[str, Any] = {}
        if task.decision is not Decision.RUN and not task.is_foreseen:
            entry = {"decision": task.decision.value, "reason": task.reason}
        if task.reuse is not None:
            entry |= {"outputs_dir": task.reuse.outputs_dir, "outputs": task.reuse.data.get("outputs", {})}
        if task.backend != backend:
            entry["backend"] = task.backend
        if task.slots != default(task):
            entry["slots"] = task.slots.written()
        if task.notes:
            entry["notes"] = list(task.notes)
        if entry:
            record[task.path] = entry
    return record


class LiveJob:
    """One unfinished job. ``record`` is what :func:`plan_record` made of its plan."""

    def __init__(
        self,
        job: PipelineJob,
        pipeline: Pipeline,
        graph: TaskGraph,
        *,
        default_slots: Callable[[str], ResourceSlots],
        seconds: Sequence[float],
        secret: Callable[[str], str | None],
    ) -> None:
        record: Mapping[str, Any] = job.options.get("plan", {})
        self.job, self.pipeline, self.priority = job, pipeline, job.priority
        self.graph = Roll(pipeline, graph)
        self.backends = backends_of(job)
        """All that it has anything on."""
        self.places = places_of(job)
        self._inside = {path: entry["inside"] for path, entry in record.items() if "inside" in entry}
        """By container, what inside of it need not be repeated."""
        self._where = {path: entry["backend"] for path, entry in record.items() if "backend" in entry}
        everything = range(len(graph.names))
        self._crossings = self._find_crossings(everything) if len(self.backends) > 1 else {}
        """By ordinal, which dependencies of an instance are on another backend than its own."""
        self._carried: dict[tuple[int, int], str] = {}
        """By the ordinals of an instance and such a dependency: where its outputs have been carried to."""
        self.outcomes = [Outcome() for _ in graph.names]
        """By ordinal, as all that follows; it grows with the roll."""
        self._remaining = graph.priorities(seconds)
        self._given = GivenSlots(job, pipeline, default_slots)
        self._slots = self._given.of_roll(self.graph)
        self._written: dict[ResourceSlots, dict[str, str]] = {}
        self._commits: dict[str, str] = {}
        self._progress: dict[str, tuple[int, Mapping[str, Any]]] = {}
        """By path: of which attempt, and what it says."""
        self._maskers: dict[int, Masker] = {}
        """By ordinal, of those that say something."""
        self._considered = considered(pipeline, graph)
        self._set_aside = frozenset(path for path, entry in record.items() if entry.get("decision") == Decision.SKIP)
        """What the plan skips: others see what an earlier job left of it, or an empty input."""
        build = partial(SessionBuilder, job, self.graph, self._slots)
        told: dict[str, Any] = {"result_of": self._result_of, "ending": self._ending}
        self._builder = build(secret, self._commits, **told)
        self._finder = build(lambda name: secret(name) or "", self._commits, **told)
        plans = [self._instance_plan(i, record) for i in range(len(graph.names))]
        self.machine = JobMachine(job.id, plans, growth=self)

    def _instance_plan(self, index: int, record: Mapping[str, Any]) -> InstancePlan:
        task, name = self.graph.tasks[index], self.graph.names[index]
        entry = record.get(name, {})
        data = {key: entry[key] for key in ("outputs_dir", "outputs") if key in entry}
        if data:
            self.outcomes[index] = Outcome(data.get("outputs_dir"), data.get("outputs", {}))
        return InstancePlan(
            path=name,
            upstream=self.graph.upstream[index],
            retry=task.retry,
            continue_on_failure=task.continue_on_failure,
            ends_as=_ENDS_AS.get(entry.get("decision")),
            reason=entry.get("reason", ""),
            data=data,
            run_if=run_if_of(task),
            is_final=task.final,
            is_considered=index in self._considered or task.is_container,
            is_loop=task.for_each is not None,
            at_once=at_once(task),
        )

    # ------------------------------------------------------------------ growing

    def expand(self, path: str, data: Mapping[str, Any]) -> list[InstancePlan]:
        """A container opens: see :class:`~fasttrack_jupyter.engine.stimuli.Growth`."""
        index = self.graph.index[path]
        added = self.graph.expand(index, data)
        self.outcomes += [Outcome() for _ in added]
        self._slots += [self._given.of_inside(self.graph, i) for i in added]
        self._remaining += [self._remaining[index]] * len(added)
        if path in self._where:
            self._where |= {self.graph.names[i]: self._where[path] for i in added}
        if len(self.backends) > 1:
            self._crossings |= self._find_crossings(added)
        top = self.graph.top(index)
        kept = self._inside.get(self.graph.names[top], {})
        reused, reason = reused_inside(self.graph, added, data, kept), f"reused from job #{kept.get('job')}"
        for i, left in reused.items():
            self.outcomes[i] = Outcome(left["outputs_dir"], left["outputs"])
        in_final = self.graph.tasks[top].final
        return [plan_inside(self.graph, i, in_final=in_final, reused=reused.get(i), reason=reason) for i in added]

    def collect(self, path: str) -> Mapping[str, Any]:
        """What a container hands on, all inside of which has ended."""
        index = self.graph.index[path]
        outcome = self.outcomes[index] = collected(self.graph, index, self.outcomes, self._result_of)
        outcome.outputs_dir = folder_of(self.graph, index, self.outcomes, self.job.index)
        data: dict[str, Any] = {"outputs": outcome.outputs} if outcome.outputs else {}
        return data | ({"outputs_dir": outcome.outputs_dir} if outcome.outputs_dir else {})

    def restore(
        self, rows: Sequence[TaskInstance], at: float, ended_at: Mapping[str, float] | None = None
    ) -> MachineDecision:
        """Take up where the store says that the job is; ``ended_at``: see the machine."""
        for path, data in growth_of(rows, self.graph):
            self.machine.grow(path, data)
        for row in rows:
            self._learn_commit(row.ordinal, row.data)
            if row.outputs_dir is not None:
                self.outcomes[row.ordinal] = Outcome(row.outputs_dir, row.data.get("outputs", {}))
        return self.machine.restore(self.job.status, self.job.reason, rows, at, ended_at)

    # ------------------------------------------------------------------ for the runner

    def key(self, path: str) -> Key:
        """How the admission knows an instance."""
        return (self.job.id, path)

    def where(self, path: str) -> str:
        """The backend of an instance; see :func:`~fasttrack_jupyter.engine.whereabouts.backend_of`."""
        return self._where.get(path, self.job.backend) if self._where else self.job.backend

    def _find_crossings(self, which: range) -> dict[int, tuple[int, ...]]:
        names, found = self.graph.names, {}
        for index in which:
            where = self.where(names[index])
            found[index] = tuple(i for i in self.graph.upstream[index] if self.where(names[i]) != where)
        return {index: crossing for index, crossing in found.items() if crossing and not self._asks(index)}

    def asks(self, path: str) -> bool:
        """Whether an instance is a question to a person: it has no session on any backend."""
        return self._asks(self.graph.index[path])

    def _asks(self, index: int) -> bool:
        return self.graph.tasks[index].type is TaskType.APPROVAL

    def crosses(self, path: str) -> bool:
        """Whether outputs of dependencies may have to be carried to an instance's backend before it is submitted."""
        return bool(self._crossings) and self.graph.index[path] in self._crossings

    def carriages(self, path: str) -> list[tuple[int, Carriage]]:
        """What has to be carried for an instance, with the ordinal of each dependency; see :meth:`carried`."""
        crossing = self._crossings.get(self.graph.index[path], ())
        found = []
        for i in crossing:
            name, place = self.graph.names[i], self.outcomes[i].outputs_dir
            if place is not None:
                found.append((i, Carriage(self.job.folder, place, self.where(name), self.where(path), name)))
        return found

    def carried(self, path: str, upstream: int, place: str) -> None:
        """The outputs of a dependency are at ``place`` on the instance's own backend now."""
        self._carried[self.graph.index[path], upstream] = place

    def demand(self, path: str) -> ResourceSlots:
        """All that an attempt takes while it lives. A question takes nothing, and so does a deployment: replicas do."""
        index = self.graph.index[path]
        size = self.graph.tasks[index].cluster_size
        if self.graph.tasks[index].type in (TaskType.DEPLOYMENT, TaskType.APPROVAL):
            return _NO_SLOTS
        return self._slots[index] if size == 1 else self._slots[index].times(size)

    def rank(self, path: str) -> Rank:
        """Its place in line."""
        index = self.graph.index[path]
        return Rank(-self.priority, -self._remaining[index], int(self.job.created_at * 1000), index)

    def waits_for(self, path: str) -> str:
        """In words, which dependencies or others of its loop an instance still waits for; empty if none."""
        index = self.graph.index[path]
        upstream = [self.graph.names[i] for i in self.graph.upstream[index]]
        unended = [name for name in upstream if self.machine.status_of(name)[0] not in ENDED]
        if self.graph.tasks[index].final and not self.machine.is_offered(path):
            return "waits for the end of all that is not final"
        more = f" and {len(unended) - _NAMED} more" if len(unended) > _NAMED else ""
        return f"waits for {', '.join(unended[:_NAMED])}{more}" if unended else self.machine.why_held(path)

    def consider(self, path: str) -> Verdict:
        """What becomes of an instance that its dependencies let go on, as far as its pipeline says."""
        index = self.graph.index[path]
        skipped = {
            name
            for name, i in zip(self.graph.uses(index), self.graph.upstream[index], strict=True)
            if self._result_of(i) == Status.SKIPPED and self.graph.names[i] not in self._set_aside
        }
        scope = self._builder.scope(index, self._seen_by(index) if self._crossings else self.outcomes)
        task = self.graph.tasks[index]
        verdict = verdict_of(self.pipeline, task, scope, skipped)
        if not task.is_container or verdict.kind is not VerdictKind.RUN:
            return verdict
        return opening(task, scope, room=MAX_INSIDE - (len(self.graph) - self.graph.first))

    def take(self, path: str, verdict: Verdict) -> None:
        """Others see from now on what stands in for the outputs of an instance."""
        if verdict.kind is VerdictKind.REUSE:
            left = Outcome(verdict.data["outputs_dir"], verdict.data["outputs"])
            self.outcomes[self.graph.index[path]] = left

    def _result_of(self, index: int) -> str:
        """How an ended instance came out, in one word."""
        status, result, _ = self.machine.status_of(self.graph.names[index])
        return str(status if status in (Status.SKIPPED, Status.CANCELLED) else result)

    def _ending(self) -> tuple[str, str]:
        """How all came out that is not final, and why."""
        end = self.machine.others_ended()
        return end.word, end.reason

    def admitted(self, path: str, at: float) -> InstanceAdmitted:
        """The event that ``path`` got its slots."""
        _, _, attempts = self.machine.status_of(path)
        demand = self.demand(path)
        if (written := self._written.get(demand)) is None:
            written = self._written[demand] = demand.written()
        return InstanceAdmitted(path, at, outputs_dir_of(self.job.index, path, attempts + 1), written)

    def spec(self, path: str, attempt: int, *, has_begun: bool = False) -> SessionSpec:
        """What to ask the backend for; one that ``has_begun`` needs its secrets no more. Raises as the builder."""
        builder = self._finder if has_begun else self._builder
        index = self.graph.index[path]
        return builder.build(index, attempt, self._seen_by(index) if self._crossings else self.outcomes)

    def _seen_by(self, index: int) -> Mapping[int, Outcome]:
        """The outcomes of an instance's dependencies, where they are on its own backend."""
        found = {i: self.outcomes[i] for i in self.graph.upstream[index]}
        carried = {i: place for i in self._crossings.get(index, ()) if (place := self._carried.get((index, i)))}
        return found | {i: replace(found[i], outputs_dir=place) for i, place in carried.items()}

    def understand(self, report: SessionReport, ordinal: int, attempt: int) -> SessionReported:
        """A backend's report as an event: declared outputs are read and checked, what is not there is a failure."""
        path = self.graph.names[ordinal]
        self._learn_commit(ordinal, report.data)
        if not _NOTED.isdisjoint(report.data):
            report = self._without_noted_secrets(report, ordinal)
        data = self._masked_progress(ordinal, attempt, report.data) if "progress" in report.data else report.data
        data = {key: value for key, value in data.items() if key not in ("failure", "artifacts")}
        event = SessionReported(
            path, attempt, report.status, report.at, report.result, report.exit_code,
            self._why(report, ordinal), data, report.is_final,
        )  # fmt: skip
        if report.result is not Result.SUCCESS:
            return event
        outcome = Outcome(outputs_dir_of(self.job.index, path, attempt))
        if self.graph.tasks[ordinal].products:
            try:
                outcome.outputs, problems = self._outputs(report, ordinal)
            except Exception as error:  # a task writes what it likes: that fails the task, never the engine
                problems = [f"its outputs cannot be read: {type(error).__name__}: {error}"]
            data = {k: v for k, v in report.data.items() if k not in _READ}
            data["outputs"] = outcome.outputs
            failure = Result.FAILURE if problems else Result.SUCCESS
            event = SessionReported(
                path, attempt, report.status, report.at, failure, report.exit_code,
                "; ".join(problems) or report.reason, data,
            )  # fmt: skip
        self.outcomes[ordinal] = outcome
        return event

    def progress_of(self, path: str, attempt: int) -> Mapping[str, Any] | None:
        """How far an attempt says that it is, as far as this engine heard: ``{fraction, text}``."""
        of, progress = self._progress.get(path, (0, None))
        return progress if of == attempt else None

    def _without_noted_secrets(self, report: SessionReport, ordinal: int) -> SessionReport:
        """What a task notes of itself goes into the store: without its secrets."""
        masker, data = self._masker(ordinal), dict(report.data)
        for key in _NOTED & data.keys():
            try:
                data[key] = masker.mask_tree(data[key])
            except RecursionError:  # nested deeper than anybody means
                del data[key]
        return replace(report, data=data)

    def _why(self, report: SessionReport, ordinal: int) -> str:
        """The reason, with what the task itself says of its failure: ``exit 1: KeyError: 'x'``.

        Why something failed may be told in words of the task's own (a log's last lines): without its secrets.
        """
        if report.result is not Result.FAILURE and report.status is not Status.ERROR:
            return report.reason
        masker = self._masker(ordinal)
        reason = masker.mask(report.reason.encode("utf-8", "replace")).decode("utf-8", "replace")
        if report.result is not Result.FAILURE or not report.data.get("failure"):
            return reason
        told = masker.mask_line(str(report.data["failure"]), LONGEST_FAILURE)
        return f"{reason}: {told}" if told else reason

    def _masker(self, ordinal: int) -> Masker:
        if (masker := self._maskers.get(ordinal)) is None:
            masker = self._maskers[ordinal] = Masker(self._builder.secrets_of(ordinal))
        return masker

    def _masked_progress(self, ordinal: int, attempt: int, data: Mapping[str, Any]) -> dict[str, Any]:
        """``data``, whose progress goes into the store, and is remembered: its text without the task's secrets."""
        said = data["progress"]
        text = self._masker(ordinal).mask_line(str(said["text"]), LONGEST_PROGRESS)
        progress = {"fraction": said["fraction"], "text": text}
        self._progress[self.graph.names[ordinal]] = attempt, progress
        return {**data, "progress": progress}

    def _learn_commit(self, ordinal: int, data: Mapping[str, Any]) -> None:
        """Remember which commit a Git task's ref is in this job."""
        uri = self.graph.tasks[ordinal].module_uri
        if uri and "commit" in data:
            self._commits.setdefault(uri, data["commit"])

    def _outputs(self, report: SessionReport, ordinal: int) -> tuple[dict[str, Any], list[str]]:
        specs = self.graph.tasks[ordinal].products
        values, problems = read_values(specs, report.data.get("values", {}), report.data.get("outputs_json"))
        missing = set(report.data.get("missing", ())) - set(values)
        if secrets := self._builder.secrets_of(ordinal):
            problems = without_secrets(values, problems, Masker(secrets))
        told = report.data.get("artifacts", {})
        for name, spec in specs.items():
            if not spec.is_value:
                metadata = {**spec.metadata, **told.get(name, {})}
                values[name] = {"type": spec.type, "path": spec.path_of(name), "metadata": metadata}
                if name in missing:
                    problems.append(f"output {name} was promised at {spec.path_of(name)} and not written")
        return values, problems
