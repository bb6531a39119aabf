"""What a hand does with cards: files dropped on the canvas, paste across pipelines, align, pin, remarks, minimap."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hands import Editor, opened, until
from playwright.sync_api import Browser, CDPSession, Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

TRIO = "tasks:\n- {name: one, command: date}\n- {name: two, command: date}\n- {name: three, command: date}\n"
PLACES = """names => {
  const at = jupyterapp.shell.currentWidget.content.canvas.positionsOf(names);
  return names.map(name => [Math.round(at[name].x), Math.round(at[name].y)]);
}"""
VIEW = "() => jupyterapp.shell.currentWidget.content.canvas.viewState().pan"


def trio(lab: Lab, page: Page, name: str) -> Editor:
    """An editor with three tasks that need nothing of each other."""
    path = f"{name}.fasttrack.yaml"
    lab.write(path, f"name: {name}\n{TRIO}")
    return opened(page, lab.page_url(path, workspace=name), path)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, move in a few steps, let go."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 8, start[1] + 8, steps=3)
    page.mouse.move(*end, steps=8)
    page.mouse.move(*end)
    page.mouse.up()


def places(page: Page, *names: str) -> list[list[int]]:
    """Where the cards' centres are, in units of the canvas."""
    return list(page.evaluate(PLACES, list(names)))


def test_files_of_the_file_browser_become_tasks_where_they_are_dropped(lab: Lab, page: Page) -> None:
    """A script and a notebook are dragged in by the mouse; a file that is neither is refused in words."""
    for name, text in (("clean data.py", "print(1)\n"), ("report.ipynb", "{}"), ("notes.txt", "no\n")):
        lab.write(f"dropped/{name}", text)
    path = "dropped/drop.fasttrack.yaml"
    lab.write(path, "name: drop\ntasks:\n- {name: first, command: 'true'}\n")
    editor = opened(page, lab.page_url(path, workspace="drop"), path)
    files = page.get_by_role("region", name="File Browser Section").get_by_role("listitem")
    box = editor.canvas.bounding_box()
    assert box is not None
    for count, name in enumerate(("clean data.py", "report.ipynb"), start=2):
        item = files.filter(has_text=name).bounding_box()
        assert item is not None
        where = (box["x"] + box["width"] / 2, box["y"] + 100 * count)
        drag(page, (item["x"] + 40, item["y"] + 8), where)
        until(lambda count=count: len(editor.tasks()) == count, f"a task of {name}", 10)
        x, y = editor.at(editor.tasks()[-1])
        assert abs(x - where[0]) < 100
        assert abs(y - where[1]) < 100
    assert editor.tasks() == ["first", "clean data", "report"]
    editor.shows(lambda text: "python 'clean data.py'" in text and "report.ipynb" in text, "their commands")
    item = files.filter(has_text="notes.txt").bounding_box()
    assert item is not None
    drag(page, (item["x"] + 40, item["y"] + 8), (box["x"] + 200, box["y"] + 100))
    expect(editor.panel.get_by_role("alert").filter(has_text="notes.txt")).to_be_visible()
    assert len(editor.tasks()) == 3


def test_what_is_copied_in_one_pipeline_is_pasted_into_another(lab: Lab, page: Page) -> None:
    """Tasks go with their comments and with the dependencies among them, as YAML; a cut takes them away."""
    lab.write("from.fasttrack.yaml", (
        "name: from\ntasks:\n- name: one\n  command: echo one  # kept\n- name: two\n  dependencies: [one]\n"
        "  command: echo two\n"
    ))  # fmt: skip
    lab.write("into.fasttrack.yaml", "name: into\ntasks:\n- {name: one, command: 'true'}\n")
    editor = opened(page, lab.page_url("from.fasttrack.yaml", workspace="paste"), "from.fasttrack.yaml")
    editor.canvas.focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+x")
    until(lambda: editor.tasks() == [], "the cut")
    page.evaluate("() => void jupyterapp.commands.execute('docmanager:open', { path: 'into.fasttrack.yaml' })")
    into = Editor(page, "into.fasttrack.yaml").wait()
    into.canvas.focus()
    page.keyboard.press("Control+v")
    until(lambda: len(into.tasks()) == 3, "what was pasted")
    first, copied, second = into.tasks()
    assert (first, second) == ("one", "two")
    assert copied not in ("one", "two")
    into.shows(lambda text: "# kept" in text and re.search(rf"dependencies:\s*\[{copied}\]", text) is not None)
    into.has_focus()


def test_cards_are_aligned_and_pinned(lab: Lab, page: Page) -> None:
    """Aligned cards stand in a line; a pinned place is in the text, survives a new layout, and goes when unpinned."""
    editor = trio(lab, page, "align")
    drag(page, editor.at("two"), editor.at("two", 60, 170))
    before = editor.text
    editor.canvas.focus()
    page.keyboard.press("Control+a")
    menu(page, editor, "one", "Align")
    page.get_by_role("menuitem", name="Align left edges").click()
    until(lambda: len({x for x, _ in places(page, "one", "two", "three")}) == 1, "one line")
    assert editor.text == before
    page.keyboard.press("Escape")
    editor.click("two")
    menu(page, editor, "two", "Pin or unpin the place").click()
    editor.shows(lambda text: "positions" in text and "two" in text.split("positions")[1], "the pinned place")
    (pinned,) = places(page, "two")
    editor.press("Lay all tasks out anew; pinned ones stay")
    until(lambda: places(page, "two") == [pinned], "the place of the pinned task", 5)
    menu(page, editor, "two", "Pin or unpin the place").click()
    editor.shows(lambda text: "positions" not in text, "no pin")


def test_a_remark_is_written_moved_and_removed(lab: Lab, page: Page) -> None:
    """Its words are in the text, any characters; a double click opens it, and emptied it is gone."""
    editor = trio(lab, page, "remark")
    before = editor.text
    box = editor.canvas.bounding_box()
    assert box is not None
    where = (box["x"] + box["width"] - 160, box["y"] + box["height"] - 160)
    page.mouse.click(*where, button="right")
    page.get_by_role("menuitem", name="Add a comment").click()
    words = page.get_by_role("textbox", name="Comment (empty removes it)")
    words.fill("why: <b>three</b> of them?")
    words.press("Control+Enter")
    editor.shows(lambda text: "why: <b>three</b> of them?" in text, "the remark in the text")
    remark = """() => {
      const { canvas, model } = jupyterapp.shell.currentWidget.content;
      const { x, y } = model.graph.remarks[0].position;
      const { zoom, pan } = canvas.viewState();
      const box = canvas.node.getBoundingClientRect();
      return [x * zoom + pan.x + box.left, y * zoom + pan.y + box.top];
    }"""
    x, y = page.evaluate(remark)
    first = editor.text
    drag(page, (x, y), (x - 120, y - 40))
    editor.shows(lambda text: text != first and "<b>three</b>" in text, "its new place")
    page.mouse.dblclick(*page.evaluate(remark))
    words.fill("")
    words.press("Control+Enter")
    editor.shows(lambda text: "remarks" not in text, "no remark")
    editor.canvas.focus()
    for _ in range(3):
        page.keyboard.press("Control+z")
    editor.shows(before, "the first text")


def test_the_minimap_leads_about_a_large_graph(lab: Lab, page: Page) -> None:
    """It is there where the graph is larger than the view, and a click moves the view."""
    path = "map.fasttrack.yaml"
    tasks = "".join(
        f"- {{name: t{index:02}, command: 'true'{f', dependencies: [t{index - 1:02}]' if index else ''}}}\n"
        for index in range(30)
    )
    lab.write(path, f"name: map\ntasks:\n{tasks}")
    editor = opened(page, lab.page_url(path, workspace="map"), path)
    minimap = editor.canvas.locator("xpath=..").locator(".ft-Minimap").or_(editor.canvas.locator(".ft-Minimap")).first
    editor.canvas.focus()
    for _ in range(6):
        page.keyboard.press("+")
    expect(minimap).to_be_visible()
    before = page.evaluate(VIEW)
    box = minimap.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)
    until(lambda: page.evaluate(VIEW) != before, "another part of the graph in view", 5)


def test_a_task_is_renamed_while_its_job_runs(lab: Lab, page: Page) -> None:
    """The name changes in the text, with what depends on it; the job goes on under the old one, and says so."""
    path = "renamed.fasttrack.yaml"
    go = lab.folder / "renamed.go"
    lab.write(path, (
        f"name: renamed\ntasks:\n- name: first\n  command: until [ -e {go} ]; do sleep 0.1; done\n"
        "- name: second\n  dependencies: [first]\n  command: echo done\n"
    ))  # fmt: skip
    editor = opened(page, lab.page_url(path, workspace="renamed"), path)
    editor.show_outline()
    editor.press("Run")
    expect(editor.task("first", "running")).to_be_visible(timeout=30_000)
    editor.canvas.focus()
    page.keyboard.press("Home")
    page.keyboard.press("F2")
    page.keyboard.press("Control+a")
    page.keyboard.type("begin")
    page.keyboard.press("Enter")
    editor.shows(lambda text: "dependencies: [begin]" in text, "the new name in the text")
    expect(editor.panel.get_by_role("status").filter(has_text="Job #1")).to_contain_text("edited since")
    expect(editor.task("begin")).to_be_visible()
    go.touch()
    expect(editor.task("second", "succeeded")).to_be_visible(timeout=30_000)
    (job,) = lab.client.jobs(pipeline="renamed")
    assert {task["path"] for task in lab.client.job(job["id"])["tasks"]} == {"first", "second"}


def menu(page: Page, editor: Editor, name: str, item: str) -> object:
    """Open a card's menu and point at an item."""
    page.mouse.click(*editor.at(name), button="right")
    found = page.get_by_role("menuitem", name=item, exact=True)
    found.hover()
    return found


def test_a_finger_does_what_the_mouse_does(lab: Lab, chromium: Browser) -> None:
    """A tap selects, a pinch zooms, holding opens the menu, and a dependency is drawn from the tapped card's handle."""
    path = "touch.fasttrack.yaml"
    lab.write(path, f"name: touch\n{TRIO}")
    with chromium.new_context(viewport={"width": 1280, "height": 800}, has_touch=True) as context:
        page = context.new_page()
        screen = context.new_cdp_session(page)
        editor = opened(page, lab.page_url(path, workspace="touch"), path)
        page.touchscreen.tap(*editor.at("two"))
        selected = "() => jupyterapp.shell.currentWidget.content.selected"
        until(lambda: page.evaluate(selected) == ["two"], "the tapped task selected", 10)
        (x, y), (end_x, end_y) = editor.at("two", 95), editor.at("three")
        swipe(page, screen, [(x, y)], [(end_x, end_y)])
        editor.shows(lambda text: re.search(r"three,.*dependencies: \[two\]", text) is not None, "the dependency")
        box = editor.canvas.bounding_box()
        assert box is not None
        middle, low = box["x"] + box["width"] / 2, box["y"] + box["height"] - 60
        zoom = "() => jupyterapp.shell.currentWidget.content.canvas.viewState().zoom"
        before = page.evaluate(zoom)
        swipe(page, screen, [(middle - 30, low), (middle + 30, low)], [(middle - 120, low), (middle + 120, low)])
        until(lambda: page.evaluate(zoom) > before, "a closer look", 5)
        editor.press("Show all")
        touch(screen, "touchStart", [editor.at("one")])
        expect(page.get_by_role("menuitem", name="Rename")).to_be_visible()
        touch(screen, "touchEnd", [])


def swipe(page: Page, screen: CDPSession, start: list[tuple[float, float]], end: list[tuple[float, float]]) -> None:
    """One or more fingers go from their places to others."""
    touch(screen, "touchStart", start)
    for step in range(1, 11):
        touch(screen, "touchMove", [
            (x + (to_x - x) * step / 10, y + (to_y - y) * step / 10)
            for (x, y), (to_x, to_y) in zip(start, end, strict=True)
        ])  # fmt: skip
        page.evaluate("() => new Promise(requestAnimationFrame)")
    touch(screen, "touchEnd", [])


def touch(screen: CDPSession, kind: str, fingers: list[tuple[float, float]]) -> None:
    """An event of the touch screen."""
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
    screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
