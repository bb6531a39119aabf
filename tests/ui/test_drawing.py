"""A pipeline is drawn: by the mouse, by keys alone; what cannot be is refused in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hands import Editor, opened, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

PAIR = "name: pair\ntasks:\n- name: one\n  command: echo one\n- name: two\n  dependencies: [one]\n  command: echo two\n"


def ended(lab: Lab, pipeline: str) -> dict[str, str]:
    """Wait for the end of the pipeline's one job; its task instances' results, by path."""
    (job,) = until(lambda: lab.client.jobs(pipeline=pipeline), f"a job of {pipeline}")
    view = until(lambda: (lambda job: job["ended_at"] and job)(lab.client.job(job["id"])), "the end of the job", 60)
    return {task["path"]: task["result"] for task in view["tasks"]}


def test_a_pipeline_is_made_by_mouse_and_run(lab: Lab, page: Page) -> None:
    """The launcher's card, a task dragged from the palette, a dependency drawn, a command in the form, Run."""
    page.goto(lab.page_url())
    page.get_by_role("main").get_by_role("button", name="Pipeline", exact=True).click()
    editor = Editor(page, "untitled.fasttrack.yaml").wait()
    until(lambda: editor.tasks() == ["hello"], "the new pipeline's first task")
    palette = editor.panel.get_by_role("region", name="Palette")
    palette.get_by_role("button", name=re.compile("^Shell command")).hover()
    x, y = editor.at("hello", 0, 130)
    page.mouse.down()
    page.mouse.move(x, y - 20, steps=8)
    page.mouse.move(x, y)
    page.mouse.up()
    until(lambda: len(editor.tasks()) == 2, "the task dragged in")
    (added,) = set(editor.tasks()) - {"hello"}
    editor.connect("hello", added)
    editor.shows(lambda text: re.search(r"dependencies:\s*(\[\s*hello|- hello)", text) is not None, "the dependency")
    page.mouse.dblclick(*editor.at(added))
    command = editor.properties.get_by_role("textbox", name="Command", exact=True)
    expect(command).to_be_visible()
    command.fill("cat /dev/null && echo by mouse")
    command.blur()
    editor.shows(lambda text: "echo by mouse" in text, "the command in the text")
    editor.press("Run")
    editor.show_outline()
    expect(editor.task(added, "succeeded")).to_be_visible(timeout=60_000)
    assert ended(lab, "untitled") == {"hello": "SUCCESS", added: "SUCCESS"}
    assert (lab.work / "untitled.fasttrack.yaml").read_text() == editor.text


def test_a_pipeline_is_made_by_keys_alone_and_run(lab: Lab, page: Page) -> None:
    """A, a name, C and a target, F2, R: the canvas has the keyboard after each, and the job runs."""
    lab.write("keys.fasttrack.yaml", "name: keys\ntasks: []\n")
    editor = opened(page, lab.page_url("keys.fasttrack.yaml", workspace="keys"), "keys.fasttrack.yaml")
    editor.canvas.focus()
    for name in ("first", "second"):
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        expect(page.get_by_role("textbox", name="Name of the task")).to_be_focused()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        editor.has_focus()
    until(lambda: editor.tasks() == ["first", "second"], "two tasks by key A")
    page.keyboard.press("Home")
    page.keyboard.press("c")
    page.keyboard.type("sec")
    page.keyboard.press("Enter")
    editor.has_focus()
    editor.shows(lambda text: re.search(r"dependencies:\s*(\[\s*first|- first)", text) is not None, "the dependency")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("F2")
    expect(page.get_by_role("textbox", name="Name of the task")).to_have_value("second")
    page.keyboard.type("last")
    page.keyboard.press("Enter")
    until(lambda: editor.tasks() == ["first", "last"], "the new name")
    editor.has_focus()
    page.keyboard.press("r")
    until(lambda: ended(lab, "keys") == {"first": "SUCCESS", "last": "SUCCESS"}, "the job")
    editor.has_focus()


def test_keys_open_what_they_say_and_give_the_canvas_back(lab: Lab, page: Page) -> None:
    """Enter, /, ?, Delete, undo and Escape: each does its work, and the keyboard is never nowhere."""
    lab.write("walk.fasttrack.yaml", PAIR.replace("pair", "walk"))
    editor = opened(page, lab.page_url("walk.fasttrack.yaml", workspace="walk"), "walk.fasttrack.yaml")
    before = editor.text
    editor.canvas.focus()
    page.keyboard.press("/")
    expect(page.get_by_role("textbox", name="Search a task")).to_be_focused()
    page.keyboard.type("tw")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    editor.has_focus()
    page.keyboard.press("?")
    expect(editor.panel.get_by_role("region", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    editor.has_focus()
    page.keyboard.press("Delete")
    until(lambda: editor.tasks() == ["one"], "the found task deleted")
    page.keyboard.press("Control+z")
    editor.shows(before, "what was deleted is back")
    editor.has_focus()
    page.keyboard.press("Enter")
    until(lambda: editor.properties.evaluate("node => node.contains(document.activeElement)"), "focus in the form")
    page.keyboard.press("Escape")
    editor.has_focus()


def test_a_cycle_is_refused_while_it_is_drawn(lab: Lab, page: Page) -> None:
    """The path of the cycle is told in words, and the text stays as it was."""
    lab.write("cycle.fasttrack.yaml", PAIR.replace("pair", "cycle"))
    editor = opened(page, lab.page_url("cycle.fasttrack.yaml", workspace="cycle"), "cycle.fasttrack.yaml")
    before = editor.text
    editor.connect("two", "one")
    expect(editor.panel.get_by_role("alert")).to_contain_text(
        re.compile("cycle: .*one.*two.*one|cycle: .*two.*one.*two")
    )
    assert editor.text == before
    editor.canvas.focus()
    page.keyboard.press("End")
    page.keyboard.press("c")
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    expect(editor.panel.get_by_role("alert")).to_contain_text("cycle")
    assert editor.text == before
    editor.has_focus()


def test_the_form_keeps_the_focus_while_it_is_filled(lab: Lab, page: Page) -> None:
    """A new name, Tab, a description: the focus goes on from field to field, each with its label to be seen."""
    lab.write("form.fasttrack.yaml", PAIR.replace("pair", "form"))
    editor = opened(page, lab.page_url("form.fasttrack.yaml", workspace="form"), "form.fasttrack.yaml")
    editor.canvas.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    field = editor.properties.get_by_role("textbox", name="Name", exact=True)
    expect(field).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("begin")
    page.keyboard.press("Tab")
    expect(editor.properties.get_by_role("textbox", name="Description", exact=True)).to_be_focused()
    until(lambda: editor.tasks() == ["begin", "two"], "the new name")
    expect(editor.properties.get_by_role("heading", name="begin")).to_be_visible()
    expect(editor.properties.get_by_role("textbox", name="Description", exact=True)).to_be_focused()
    for label in ("Name", "Description", "Command", "Image"):
        expect(editor.properties.get_by_text(label, exact=True).first).to_be_visible()
