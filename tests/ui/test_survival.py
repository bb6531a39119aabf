"""A page loaded again, a server or an engine that dies, a person signed out: nothing is lost, all is caught up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hands import Editor, opened, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


def started(lab: Lab, page: Page, name: str) -> Editor:
    """An editor on whose canvas a job runs whose first task waits until :func:`let_go`."""
    path = f"{name}.fasttrack.yaml"
    waiting = f"until [ -e {lab.folder}/{name}.go ]; do sleep 0.1; done; echo gone on"
    lab.write(path, (
        f"name: {name}\ntasks:\n- name: first\n  command: {waiting}\n"
        "- name: second\n  dependencies: [first]\n  command: echo done\n"
    ))  # fmt: skip
    editor = opened(page, lab.page_url(path, workspace=name), path)
    editor.show_outline()
    editor.press("Run")
    expect(editor.task("first", "running")).to_be_visible(timeout=30_000)
    return editor


def let_go(lab: Lab, name: str) -> None:
    """Let the first task end."""
    (lab.folder / f"{name}.go").touch()


def dismiss(page: Page) -> None:
    """JupyterLab's own word on a lost server: it takes the keyboard, so a person closes it before going on."""
    dialog = page.get_by_role("dialog", name=re.compile("Server Connection Error"))
    expect(dialog).to_be_visible(timeout=60_000)
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Close").click()


def catches_up(editor: Editor) -> None:
    """Both tasks are shown as succeeded."""
    for name in ("first", "second"):
        expect(editor.task(name, "succeeded")).to_be_visible(timeout=60_000)


def test_a_page_that_is_loaded_again_returns_to_its_job(lab: Lab, page: Page) -> None:
    """The same file, the same job, and what goes on after it."""
    started(lab, page, "reload")
    saved = "async () => JSON.stringify((await jupyterapp.serviceManager.workspaces.fetch('reload')).data)"
    (job,) = lab.client.jobs(pipeline="reload")
    until(lambda: job["id"] in str(page.evaluate(saved)), "the view is remembered", 10)
    page.reload()
    editor = Editor(page, "reload.fasttrack.yaml").wait()
    editor.show_outline()
    expect(editor.task("first", "running")).to_be_visible(timeout=30_000)
    let_go(lab, "reload")
    catches_up(editor)


def test_an_engine_that_is_killed_is_caught_up_with(lab: Lab, page: Page) -> None:
    """``kill -9`` in the middle of a job: its tasks go on, and the canvas shows their end."""
    editor = started(lab, page, "engine")
    lab.kill_engine()
    let_go(lab, "engine")
    catches_up(editor)


def test_a_server_that_is_killed_and_started_again_is_caught_up_with(lab: Lab, page: Page) -> None:
    """The editor says that the server is away, keeps what is typed, and shows what happened once it is back."""
    editor = started(lab, page, "server")
    lab.kill()
    away = editor.panel.get_by_role("status").filter(has_text="The server does not answer")
    expect(away).to_be_visible(timeout=30_000)
    dismiss(page)
    editor.focus_text()
    page.keyboard.type("# typed while nobody answered")
    let_go(lab, "server")
    lab.start()
    catches_up(editor)
    expect(away).to_have_count(0)
    assert "# typed while nobody answered" in editor.text
    editor.focus_text()
    page.keyboard.press("Control+s")
    file = lab.work / "server.fasttrack.yaml"
    until(lambda: "# typed while nobody answered" in file.read_text(), "the typed text in the file", 20)


def test_who_is_signed_out_is_told_and_loses_nothing(lab: Lab, page: Page) -> None:
    """A token that counts no longer: the editor says so, and goes on after one has signed in in another tab."""
    editor = started(lab, page, "token")
    page.get_by_role("tab", name="Pipelines").click()
    panel = page.get_by_role("region", name="Pipelines", exact=True)
    editor.focus_text()
    page.keyboard.type("# typed before")
    lab.kill()
    page.context.clear_cookies()
    lab.start(token="another-token")
    out = editor.panel.get_by_role("status").filter(has_text="Your session has expired")
    expect(out).to_be_visible(timeout=40_000)
    expect(panel.get_by_role("status").filter(has_text="You are signed out")).to_be_visible()
    assert "# typed before" in editor.text
    other = page.context.new_page()
    other.goto(f"{lab.url}lab/workspaces/other?token=another-token")
    other.close()
    let_go(lab, "token")
    catches_up(editor)
    expect(out).to_have_count(0)
    expect(panel.get_by_role("status").filter(has_text="signed out")).to_have_count(0)
    expect(panel.get_by_role("grid", name="Jobs").get_by_role("row").first).to_be_visible()
    assert "# typed before" in editor.text
