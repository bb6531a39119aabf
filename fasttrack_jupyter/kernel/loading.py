"""``%load_ext fasttrack_jupyter`` and its opposite: what is hung into a shell, and taken out again."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fasttrack_jupyter.kernel.completing import Completer
from fasttrack_jupyter.kernel.magics import Magics
from fasttrack_jupyter.kernel.marking import QUIET, Transformer
from fasttrack_jupyter.kernel.session import Session
from fasttrack_jupyter.notebook.marks import MARKS, PIPELINE

_ATTRIBUTE = "_fasttrack"
"""Where a shell keeps what hangs in it."""
_HELPERS = str(Path(__file__).parent.parent / "task")
"""Where cells that run here find ``fasttrack_task``, which travels with those that run in a session."""
_CELL_MARKS = [mark for mark in MARKS.values() if mark.is_cell]


@dataclass(frozen=True, slots=True)
class Hung:
    """What hangs in a shell."""

    session: Session
    transformer: Transformer
    matcher: Any
    """What completes."""


def load(shell: Any) -> None:
    """Hang everything into ``shell``, once. ``%reload_ext`` keeps the cells that ran so far."""
    if getattr(shell, _ATTRIBUTE, None) is not None:
        return
    session = Session(shell)
    hung = Hung(session, Transformer(session), Completer(session).matcher())
    setattr(shell, _ATTRIBUTE, hung)
    if _HELPERS not in sys.path:  # last: whoever has a fasttrack_task of their own keeps it
        sys.path.append(_HELPERS)
    _register(shell, Magics(session))
    shell.input_transformers_cleanup.append(hung.transformer)
    shell.events.register("pre_run_cell", session.about_to_run)
    shell.events.register("post_run_cell", session.has_run)
    shell.Completer.custom_matchers.append(hung.matcher)


def unload(shell: Any) -> None:
    """Take everything out of ``shell`` again; jobs go on, and jobs in hand stay in hand."""
    hung: Hung | None = getattr(shell, _ATTRIBUTE, None)
    if hung is None:
        return
    setattr(shell, _ATTRIBUTE, None)
    if _HELPERS in sys.path:
        sys.path.remove(_HELPERS)
    shell.input_transformers_cleanup.remove(hung.transformer)
    shell.events.unregister("pre_run_cell", hung.session.about_to_run)
    shell.events.unregister("post_run_cell", hung.session.has_run)
    names = {kind: {name for name in found if _is_ours(name)} for kind, found in shell.magics_manager.magics.items()}
    for kind, ours in names.items():
        for name in ours:
            del shell.magics_manager.magics[kind][name]
    shell.Completer.custom_matchers.remove(hung.matcher)


def session_here() -> Session | None:
    """What is kept of this process's notebook; None where the extension is not loaded."""
    from IPython.core.getipython import get_ipython

    hung: Hung | None = getattr(get_ipython(), _ATTRIBUTE, None)
    return hung.session if hung is not None else None


def _register(shell: Any, magics: Magics) -> None:
    register = shell.register_magic_function
    register(magics.fasttrack, "line", "fasttrack")
    register(_unfilled(magics.fasttrack_pipeline), "line", PIPELINE.name)
    for mark in _CELL_MARKS:
        register(_marking(magics, mark.name), "cell", mark.name)
        register(_told(magics.misplaced, mark.name), "line", f"%{mark.name}")
    register(partial(magics.quiet), "cell", QUIET)


def _marking(magics: Magics, name: str) -> Any:
    def mark(line: str, cell: str) -> None:
        magics.mark(name, line, cell)

    mark.__doc__ = MARKS[name].purpose
    return _unfilled(mark)


def _told(tell: Any, name: str) -> Any:
    def told(line: str) -> None:
        tell(name)

    told.__doc__ = MARKS[name].purpose
    return _unfilled(told)


def _unfilled(magic: Any) -> Any:
    """``magic``, whose line IPython leaves as it is: what marks a cell means the same wherever it is read."""
    from IPython.core.magic import no_var_expand

    def called(*given: str) -> Any:
        return magic(*given)

    called.__doc__ = magic.__doc__
    return no_var_expand(called)


def _is_ours(name: str) -> bool:
    return name.lstrip("%") in {"fasttrack", QUIET, *MARKS}
