"""Where an output comes from and what became of it, walked in a tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hands import until
from playwright.sync_api import Page, expect
from test_access import AXE, violations

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

TEXT = """\
name: made
params: [{name: lr, type: float, default: 0.1}]
tasks:
- {name: prep, command: echo 1 > /pipeline/outputs/data, outputs: {data: Dataset}}
- name: train
  inputs: {data: prep.data}
  command: echo ${{ params.lr }} > /pipeline/outputs/model
  outputs: {model: Model}
- {name: test, inputs: {weights: train.model}, command: cat /pipeline/inputs/weights}
"""
READY = "() => window.jupyterapp?.commands.hasCommand('fasttrack:lineage')"
EXECUTE = "async ([id, args]) => { await jupyterapp.commands.execute(id, args); }"


@pytest.fixture(scope="module")
def job(lab: Lab) -> str:
    """A job of it that has succeeded."""
    made = str(lab.client.run({"source": str(lab.write("made.fasttrack.yaml", TEXT))})["id"])
    until(lambda: lab.client.job(made)["ended_at"], "the end of the job", 60)
    return made


def test_the_tree_is_walked_by_keys_from_an_output_to_its_sources_and_users(lab: Lab, page: Page, job: str) -> None:
    """From a model's card; each line tells of itself, and Enter opens its job."""
    page.goto(lab.page_url(workspace="lineage"))
    page.wait_for_function(READY, timeout=60_000)
    page.evaluate(EXECUTE, ["fasttrack:open-job", {"job": job}])
    page.get_by_role("tab", name="Task instances").click()
    view = page.locator(".ft-JobView:visible")
    view.get_by_role("gridcell", name="train", exact=True).or_(
        view.get_by_role("cell", name="train", exact=True)
    ).first.click()
    view.get_by_role("region", name="train", exact=True).get_by_role("tab", name="Outputs").click()
    page.get_by_role("region", name="Model model").get_by_role("button", name="Lineage").click()
    shown = page.locator(".ft-Lineage:visible")
    expect(shown.get_by_role("heading", name=re.compile("train.model"))).to_be_visible()
    tree = shown.get_by_role("tree", name="Lineage")
    made_of = tree.get_by_role("treeitem", name="Made of")
    made_of.focus()
    page.keyboard.press("ArrowDown")
    prep = tree.get_by_role("treeitem", name=re.compile("made#1 prep"))
    expect(prep).to_be_focused()
    expect(shown.get_by_role("region", name=re.compile("About made#1 prep"))).to_contain_text("echo 1")
    page.keyboard.press("ArrowLeft")
    expect(made_of).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(prep).to_be_hidden()
    expect(made_of).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("End")
    expect(tree.get_by_role("treeitem", name=re.compile("made#1 test.*model → weights"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name=re.compile("^made #1|^made#1"))).to_have_attribute("aria-selected", "true")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: jlpm install in labextension/")
def test_the_lineage_is_for_everybody(lab: Lab, page: Page, job: str) -> None:
    """No rule of axe is broken."""
    page.goto(lab.page_url(workspace="lineage-axe"))
    page.wait_for_function(READY, timeout=60_000)
    page.evaluate(EXECUTE, ["fasttrack:lineage", {"job": job, "task": "train.model"}])
    expect(page.get_by_role("tree", name="Lineage")).to_be_visible()
    assert violations(page) == []
