"""A thousand tasks: the file opens, the canvas pans, a thousand changes arrive; the times are printed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hands import Editor, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


COUNT, WIDTH = 1000, 25
STATES = """async count => {
  const { canvas, outline } = jupyterapp.shell.currentWidget.content;
  const frames = [];
  let isOn = true, last = performance.now();
  const look = now => { frames.push(now - last); last = now; if (isOn) requestAnimationFrame(look); };
  requestAnimationFrame(look);
  const name = index => `task-${String(index).padStart(4, '0')}`;
  const states = new Map([...Array(count).keys()].map(index => [name(index), { state: 'waiting',
    reason: '', attempts: 1, progress: null, startedAt: null, endedAt: null, isCause: false, reusedFrom: null }]));
  const begun = performance.now();
  for (let index = 0; index < count; index++) {
    states.set(name(index), { ...states.get(name(index)), state: index % 7 ? 'success' : 'failure',
      startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:00:02Z' });
    const now = new Map(states);
    [canvas, outline].forEach(view => view.setStates(now));
    if (index % 50 === 49) await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  isOn = false;
  return [performance.now() - begun, Math.max(...frames)];
}"""
PAN = """async () => {
  const node = jupyterapp.shell.currentWidget.content.canvas.node.querySelector('canvas')?.closest('.ft-Canvas');
  const frames = [];
  for (let index = 0; index < 60; index++) {
    const at = performance.now();
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - at);
  }
  return [node !== null, frames];
}"""


def pipeline() -> str:
    """Layers of tasks, each needing two of the layer before."""
    lines = ["name: large", "tasks:"]
    for index in range(COUNT):
        lines += [f"- name: task-{index:04}", "  command: 'true'"]
        if index >= WIDTH:
            left, right = index - WIDTH, index - WIDTH + (1 if index % WIDTH < WIDTH - 1 else 0)
            needs = sorted({f"task-{left:04}", f"task-{right:04}"})
            lines.append(f"  dependencies: [{', '.join(needs)}]")
    return "\n".join(lines) + "\n"


def test_a_thousand_tasks_open_pan_and_change(lab: Lab, page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    """Opened within seconds, panned without a long standstill, and all changes drawn."""
    lab.write("small.fasttrack.yaml", "name: small\ntasks:\n- {name: a, command: 'true'}\n")
    lab.write("large.fasttrack.yaml", pipeline())
    page.goto(lab.page_url("small.fasttrack.yaml", workspace="large"))
    Editor(page, "small.fasttrack.yaml").wait()
    begun = time.monotonic()
    page.evaluate("() => void jupyterapp.commands.execute('docmanager:open', { path: 'large.fasttrack.yaml' })")
    editor = Editor(page, "large.fasttrack.yaml").wait()
    until(lambda: len(editor.tasks()) == COUNT, "the graph")
    opened = time.monotonic() - begun
    editor.show_outline()
    box = editor.canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + 20, box["y"] + 20
    before = editor.at("task-0000")
    page.mouse.move(x, y)
    page.mouse.down()
    begun = time.monotonic()
    for step in range(40):
        page.mouse.move(x + 5 * step, y + step)
    page.mouse.up()
    panned = time.monotonic() - begun
    slowest = max(page.evaluate(PAN)[1])
    until(lambda: editor.at("task-0000") != before, "the graph elsewhere", 5)
    changed, worst = page.evaluate(STATES, COUNT)
    expect(editor.outline.get_by_role("treeitem").first).to_have_accessible_name(
        "task-0000, failed 2 seconds, needed by task-0025"
    )
    with capsys.disabled():
        print(
            f"\n{COUNT} tasks: opened in {opened:.1f} s; 40 moves of a pan in {panned:.2f} s, "
            f"then at most {slowest:.0f} ms a frame; "
            f"{COUNT} changes of status in {changed / 1000:.2f} s, the longest frame {worst:.0f} ms"
        )
    assert opened < 20
    assert panned < 10
    assert changed < 10_000
