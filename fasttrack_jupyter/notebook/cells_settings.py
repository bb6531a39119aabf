"""Cells that only prepare what comes after them: imports, and settings of what was imported.

``pd.set_option("display.max_rows", 5)``, ``plt.rcParams["figure.dpi"] = 90``: of a process, not of a variable. In a
notebook they hold for every cell below; where each cell becomes a task, that is what a common cell is. Seeds are
none: they begin a stream of random numbers, and each task would begin it anew.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from fasttrack_jupyter.notebook.names_record import StateUse
from fasttrack_jupyter.notebook.names_state import is_harmless, state_of


class Settings:
    """Reads cells in their order, and remembers what they import."""

    def __init__(self) -> None:
        self._imported: dict[str, str] = {}

    def prepares(self, body: Iterable[ast.stmt]) -> bool:
        """Whether a cell of these statements only imports and sets; all that it imports is known from then on."""
        found = [self._prepares(part) for part in body]
        return all(found)

    def _prepares(self, part: ast.stmt) -> bool:
        match part:
            case ast.Import(names=names):
                for name in names:
                    top = name.name.partition(".")[0]
                    self._imported[name.asname or top] = name.name if name.asname else top
                return True
            case ast.ImportFrom(module=str(module), level=0, names=names):
                self._imported |= {name.asname or name.name: f"{module}.{name.name}" for name in names}
                return True
            case ast.ImportFrom():
                return True
            case ast.Expr(value=ast.Call() as call):
                return self._is_setting(call)
            case ast.Assign(targets=[ast.Attribute() as target], value=value):
                return self._sets(self._path(target), value)
            case ast.Assign(targets=[ast.Subscript(value=owner, slice=key)], value=value):
                return self._is_plain(key) and self._sets(self._path(owner), value)
        return False

    def _is_setting(self, call: ast.Call) -> bool:
        path = self._path(call.func)
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if path is None or not all(map(self._is_plain, given)):
            return False
        state = state_of(path, call.lineno, "call")
        first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        return is_harmless(path, first) or (state is not None and state.use is StateUse.SET)

    def _sets(self, path: str | None, value: ast.expr) -> bool:
        return path is not None and self._is_plain(value)

    def _path(self, part: ast.expr) -> str | None:
        """``matplotlib.pyplot.rcParams`` for ``plt.rcParams``; None for what is not of an imported module."""
        if isinstance(part, ast.Name):
            return self._imported.get(part.id)
        if isinstance(part, ast.Attribute) and (owner := self._path(part.value)) is not None:
            return f"{owner}.{part.attr}"
        return None

    def _is_plain(self, value: ast.expr) -> bool:
        """Whether it is a literal, or made of literals and members of what was imported (``logging.INFO``)."""
        match value:
            case ast.Constant():
                return True
            case ast.Name() | ast.Attribute():
                return self._path(value) is not None
            case ast.UnaryOp(operand=operand):
                return self._is_plain(operand)
            case ast.BinOp(left=left, right=right):
                return self._is_plain(left) and self._is_plain(right)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return all(map(self._is_plain, items))
            case ast.Dict(keys=keys, values=items):
                return all(key is not None and self._is_plain(key) for key in keys) and all(map(self._is_plain, items))
        return False
