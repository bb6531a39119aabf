"""Runs a whole notebook as one task: ``python3 whole.py NOTEBOOK.ipynb [--param name=value …]``.

The original is only read. What is run is a copy with a cell of parameters after the one tagged ``parameters``
(at the top if there is none), tagged ``injected-parameters``, as papermill does it
(https://papermill.readthedocs.io/en/latest/usage-parameterize.html). The copy with its outputs is left as
``NOTEBOOK.ipynb`` and ``NOTEBOOK.html`` in ``/pipeline/outputs``, and is written after each cell.

Where the image has nbclient and ipykernel a real kernel of this very interpreter runs it, else the cells
run here, without IPython's own syntax. Exit status: as execute.py's.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import types
from typing import Any, Dict, Sequence

if not __package__:  # as a script: this folder becomes a package, and no longer a place to import other things from
    __package__ = "fasttrack_travel"
    _package = types.ModuleType(__package__)
    _package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[__package__] = _package
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(_package.__path__[0]):  # Python resolves links
        sys.path[0] = ""

from .failures import leave
from .marked import unmark
from .pages import page, text_of
from .parameters import insert, known_in
from .record import write_atomically
from .refusals import Refused, read_command_line

USAGE = "usage: whole.py NOTEBOOK.ipynb [--param name=value …]"


def read_notebook(path: str) -> Dict[str, Any]:
    """The notebook as plain values, its texts as single strings, without outputs. Raises Refused."""
    try:
        with open(path, encoding="utf-8") as file:
            notebook = json.load(file)
        if notebook.get("nbformat") != 4:
            raise Refused(f"{path} is of nbformat {notebook.get('nbformat')}: open it in Jupyter and save it anew")
        for cell in notebook["cells"]:
            cell["source"] = text_of(cell["source"])
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{path} cannot be read as a notebook: {type(error).__name__}: {error}") from error
    return dict(notebook)


def language_of(notebook: Dict[str, Any]) -> str:
    """``python``, ``R`` …"""
    metadata = notebook.get("metadata", {})
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        if metadata.get(part, {}).get(key):
            return str(metadata[part][key])
    return "python"


def prepare(path: str, given: Dict[str, str]) -> Dict[str, Any]:
    """The copy that is run, with its parameters. Raises Refused."""
    notebook = read_notebook(path)
    if language_of(notebook).lower() == "python":
        unmark(notebook)
    if not given:
        return notebook
    language = language_of(notebook)
    if language.lower() != "python":
        raise Refused(f"{path} is written in {language}: parameters can be given to Python notebooks only")
    known = known_in(notebook)
    unknown = [name for name in given if name not in known]
    if unknown:
        names = ", ".join(known) or "none"
        print(f"fasttrack: warning: {path} has no parameter {', '.join(unknown)} (it has: {names}); set all the same")
    insert(notebook, given, known)
    return notebook


def has_kernel(notebook: Dict[str, Any]) -> bool:
    """Whether this image can run the notebook in a kernel of its own."""
    needed = ["nbclient", "nbformat", "jupyter_client"]
    if language_of(notebook).lower() == "python":
        needed.append("ipykernel")
    return all(importlib.util.find_spec(name) is not None for name in needed)


def main(argv: Sequence[str]) -> int:
    """Run a notebook; the exit status comes back."""
    outputs = os.path.abspath(os.environ.get("PIPELINE_OUTPUTS", "/pipeline/outputs"))
    try:
        path, given = read_command_line(argv, USAGE)
        notebook = prepare(path, given)
        if not has_kernel(notebook) and language_of(notebook).lower() != "python":
            raise Refused(f"{path} is written in {language_of(notebook)}; this image has no nbclient to run it with")
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        leave(outputs, str(error))
        return 2
    os.makedirs(outputs, exist_ok=True)
    stem = os.path.splitext(os.path.basename(path))[0]
    target = os.path.join(outputs, stem + ".ipynb")
    if os.path.realpath(target) == os.path.realpath(path):
        sys.stderr.write(f"{path} lies in the outputs itself, and the original is never overwritten\n")
        return 2
    if has_kernel(notebook):
        print(f"fasttrack: {path} runs in a Jupyter kernel", flush=True)
        from .kernels import run_in_kernel as run
    else:
        print(f"fasttrack: {path} runs without a Jupyter kernel: this image has no nbclient and ipykernel", flush=True)
        from .plainly import run_plainly as run
    status, executed = run(notebook, target, stem)
    write_atomically(os.path.join(outputs, stem + ".html"), page(executed, stem).encode("utf-8", "replace"))
    return status


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.exit(status)
