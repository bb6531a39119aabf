"""What differs between jobs, and between a job and the text: signs on the canvas, lines in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hands import opened, until
from playwright.sync_api import Page, expect
from test_access import AXE, violations

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

TEXT = """\
name: differing
tasks:
- {name: prep, command: echo 1}
- {name: gone, dependencies: [prep], command: echo 2}
- {name: train, dependencies: [prep], command: echo 3}
"""
NOW = """\
name: differing
tasks:
- {name: prep, command: echo 1}
- {name: train, dependencies: [prep], command: echo 4}
- {name: fresh, dependencies: [train], command: sleep 0}
"""
SHOWN = """() => Object.fromEntries([...(jupyterapp.shell.currentWidget.content.feed.states ?? [])]
  .map(([name, state]) => [name, state.change]))"""
EXECUTE = "async ([id, args]) => { await jupyterapp.commands.execute(id, args); }"


@pytest.fixture(scope="module")
def jobs(lab: Lab) -> list[str]:
    """A job of the text before, and one of the text now."""
    made = []
    for text in (TEXT, NOW):
        source = lab.write("differing.fasttrack.yaml", text)
        made.append(str(lab.client.run({"source": str(source)})["id"]))
        until(lambda: lab.client.job(made[-1])["ended_at"], "the end of the job", 60)
    return made


def test_the_canvas_shows_what_has_changed_since_a_job(lab: Lab, page: Page, jobs: list[str]) -> None:
    """Added, changed, and removed as a ghost that cannot be edited; Escape brings the text's graph back."""
    lab.write("differing.fasttrack.yaml", NOW)
    editor = opened(page, lab.page_url("differing.fasttrack.yaml", workspace="diff"), "differing.fasttrack.yaml")
    shown = "async job => { await jupyterapp.shell.currentWidget.content.choice.show(job); }"
    page.evaluate(shown, jobs[0])
    editor.press("Other ways to run")
    page.get_by_role("menuitem", name="Differences from the last job").click()
    differences = page.get_by_role("region", name="Differences", exact=True)
    expect(differences).to_contain_text("1 task added, 1 task removed, 1 task changed")
    expect(differences.get_by_role("group", name="command").first).to_contain_text("− echo 3")
    assert page.evaluate(SHOWN) == {"fresh": "added", "gone": "removed", "train": "changed"}
    differences.get_by_role("button", name="gone").click()
    page.keyboard.press("Escape")
    expect(differences).to_be_hidden()
    assert page.evaluate(SHOWN) == {}
    assert editor.text == NOW


def test_two_jobs_are_read_side_by_side(lab: Lab, page: Page, jobs: list[str]) -> None:
    """From the view of a job, which asks with which other; added is a sign, not only a colour."""
    page.goto(lab.page_url(workspace="diff-jobs"))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:diff-jobs')", timeout=60_000)
    page.evaluate(EXECUTE, ["fasttrack:open-job", {"job": jobs[1]}])
    page.get_by_role("button", name="Differences from…").click()
    page.get_by_role("dialog").get_by_role("button", name="Ok").click()
    shown = page.locator(".ft-Diff:visible")
    expect(shown.get_by_role("heading", name="differing#1 → differing#2")).to_be_visible()
    expect(shown.get_by_role("img", name="removed")).to_have_text("−")
    if AXE.is_file():
        assert violations(page) == []
