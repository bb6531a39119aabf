"""Which names a cell reads, writes and changes: read from its text, never by running it.

One cell is looked at by itself here, so what functions of other cells do is not known; :mod:`.flow` walks through
a whole notebook and knows them. How it works: :mod:`.names_walk` walks through the statements, names lead to
objects (:mod:`.names_heap`), changes belong to objects and so to all names that reach them.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from fasttrack_jupyter.notebook.names_heap import reach
from fasttrack_jupyter.notebook.names_record import Finding, Record, State
from fasttrack_jupyter.notebook.names_walk import Interpreter


@dataclass(frozen=True, slots=True)
class Defined:
    """A function, class or import that a cell defines: where it stands, and the names its own code needs later."""

    name: str
    first: int
    last: int
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CellNames:
    """What a cell does to names; each mapping gives the line."""

    reads: Mapping[str, int]
    """Names whose value from before the cell is used, by the cell itself or by what it defines and calls."""
    writes: Mapping[str, int]
    """Names bound on some way at least (also by imports and definitions)."""
    mutates: Mapping[str, str]
    """Names whose value from before the cell is changed in place → how (``.append(…)``)."""
    imports: Mapping[str, str]
    """Name → the module, or the dotted path, that it stands for."""
    definitions: Mapping[str, Defined]
    states: tuple[State, ...]
    """What it does to the process: seeds, options, the environment."""
    undecided: tuple[Finding, ...]


def parse(source: str) -> ast.Module:
    """The cell's syntax tree; top-level ``await`` is allowed, as in a notebook.

    Raises:
        SyntaxError: with the cell's own line.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape is the cell's own business
        tree = compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def names_of(source: str) -> CellNames:
    """What this cell does to names.

    Raises:
        SyntaxError: with the cell's own line.
    """
    tree = parse(source)
    interpreter = Interpreter(open_world=True)
    record = interpreter.cell(0, tree)
    return CellNames(
        reads={name: read.line for name, read in record.reads.items()},
        writes=dict(record.writes),
        mutates=_mutated(interpreter, record),
        imports=dict(record.imports),
        definitions=_definitions(interpreter, record),
        states=tuple(record.states),
        undecided=tuple(record.findings),
    )


def _mutated(interpreter: Interpreter, record: Record) -> dict[str, str]:
    """Names of values from before the cell that were changed; ``interpreter.outside`` has these values."""
    found: dict[str, str] = {}
    for name, value in interpreter.outside.items():
        changes = [record.mutations[node] for node in reach(value.nodes) if node in record.mutations]
        if changes:
            found[name] = min(changes, key=lambda change: change.line).how
    return found


def _definitions(interpreter: Interpreter, record: Record) -> dict[str, Defined]:
    found: dict[str, Defined] = {}
    for number in record.sites:
        site = interpreter.sites[number]
        for name in site.names:
            variable = interpreter.globals.variables.get(name)
            nodes = variable.value.nodes if variable else ()
            needs = {need for node in nodes if node.code for need in node.code.names}
            found[name] = Defined(name, site.first, site.last, tuple(sorted(needs)))
    return found
