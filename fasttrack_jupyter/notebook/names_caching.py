"""Functions that remember what they returned (``functools.lru_cache``): a task begins with nothing remembered.

Where such a function does nothing but compute, that costs time and changes no value. Where it does something besides,
in the notebook that happens once, in a pipeline once in each task; and what it computed of a variable that has changed
since, the notebook still has.
"""

from __future__ import annotations

import ast

from fasttrack_jupyter.notebook.names_core import Core
from fasttrack_jupyter.notebook.names_heap import Code, Kind, Node, reach
from fasttrack_jupyter.notebook.names_record import Finding

Effects = tuple[int, int, frozenset[Node]]


class Caching(Core):
    """Watches what remembered calls do."""

    def __init__(self, *, open_world: bool = False) -> None:
        super().__init__(open_world=open_world)
        self._used: dict[Node, dict[str, int]] = {}
        """By function: the cells that gave the variables which its first call used."""

    def effects_so_far(self) -> Effects:
        """What the cell has done so far outside of the call that begins."""
        return len(self.record.states), len(self.record.writes), frozenset(self.record.mutations)

    def remembered(self, function: Node, code: Code, before: Effects, line: int) -> None:
        """A call has ended: see whether it did more than compute."""
        states, writes, mutated = self.effects_so_far()
        variables = self.globals.variables
        new = mutated - before[2]
        held = reach(node for one in variables.values() for node in one.value.nodes) if new else set()
        if (states, writes) != before[:2] or new & held or _prints(code.tree):
            self.mutate({function}, line, "calling it: it remembers, and does something only the first time")
        versions = {
            name: one.cell
            for name in code.names
            if (one := variables.get(name)) and one.definition is None
            and not all(node.kind is Kind.MEMBER for node in one.value.nodes or [function])
        }  # fmt: skip
        first = self._used.setdefault(function, versions)
        changed = [name for name, cell in versions.items() if first.get(name, cell) != cell]
        if changed:
            self.record.find(
                Finding("remembered", f"this function remembers what it returned before {changed[0]!r} was changed;"
                        " in another task it remembers nothing", line, (changed[0],),
                        f"pass {changed[0]!r} as an argument, or call cache_clear() after the change")
            )  # fmt: skip

    def asked_cache(self, method: Node, line: int) -> None:
        """``f.cache_info()``, ``f.cache_clear()``."""
        owners = [one for one in method.owner if one.kind is Kind.FUNCTION and one.cell != self.record.cell]
        if owners and method.attribute == "cache_info":
            self.record.find(
                Finding("remembered", "cache_info() tells of the calls of this task alone", line, (),
                        "ask in the task that calls the function")
            )  # fmt: skip


def _prints(tree: ast.AST) -> bool:
    return any(isinstance(one, ast.Call) and getattr(one.func, "id", "") == "print" for one in ast.walk(tree))
