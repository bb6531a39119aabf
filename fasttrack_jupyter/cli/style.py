"""Where states meet rich: words in colour. The only colours that the terminal sees."""

from __future__ import annotations

import os

from rich.console import Console
from rich.text import Text

from fasttrack_jupyter.api.states import State, icon


def colour(state: State) -> str:
    """The state's colour for this terminal: the darker one where the background is known to be light."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return state.light if background in ("7", "15") else state.dark


def badge(state: State, console: Console, word: str | None = None) -> Text:
    """``✓ succeeded`` in the state's colour."""
    return Text(f"{icon(state, console.encoding)} {word or state.word}", style=colour(state))
