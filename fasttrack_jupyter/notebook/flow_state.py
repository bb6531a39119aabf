"""Seeds, options, files: what one task does to its process or its folder, and another counts on."""

from __future__ import annotations

from fnmatch import fnmatch

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.cells import CellKind
from fasttrack_jupyter.notebook.flow_cells import Seen, Walk
from fasttrack_jupyter.notebook.flow_order import ancestors
from fasttrack_jupyter.notebook.flow_tasks import Gathered
from fasttrack_jupyter.notebook.names_record import FileUse, State, StateUse

_SHARED_FOLDER = "/pipeline/vfroot"


def state_problems(walked: Walk, gathered: dict[str, Gathered]) -> None:
    """Warn where a task's result depends on what another does outside of variables."""
    _settings(walked)
    _random(walked)
    _files(walked, gathered)


def _settings(walked: Walk) -> None:
    for seen in walked.cells.values():
        for state in seen.record.states:
            if state.use is StateUse.SET and seen.task and (user := _later_user(walked, seen, state)):
                walked.say(
                    "process_state", seen, state.line,
                    f"this sets {state.label} for task {seen.task!r} alone; {user.cell.label} (task {user.task!r}) runs"
                    " without it",
                    "move the line to a %%fasttrack_common cell" + _environment_hint(state), Severity.WARNING,
                )  # fmt: skip


def _environment_hint(state: State) -> str:
    return ", or use --env" if state.label == "environment variables" else ""


def _later_user(walked: Walk, seen: Seen, state: State) -> Seen | None:
    for later in walked.cells.values():
        uses = not state.users or any(module in later.record.modules for module in state.users)
        if later.index > seen.index and later.task and later.task != seen.task and uses:
            return later
    return None


def _random(walked: Walk) -> None:
    """One stream of random numbers runs through a notebook; each task has its own."""
    seeds: list[tuple[Seen, State]] = []
    draws: list[tuple[Seen, State]] = []
    said: set[tuple[str | None, str]] = set()
    for seen in walked.cells.values():
        for state in seen.record.states:
            if state.use is StateUse.SEED:
                seeds.append((seen, state))
            elif state.use is StateUse.DRAW:
                key = (seen.task, state.label)
                if key not in said and _continues(walked, seen, state, seeds, draws):
                    said.add(key)
                draws.append((seen, state))


def _continues(
    walked: Walk, seen: Seen, state: State, seeds: list[tuple[Seen, State]], draws: list[tuple[Seen, State]]
) -> bool:
    mine = [(cell, seed) for cell, seed in seeds if seed.label in (state.label, "every generator")]
    if not mine or not seen.task or mine[-1][0].task == seen.task:
        return False
    sower, seed = mine[-1]
    since = [
        cell for cell, draw in draws
        if draw.label == state.label and cell.task != seen.task and (cell.index, draw.line) > (sower.index, seed.line)
    ]  # fmt: skip
    if sower.cell.kind is CellKind.COMMON and not since:
        return False
    where = (
        f"{since[0].cell.label} draws first" if since and sower.cell.kind is CellKind.COMMON else "a task has its own"
    )
    walked.say(
        "random_numbers", seen, state.line,
        f"random numbers of {state.label!r} are drawn here after the seed of {sower.at(seed.line)}, in the notebook"
        f" from one stream; in the pipeline {where}: the numbers will differ",
        "seed at the top of each task that draws (random_state=… or np.random.seed), in the notebook as well",
        Severity.WARNING,
    )  # fmt: skip
    return True


def _files(walked: Walk, gathered: dict[str, Gathered]) -> None:
    needs = {name: {*task.inputs.values(), *walked.after(name)} for name, task in gathered.items()}
    written: dict[str, tuple[Seen, FileUse]] = {}
    for seen in walked.cells.values():
        for use in seen.record.files:
            writer = _writer_of(use, seen, written) if use.reads and use.path else None
            if writer and seen.task:
                _say_file(walked, seen, use, *writer, needs)
        for use in seen.record.files:
            if use.writes:
                written[_normal(use.path)] = (seen, use)


def _writer_of(use: FileUse, seen: Seen, written: dict[str, tuple[Seen, FileUse]]) -> tuple[Seen, FileUse] | None:
    """Who has written what is read here; who only asks is answered by everything that is there, known or not."""
    path = _normal(use.path)
    for name, (writer, made) in reversed(written.items()):
        if writer.task in (seen.task, None):
            continue
        if name == path or (name and (name.startswith(f"{path}/") or fnmatch(name, path))):
            return writer, made
        is_inside = not path.startswith("/") and not name.startswith("/")
        if use.asks and is_inside and (not name or path == "."):
            return writer, made
    return None


def _normal(path: str) -> str:
    return path.removeprefix("./").rstrip("/")


def _written(made: FileUse) -> str:
    return "written" if made.path else "perhaps written"


def _say_file(walked: Walk, seen: Seen, use: FileUse, writer: Seen, made: FileUse, needs: dict[str, set[str]]) -> None:
    if use.path.startswith("/") and writer.task in ancestors(needs, seen.task or ""):
        return
    shared = use.path.startswith(_SHARED_FOLDER)
    walked.say(
        "file_between_tasks", seen, use.line,
        f"{use.path!r} is read here and {_written(made)} by {writer.cell.label} (task {writer.task!r}): "
        + ("nothing puts the two in order" if shared else "each task has a working folder of its own"),
        f"write --after {writer.task} on task {seen.task!r}"
        + ("" if shared else f" and keep the file under {_SHARED_FOLDER}, or hand its contents on in a variable"),
        Severity.WARNING,
    )  # fmt: skip
