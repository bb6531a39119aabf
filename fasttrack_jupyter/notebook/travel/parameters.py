"""Parameters of a whole notebook: which it has, of what types, and the cell that sets them, by papermill's rule."""

from __future__ import annotations

import ast
import json
from typing import Any, Dict, List

from .refusals import typed

_KINDS = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "struct"}


def _tags(cell: Dict[str, Any]) -> List[str]:
    return list(cell.get("metadata", {}).get("tags") or ())


def cell_of_parameters(notebook: Dict[str, Any]) -> str:
    """The source of the cell tagged ``parameters``; empty if there is none."""
    return next((str(cell["source"]) for cell in notebook["cells"] if "parameters" in _tags(cell)), "")


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
    """Put the cell that sets ``given`` where papermill puts it. Raises Refused for a value of another type."""
    lines = [f"{name} = {_value(name, text, known.get(name, ''))!r}" for name, text in given.items()]
    cell: Dict[str, Any] = {
        "cell_type": "code", "execution_count": None, "metadata": {"tags": ["injected-parameters"]}, "outputs": [],
        "source": "# Parameters\n" + "\n".join(lines) + "\n",
    }  # fmt: skip
    if (notebook.get("nbformat"), notebook.get("nbformat_minor", 0)) >= (4, 5):
        cell["id"] = "injected-parameters"
    cells = notebook["cells"]
    old = [number for number, it in enumerate(cells) if "injected-parameters" in _tags(it)]
    defaults = [number for number, it in enumerate(cells) if "parameters" in _tags(it)]
    if old:
        cells[old[0]] = cell
    else:
        cells.insert(defaults[0] + 1 if defaults else 0, cell)


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
