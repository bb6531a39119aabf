"""The text and the canvas are one thing: what is typed, undone, broken, changed elsewhere."""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from hands import Editor, opened, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


PAIR = (
    "name: {name}\ntasks:\n- name: one\n  command: echo one\n- name: two\n  dependencies: [one]\n  command: echo two\n"
)
ODD = """# kept: a comment at the head

name:   odd      # and one at a line's end
tasks:
    -   {name: first,   command: "echo 'a'  # not a comment"}   # flow style


    - name: second
      command: |
        echo b
        echo c
      dependencies:   [ first ]
    # between

    -   name:    third
        command: 'true'
# at the end, without a last line break"""
FOLLOW = """async () => {
  const { content } = jupyterapp.shell.currentWidget;
  const text = content.context.model.sharedModel;
  const at = performance.now();
  text.updateSource(text.getSource().length, text.getSource().length, '- name: added\\n  command: echo added\\n');
  while (!content.canvas.positionsOf(['added']).added && performance.now() < at + 5000) {
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - at;
}"""
LEFT = "() => [document.querySelectorAll('[data-evil]').length, window.evil ?? null]"


def test_the_canvas_follows_the_text(lab: Lab, page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    """A task that is typed is drawn; how long that takes is printed."""
    lab.write("follow.fasttrack.yaml", PAIR.format(name="follow"))
    editor = opened(page, lab.page_url("follow.fasttrack.yaml", workspace="follow"), "follow.fasttrack.yaml")
    editor.focus_text()
    page.keyboard.insert_text("- name: three\n  command: echo three\n")
    until(lambda: editor.tasks() == ["one", "two", "three"], "the task that was typed")
    took = page.evaluate(FOLLOW)
    with capsys.disabled():
        print(f"\nfrom a change of the text to the drawn card: {took:.0f} ms")
    assert editor.tasks()[-1] == "added"


def test_the_text_follows_the_selection_and_the_selection_the_cursor(lab: Lab, page: Page) -> None:
    """A task chosen on the canvas is brought into view in the text; the cursor in a task's text selects its card."""
    tasks = "".join(f"- name: task-{index:02}\n  command: 'true'\n" for index in range(60))
    lab.write("both.fasttrack.yaml", f"name: both\ntasks:\n{tasks}")
    editor = opened(page, lab.page_url("both.fasttrack.yaml", workspace="both"), "both.fasttrack.yaml")
    editor.canvas.focus()
    page.keyboard.press("End")
    expect(editor.yaml.get_by_text("task-59")).to_be_in_viewport()
    expect(editor.panel.get_by_role("button", name=re.compile("^Undo"))).to_be_disabled()
    editor.show_outline()
    editor.focus_text("Control+Home")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(editor.task("task-00")).to_have_attribute("aria-selected", "true")


def test_half_typed_yaml_keeps_the_last_good_graph_and_says_what_is_wrong(lab: Lab, page: Page) -> None:
    """The cards stay, the line is marked and listed, and choosing the problem leads to it."""
    lab.write("half.fasttrack.yaml", PAIR.format(name="half"))
    editor = opened(page, lab.page_url("half.fasttrack.yaml", workspace="half"), "half.fasttrack.yaml")
    editor.focus_text()
    page.keyboard.insert_text("- name: [unfinished\n  command: 'no end")
    problem = editor.problems.get_by_role("option").first
    expect(problem).to_contain_text("line", timeout=10_000)
    assert editor.tasks() == ["one", "two"]
    expect(editor.panel.locator(".cm-lint-marker-error").first).to_be_visible()
    editor.canvas.focus()
    problem.click()
    expect(editor.yaml).to_be_focused()
    page.keyboard.press("Control+End")
    for _ in "- name: [unfinished\n  command: 'no end":
        page.keyboard.press("Backspace")
    expect(editor.problems.get_by_role("status")).to_have_text("No problems")


def test_undo_goes_back_to_the_first_byte(lab: Lab, page: Page) -> None:
    """After drawing, renaming, deleting and typing, a file with comments and odd formatting is as it was."""
    path = lab.write("odd.fasttrack.yaml", ODD)
    editor = opened(page, lab.page_url("odd.fasttrack.yaml", workspace="odd"), "odd.fasttrack.yaml")
    editor.connect("second", "third")
    editor.shows(lambda text: text != ODD, "the drawn dependency")
    editor.canvas.focus()
    page.keyboard.press("Home")
    page.keyboard.press("F2")
    page.keyboard.type("begin")
    page.keyboard.press("Enter")
    until(lambda: "begin" in editor.tasks(), "the new name")
    page.keyboard.press("Control+d")
    until(lambda: len(editor.tasks()) == 4, "the copy")
    page.keyboard.press("End")
    page.keyboard.press("Delete")
    until(lambda: len(editor.tasks()) == 3, "the end of one task")
    editor.focus_text("Control+Home")
    page.keyboard.type("# typed ")
    editor.shows(lambda text: text.startswith("# typed # kept"), "what was typed")
    for comment in ("a comment at the head", "and one at a line's end", "flow style", "# between", "# at the end"):
        assert comment in editor.text
    editor.canvas.focus()
    undo = editor.panel.get_by_role("button", name=re.compile("^Undo"))
    for _ in range(30):
        if editor.text == ODD:
            break
        page.keyboard.press("Control+z")
        page.evaluate("() => new Promise(requestAnimationFrame)")
    editor.shows(ODD, "the first byte")
    expect(undo).to_be_disabled()
    until(lambda: editor.tasks() == ["first", "second", "third"], "the first graph")
    for _ in range(30):
        page.keyboard.press("Control+Shift+z")
    editor.shows(lambda text: text.startswith("# typed # kept"), "all done again")
    assert path.read_bytes() == ODD.encode()


def test_a_broken_file_opens_and_tells_all_its_problems(lab: Lab, page: Page) -> None:
    """Each problem has its line; the file on disk is untouched."""
    broken = "name: broken\ntasks:\n- name: one\n  command: [\n- nome: two\n"
    wrong = (
        "name: wrong\ntasks:\n- name: one\n  dependencies: [nobody]\n"
        "- name: one\n  command: x\n  retry: {max_attempts: 0}\n"
    )
    path = lab.write("broken.fasttrack.yaml", broken)
    editor = opened(page, lab.page_url("broken.fasttrack.yaml", workspace="broken"), "broken.fasttrack.yaml")
    expect(editor.problems.get_by_role("option").first).to_contain_text(re.compile(r"line \d+"))
    assert path.read_text() == broken
    lab.write("wrong.fasttrack.yaml", wrong)
    editor = opened(page, lab.page_url("wrong.fasttrack.yaml", workspace="wrong"), "wrong.fasttrack.yaml")
    for words in ("nobody", "max_attempts"):
        expect(editor.problems.get_by_role("option").filter(has_text=words).first).to_be_visible()
    editor.press("Run")
    expect(editor.panel.get_by_role("alert").first).to_be_visible()
    assert lab.client.jobs(pipeline="wrong") == []


def test_a_broken_file_is_not_imported(lab: Lab, page: Page) -> None:
    """All problems are shown, and nothing is changed."""
    lab.write("old/broken.yaml", "name: x\ntasks:\n- name: one\n  dependencies: [nobody, noone]\n- name: one\n")
    before = sorted(lab.work.rglob("*"))
    page.goto(lab.page_url(workspace="import"))
    page.get_by_role("tab", name="Pipelines").click()
    page.get_by_role("button", name="Import a pipeline").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Or a path in the file browser").fill("old/broken.yaml")
    dialog.get_by_role("button", name="Import").click()
    refusal = page.get_by_role("dialog").filter(has_text="not imported")
    expect(refusal).to_contain_text("nobody")
    expect(refusal).to_contain_text("noone")
    expect(refusal).to_contain_text("Nothing was changed.")
    refusal.get_by_role("button", name="Close").click()
    assert sorted(lab.work.rglob("*")) == before


def test_two_editors_of_one_file_stay_in_step(lab: Lab, page: Page) -> None:
    """What is drawn in one editor is in the other, and one undo takes it back in both."""
    lab.write("twice.fasttrack.yaml", PAIR.format(name="twice"))
    editor = opened(page, lab.page_url("twice.fasttrack.yaml", workspace="twice"), "twice.fasttrack.yaml")
    before = editor.text
    page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:clone'); }")
    shown = """() => [...jupyterapp.shell.widgets('main')].filter(each => each.context?.path === 'twice.fasttrack.yaml')
      .map(each => each.content.feed.graph.tasks.map(task => task.name).join())"""
    until(lambda: page.evaluate(shown) == ["one,two"] * 2, "two editors")
    editor.canvas.last.focus()
    page.keyboard.press("End")
    page.keyboard.press("Control+d")
    until(lambda: len(set(page.evaluate(shown))) == 1 and page.evaluate(shown)[0].count(",") == 2, "the copy in both")
    page.keyboard.press("Control+z")
    until(lambda: page.evaluate(shown) == ["one,two"] * 2, "undone in both")
    editor.shows(before)


def test_a_change_of_the_file_by_somebody_else_is_never_lost(lab: Lab, page: Page) -> None:
    """Saving over it asks first; taking theirs shows it on the canvas."""
    path = lab.write("other.fasttrack.yaml", PAIR.format(name="other"))
    editor = opened(page, lab.page_url("other.fasttrack.yaml", workspace="other"), "other.fasttrack.yaml")
    editor.focus_text()
    page.keyboard.type("# mine")
    theirs = PAIR.format(name="other") + "- name: theirs\n  command: echo theirs\n"
    path.write_text(theirs)
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("File Changed")
    assert path.read_text() == theirs
    dialog.get_by_role("button", name="Revert").click()
    until(lambda: editor.tasks() == ["one", "two", "theirs"], "their task")


def test_names_with_html_in_them_are_only_text(lab: Lab, page: Page) -> None:
    """No element is made of what a file says, and no script runs: on the canvas, in lists, forms and problems."""
    evil = "<img src=x data-evil onerror=window.evil=1>"
    text = (
        f'name: "{evil}"\ndescription: "{evil}"\ntasks:\n- name: "{evil}"\n  command: "{evil}"\n'
        f'  description: "{evil}"\n'
        f'  environment: {{image: "{evil}"}}\n- name: plain\n  dependencies: ["{evil}", "{evil}2"]\n  command: "true"\n'
    )
    lab.write("evil.fasttrack.yaml", text)
    editor = opened(page, lab.page_url("evil.fasttrack.yaml", workspace="evil"), "evil.fasttrack.yaml")
    until(lambda: evil in editor.tasks(), "the name as it is")
    editor.show_outline()
    expect(editor.outline.get_by_role("treeitem").first).to_be_visible()
    page.mouse.move(*editor.at(evil))
    page.mouse.dblclick(*editor.at(evil))
    expect(editor.properties).to_be_visible()
    editor.press("Plan")
    expect(editor.problems.get_by_role("option").first).to_be_visible()
    page.get_by_role("tab", name="Pipelines").click()
    expect(page.get_by_role("grid", name="Pipelines")).to_contain_text("<img")
    assert page.evaluate(LEFT) == [0, None]


def test_a_file_of_ten_megabytes_does_not_take_the_page_down(lab: Lab, page: Page) -> None:
    """It opens, says what is wrong, and another file is as quick as ever after it."""
    filler = "# " + "x" * 998 + "\n"
    lab.write("huge.fasttrack.yaml", PAIR.format(name="huge") + filler * 10_500)
    lab.write("small.fasttrack.yaml", PAIR.format(name="small"))
    page.goto(lab.page_url("huge.fasttrack.yaml", workspace="huge"))
    editor = Editor(page, "huge.fasttrack.yaml").wait()
    until(lambda: editor.problems.is_visible() or editor.tasks() == ["one", "two"], "a graph, or why not", 30)
    page.evaluate(
        "async () => { await jupyterapp.commands.execute('docmanager:open', { path: 'small.fasttrack.yaml' }); }"
    )
    small = Editor(page, "small.fasttrack.yaml").wait()
    until(lambda: small.tasks() == ["one", "two"], "the small one's graph", 10)
    assert urllib.parse.urlparse(page.url).path.startswith("/lab")
