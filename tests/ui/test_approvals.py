"""A job that asks: its view shows the question with its fields, an answer lets what is behind it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hands import until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

GATE = """\
name: gate
tasks:
- name: check
  command: mkdir /pipeline/outputs/.values && echo 0.95 > /pipeline/outputs/.values/accuracy
  outputs: {accuracy: float}
- name: go live
  type: approval
  approval:
    question: Serve the model with accuracy ${{ tasks.check.outputs.accuracy }}?
    fields: [{name: share, type: float, default: 0.1}]
- {name: deploy, command: "echo share ${{ tasks['go live'].outputs.share }}"}
"""


def test_a_question_is_answered_in_the_view_of_its_job(lab: Lab, page: Page) -> None:
    """What is no number is told at its field; the answer is what the next task sees."""
    source = lab.write("gate.fasttrack.yaml", GATE)
    job = str(lab.client.run({"source": str(source)})["id"])
    page.goto(lab.page_url(workspace="approvals"))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:open-job')", timeout=60_000)
    page.evaluate("async job => { await jupyterapp.commands.execute('fasttrack:open-job', { job }); }", job)
    question = page.get_by_role("region", name="Serve the model with accuracy 0.95?")
    expect(question).to_be_visible(timeout=20_000)
    question.get_by_label("share").fill("much")
    question.get_by_role("button", name="Approve").click()
    expect(question.get_by_text("A number is needed, such as 0.5.")).to_be_visible()
    question.get_by_label("share").fill("0.25")
    question.get_by_label("Comment").fill("looks good")
    question.get_by_role("button", name="Approve").click()
    expect(question).to_be_hidden(timeout=20_000)
    until(lambda: lab.client.job(job)["ended_at"], "the end of the job")
    assert lab.client.job(job)["outputs"]["go live"]["share"] == 0.25
    assert lab.client.job(job)["tasks"][1]["reason"].endswith(": looks good")
