"""Loops and groups in a job's view: iterations below their loop, counted, folded and unfolded, and one's own log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hands import until
from playwright.sync_api import Page, expect
from test_access import AXE, violations

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

SWEEP = """\
name: sweep
tasks:
- name: rates
  for_each: {item: [0.1, 0.01], max_parallel: 2}
  parameters: {lr: "${{ item }}"}
  tasks:
  - {name: train, command: "echo rate ${{ params.lr }}"}
  - {name: test, dependencies: [train], command: "true"}
- name: many
  for_each: {item: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}
  command: test ${{ item }} != 4
  continue_on_failure: true
"""


def test_iterations_are_below_their_loop_and_have_a_log_each(lab: Lab, page: Page) -> None:
    """Few are open at first, many are one line that counts; arrows fold and unfold; paths with brackets have a log."""
    source = lab.write("sweep.fasttrack.yaml", SWEEP)
    job = str(lab.client.run({"source": str(source)})["id"])
    page.goto(lab.page_url(workspace="loops"))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:open-job')", timeout=60_000)
    page.evaluate("async job => { await jupyterapp.commands.execute('fasttrack:open-job', { job }); }", job)
    until(lambda: lab.client.job(job)["ended_at"], "the end of the job")
    timeline = page.get_by_role("tree", name="Timeline")
    expect(timeline.get_by_role("treeitem", name="many, failed")).to_have_attribute("aria-expanded", "false")
    expect(timeline.get_by_role("treeitem", name="rates[0], 0.1, succeeded")).to_have_attribute("aria-level", "2")
    page.get_by_role("tab", name="Task instances").click()
    table = page.get_by_role("treegrid")
    loop = table.get_by_role("row", name="many 11 ✓ 1 ✕ of 12")
    expect(loop).to_have_attribute("aria-expanded", "false")
    expect(table.get_by_role("row", name="[3] 4")).to_have_count(0)
    loop.click()
    page.get_by_role("group", name="Task instances", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(loop).to_have_attribute("aria-expanded", "true")
    expect(table.get_by_role("row", name="[3] 4")).to_contain_text("failed")
    page.keyboard.press("ArrowLeft")
    expect(loop).to_have_attribute("aria-expanded", "false")
    table.get_by_role("row", name="[1] 0.01").click()
    table.get_by_role("row", name=re.compile("^train")).nth(1).click()
    expect(page.get_by_role("region", name="rates[1]/train")).to_contain_text("rate 0.01", timeout=20_000)
    if AXE.is_file():
        assert violations(page) == []
        page.get_by_role("tab", name="Timeline").click()
        expect(timeline).to_be_visible()
        assert violations(page) == []
