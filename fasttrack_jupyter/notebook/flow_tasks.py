"""What each task uses: variables of other tasks, definitions, common cells, parameters."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.cells import CellKind
from fasttrack_jupyter.notebook.flow_cells import Seen, Walk, is_data
from fasttrack_jupyter.notebook.flow_missing import missing
from fasttrack_jupyter.notebook.flow_types import Definition
from fasttrack_jupyter.notebook.names_heap import Kind, Node, Variable
from fasttrack_jupyter.notebook.names_record import Read


@dataclass(slots=True)
class Use:
    """A variable that a task takes from another."""

    name: str
    variable: Variable
    seen: Seen
    """The cell that uses it."""
    line: int

    @property
    def version(self) -> int:
        """The cell that gave it."""
        return self.variable.cell


@dataclass(slots=True)
class Gathered:
    """What one task uses."""

    name: str
    inputs: dict[str, str] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    versions: dict[str, Use] = field(default_factory=dict)
    """Everything from outside, common cells and parameters included."""
    outputs: set[str] = field(default_factory=set)
    sites: set[int] = field(default_factory=set)
    common: set[int] = field(default_factory=set)
    params: set[str] = field(default_factory=set)
    watched: dict[str, str] = field(default_factory=dict)
    looked: set[tuple[str, int, int]] = field(default_factory=set)

    def sources(self, walked: Walk) -> tuple[Definition, ...]:
        """The definitions, in order, each statement once."""
        found: dict[tuple[int, int], Definition] = {}
        for number in sorted(self.sites, key=lambda one: (walked.sites[one].cell, walked.sites[one].first)):
            site = walked.sites[number]
            cell = walked.cells[site.cell].cell
            lines = cell.source.splitlines(keepends=True)[site.first - 1 : site.last]
            text = "".join(lines)
            found[site.cell, site.first] = Definition(site.names[0], site.names, cell.label, site.first, text)
        return tuple(found.values())


def gather(walked: Walk) -> dict[str, Gathered]:
    """What each Python task uses, by its name."""
    gathered = {name: Gathered(name) for name in walked.tasks}
    for name, task in gathered.items():
        cells = walked.cells_of(name)
        for seen in cells:
            _Gatherer(walked, task, seen).all_reads()
        _always(walked, task, cells[-1].index)
    for task in gathered.values():
        _explicit(walked, task, gathered)
    _outputs(walked, gathered)
    _watch(walked, gathered)
    _findings(walked)
    return gathered


class _Gatherer:
    """Follows what one cell of a task reads to where it comes from."""

    def __init__(self, walked: Walk, task: Gathered, seen: Seen) -> None:
        self.walked, self.task, self.seen = walked, task, seen

    def all_reads(self) -> None:
        """Everything that the cell reads, keeps or changes."""
        record = self.seen.record
        for name, read in record.reads.items():
            self.read(name, read)
        for node, (name, line) in record.classes.items():
            self._class(node, name, line)

    def read(self, name: str, read: Read) -> None:
        """One name, where it comes from."""
        variable = self.seen.start.get(name)
        version = -1 if variable is None else variable.cell
        if (name, self.seen.index, version) in self.task.looked:
            return
        self.task.looked.add((name, self.seen.index, version))
        if variable is None or variable.deleted:
            missing(self.walked, self.seen, name, read, variable)
            return
        self.walked_to(name, variable, read)

    def walked_to(self, name: str, variable: Variable, read: Read) -> None:
        """A name whose giver is known."""
        _plain_between(self.walked, self.seen, name, variable, read.line)
        if self.walked.task_of(variable.cell) != self.task.name and not self._one_version(name, variable, read.line):
            return
        match self.walked.kind_of(variable.cell):
            case CellKind.PARAMS:
                self.task.params.add(name)
                self._not_overtaken(name, variable, read.line)
            case CellKind.COMMON:
                self.common(variable.cell)
                self._not_overtaken(name, variable, read.line)
            case CellKind.TASK if self.walked.task_of(variable.cell) != self.task.name:
                self._from_task(name, variable, read)
            case CellKind.TASK:
                _keep(self.walked, self.task, self.walked.cells[variable.cell], name)

    def _from_task(self, name: str, variable: Variable, read: Read) -> None:
        self._not_overtaken(name, variable, read.line)
        if variable.definition is not None:
            self._definition(name, variable, read)
        elif self._is_import(name, variable):
            self._some_ways(name, variable, read, "an import")
        elif any(node.kind in (Kind.FUNCTION, Kind.CLASS) and node.attribute == name for node in variable.value.nodes):
            self._some_ways(name, variable, read, "a definition")
        else:
            self.take(name, variable, read.line)

    def _is_import(self, name: str, variable: Variable) -> bool:
        """Whether a name is a module, or something of one, by an import; ``pi = np.pi`` is a value as any other."""
        is_member = any(node.kind is Kind.MEMBER for node in variable.value.nodes) and not is_data(variable)
        return is_member and name in self.walked.cells[variable.cell].record.imports

    def _some_ways(self, name: str, variable: Variable, read: Read, what: str) -> None:
        giver = self.walked.cells[variable.cell]
        self.walked.say(
            "conditional_definition", self.seen, read.line,
            f"{name!r} is {what} inside another statement of {giver.at(giver.line_of(name))}: it cannot travel alone",
            f"define {name!r} at the top of that cell, or in a %%fasttrack_common cell",
        )  # fmt: skip

    def _one_version(self, name: str, variable: Variable, line: int) -> bool:
        """A task has one value of a name from outside, for all of its cells."""
        before = self.task.versions.setdefault(name, Use(name, variable, self.seen, line))
        now = variable.value.nodes
        if before.version == variable.cell or (_are_modules(now) and before.variable.value.nodes == now):
            return True
        first, second = self.walked.cells[before.version], self.walked.cells[variable.cell]
        self.walked.say(
            "two_versions", self.seen, line,
            f"task {self.task.name!r} uses two versions of {name!r}: {before.seen.cell.label} that of"
            f" {first.cell.label}, {self.seen.cell.label} that of {second.cell.label}",
            f"make {self.seen.cell.label} a task of its own, or give one of the two another name",
        )  # fmt: skip
        return False

    def take(self, name: str, variable: Variable, line: int) -> None:
        """Take a variable from the task that gave it."""
        producer = self.walked.task_of(variable.cell)
        assert producer is not None
        self.task.uses.setdefault(name, Use(name, variable, self.seen, line))
        self.task.inputs[name] = producer
        self._not_changed_later(name, producer, line)

    def _not_overtaken(self, name: str, variable: Variable, line: int) -> None:
        """The task's own earlier cell gave the name, another changed it since: a task has one namespace, not two."""
        for own in self.walked.cells_of(self.task.name):
            if own.index < self.seen.index and own.writes(name):
                giver = self.walked.cells[variable.cell]
                self.walked.say(
                    "interleaved", self.seen, line,
                    f"{name!r} comes from {giver.cell.label}{_task_words(giver)}, but task {self.task.name!r} gives it"
                    f" a value of its own before, in {own.at(own.line_of(name))}",
                    f"make {self.seen.cell.label} a task of its own, or use another name",
                )  # fmt: skip
                return

    def _not_changed_later(self, name: str, producer: str, line: int) -> None:
        for later in self.walked.cells_of(producer):
            if later.index > self.seen.index and later.writes(name):
                self.walked.say(
                    "interleaved", self.seen, line,
                    f"{name!r} is used here as task {producer!r} left it, but that task goes on and changes it in"
                    f" {later.at(later.line_of(name))}",
                    f"make {later.cell.label} a task of its own, or use another name there",
                )  # fmt: skip

    def _definition(self, name: str, variable: Variable, read: Read) -> None:
        number = variable.definition
        assert number is not None
        site = self.walked.sites[number]
        home = self.walked.cells[site.cell]
        if variable.cell != site.cell:
            changer = self.walked.cells[variable.cell]
            self.walked.say(
                "stateful_definition", self.seen, read.line,
                f"{name!r} keeps state that {changer.at(changer.line_of(name))} changes, and its definition"
                f" ({home.at(site.first)}) travels without it",
                "keep the state in a variable, which travels, or use it in one task alone",
            )  # fmt: skip
        if number in self.task.sites:
            return
        self.task.sites.add(number)
        if site.changed and variable.cell == site.cell:
            self.walked.say(
                "stateful_definition", self.seen, read.line,
                f"{name!r} is changed in {home.at(site.changed.line)} ({site.changed.how}) after its definition"
                f" ({home.at(site.first)}), which travels without that",
                "keep the state in a variable, write the change into the definition, or put both in a"
                " %%fasttrack_common cell",
            )  # fmt: skip
        if site.effects:
            self.walked.say(
                "defining_acts", self.seen, read.line,
                f"{name!r} would be defined a second time here, and its definition in {home.at(site.first)} does more:"
                f" {site.effects}",
                "move the definition to a %%fasttrack_common cell",
            )  # fmt: skip
        for needed, version in site.loads.items():
            self._definition_needs(name, needed, version, read.line)

    def _definition_needs(self, name: str, needed: str, version: int, line: int) -> None:
        now = self.seen.start.get(needed)
        if now is not None and now.cell != version and now.definition is None:
            giver = self.walked.cells[now.cell]
            self.walked.say(
                "definition_outdated", self.seen, line,
                f"{name!r} was defined with {needed!r} as it was in {self.walked.cells[version].cell.label}; since then"
                f" {giver.at(giver.line_of(needed))} has changed {needed!r}",
                f"pass {needed!r} as an argument, or give one of the two another name",
            )  # fmt: skip
        self.read(needed, Read(line, indirect=True))

    def _class(self, node: object, name: str, line: int) -> None:
        """Objects know their class by its name."""
        variable = self.seen.start.get(name)
        if variable is None:
            return
        if node in variable.value.nodes:  # perhaps the cell gives the name another meaning before it uses the object
            self.read(name, Read(line, indirect=True))
            return
        own = self.seen.end.get(name)
        if own is not None and node in own.value.nodes:
            return
        giver = self.walked.cells[variable.cell]
        self.walked.say(
            "redefined", self.seen, line,
            f"an object used here was made with the {name!r} of before {giver.at(giver.line_of(name))}, which defines"
            f" {name!r} again",
            f"make the object after {name!r} is defined for the last time, or use two names",
        )  # fmt: skip

    def common(self, index: int) -> None:
        """A common cell travels along, and what it needs itself."""
        if index in self.task.common:
            return
        self.task.common.add(index)
        cell = self.walked.cells[index]
        kept = {name: Read(line, indirect=True, forgiven=True) for name, line in cell.record.kept.items()}
        for name, read in {**kept, **cell.record.reads}.items():
            variable = cell.start.get(name)
            kind = None if variable is None else self.walked.kind_of(variable.cell)
            if variable is None or variable.deleted:
                missing(self.walked, cell, name, read, variable)
            elif kind is CellKind.COMMON:
                self.common(variable.cell)
            elif kind is CellKind.PARAMS:
                self.task.params.add(name)
            elif kind is CellKind.TASK and not (read.indirect and not is_data(variable)):
                giver = self.walked.cells[variable.cell]
                self.walked.say(
                    "common_needs_task", cell, read.line,
                    f"a common cell uses {name!r}, which {giver.cell.label}{_task_words(giver)} gives: it would run in"
                    " every task, before any variable is there",
                    f"make {name!r} a parameter of a function, or move this into a task",
                )  # fmt: skip


def _are_modules(nodes: frozenset[Node]) -> bool:
    return bool(nodes) and all(node.kind is Kind.MEMBER for node in nodes)


def _task_words(seen: Seen) -> str:
    return f" (task {seen.task!r})" if seen.task else ""


def _always(walked: Walk, task: Gathered, last: int) -> None:
    """Common cells that do something travel with every task after them."""
    for cell in list(walked.commons()):
        if cell.index < last and (cell.record.effects or cell.record.stars or cell.record.states):
            _Gatherer(walked, task, cell).common(cell.index)


def _plain_between(walked: Walk, seen: Seen, name: str, variable: Variable, line: int) -> None:
    for index, (cell, names) in walked.plain.items():
        if (
            variable.cell < index < seen.index
            and (name in names.writes or name in names.mutates)
            and cell.kind is CellKind.PLAIN
        ):
            if name in names.imports:
                continue
            walked.say(
                "plain_changes", seen, line,
                f"{name!r} is changed by {cell.label}, which belongs to no task: the pipeline takes it as"
                f" {walked.cells[variable.cell].cell.label} left it",
                f"make {cell.label} a task, or %%fasttrack_common", Severity.WARNING,
            )  # fmt: skip


def _explicit(walked: Walk, task: Gathered, gathered: dict[str, Gathered]) -> None:
    """``--in`` decides."""
    cells = walked.cells_of(task.name)
    given = [seen for seen in cells if seen.cell.options.inputs is not None]
    if not given:
        return
    wanted = dict.fromkeys(name for seen in given for name in seen.cell.options.inputs or ())
    for name in [name for name in task.inputs if name not in wanted]:
        use = task.uses.pop(name)
        del task.inputs[name]
        walked.say("not_in", use.seen, use.line, f"{name!r} is used but not among --in: it will not be there",
                   f"add {name!r} to --in, if the cell needs it", Severity.WARNING)  # fmt: skip
    for name in wanted:
        _wanted(walked, task, cells[0], name)


def _wanted(walked: Walk, task: Gathered, first: Seen, name: str) -> None:
    if name in task.inputs or name in task.params:
        return
    variable = first.start.get(name)
    gatherer = _Gatherer(walked, task, first)
    if variable is not None and not variable.deleted:
        gatherer.walked_to(name, variable, Read(1))
        return
    close = difflib.get_close_matches(name, first.start, 1)
    walked.say("unknown_input", first, 1, f"--in names {name!r}, which no cell before gives",
               f"did you mean {close[0]!r}?" if close else "correct the name")  # fmt: skip


def _outputs(walked: Walk, gathered: dict[str, Gathered]) -> None:
    """What is taken must be given; who gives it on some ways only must have it from before on the others."""
    given: set[tuple[str, str]] = set()
    while True:
        wanted = {(producer, name) for task in gathered.values() for name, producer in task.inputs.items()} - given
        if not wanted:
            return
        given |= wanted
        for producer, name in sorted(wanted):
            gathered[producer].outputs.add(name)
            cells = [seen for seen in walked.cells_of(producer) if seen.writes(name)]
            if cells:
                _keep(walked, gathered[producer], cells[-1], name)


def _keep(walked: Walk, task: Gathered, seen: Seen, name: str) -> None:
    """A cell that binds a name on some ways only, or changes what it names, needs the value from before."""
    if name not in seen.record.kept and name in seen.record.writes:
        return
    _Gatherer(walked, task, seen).read(name, Read(seen.line_of(name), indirect=True, forgiven=True))


def _watch(walked: Walk, gathered: dict[str, Gathered]) -> None:
    """An input that a later task takes in the same version must not change in between."""
    for task in gathered.values():
        for name, use in task.uses.items():
            if any(seen.writes(name) for seen in walked.cells_of(task.name)):
                continue
            for other in gathered.values():
                later = other.uses.get(name)
                if other is not task and later and later.version == use.version and later.seen.index > use.seen.index:
                    task.watched.setdefault(name, other.name)


def _findings(walked: Walk) -> None:
    for seen in walked.cells.values():
        for finding in seen.record.findings:
            walked.say(finding.code, seen, finding.line, finding.message, finding.hint, finding.severity)
        for module, line in seen.record.stars.items():
            if seen.task:
                walked.say(
                    "star_import", seen, line,
                    f"'from {module} import *' binds names that nobody knows before it runs",
                    "import the names one by one, or move the line to a %%fasttrack_common cell at the top",
                )  # fmt: skip
