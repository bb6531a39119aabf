"""What is shown of tasks: rows, tables, pictures, logs, colours; no front-end, no engine."""

from __future__ import annotations

import math
import re
import sys
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fasttrack_jupyter.api.states import BY_STATUS, STATES
from fasttrack_jupyter.kernel.looks import LOOKS
from fasttrack_jupyter.kernel.picture import MOST_CARDS, picture, picture_uri, places
from fasttrack_jupyter.kernel.widget_ansi import log_html
from fasttrack_jupyter.kernel.widget_rows import headline, middle, most_relevant, task_rows, totals_text
from fasttrack_jupyter.kernel.widget_style import DARK_CANVAS, GRAPH_HEIGHT, live_style, still_style
from fasttrack_jupyter.kernel.widget_table import table_html

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from shown import AT, task, view

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>alert(1)</script> & \"'"


def rows(*tasks: Any) -> Any:
    """Rows of a job of these tasks."""
    return task_rows(view(*tasks))


def test_the_first_failure_is_marked_as_the_cause() -> None:
    """Not the one that stands first, but the one that ended first; what was cancelled after it is no failure."""
    found = rows(
        task("late", "TERMINATED", "FAILURE", ended_at="2026-03-01T12:09:00+00:00"),
        task("early", "ERROR", "FAILURE", ended_at="2026-03-01T12:01:00+00:00", reason="no such image\nand more"),
        task("victim", "CANCELLED", reason="dependency early failed"),
    )
    assert [row.is_cause for row in found] == [False, True, False]
    assert [row.word for row in found] == ["failed", "failed, the cause", "cancelled"]
    assert found[1].why == "no such image"


def test_progress_is_shown_while_a_task_runs() -> None:
    """Its share and its words; nonsense that a task wrote is passed over."""
    told = {"fraction": 0.43, "text": "cell 3 of 7 · epochs 12/50"}
    found = rows(
        task("good", "RUNNING", progress=told),
        task("bad", "RUNNING", progress={"fraction": "x", "text": None}),
        task("much", "RUNNING", progress={"fraction": 7}),
        task("over", "TERMINATED", "SUCCESS", progress=told),
    )
    assert [(row.fraction, row.progress) for row in found] == [
        (0.43, "cell 3 of 7 · epochs 12/50"), (None, ""), (None, ""), (None, ""),
    ]  # fmt: skip
    assert '<progress value="0.430" max="1" aria-label="Progress of good"></progress>' in table_html(found, "x")


def test_of_many_tasks_those_come_first_that_matter() -> None:
    """The cause, what runs, what failed, what comes next; the rest is counted."""
    found = rows(
        *(task(f"done{n}", "TERMINATED", "SUCCESS") for n in range(50)),
        task("runs", "RUNNING"), task("fails", "TERMINATED", "FAILURE", ended_at=AT), task("waits"),
    )  # fmt: skip
    assert [row.path for row in most_relevant(found, 3)] == ["fails", "runs", "waits"]
    assert "50 tasks more not shown" in table_html(found, "x", limit=3)
    assert totals_text(found) == "50 succeeded, 1 running, 1 waiting, 1 failed"


def test_columns_without_content_are_left_out() -> None:
    """A notebook is narrow: progress, attempts and reasons have a column when there is one to tell."""
    plain = table_html(rows(task("a", "TERMINATED", "SUCCESS", attempts=1)), "x")
    told = table_html(rows(task("a", "RUNNING", attempts=2, reason="retry", progress={"text": "half"})), "x")
    assert re.findall(r'scope="col">(\w+)', plain) == ["Task", "State", "Took"]
    assert re.findall(r'scope="col">(\w+)', told) == ["Task", "State", "Took", "Progress", "Attempts", "Why"]


def test_nothing_in_a_name_or_reason_becomes_markup() -> None:
    """Tags, quotes, escape sequences and changes of direction in names, reasons, progress, logs."""
    found = rows(task(EVIL + "\x1b[31m\u202e", "RUNNING", reason=EVIL, progress={"text": EVIL, "fraction": 0.5}))
    for html in (table_html(found, EVIL), picture(found), log_html(f"{EVIL}\x1b]0;title\x07", 10)):
        assert "<script" not in html
        assert "\x1b" not in html
        assert "\u202e" not in html
    ElementTree.fromstring(picture(found))


def test_names_are_shortened_in_the_middle() -> None:
    """Both ends tell names apart; the whole stands where one points."""
    assert middle("abcdefgh", 8) == "abcdefgh"
    assert middle("abcdefghi", 5) == "ab…hi"
    long = "extract-" + "x" * 300 + "-2026"
    html = table_html(rows(task(long)), "x")
    assert f'title="{long}"' in html
    assert "…" in html


def test_a_job_without_tasks_is_told_in_words() -> None:
    """No empty table, no broken picture."""
    assert table_html([], "x") == '<p class="ftw-none">This job has no tasks.</p>'
    ElementTree.fromstring(picture([]))


def test_headlines_say_how_it_stands() -> None:
    """State, how long, how long it will take, why it is paused or ended."""
    later = view(status="TERMINATED", result="FAILURE", ended_at="2026-03-01T12:00:03+00:00", reason="task a failed")
    assert headline(later) == "failed after 3.0 s: task a failed"
    at = datetime(2026, 3, 1, 12, 0, 12, tzinfo=UTC)
    paused = headline(view(expected_seconds=40, paused="the disk is full"), at)
    assert paused == "running for 12 s, about 40 s in all; paused: the disk is full"
    assert headline(view(expected_seconds=10), at) == "running for 12 s"


# ---------------------------------------------------------------------- the still picture


def test_a_card_stands_right_of_all_that_it_needs_and_none_covers_another() -> None:
    """Columns are longest paths; no two cards share a place."""
    found = rows(task("a"), task("b", "WAITING", "UNDEFINED", "a"), task("d", "WAITING", "UNDEFINED", "a", "c"),
                 task("c", "WAITING", "UNDEFINED", "b"))  # fmt: skip
    at = places(found)
    assert at["a"][0] < at["b"][0] < at["c"][0] < at["d"][0]
    wide = places(rows(*(task(f"t{n}") for n in range(30))))
    assert len(set(wide.values())) == 30


def test_every_state_is_told_by_shape_and_in_words() -> None:
    """Eight states, eight icons; the words are there without colours and without a mouse."""
    assert set(LOOKS) == {state.name for state in STATES}
    assert len({look.icon for look in LOOKS.values()}) == len(LOOKS)
    drawn = picture(rows(task("a", "RUNNING", progress={"fraction": 0.5}), task("b", "TERMINATED", "FAILURE")))
    texts = [text.text for text in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert texts == ["a", "running · 50%", "b", "failed, the cause"]


def test_many_tasks_are_folded_into_a_bar() -> None:
    """A segment per state, as long as its share."""
    half = MOST_CARDS
    many = rows(*(task(f"a{n}", "TERMINATED", "SUCCESS") for n in range(half)), *(task(f"b{n}") for n in range(half)))
    widths = [float(part.get("width", 0)) for part in ElementTree.fromstring(picture(many)).iter(f"{SVG}rect")]
    assert widths == [320, 320]


def test_the_picture_is_an_image_that_needs_nothing() -> None:
    """An address that holds all of it: no script, no font, no other address but SVG's own name."""
    uri = picture_uri(rows(task("a"), task("b", "WAITING", "UNDEFINED", "a")))
    text = b64decode(uri.removeprefix("data:image/svg+xml;base64,")).decode()
    assert "script" not in text
    assert re.findall(r"https?://[^\"' ]+", text) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme:dark" in text


# ---------------------------------------------------------------------- logs


def test_colours_of_a_log_are_kept() -> None:
    """Colour, bold, their ends; what is neither is dropped."""
    html = log_html("\x1b[31mred\x1b[0m \x1b[1;92mok\x1b[22m\x1b[39m \x1b[38;5;200mpink\x1b[2K", 10)
    assert html == '<span class="ftw-ansi-red">red</span> <span class="ftw-ansi-green ftw-bold">ok</span> pink'


def test_what_a_carriage_return_overwrote_is_gone() -> None:
    """A bar that was drawn a hundred times is one line; lines of Windows are lines."""
    assert log_html("10%\r20%\r30%\ndone\r\n", 10) == "30%\ndone"


def test_a_log_is_shown_from_its_end() -> None:
    """The last lines only."""
    assert log_html("1\n2\n3\n", 2) == "2\n3"


# ---------------------------------------------------------------------- colours


def _rgb(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def _luminance(colour: list[float]) -> float:
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: list[float], other: list[float]) -> float:
    """WCAG 2.2's contrast ratio."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _in_dark(colour: str) -> list[float]:
    """A colour of the canvas as a dark theme's filter makes it (Filter Effects Module Level 1)."""
    found = _rgb(colour)
    for name, amount in DARK_CANVAS:
        if name == "invert":
            found = [part * (1 - 2 * amount) + amount for part in found]
        elif name == "brightness":
            found = [part * amount for part in found]
        else:
            c, s = math.cos(math.radians(amount)), math.sin(math.radians(amount))
            matrix = (
                (0.213 + c * 0.787 - s * 0.213, 0.715 - c * 0.715 - s * 0.715, 0.072 - c * 0.072 + s * 0.928),
                (0.213 - c * 0.213 + s * 0.143, 0.715 + c * 0.285 + s * 0.140, 0.072 - c * 0.072 - s * 0.283),
                (0.213 - c * 0.213 - s * 0.787, 0.715 - c * 0.715 + s * 0.715, 0.072 + c * 0.928 + s * 0.072),
            )
            found = [sum(a * b for a, b in zip(row, found, strict=True)) for row in matrix]
        found = [min(1.0, max(0.0, part)) for part in found]
    return found


@pytest.mark.parametrize("name", sorted(LOOKS))
def test_strokes_can_be_seen_in_both_themes(name: str) -> None:
    """≥ 3:1 on the surface: drawn light, drawn dark, and on the canvas that a dark theme inverts."""
    look = LOOKS[name]
    assert _contrast(_rgb(look.light.stroke), _rgb("#ffffff")) >= 3
    assert _contrast(_rgb(look.dark.stroke), _rgb("#212121")) >= 3
    assert _contrast(_in_dark(look.light.stroke), _in_dark("#ffffff")) >= 3


@pytest.mark.parametrize("text", ["#212121", "#616161"])
def test_words_can_be_read_on_the_canvas_of_a_dark_theme(text: str) -> None:
    """≥ 4.5:1, also in the small second line; and the white cards are dark then."""
    assert _contrast(_in_dark(text), _in_dark("#ffffff")) >= 4.5
    assert _luminance(_in_dark("#ffffff")) < 0.03


def test_colours_are_those_of_the_editor() -> None:
    """One table: the browser's style sheet holds the same fills and strokes."""
    css = (Path(__file__).resolve().parents[2] / "labextension" / "style" / "status.css").read_text()
    light, dark = css.split("data-jp-theme-light='false'")
    for which, text in (("light", light), ("dark", dark)):
        found = dict(re.findall(r"--ft-([\w-]+): (#\w{6})", text))
        for name, look in LOOKS.items():
            colours = getattr(look, which)
            assert (colours.fill, colours.stroke) == (found[name], found[f"{name}-stroke"]), (which, name)


def test_states_are_those_of_the_browser() -> None:
    """Each status of a session is waiting, preparing or running there as here, and has the same icon."""
    text = (Path(__file__).resolve().parents[2] / "labextension" / "src" / "status.ts").read_text()
    assert dict(re.findall(r"^  (\w+): '(.)'", text, re.MULTILINE)) == {state.name: state.icon for state in STATES}
    for name in ("waiting", "running"):
        (listed,) = re.findall(rf"const {name.upper()}: ReadonlySet<string> = new Set\(\[([^\]]*)\]\)", text)
        assert set(re.findall(r"'(\w+)'", listed)) == {key for key, state in BY_STATUS.items() if state.name == name}


def test_styles_reach_nothing_but_the_widget() -> None:
    """Every rule is below its own classes, or about the output that holds them."""
    for style in (live_style("ftw-still-x"), still_style("ftw-still-x")):
        for selectors in re.findall(r"([^{}]+)\{", style.removeprefix("<style>").removesuffix("</style>")):
            assert all("ftw" in selector for selector in selectors.split(",")), selectors


def test_the_graph_has_the_same_height_before_its_own_style_is_there() -> None:
    """JupyterLab's extension knows it too: a page that is loaded anew fits the graph to it."""
    style = Path(__file__).parents[2] / "labextension" / "style" / "notebook.css"
    assert f"height: {GRAPH_HEIGHT};" in style.read_text().partition(".ftw-graph.ftw-graph")[2]
