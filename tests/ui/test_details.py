"""Details that a person relies on: a log left alone, secrets unseen, one job for one press, problems folded away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hands import Editor, opened, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

CLIP = "() => navigator.clipboard.readText()"
TOP = """node => {
  const { left, top } = node.getBoundingClientRect();
  return document.elementFromPoint(left + 30, top + 30).textContent;
}"""
"""The line at the upper edge of a log."""


def running(lab: Lab, page: Page, name: str, command: str, more: str = "") -> Editor:
    """An editor on whose canvas a job with one task runs."""
    path = f"{name}.fasttrack.yaml"
    lab.write(path, f"name: {name}\ntasks:\n- name: only\n  command: |\n    {command}\n{more}")
    editor = opened(page, lab.page_url(path, workspace=name), path)
    editor.show_outline()
    editor.press("Run")
    expect(editor.task("only", "(running|succeeded)")).to_be_visible(timeout=30_000)
    return editor


def test_a_log_that_grows_stays_where_it_is_read(lab: Lab, page: Page) -> None:
    """Scrolled up by the wheel, Follow is off and new lines do not move what is read; at the end it follows again."""
    go = lab.folder / "grows.go"
    command = f"seq 300; until [ -e {go} ]; do sleep 0.1; done; seq 1001 1200; sleep 300"
    editor = running(lab, page, "grows", command)
    editor.click("only")
    editor.tab("Log")
    log = editor.panel.get_by_role("log", name="Log of only")
    expect(log.get_by_text("300", exact=True)).to_be_in_viewport(timeout=20_000)
    follow = editor.panel.get_by_role("toolbar", name="Log").get_by_role("checkbox", name="Follow")
    log.hover()
    page.mouse.wheel(0, -1500)
    expect(follow).not_to_be_checked()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    read = log.evaluate(TOP)
    go.touch()
    until(lambda: log.evaluate("node => node.textContent.includes('1200')"), "the new lines", 20)
    assert log.evaluate(TOP) == read
    page.mouse.wheel(0, 100_000)
    expect(follow).to_be_checked()
    expect(log.get_by_text("1200", exact=True)).to_be_in_viewport()
    editor.press("Stop")


def test_the_command_is_copied_and_secrets_stay_hidden(lab: Lab, page: Page) -> None:
    """The attempt tells its exact command and its environment; a secret's value is nowhere in the page."""
    lab.client.set_secret("API_KEY", "hush-7f3a")
    more = "  environment:\n    envs: {API_KEY: '${{ secrets.API_KEY }}', PLAIN: seen}\n"
    editor = running(lab, page, "hidden", 'echo "key $API_KEY; $PLAIN"', more)
    expect(editor.task("only", "succeeded")).to_be_visible(timeout=30_000)
    editor.click("only")
    editor.tab("Log")
    log = editor.panel.get_by_role("log", name="Log of only")
    expect(log).to_contain_text("; seen")
    editor.tab("Attempts")
    editor.press("Copy command")
    until(lambda: page.evaluate(CLIP).strip() == 'echo "key $API_KEY; $PLAIN"', "the command on the clipboard", 5)
    expect(page.get_by_text("The command is on the clipboard.")).to_be_visible()
    editor.panel.get_by_text(re.compile(r"^Environment variables \(")).click()
    facts = editor.panel.get_by_role("table", name="Environment variables")
    expect(facts.get_by_role("row", name=re.compile("^API_KEY"))).to_contain_text("secret")
    expect(facts.get_by_role("row", name=re.compile("^PLAIN"))).to_contain_text("seen")
    assert "hush-7f3a" not in page.content()


def test_a_slow_double_click_on_run_makes_one_job(lab: Lab, page: Page) -> None:
    """The second click comes when the first job is made already; a third, meant as such, makes another."""
    editor = running(lab, page, "double", "true")
    until(lambda: len(lab.client.jobs(pipeline="double")) == 1, "the job")
    page.wait_for_timeout(1200)  # the time after which a press is meant as one of its own
    run = editor.panel.get_by_role("button", name="Run", exact=True)
    made = len(lab.client.jobs(pipeline="double"))
    run.click()
    until(lambda: len(lab.client.jobs(pipeline="double")) == made + 1, "the next job")
    expect(run).to_be_enabled()
    run.click()
    page.wait_for_timeout(500)
    assert len(lab.client.jobs(pipeline="double")) == made + 1


def test_the_list_of_problems_folds(lab: Lab, page: Page) -> None:
    """One button folds it into its first line and back, by the keyboard as well; the count stays to be read."""
    path = "fold.fasttrack.yaml"
    lab.write(path, "name: fold\ntasks:\n- {name: one, command: date, dependencies: [nobody]}\n- {nome: two}\n")
    editor = opened(page, lab.page_url(path, workspace="fold"), path)
    problem = editor.problems.get_by_role("option").first
    expect(problem).to_be_visible()
    button = editor.problems.get_by_role("button", name="Fold the list of problems")
    button.press("Enter")
    expect(problem).to_have_count(0)
    expect(editor.problems.get_by_role("status")).to_contain_text("error")
    box = editor.problems.bounding_box()
    assert box is not None
    assert box["height"] < 40
    editor.problems.get_by_role("button", name="Show the list of problems").click()
    expect(problem).to_be_visible()


def test_the_palette_stands_aside_while_a_job_is_shown(lab: Lab, page: Page) -> None:
    """It is back with the editing, and at hand for who asks for it."""
    editor = running(lab, page, "aside", "true")
    palette = editor.panel.get_by_role("region", name="Palette")
    expect(palette).to_be_hidden()
    editor.press("Palette")
    expect(palette).to_be_visible()
    editor.press("Palette")
    editor.press("Back to editing")
    expect(palette).to_be_hidden()
    editor.press("Palette")
    expect(palette).to_be_visible()
