"""Where the system chooses the colours (Windows' contrast themes), shapes and lines tell what colours told."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hands import Editor, opened, until
from playwright.sync_api import Browser, Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


STATES = ("waiting", "preparing", "running", "success", "failure", "cancelled", "skipped", "reused", "none")
TEXT = "name: forced\ntasks:\n- {name: t0, command: echo 0}\n- {name: t1, command: echo 1}\n"
SHOW = """state => {
  const shown = { state, status: '', reason: '', attempts: 1, startedAt: null, endedAt: null, isCause: false,
    progress: state === 'running' ? 0.5 : undefined };
  jupyterapp.shell.currentWidget.content.canvas.setStates(state === 'none' ? null : new Map([['t0', shown]]));
}"""
PIXELS = """([name, zoom]) => {
  const { canvas } = jupyterapp.shell.currentWidget.content;
  const paper = canvas.node.querySelector('.ft-Canvas-surface');
  const at = canvas.positionsOf([name])[name];
  const { pan } = canvas.viewState();
  const [wide, high] = [200 * zoom, 76 * zoom];
  const data = paper.getContext('2d')
    .getImageData(at.x * zoom + pan.x - wide / 2, at.y * zoom + pan.y - high / 2, wide, high).data;
  return [...data].filter((_, at) => at % 4 < 3);
}"""
"""Red, green and blue of all that is painted of one card."""
ZOOM = """zoom => {
  const { canvas } = jupyterapp.shell.currentWidget.content;
  canvas.restoreView({ ...canvas.viewState(), zoom, pan: { x: 250, y: 150 } });
}"""
LOOKS = """buttons => buttons.map(button => {
  const style = getComputedStyle(button.shadowRoot.querySelector('[part~=control]'));
  return [style.backgroundColor, style.color].map(words => words.match(/[\\d.]+/g).slice(0, 3).map(Number));
})"""
"""Background and text of buttons."""
SYSTEM = """words => Object.fromEntries(words.map(word => {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.cssText = `forced-color-adjust: none; color: ${word}`;
  const found = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  return [word, found];
}))"""


@pytest.fixture(params=["light", "dark"])
def editor(lab: Lab, chromium: Browser, page: Page, request: pytest.FixtureRequest) -> Editor:
    """A pipeline, seen with the system's colours; JupyterLab's theme is its light one."""
    page.emulate_media(forced_colors="active", color_scheme=request.param, reduced_motion="reduce")
    lab.write("forced.fasttrack.yaml", TEXT)
    return opened(page, lab.page_url("forced.fasttrack.yaml", workspace="forced"), "forced.fasttrack.yaml")


def colour(editor: Editor, *words: str) -> list[tuple[int, ...]]:
    """What the system's words for colours stand for."""
    found = editor.page.evaluate(SYSTEM, list(words))
    return [tuple(found[word]) for word in words]


def pixels(editor: Editor, name: str) -> list[tuple[int, ...]]:
    """All that is painted of a card."""
    page = editor.page
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    zoom = page.evaluate("() => jupyterapp.shell.currentWidget.content.canvas.viewState().zoom")
    return list(zip(*[iter(page.evaluate(PIXELS, [name, zoom]))] * 3, strict=True))


def has_hue(pixel: tuple[int, ...]) -> bool:
    """Of all that is painted only the highlight is not on the way from black to white."""
    return max(pixel) - min(pixel) > 40


@pytest.mark.parametrize("zoom", [1.0, 0.4, 0.18], ids=["cards", "names", "blocks"])
def test_states_are_told_apart_by_shape(editor: Editor, zoom: float) -> None:
    """Each card is painted in the system's two colours, and looks like no other; a task without a state neither."""
    editor.page.evaluate(ZOOM, zoom)
    paper, ink = colour(editor, "Canvas", "CanvasText")
    found = {}
    for state in STATES:
        editor.page.evaluate(SHOW, state)
        found[state] = pixels(editor, "t0")
    for state, painted in found.items():
        assert Counter(painted).most_common(1)[0][0] in (paper, ink), state
        assert {paper, ink} <= set(painted), state
    for one, other in combinations(found, 2):
        assert sum(a != b for a, b in zip(found[one], found[other], strict=True)) > 15, (one, other)


def test_focus_and_what_is_pressed_are_seen(editor: Editor) -> None:
    """The card in focus has a ring of the system's highlight, and what is pressed can be read."""
    assert [each for each in pixels(editor, "t0") if has_hue(each)] == []
    editor.canvas.focus()
    editor.page.keyboard.press("Home")
    until(lambda: sum(has_hue(each) for each in pixels(editor, "t0")) > 200, "the ring around the first card", 5)
    assert editor.canvas.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    pressed = editor.panel.locator(".ft-Editor-toolbar-button jp-button[aria-pressed='true']")
    expect(pressed.first).to_be_visible()
    paper, ink = colour(editor, "Canvas", "CanvasText")
    for words in pressed.evaluate_all(LOOKS):
        assert [tuple(each) for each in words] == [paper, ink]
