"""Models that are registered and served, in the browser."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hands import until
from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=30_000)

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

SERVER = """\
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from a model")

print("the model is loaded", flush=True)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
HEALTH = {"enable": True, "path": "/", "interval": 0.3, "max_retries": 3, "initial_delay": 20}
DEFINITION = {
    "models": [
        {
            "name": "greeter",
            "model_path": "/models",
            "service": {"start_command": ["python3", "/models/serve.py"], "port": 8000, "health_check": HEALTH},
        }
    ]
}
PIPELINE = """\
name: greeting
params: [{name: warmth, type: float, default: 0.5}]
tasks:
- name: train
  command: >-
    mkdir /pipeline/outputs/model && cp serve.py model-definition.yaml /pipeline/outputs/model &&
    mkdir -p /pipeline/outputs/.values && echo ${{ params.warmth }} > /pipeline/outputs/.values/warmth
  outputs:
    model: {type: Model, path: model, register: greeter}
    warmth: {type: float}
- name: serve
  type: deployment
  dependencies: [train]
  resources: {cpu: 0.2, mem: 64m}
  service: {name: greeter, model: greeter@latest, replicas: 1, open_to_public: false}
"""


@pytest.fixture(scope="module")
def served(lab: Lab) -> Iterator[Any]:
    """The last of two jobs that trained, registered and served; each made a version of its own."""
    lab.write("serve.py", SERVER)
    lab.write("model-definition.yaml", json.dumps(DEFINITION))
    file = lab.write("greeting.fasttrack.yaml", PIPELINE)
    for warmth in (0.25, 0.75):
        job = lab.client.run({"source": str(file), "params": {"warmth": warmth}})["id"]
        until(lambda job=job: lab.client.job(job)["ended_at"], "the service is there", 90)
        view = lab.client.job(job)
        assert view["result"] == "SUCCESS", [(row["task"], row["reason"]) for row in view["tasks"]]
    yield view
    for service in lab.client.services()["services"]:
        lab.client.remove_service("local", service["name"])
    until(lambda: not lab.client.services()["services"], "the end of the services")


def section(page: Page, lab: Lab, title: str) -> Locator:
    """A view of the panel as a tab, with room."""
    page.goto(lab.page_url(workspace=title.lower()))
    command = f"fasttrack:open-{title.lower()}"
    page.wait_for_function("id => window.jupyterapp?.commands.hasCommand(id)", arg=command)
    page.evaluate("id => void window.jupyterapp.commands.execute(id)", command)
    return page.get_by_role("tabpanel", name=title, exact=True)


def test_a_service_is_called_read_scaled_and_removed(lab: Lab, page: Page, served: Any) -> None:
    """What stands in the panel is what the service is; its token opens it; after it is removed, nobody answers."""
    shown = section(page, lab, "Services")
    line = shown.get_by_role("list", name="Services").locator("> li")
    expect(line).to_contain_text("greeter")
    expect(line).to_contain_text("healthy · 1 of 1 replica · greeter-v2 · revision 2 · local")
    shown.get_by_role("button", name="How to call greeter").click()
    endpoint = shown.get_by_role("link").inner_text()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(endpoint, timeout=10)
    shown.get_by_role("button", name="Copy a token").click()
    expect(line.get_by_text("A token is copied; it is good for an hour.")).to_be_visible()
    token = page.evaluate("() => navigator.clipboard.readText()")
    asked = urllib.request.Request(endpoint, headers={"Authorization": f"BackendAI {token}"})
    assert urllib.request.urlopen(asked, timeout=10).read() == b"hello from a model"
    assert token not in page.content()

    shown.get_by_role("button", name="Replicas and log of greeter").click()
    expect(shown.get_by_label("Log of greeter", exact=True)).to_contain_text("the model is loaded")
    shown.get_by_role("spinbutton", name="Replicas of greeter").fill("2")
    shown.get_by_role("button", name="Scale").click()
    expect(line).to_contain_text("2 of 2 replicas", timeout=30_000)
    expect(shown.get_by_role("list", name="Replicas of greeter").locator("> li")).to_have_count(2)

    shown.get_by_role("button", name="Remove the service greeter").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(shown).to_contain_text("No model is served.", timeout=30_000)


def test_versions_are_compared_promoted_and_copied_as_a_task(lab: Lab, page: Page, served: Any) -> None:
    """The metrics of two versions stand side by side; an alias stands for the chosen one; a task serves it."""
    shown = section(page, lab, "Models")
    shown.get_by_role("button", name=re.compile("greeter")).click()
    versions = shown.get_by_role("list", name="Versions of greeter").locator("> li")
    expect(versions).to_have_count(2)
    for version in (1, 2):
        shown.get_by_role("checkbox", name=f"Compare greeter version {version}").check()
    row = shown.get_by_role("table").get_by_role("row", name=re.compile("^warmth")).first
    expect(row).to_have_text(re.compile(r"warmth\s*0.25\s*0.75\s*\+0.5"))

    versions.last.get_by_role("button", name="Promote…").click()
    page.get_by_role("combobox", name="Alias for version 1").fill("production")
    page.keyboard.press("Enter")
    expect(shown.get_by_role("status").filter(has_text="production is version 1 now.")).to_be_visible()
    (model,) = lab.client.models()["models"]
    assert model["aliases"] == {"production": 1}

    versions.last.get_by_role("button", name="Copy a task that serves greeter version 1").click()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert "type: deployment" in copied
    assert "greeter@1" in copied
    versions.last.get_by_role("button", name="Take the alias production away").click()
    expect(versions.last).not_to_contain_text("production")
    versions.last.get_by_role("button", name="Remove greeter version 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(versions).to_have_count(1)
