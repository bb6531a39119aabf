"""Everybody can read it: axe-core finds nothing, colours have the contrast they need; and pictures of each screen."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands import Editor, opened, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "examples" / "screenshots"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
PIPELINE = """\
# Four models of the weather, and what becomes of them.
name: weather
description: Numbers are made, three models learn, one of them fails

params:
  - {name: days, type: int, default: 30, description: How many days to look back}

tasks:
  - name: prepare
    command: |
      seq 30 > /pipeline/outputs/days.txt
      printf 'day,high,low\\n1,21,12\\n2,23,14\\n3,19,11\\n' > /pipeline/outputs/weather.csv
      printf '\\033[32mread\\033[0m 30 days\\n\\033[33mwarning:\\033[0m two are missing\\n'
      for i in 1 2 3 4 5 6 7 8; do echo "day $i: complete"; done
    resources: {cpu: 0.5, mem: 64m}
  - name: linear
    dependencies: [prepare]
    command: echo linear; exit 0
    resources: {cpu: 0.5, mem: 64m}
  - name: forest
    dependencies: [prepare]
    command: echo "cannot grow without light" >&2; exit 3
    resources: {cpu: 0.5, mem: 64m}
  - name: neural
    dependencies: [prepare]
    command: sleep 600
    resources: {cpu: 1, mem: 64m}
  - name: ensemble
    dependencies: [linear, neural]
    command: echo together
  - name: report
    dependencies: [forest]
    command: echo never
  - name: draft
    skip: true
    command: echo not yet
"""
CHECK = """async roots => {
  const include = roots.map(root => [root]).filter(([root]) => document.querySelector(root));
  const found = await axe.run({ include, exclude: [['jp-button']] }, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']
  });
  return found.violations.map(({ id, help, nodes }) => ({
    id, help,
    nodes: nodes.slice(0, 6).map(node => [node.target.join(' '), node.html.slice(0, 200), node.failureSummary])
  }));
}"""
"""JupyterLab's own button has an ARIA attribute too many, which is JupyterLab's to mend."""
OURS = (
    ".ft-Editor",
    ".ft-JobView",
    ".ft-Compare",
    ".ft-Lineage",
    ".ft-Diff",
    "#fasttrack-panel",
    ".jp-ft-status-item",
    ".ft-Cluster",
    ".ft-Clusters",
)


@pytest.fixture(scope="module")
def job(lab: Lab) -> Iterator[str]:
    """A job in which tasks have succeeded, failed, wait and run."""
    path = lab.write("weather.fasttrack.yaml", PIPELINE)
    made = lab.client.run({"text": PIPELINE, "source": str(path)})
    name = str(made["id"])

    def ready() -> bool:
        states = {task["path"]: (task["status"], task["result"]) for task in lab.client.job(name)["tasks"]}
        return (
            states["forest"][1] == "FAILURE" and states["neural"][0] == "RUNNING" and states["linear"][1] == "SUCCESS"
        )

    until(ready, "all kinds of states")
    yield name
    lab.client.cancel(name)


def violations(page: Page) -> list[str]:
    """What axe-core finds in our own elements, a line each."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(CHECK, list(OURS))
    return [f"{each['id']}: {each['help']}\n    {json.dumps(node)}" for each in found for node in each["nodes"]]


def show(page: Page, lab: Lab, job: str, theme: str) -> Editor:
    """The panel, and the editor with that job on its canvas."""
    lab.set("@jupyterlab/apputils-extension/themes.jupyterlab-settings", {"theme": THEMES[theme]})
    editor = opened(page, lab.page_url("weather.fasttrack.yaml", workspace=f"access-{theme}"), "weather.fasttrack.yaml")
    until(lambda: page.evaluate("() => document.body.dataset.jpThemeLight") == str(theme == "light").lower(), theme)
    page.get_by_role("tab", name="Pipelines").click()
    expect(page.get_by_role("grid", name="Jobs").get_by_role("row").first).to_be_visible()
    return editor


def picture(page: Page, name: str) -> None:
    """Keep how the window looks, where ``FT_SCREENSHOTS`` asks for it."""
    if os.environ.get("FT_SCREENSHOTS"):
        PICTURES.mkdir(exist_ok=True)
        page.wait_for_timeout(600)  # what moves has come to rest
        page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: jlpm install in labextension/")
@pytest.mark.parametrize("theme", list(THEMES))
def test_nobody_is_shut_out(lab: Lab, page: Page, job: str, theme: str) -> None:
    """WCAG 2.2 AA by axe-core: panel, editor, monitor with each tab of the dock, and the job's view."""
    found: dict[str, list[str]] = {}  # by place
    editor = show(page, lab, job, theme)
    editor.show_outline()
    editor.click("prepare")
    editor.press("Details")
    expect(editor.properties).to_be_visible()
    found["editor"] = violations(page)
    picture(page, f"editor-{theme}")
    page.evaluate("async args => { await jupyterapp.commands.execute('fasttrack:open-pipeline', args); }",
                  {"path": "weather.fasttrack.yaml", "job": job})  # fmt: skip
    expect(editor.task("neural", "running")).to_be_visible()
    for name in ("Log", "Outputs", "Resources", "Attempts"):
        editor.tab(name)
        expect(editor.panel.get_by_text("Loading …")).to_have_count(0)
        found[name] = violations(page)
        picture(page, f"monitor-{name.lower()}-{theme}")
    page.evaluate("async job => { await jupyterapp.commands.execute('fasttrack:open-job', { job }); }", job)
    tabs = page.get_by_role("tablist", name="Views of this job")
    for name in ("Timeline", "Task instances", "Metrics", "Parameters", "YAML", "Differences"):
        tabs.get_by_role("tab", name=name, exact=True).click()
        found[f"job: {name}"] = violations(page)
        if name in ("Timeline", "Task instances"):
            picture(page, f"job-{name.split()[0].lower()}-{theme}")
    told = "\n".join(f"{place}: {line}" for place, lines in found.items() for line in lines)
    assert told == "", told


CONTRAST = """() => {
  const paper = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const style = getComputedStyle(document.body);
  const light = name => {
    paper.fillStyle = style.getPropertyValue(name).trim();
    paper.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paper.getImageData(0, 0, 1, 1).data].slice(0, 3).map(byte => byte / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const states = ['waiting', 'preparing', 'running', 'success', 'failure', 'cancelled', 'skipped', 'reused'];
  const ground = light('--jp-layout-color1');
  return Object.fromEntries(states.map(state => {
    const [high, low] = [light(`--ft-${state}-stroke`), ground].sort((a, b) => b - a);
    return [state, (high + 0.05) / (low + 0.05)];
  }));
}"""
"""How each state's stroke stands out from a card's surface, by WCAG's formula, as the browser computes the colours."""


@pytest.mark.parametrize("theme", list(THEMES))
def test_every_state_stands_out(lab: Lab, page: Page, job: str, theme: str) -> None:
    """The strokes of all eight states have at least 3:1 against the surface."""
    show(page, lab, job, theme)
    found: dict[str, float] = page.evaluate(CONTRAST)
    assert len(found) == 8
    assert {state: round(ratio, 2) for state, ratio in found.items() if ratio < 3} == {}
