"""Runs cells one after the other in one namespace that is ``__main__``, as a notebook's kernel does.

A cell is compiled under its label ("cell 5"), and its text is put where ``linecache`` looks, so tracebacks,
``inspect.getsource`` and warnings tell the cell's own lines. The last expression is shown. A cell with ``await`` at
its top runs on an event loop that lives as long as the task. What ``from __future__`` one cell imports holds for
those after it.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import hashlib
import linecache
import re
import sys
import types
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set

_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag
_LOOP_NAMES = frozenset({"create_task", "ensure_future", "get_running_loop", "get_event_loop"})
_LOOKS_AROUND = frozenset({"globals", "locals", "vars", "dir", "eval", "exec", "__main__", "get_ipython"})
_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_WORD = re.compile(r"[^\W\d]\w*")


class Cell(NamedTuple):
    """A cell as it travels. ``key`` is safe in a file's name; ``kind``: common, definition, params or task."""

    label: str
    key: str
    kind: str
    source: str


class Code(NamedTuple):
    """A compiled cell: what is executed, then what is shown; which names it mentions, and whether it looks around."""

    body: types.CodeType
    shown: Optional[types.CodeType]
    names: FrozenSet[str]
    at_once: FrozenSet[str]
    """The names among them that are used while it runs, and not only by functions that it defines."""
    defines: FrozenSet[str]
    """The functions and classes at its top."""
    is_dynamic: bool
    wants_loop: bool


class Runner:
    """One namespace, and the cells that ran in it."""

    def __init__(self, show: Callable[[Any], None]) -> None:
        self.main = types.ModuleType("__main__")
        self.names: Dict[str, Any] = self.main.__dict__
        self.names["__builtins__"] = builtins
        self.definitions: Dict[str, str] = {}
        """Name of a function or class that a cell defines at its top → digest of its text."""
        self._show, self._flags = show, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._texts: Dict[str, List[str]] = {}
        self._loop: Any = None

    def take_over(self) -> None:
        """Become this process's ``__main__``."""
        sys.modules["__main__"] = self.main

    def compile(self, cell: Cell) -> Code:
        """Make ``cell`` ready to run. Raises SyntaxError with the cell's own line."""
        self._keep_text(cell)
        flags = self._flags | ast.PyCF_ONLY_AST
        tree = compile(cell.source, cell.label, "exec", flags, dont_inherit=True)
        made = {
            statement.name: fingerprint(statement)
            for statement in tree.body
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        }
        self.definitions.update(made)
        last = tree.body.pop() if _is_shown(tree, cell.source) else None
        body = compile(tree, cell.label, "exec", self._flags, dont_inherit=True)
        self._flags |= body.co_flags & _FUTURES
        codes = [body]
        if last is not None:
            codes.append(compile(ast.Expression(last.value), cell.label, "eval", self._flags, dont_inherit=True))
        names: Set[str] = set()
        for code in codes:
            names.update(_mentions(code))
        return Code(
            body,
            codes[1] if len(codes) > 1 else None,
            frozenset(names),
            frozenset(name for code in codes for name in _at_once(code)),
            frozenset(made),
            not _LOOKS_AROUND.isdisjoint(names),
            not _LOOP_NAMES.isdisjoint(names),
        )

    def run(self, code: Code) -> None:
        """Run a compiled cell. Raises what the cell raises."""
        if code.wants_loop or any(_is_coroutine(part) for part in code[:2]):
            self._await(self._run_in_loop(code))
            return
        exec(code.body, self.names)
        if code.shown is not None:
            self._show(eval(code.shown, self.names))

    def close(self) -> None:
        """End the event loop, if one was needed."""
        if self._loop is not None:
            import asyncio

            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._await(asyncio.gather(*left, return_exceptions=True)) if left else None
            self._await(self._loop.shutdown_asyncgens())
            self._loop.close()
            self._loop = None

    async def _run_in_loop(self, code: Code) -> None:
        for part in code[:2]:
            if part is None:
                continue
            value = eval(part, self.names)
            if _is_coroutine(part):
                value = await value
            if part is code.shown:
                self._show(value)

    def _await(self, awaitable: Any) -> None:
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(awaitable)

    def _keep_text(self, cell: Cell) -> None:
        """Put the cell's lines where tracebacks look; several definitions of one cell complete each other."""
        lines = self._texts.setdefault(cell.label, [])
        for number, line in enumerate(cell.source.splitlines()):
            if number == len(lines):
                lines.append(line)
            elif not lines[number].strip() or lines[number].startswith("#"):
                lines[number] = line
        kept = [line + "\n" for line in lines]
        linecache.cache[cell.label] = (sum(map(len, kept)), None, kept, cell.label)


def fingerprint(statement: ast.stmt) -> str:
    """A digest of what a definition says, whatever its place and comments; the same in all releases of Python."""
    return hashlib.sha256(_told(statement).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _told(node: Any) -> str:
    """Like ``ast.dump``, which tells empty fields in some releases only, and subscripts in 3.8 in its own way."""
    if isinstance(node, list):
        return f"[{','.join(map(_told, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if type(node).__name__ == "Index":
        return _told(node.value)  # type: ignore[attr-defined]
    fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
    told = ",".join(f"{name}={_told(value)}" for name, value in fields if name not in ("kind", "type_comment"))
    return f"{type(node).__name__}({told})"


def _is_shown(tree: ast.Module, source: str) -> bool:
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return False
    end = (tree.body[-1].end_lineno or 1) - 1
    after = "".join(source.encode("utf-8", "surrogatepass").splitlines(keepends=True)[end].decode("utf-8", "replace"))
    rest = after.encode("utf-8")[tree.body[-1].end_col_offset or 0 :].decode("utf-8", "replace")
    return not rest.lstrip(" \t)").startswith(";")


def _is_coroutine(code: Optional[types.CodeType]) -> bool:
    return code is not None and bool(code.co_flags & 0x80)  # inspect.CO_COROUTINE


def _at_once(code: types.CodeType) -> Iterator[str]:
    """The names that ``code`` uses itself, or the bodies of classes and comprehensions in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType) and (not constant.co_flags & 1 or constant.co_name in _COMPREHENSIONS):
            yield from _at_once(constant)


def _mentions(code: types.CodeType) -> Iterator[str]:
    """Every name that stands in ``code`` or in what it defines, and every word of its texts (``query("a > @b")``)."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _mentions(constant)
        elif isinstance(constant, str):
            yield from _WORD.findall(constant)
        elif isinstance(constant, (tuple, frozenset)):
            for item in constant:
                if isinstance(item, str):
                    yield from _WORD.findall(item)
