"""What would run and why, on the canvas; and a question that a job asks, told wherever a person is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hands import opened, until
from playwright.sync_api import Page, expect
from test_approvals import GATE

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

TEXT = """\
name: planned
cache: true
tasks:
- {name: prep, command: echo 1 > /pipeline/outputs/x, outputs: {x: File}}
- {name: train, inputs: {x: prep.x}, command: echo 2}
"""


def test_a_plan_tells_what_is_reused_and_goes_when_the_text_changes(lab: Lab, page: Page) -> None:
    """A line for all, one for each task; without the cache everything would run."""
    source = lab.write("planned.fasttrack.yaml", TEXT)
    job = str(lab.client.run({"source": str(source)})["id"])
    until(lambda: lab.client.job(job)["ended_at"], "the end of the job", 60)
    source.write_text(TEXT.replace("echo 2", "echo 3"))
    editor = opened(page, lab.page_url("planned.fasttrack.yaml", workspace="plan"), "planned.fasttrack.yaml")
    editor.press("Plan")
    plan = page.get_by_role("region", name="Plan")
    expect(plan).to_contain_text("1 will run, 1 reused")
    expect(plan).to_contain_text("command changed since job #1")
    page.keyboard.press("Escape")
    expect(plan).to_be_hidden()
    editor.press("Other ways to run")
    page.get_by_role("menuitem", name="Run without cache").click()
    editor.press("Plan")
    expect(plan).to_contain_text("2 will run")
    editor.focus_text()
    page.keyboard.type("# more\n")
    expect(plan).to_be_hidden()


def test_a_question_is_told_once_and_leads_to_its_job(lab: Lab, page: Page) -> None:
    """Wherever a person is; it goes by itself when somebody else has answered."""
    page.goto(lab.page_url(workspace="told"))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:open-job')", timeout=60_000)
    job = str(lab.client.run({"source": str(lab.write("gate.fasttrack.yaml", GATE))})["id"])
    told = page.locator(".jp-toastContainer", has_text="go live waits for an answer: Serve the model")
    expect(told).to_be_visible(timeout=20_000)
    told.get_by_role("button", name="Answer").click()
    expect(page.get_by_role("region", name="Serve the model with accuracy 0.95?")).to_be_visible()
    lab.client.answer(job, "go live", "approve")
    until(lambda: lab.client.job(job)["ended_at"], "the end of the job")
