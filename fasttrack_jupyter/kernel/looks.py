"""How a state looks where there is no theme to ask: fills, strokes, and an icon drawn as a path.

The canvas of the editor reads the same colours from ``labextension/style/status.css``; a test compares the two. The
icons are shapes, not characters: a picture must not depend on what fonts its reader has.
"""

from __future__ import annotations

from dataclasses import dataclass

from fasttrack_jupyter.api.states import (
    CANCELLED,
    FAILURE,
    PREPARING,
    REUSED,
    RUNNING,
    SKIPPED,
    SUCCESS,
    WAITING,
    State,
)


@dataclass(frozen=True, slots=True)
class Colours:
    """A state's two colours: ``fill`` for areas, ``stroke`` for lines (≥ 3:1 on the surface)."""

    fill: str
    stroke: str


@dataclass(frozen=True, slots=True)
class Look:
    """One state, drawn. ``icon`` is an SVG path in a square of 12 × 12, drawn with lines of ``1.6``, or filled."""

    state: State
    light: Colours
    dark: Colours
    icon: str
    is_solid: bool = False
    dash: str = ""
    """Of the card's outline; empty: an unbroken line."""
    foot: str = "none"
    """The card's lower edge: none, fill, hollow or hatched."""


def _look(state: State, light: tuple[str, str], dark: tuple[str, str], icon: str, **how: str | bool) -> Look:
    return Look(state, Colours(*light), Colours(*dark), icon, **how)  # type: ignore[arg-type]


_CIRCLE = "M10.5 6a4.5 4.5 0 1 1-9 0a4.5 4.5 0 1 1 9 0z"
LOOKS: dict[str, Look] = {
    look.state.name: look
    for look in (
        _look(WAITING, ("#9f9f9f", "#6b6b6b"), ("#8a8a8a", "#a6a6a6"), _CIRCLE),
        _look(
            PREPARING, ("#5773d4", "#3f57ad"), ("#7f97e8", "#9db0f0"), f"{_CIRCLE}M6 1.5V6H10.5", dash="5 3"
        ),
        _look(RUNNING, ("#97ca00", "#5c7d00"), ("#a8d820", "#b9e34a"), "M3 1.5L10.5 6L3 10.5z", is_solid=True),
        _look(SUCCESS, ("#007ec6", "#005a94"), ("#3fa9e8", "#6fc0f0"), "M1.5 6.5L4.8 9.8L10.5 2.5", foot="fill"),
        _look(FAILURE, ("#c85530", "#a63f1d"), ("#e8775a", "#f09a83"), "M2 2L10 10M10 2L2 10", foot="fill"),
        _look(
            CANCELLED, ("#7a7a7a", "#616161"), ("#9a9a9a", "#b3b3b3"), "M2 2H10V10H2z", is_solid=True, foot="hatched"
        ),
        _look(
            SKIPPED, ("#b0b0b0", "#767676"), ("#707070", "#919191"), "M1.5 9.5C1.5 2.5 7 2 9.5 6.5M10 2.5V7H5.5",
            dash="2 3",
        ),
        _look(
            REUSED, ("#007ec6", "#005a94"), ("#3fa9e8", "#6fc0f0"), "M2.6 3.4A4.5 4.5 0 1 1 1.6 7M2.2 0.8V4H5.4",
            foot="hollow",
        ),
    )
}  # fmt: skip
"""By the state's name."""
