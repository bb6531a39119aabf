"""Parameters of a whole notebook: which it has, of what types, and the cell that sets them, by papermill's rule."""

from __future__ import annotations

import ast
import json
from typing import Any, Dict, Iterable, List

from .refusals import typed

_KINDS = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "struct"}


def _tags(cell: Dict[str, Any]) -> List[str]:
    return list(cell.get("metadata", {}).get("tags") or ())


def known_in(notebook: Dict[str, Any]) -> Dict[str, str]:
    """What the cells tagged ``parameters`` assign, as :func:`assigned` has it."""
    found: Dict[str, str] = {}
    for cell in notebook["cells"]:
        if "parameters" in _tags(cell):
            found.update(assigned(str(cell["source"])))
    return found


def assigned(source: str) -> Dict[str, str]:
    """Name → kind (int, float, bool, str, list, struct; empty: cannot be told) of what the cell assigns."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}
    found: Dict[str, str] = {}
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(statement, (ast.Assign, ast.AnnAssign)):
                found[target.id] = _kind(statement.value)
    return found


def _kind(value: Any) -> str:
    try:
        return _KINDS.get(type(ast.literal_eval(value)), "")
    except (ValueError, TypeError, SyntaxError):
        return ""


def insert(notebook: Dict[str, Any], given: Dict[str, str], known: Dict[str, str]) -> None:
    """Put the cell that sets ``given`` where papermill puts it. Raises Refused for a value of another type.

    Where several cells are tagged (papermill knows one), each is followed by what it assigns.
    """
    lines = {name: f"{name} = {_value(name, text, known.get(name, ''))!r}" for name, text in given.items()}
    cells = notebook["cells"]
    old = [number for number, it in enumerate(cells) if "injected-parameters" in _tags(it)]
    defaults = [number for number, it in enumerate(cells) if "parameters" in _tags(it)]
    if old:
        cells[old[0]] = _cell(notebook, lines.values(), 1)
        return
    names = [set(assigned(str(cells[number]["source"]))) & set(lines) for number in defaults] or [set()]
    names[0] |= set(lines) - set().union(*names)
    for count, (number, own) in reversed(list(enumerate(zip(defaults or [-1], names), 1))):
        if own:
            cells.insert(number + 1, _cell(notebook, [line for name, line in lines.items() if name in own], count))


def _cell(notebook: Dict[str, Any], lines: Iterable[str], count: int) -> Dict[str, Any]:
    """The ``count``-th cell that sets parameters."""
    cell: Dict[str, Any] = {
        "cell_type": "code", "execution_count": None, "metadata": {"tags": ["injected-parameters"]}, "outputs": [],
        "source": "# Parameters\n" + "\n".join(lines) + "\n",
    }  # fmt: skip
    if (notebook.get("nbformat"), notebook.get("nbformat_minor", 0)) >= (4, 5):
        cell["id"] = "injected-parameters" + (f"-{count}" if count > 1 else "")
    return cell


def _value(name: str, text: str, kind: str) -> Any:
    """JSON, or else a text that means itself: so a text that looks like JSON is written as JSON (``"3"``)."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if value is None or (kind == "str" and isinstance(value, str)):
        return value
    if kind:
        return typed(name, text, kind)
    return text if value != value or value in (float("inf"), float("-inf")) else value
