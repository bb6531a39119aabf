"""The variables of a task: loaded when a cell mentions them, watched while it runs, saved at its end."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
import types
from typing import Any, Callable, Collection, Dict, List, Optional

from .cells import Runner
from .hidden import Hidden
from .home import Home
from .values import HoldsSecret, NotSavable, Shelf, Store, ValueTrouble, read_manifest

LARGEST_OPTIONAL = 512 * 1024 * 1024
"""Bytes of the largest frame or array that is kept although no task asks for it."""
_QUICK = 0.5
"""Seconds a check may take to be repeated after each cell; a slower one is made once, at the end."""


_NO_RESULT = (
    type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, io.IOBase,
    type(threading.Lock()), threading.Thread,
)  # fmt: skip
"""What is no result of a task: nobody misses it."""


class Changed(ValueTrouble):
    """A variable that another task reads as it was has been changed."""


class Shared(ValueTrouble):
    """Two variables share an object that a later task changes."""


class Missing(ValueTrouble):
    """A variable that is to be handed on was never assigned."""


class Variables:
    """Of one task, in the runner's namespace. ``task`` is what execute.py read of ``tasks.json``."""

    def __init__(
        self,
        task: Any,
        inputs: str,
        outputs: str,
        runner: Runner,
        tell: Callable[[str], None],
        hidden: Optional[Hidden] = None,
    ) -> None:
        self._task, self._inputs, self._names, self._tell = task, inputs, runner.names, tell
        self._home = Home(runner.names, runner.definitions, self._fetch)
        self.shelf = Shelf(self._home)
        self._store = Store(os.path.join(outputs, "variables"), task.name, self._home, self.shelf, hidden)
        self._pending: List[str] = list(task.inputs)
        self._loaded: Dict[str, Any] = {}
        self._cells: List[str] = []
        self._is_slow = False

    def load(self, mentioned: Optional[Collection[str]], is_first: bool) -> None:
        """Load what a cell mentions (None: everything) and is not loaded yet.

        With the first cell of the task itself (``is_first``) inputs win over what cells before it assigned.
        """
        for name in list(self._pending):
            if mentioned is None or name in mentioned:
                self._fetch(name)
        if is_first:
            self._names.update(self._loaded)

    def load_unmentioned(self, mentioned: Collection[str]) -> None:
        """Load inputs that no cell mentions: somebody reads them in a way that cannot be seen."""
        self.load([name for name in self._pending if name not in mentioned], is_first=False)

    def _fetch(self, name: str) -> None:
        if name in self._pending:
            self._pending.remove(name)
            self._loaded[name] = self._names[name] = self.shelf.load(self._folder(name))

    def _folder(self, name: str) -> str:
        return os.path.join(self._inputs, name)

    def check(self, label: str, is_last: bool = False) -> None:
        """After a cell: raise Changed if it changed a watched input."""
        self._cells.append(label)
        if self._is_slow and not is_last:
            return
        began = time.monotonic()
        for name in self._task.watched:
            if name in self._loaded:
                where = self._difference(name, self._loaded[name], self._folder(name))
                if where is not None:
                    raise Changed(self._told(name, where))
        self._is_slow = time.monotonic() - began > _QUICK
        if not self._is_slow:
            del self._cells[:]

    def _difference(self, name: str, value: Any, folder: str) -> Optional[str]:
        from . import changes

        manifest = read_manifest(folder)
        if manifest["serializer"] == "cloudpickle" and changes.is_same_pickle(value, manifest["digest"], self._home):
            return None
        return changes.difference(value, self.shelf.fresh(folder, manifest), name)

    def _told(self, name: str, where: str) -> str:
        other, cells = self._task.watched[name], " or ".join(dict.fromkeys(self._cells))
        at = "" if where == name else f" (at {where})"
        return (
            f"{name} was changed in {cells}{at}, and the task {other!r} reads it as it was before: in one notebook "
            f"{other!r} would see the change.\n"
            f"  What to do: hand the changed {name} on with `%%fasttrack_task {self._task.name} --out {name}`, "
            f"or change a copy of it (`{name} = copy.deepcopy({name})` first, `{name}.copy()` for a frame or array)."
        )

    def save(self) -> None:
        """Save the outputs, and what else can be kept. Raises NotSavable, HoldsSecret, Missing, Changed, Shared."""
        if self._is_slow:
            self.check(self._cells[-1], is_last=True)
        self._check_apart()
        missing = [name for name in self._task.outputs if name not in self._names and name not in self._pending]
        if missing:
            raise Missing("\n".join(map(self._told_missing, missing)))
        for name in self._task.outputs:
            self._fetch(name)
            self._warn_of_views(name)
            self._store.save(name, self._names[name], self._is_unchanged)
        for name in self._task.optional:
            if name in self._names and not isinstance(self._names[name], _NO_RESULT):
                self._save_optional(name, self._names[name])

    def _warn_of_views(self, name: str) -> None:
        """Say where a list or dict holds an array and a view of it: whoever takes it gets two arrays."""
        if isinstance(self._names[name], (list, tuple, dict)) and not {"numpy", "torch"}.isdisjoint(sys.modules):
            from .sharing import within

            if places := within(self._names[name]):
                one, other = (name + place for place in places)
                self._tell(
                    f"warning: {one} and {other} share memory; tasks that take {name} get two arrays, and a change of "
                    f"the one will not show in the other ({name} handed on without the view, and the view made there, "
                    "keeps them one)"
                )

    def _told_missing(self, name: str) -> str:
        cells = [cell for cell in self._task.cells if cell.kind == "task"]
        binding = ", ".join(cell.label for cell in cells if _binds(cell.source, name))
        where = f"{binding} assigns it on some ways only, or deleted it" if binding else "no cell of it assigns it"
        start = f"at the start of {binding.partition(',')[0] or cells[0].label}" if cells else "in a cell"
        return (
            f"{name} should be handed to other tasks, but has no value when the task {self._task.name!r} ends: {where}."
            f"\n  What to do: give {name} a value on every way (`{name} = None` {start}, say), and have the task that "
            "takes it look for that."
        )

    def _check_apart(self) -> None:
        """Pairs of which a later task changes one, and somebody reads the other after that: they must share nothing."""
        from .sharing import Contents, TooLarge, common

        known: Dict[str, Contents] = {}
        for one, other, *told in self._task.apart:
            if one in self._names and other in self._names:
                try:
                    for name in (one, other):
                        known[name] = known[name] if name in known else Contents(self._names[name])
                    found = common(known[one], known[other], by_columns="columns" in told[1:])
                except TooLarge:
                    self._tell(f"{one} and {other} hold too much to see whether they share an object")
                    continue
                if found is not None:
                    raise Shared(self._told_shared(one, other, found, told[0] if told else None))

    def _told_shared(self, one: str, other: str, found: Any, later: Optional[str]) -> str:
        cells = ", ".join(cell.label for cell in self._task.cells if cell.kind == "task")
        what = "share memory" if found.type == "memory" else f"share an object ({found.type})"
        at = f": {one}{found.one} and {other}{found.other} are one" if found.one or found.other else ""
        who = f"the task {later!r}" if later else "a later task"
        return (
            f"{one} and {other} {what} after the task {self._task.name!r} ({cells}){at}. {who[0].upper()}{who[1:]} "
            f"changes it, and in one notebook the change would show in both; tasks hand on copies, so one would miss "
            f"it.\n"
            f"  What to do: make one of them a copy in {self._task.name!r} (`{other} = copy.deepcopy({other})`, "
            f"`{other}.copy()` for a frame or array), or change a copy in {later or 'the later task'}."
        )

    def _is_unchanged(self, folder: str) -> bool:
        name = os.path.basename(folder)
        return self._difference(name, self._loaded[name], folder) is None

    def _save_optional(self, name: str, value: Any) -> None:
        size = _size(value)
        if size > LARGEST_OPTIONAL:
            self._tell(f"{name} is not kept: {size >> 20:,} MiB, and no task takes it; --out {name} keeps it")
            return
        try:
            self._store.save(name, value, self._is_unchanged)
        except HoldsSecret as error:
            self._tell(f"{name} is not kept: it holds the secret {error.secret}")
        except NotSavable as error:
            self._tell(f"{name} is not kept, and no task takes it: {str(error).splitlines()[-2].strip()}")
        except Exception as error:
            self._tell(f"{name} is not kept, and no task takes it: {type(error).__name__}: {error}")


def _binds(source: str, name: str) -> bool:
    """Whether a cell gives the name a value somewhere."""
    import ast

    tree = compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    for node in ast.walk(tree):
        bound = [getattr(node, "id", None)] if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) else []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound = [node.name]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound = [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
        if name in bound:
            return True
    return False


def _size(value: Any) -> int:
    """Bytes of an array or frame; 0 for everything else."""
    try:
        if hasattr(value, "memory_usage"):
            usage = value.memory_usage(index=True)
            return int(usage.sum() if hasattr(usage, "sum") else usage)
        if hasattr(value, "estimated_size"):
            return int(value.estimated_size())
        return int(getattr(value, "nbytes", 0))
    except Exception:
        return 0
