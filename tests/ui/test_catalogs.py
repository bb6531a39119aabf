"""Templates from a Git repository, as a person brings them in and draws with them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hands import opened, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


EMPTY = "name: drawn\ntasks:\n- name: first\n  command: echo 1\n"
TEMPLATE = (
    "name: two steps\ntasks:\n- name: load\n  command: echo l\n- name: fit\n  command: echo f\n  dependencies: [load]\n"
)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with a template of two tasks."""
    work = tmp_path / "team"
    work.mkdir()
    (work / "two.fasttrack.yaml").write_text(TEMPLATE)
    who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **who}
        subprocess.run(["git", *words], cwd=work, env=environ, check=True)
    return work


def test_a_repository_is_added_and_its_template_dragged_onto_the_canvas(lab: Lab, page: Page, origin: Path) -> None:
    """A refusal is told in place; then the clone is listed, and its template dropped: both tasks are in the text."""
    lab.write("drawn.fasttrack.yaml", EMPTY)
    editor = opened(page, lab.page_url("drawn.fasttrack.yaml", workspace="catalogs"), "drawn.fasttrack.yaml")
    palette = editor.panel.get_by_role("region", name="Palette")
    palette.get_by_role("button", name="Add Git repository…").click()
    address = palette.get_by_label("Address of the repository")
    expect(address).to_be_focused()
    address.fill(str(origin / "nothing"))
    address.press("Enter")
    expect(palette.get_by_role("alert")).to_contain_text("there is no Git repository")
    address.fill(str(origin))
    address.press("Enter")
    expect(palette.get_by_text("Cloned into templates/team")).to_be_visible()
    expect(palette.get_by_role("button", name="Add Git repository…")).to_be_focused()
    expect(palette.get_by_role("button", name="Update templates/team")).to_be_enabled()
    palette.get_by_role("button", name="two steps").hover()
    x, y = editor.at("first", 0, 130)
    page.mouse.down()
    page.mouse.move(x, y - 20, steps=8)
    page.mouse.move(x, y)
    page.mouse.up()
    until(lambda: editor.tasks() == ["first", "load", "fit"], "the template's tasks on the canvas")
    editor.shows(lambda text: "dependencies: [load]" in text, "the dependency between them")


def test_a_selection_is_kept_as_a_template(lab: Lab, page: Page) -> None:
    """Alone it is a pipeline: what it needs of others is gone, and the palette offers it."""
    lab.write("whole.fasttrack.yaml", TEMPLATE)
    editor = opened(page, lab.page_url("whole.fasttrack.yaml", workspace="kept"), "whole.fasttrack.yaml")
    editor.click("fit")
    palette = editor.panel.get_by_role("region", name="Palette")
    palette.get_by_role("button", name="Keep selection as template").click()
    expect(palette.get_by_text("Kept as templates/fit.fasttrack.yaml")).to_be_visible()
    expect(palette.get_by_role("button", name="templates/fit.fasttrack.yaml")).to_be_visible()
    kept = (lab.work / "templates/fit.fasttrack.yaml").read_text()
    assert kept == "name: fit\ntasks:\n- name: fit\n  command: echo f\n"
