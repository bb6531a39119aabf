"""A real cluster in a real JupyterLab: signed in to, looked into, filled, shared, and a session's terminal opened."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backend_ai.looking import unique
from backend_ai.real_cluster import Cluster, Keys
from playwright.sync_api import Locator, Page, WebSocket, expect
from ui import conftest as ui
from ui import test_access as access

from fasttrack_jupyter.errors import FastTrackError

pytestmark = [pytest.mark.since(26), pytest.mark.alone]  # Chromium minds containers that come and go
chromium, page, built_extension = ui.chromium, ui.page, ui.built_extension
jp_asyncio_loop, jp_server_cleanup = ui.jp_asyncio_loop, ui.jp_server_cleanup
BACKEND, SECOND = "backend.ai", "backend.ai:second"
HAS = "id => window.jupyterapp?.commands.hasCommand(id)"
EXECUTE = "async ([id, args]) => { await jupyterapp.commands.execute(id, args); }"
DROP = """(node, files) => {
  const dataTransfer = new DataTransfer();
  for (const [name, text] of files) dataTransfer.items.add(new File([text], name));
  for (const type of ['dragover', 'drop'])
    node.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
}"""
"""What the browser tells a page when files of the desktop are let go over an element."""


@pytest.fixture(scope="module")
def lab(built_extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ui.Lab]:
    """A running JupyterLab, whose home knows no cluster yet; in the end nothing of it is on one."""
    place = ui.Lab(tmp_path_factory.mktemp("lab"))
    place.write("from-browser/ours.txt", "from JupyterLab")
    place.start()
    expect.set_options(timeout=30_000)  # a cluster is asked
    yield place
    expect.set_options(timeout=5_000)
    for job in place.client.jobs(status=["PENDING", "RUNNING"]):
        place.client.cancel(job["id"])
    ui.until(lambda: not place.client.info()["running_jobs"], "the end of the session", 60)
    for folder in place.client.cluster_folders(BACKEND):
        if folder["name"].startswith(("p5-lab", "p5-seen")) and folder["is_owner"]:
            with contextlib.suppress(FastTrackError):
                place.client.remove_cluster_folder(BACKEND, folder["name"])
    place.close()


def execute(page: Page, command: str, **args: str) -> None:
    """As the command palette does."""
    page.evaluate(EXECUTE, [command, args])


def sign_in(page: Page, lab: ui.Lab, endpoint: str, keys: Keys) -> None:
    """By the dialog, as a person does."""
    page.goto(lab.page_url())
    page.wait_for_function(HAS, arg="fasttrack:add-cluster", timeout=60_000)
    page.evaluate("() => void window.jupyterapp.commands.execute('fasttrack:add-cluster')")
    dialog = page.locator("dialog.ft-Clusters-dialog")
    dialog.locator("input[name=endpoint]").fill(endpoint)
    dialog.locator("input[name=user]").fill(keys.access_key)
    dialog.locator("input[name=secret]").fill(keys.secret_key)
    dialog.locator("button[type=submit]").click()
    expect(dialog.get_by_text("Kept as default.")).to_be_visible()
    page.keyboard.press("Escape")


def opened(page: Page, backend: str, tab: str) -> Locator:
    """A view of a cluster, in a tab of the main area."""
    execute(page, "fasttrack:open-cluster", backend=backend)
    view = page.locator(f"[id='fasttrack-cluster-{backend}']")
    view.get_by_role("tab", name=tab, exact=True).click()
    return view.get_by_role("tabpanel", name=tab, exact=True)


def session_of(lab: ui.Lab, cluster: Cluster, name: str) -> str:
    """Start a job whose only task runs until it is cancelled; the job's id."""
    pipeline = {
        "name": name,
        "environment": {"image": cluster.image},
        "resources": {"cpu": 1, "mem": "256m"},
        "tasks": [{"name": "wait", "command": "echo waiting; sleep 600"}],
    }
    return str(lab.client.run({"text": json.dumps(pipeline), "backend": BACKEND})["id"])


def choose_in_the_editor(page: Page, cluster: Cluster) -> None:
    """Beside Run the cluster can be chosen; then the form offers its images, groups and slots."""
    execute(page, "fasttrack:open-pipeline", path="on.fasttrack.yaml")
    panel = page.get_by_role("tabpanel", name="on.fasttrack.yaml")
    panel.get_by_label("Where jobs run", exact=True).select_option(BACKEND)
    page.evaluate("() => jupyterapp.shell.currentWidget.content.model.select(['prepare'])")
    execute(page, "fasttrack-editor:open-tab", tab="properties")
    form = panel.get_by_role("region", name="Properties")
    for offered in (cluster.image, cluster.resource_group):
        expect(form.locator(f"datalist option[value='{offered}']").first).to_be_attached()
    expect(form.get_by_role("slider", name="GPU share")).to_be_visible()


def look_at_images(page: Page, image: str) -> None:
    """They are found by words; one goes into the selected task."""
    view = opened(page, BACKEND, "Images")
    view.get_by_role("searchbox").fill("no such words")
    expect(view.get_by_text("No image has all of that.")).to_be_visible()
    view.get_by_role("searchbox").fill(image.rpartition("/")[2])
    view.get_by_role("button", name=f"Use {image} in the selected task").click()
    expect(view.get_by_text(f"prepare: the image is {image} now.")).to_be_visible()


def fill_a_folder(page: Page, name: str) -> Locator:
    """Made, and filled by a drop from the desktop and by a drag from the file browser; its view."""
    view = opened(page, BACKEND, "Vfolders")
    view.get_by_role("button", name="Make a vfolder").click()
    form = view.get_by_role("form", name="Make a vfolder")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Make", exact=True).click()
    expect(view.get_by_text(f"{name} is made.")).to_be_visible()
    view.get_by_role("button", name=name, exact=False).first.click()
    expect(view.get_by_text("It is empty.")).to_be_visible()
    view.locator(".ft-Cluster-files").evaluate(DROP, [["a 한글.txt", "from the desktop"]])
    expect(view.get_by_role("list", name="Files").get_by_text("a 한글.txt")).to_be_visible()
    execute(page, "filebrowser:activate")
    item = page.locator(".jp-DirListing-item", has_text="from-browser")
    item.hover()
    page.mouse.down()
    page.mouse.move(*centre(item), steps=2)
    page.mouse.move(*centre(view.get_by_role("navigation", name="Where you are")), steps=8)
    page.mouse.up()
    view.get_by_role("list", name="Files").get_by_role("button", name="from-browser").first.click()
    expect(view.get_by_role("list", name="Files").get_by_text("ours.txt")).to_be_visible()
    with page.expect_download() as download:
        view.get_by_role("link", name="Download ours.txt").click()
    assert download.value.path().read_text() == "from JupyterLab"
    view.get_by_role("button", name="Vfolders", exact=True).click()
    return view


def centre(of: Locator) -> tuple[float, float]:
    box = of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def share(page: Page, view: Locator, folder: str, whom: str) -> None:
    """Invite somebody who is nobody, and then another user, who accepts."""
    view.get_by_role("button", name=f"Who shares {folder}").click()
    field = view.get_by_role("textbox", name="E-mail of the other user")
    field.fill("nobody@example.org")
    field.press("Enter")
    expect(view.get_by_role("alert").filter(has_text="nobody@example.org")).to_be_visible()
    field.fill(whom)
    field.press("Enter")
    expect(view.get_by_text("invited, has not answered")).to_be_visible()
    other = opened(page, SECOND, "Vfolders")
    other.get_by_role("button", name=f"Accept {folder}").click()
    expect(other.get_by_text(f"{folder} is yours to use.")).to_be_visible()
    expect(other.get_by_role("list", name="Vfolders").get_by_text(folder)).to_be_visible()


def answers(page: Page, open_it: Locator) -> None:
    """A click opens a tab in which a shell answers."""
    heard: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: heard.append(_text(frame)))

    page.context.on("page", lambda tab: tab.on("websocket", listen))
    with page.context.expect_page() as opening:
        open_it.click()
    tab = opening.value
    expect(tab).to_have_title(re.compile("ttyd|Terminal|bash|work"), timeout=30_000)
    tab.locator(".xterm").click()
    tab.keyboard.type("echo so=$((6*7))\n")
    ui.until(lambda: tab.title() and "so=42" in "".join(heard), "the shell's answer", 20)  # asking lets it be heard
    assert tab.evaluate("() => window.opener") is None
    tab.close()


def _text(frame: Any) -> str:
    return frame.decode(errors="replace") if isinstance(frame, bytes) else str(frame)


@pytest.mark.timeout(240, func_only=True)
def test_a_cluster_is_used_without_leaving_jupyterlab(cluster: Cluster, lab: ui.Lab, page: Page) -> None:
    """Sign in; an image into a task; a vfolder made, filled and shared; a session's terminal, its log, its end."""
    lab.write("on.fasttrack.yaml", "name: on\ntasks:\n- {name: prepare, command: echo hi}\n")
    sign_in(page, lab, cluster.endpoint, cluster.user)
    second = cluster.second
    lab.client.put_profile(
        "second", {"endpoint": cluster.endpoint, "user": second.access_key, "secret": second.secret_key}
    )
    job = session_of(lab, cluster, unique("seen"))
    choose_in_the_editor(page, cluster)
    look_at_images(page, cluster.image)
    name = unique("lab")
    view = fill_a_folder(page, name)
    share(page, view, name, second.email)
    view = opened(page, BACKEND, "Vfolders")
    view.get_by_role("button", name=f"Mount {name} in the selected task").click()
    expect(view.get_by_text(f"prepare: {name} is mounted.")).to_be_visible()
    assert access.violations(page) == []
    view.get_by_role("button", name=f"Remove {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(view.get_by_text(f"{name} is removed.")).to_be_visible()
    view = opened(page, BACKEND, "Sessions")
    view.get_by_role("searchbox").fill(job)
    view.get_by_role("button", name="Terminal and apps of").click(timeout=90_000)
    if cluster.app_proxy:  # one that was brought up by hand may have none: then only its terminal is left out
        answers(page, view.get_by_role("button", name="Terminal", exact=False).filter(has_text="↗"))
    view.get_by_role("button", name="Log of").click()
    expect(view.locator("pre")).to_contain_text("waiting")
    assert access.violations(page) == []
    execute(page, "fasttrack:open-job", job=job)
    page.get_by_role("tab", name="Task instances").click()
    page.get_by_role("grid").get_by_text("wait", exact=True).first.click()
    page.get_by_role("tab", name="Attempts").click()
    page.get_by_role("button", name="Open terminal or apps…").click()
    expect(
        page.get_by_role("region", name="Apps of the session").get_by_role("button", name="Terminal")
    ).to_be_visible()
    view = opened(page, BACKEND, "Sessions")
    view.get_by_role("button", name="Terminate").click()
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
    expect(view.get_by_text("is being ended.")).to_be_visible()
