"""The canvas while a job runs: nodes turn, logs are read as they are written, outputs seen, what fails is mended."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands import opened, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"
PNG = (
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a730000001249444154789c63f8cfc0f01f88191880180021"
    "ee03fd6bd56f0d0000000049454e44ae426082"
)
"""A picture of 2 x 2 pixels."""
SCRIPTS = {
    "prepare": """
        (out / "digits.npz").write_bytes(b"digits")
        values(train_rows=1347, test_rows=450)
    """,
    "train": """
        for epoch in range(1, 4):
            print(f"\\033[32mepoch {epoch}\\033[0m", flush=True)
            time.sleep(0.1)
        (out / "model.joblib").write_bytes(sys.argv[1].encode())
        values(cv_accuracy=0.97, settings="as given")
    """,
    "evaluate": f"""
        (out / "metrics.json").write_text(json.dumps({{"accuracy": 0.98, "best": "svm"}}))
        (out / "confusion.png").write_bytes(bytes.fromhex("{PNG}"))
        (out / "scores.csv").write_text("model,accuracy\\nsvm,0.98\\nforest,0.97\\n")
        values(best="svm", accuracy=0.98)
    """,
    "report": """
        reach = "try { parent.evil = 1 } catch {} document.title = 'x'"
        (out / "report.html").write_text(f"<h1>All digits</h1><script>{reach}</script>")
    """,
}
"""What stands for the scripts of the example where scikit-learn is not to be waited for: the same outputs, at once."""
HEAD = """
import json, pathlib, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
def values(**found): (out / "outputs.json").write_text(json.dumps(found))
"""
TURNS = """() => {
  const { content } = jupyterapp.shell.currentWidget;
  window.turns = {};
  const look = () => content.feed.states?.forEach(({ state }, name) => {
    const seen = (window.turns[name] ??= []);
    if (seen.at(-1) !== state) seen.push(state);
  });
  content.feed.changed.connect(look);
}"""


def words(text: str) -> str:
    """Lines without their common indentation."""
    return "\n".join(line.removeprefix("        ") for line in text.splitlines())


@pytest.fixture
def digits(lab: Lab) -> str:
    """The digits example as it is, but for its image, and small scripts that write what the real ones write."""
    folder = lab.work / "digits"
    if not folder.exists():
        folder.mkdir()
        text = re.sub(
            r'image: "uv:[^"]*"', f'image: "python:{sys.executable}"', (DIGITS / "digits.fasttrack.yaml").read_text()
        )
        (folder / "digits.fasttrack.yaml").write_text(text)
        for name, script in SCRIPTS.items():
            (folder / f"{name}.py").write_text(HEAD + words(script))
    return "digits/digits.fasttrack.yaml"


def test_every_node_of_the_digits_example_turns(lab: Lab, page: Page, digits: str) -> None:
    """Six tasks wait, run and succeed on the canvas and in the outline, and the banner counts them."""
    editor = opened(page, lab.page_url(digits, workspace="digits"), digits)
    editor.show_outline()
    page.evaluate(TURNS)
    editor.press("Run")
    for name in ("prepare", "logistic", "forest", "svm", "evaluate", "report"):
        expect(editor.task(name, "succeeded")).to_be_visible(timeout=60_000)
    turns: dict[str, list[str]] = page.evaluate("() => window.turns")
    assert {each[-1] for each in turns.values()} == {"success"}
    assert turns["report"][0] == "waiting"
    expect(editor.panel.get_by_role("status").filter(has_text="Job #1")).to_contain_text("6 ✓")
    page.get_by_role("tab", name="Pipelines").click()
    expect(page.get_by_role("grid", name="Jobs").get_by_role("row").first).to_have_accessible_name(
        re.compile("digits.*succeeded")
    )


def test_outputs_are_seen_as_what_they_are(lab: Lab, page: Page, digits: str) -> None:
    """An image, a table, JSON, and HTML that can reach nothing of the page."""
    editor = opened(page, lab.page_url(digits, workspace="outputs"), digits)
    job = latest(lab, "digits") or lab.client.run({"source": str(lab.work / digits)})
    until(lambda: lab.client.job(job["id"])["result"] == "SUCCESS", "the job of the example", 60)
    shows(page, digits, job["id"])
    editor.click("evaluate")
    editor.tab("Outputs")
    files = editor.panel.get_by_role("group", name="Files")
    files.get_by_role("button", name=re.compile("^confusion.png")).click()
    expect(editor.panel.get_by_role("img", name="confusion.png")).to_have_js_property("naturalWidth", 2)
    files.get_by_role("button", name=re.compile("^scores.csv")).click()
    expect(editor.panel.get_by_role("group", name="Table").get_by_role("cell", name="svm")).to_be_visible()
    files.get_by_role("button", name=re.compile("^metrics.json")).click()
    expect(editor.panel.get_by_role("region", name="Preview of metrics.json")).to_contain_text("accuracy")
    editor.click("report")
    frame = editor.panel.frame_locator("iframe[title='report.html']")
    expect(frame.get_by_role("heading", name="All digits")).to_be_visible()
    assert page.evaluate("() => [window.evil ?? null, document.title === 'x']") == [None, False]


def test_a_log_is_read_while_it_is_written(lab: Lab, page: Page) -> None:
    """Its colours are colours, following stays at the end, searching finds, and HTML in it is text."""
    name = "talk.fasttrack.yaml"
    lab.write(name, (
        "name: talk\ntasks:\n- name: talker\n  command: >-\n"
        "    printf '\\033[31mred\\033[0m <b data-evil>bold</b>\\n'; i=0; while [ $i -lt 400 ];\n"
        "    do i=$((i+1)); echo line $i; [ $((i % 100)) -eq 0 ] && sleep 0.3; done; sleep 300\n"
    ))  # fmt: skip
    editor = opened(page, lab.page_url(name, workspace="talk"), name)
    editor.press("Run")
    expect(editor.panel.get_by_role("button", name="Stop", exact=True)).to_be_visible(timeout=30_000)  # it runs here
    editor.click("talker")
    editor.has_focus()
    page.keyboard.press("l")
    expect(editor.panel.get_by_role("searchbox", name="Find in the log")).to_be_focused()
    log = editor.panel.get_by_role("log", name="Log of talker")
    expect(log).to_contain_text("line 400", timeout=20_000)
    expect(log.get_by_text("line 400", exact=True)).to_be_in_viewport()
    red = log.get_by_text("red", exact=True)
    assert red.evaluate("node => getComputedStyle(node).color") != log.evaluate("node => getComputedStyle(node).color")
    assert log.locator("[data-evil]").count() == 0
    bar = editor.panel.get_by_role("toolbar", name="Log")
    bar.get_by_role("searchbox", name="Find in the log").fill("line 7")
    page.keyboard.press("Enter")
    expect(bar.get_by_role("status")).to_have_text("1 of 11")
    expect(log.get_by_text("line 7", exact=True)).to_be_in_viewport()
    expect(bar.get_by_role("checkbox", name="Follow")).not_to_be_checked()
    bar.get_by_role("checkbox", name="Follow").check()
    expect(log.get_by_text("line 400", exact=True)).to_be_in_viewport()
    with page.expect_download() as download:
        bar.get_by_role("link", name="Download").click()
    assert "line 400" in Path(download.value.path()).read_text()
    editor.press("Stop")
    ends(lab, "talk", "CANCELLED")


def test_a_task_is_cancelled_then_the_job(lab: Lab, page: Page) -> None:
    """The key . on a task ends that one, Stop ends the rest; both are shown as cancelled, not as failed."""
    name = "stop.fasttrack.yaml"
    lab.write(
        name,
        "name: stop\ntasks:\n- {name: a, command: sleep 300}\n- {name: b, command: sleep 300}\n"
        "- {name: c, command: 'true', dependencies: [b]}\n",
    )
    editor = opened(page, lab.page_url(name, workspace="stop"), name)
    editor.show_outline()
    editor.canvas.focus()
    page.keyboard.press("r")
    expect(editor.task("a", "running")).to_be_visible(timeout=30_000)
    expect(editor.task("b", "running")).to_be_visible(timeout=30_000)
    editor.click("a")
    page.keyboard.press(".")
    expect(editor.task("a", "cancelled")).to_be_visible(timeout=30_000)
    expect(editor.task("b", "running")).to_be_visible()
    editor.press("Stop")
    for each in ("b", "c"):
        expect(editor.task(each, "cancelled")).to_be_visible(timeout=30_000)
    ends(lab, "stop", "CANCELLED")


def test_a_failed_task_is_mended_and_the_rest_reused(lab: Lab, page: Page) -> None:
    """The first to fail is named with its reason; after a fix in the YAML, "Run failed only" reuses what succeeded."""
    name = "mend.fasttrack.yaml"
    lab.write(name, (
        "name: mend\ntasks:\n- name: a\n  command: date > /pipeline/outputs/when\n- name: b\n  dependencies: [a]\n"
        "  command: exit 3\n- name: c\n  dependencies: [b]\n  command: 'true'\n"
    ))  # fmt: skip
    editor = opened(page, lab.page_url(name, workspace="mend"), name)
    editor.show_outline()
    editor.press("Run")
    expect(editor.task("b", "failed.*3.*the first to fail")).to_be_visible(timeout=60_000)
    expect(editor.task("c", "(cancelled|skipped)")).to_be_visible(timeout=30_000)
    editor.yaml.get_by_text("exit 3").dblclick()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.type("0")
    editor.shows(lambda text: "exit 0\n- name: c" in text, "the mended text")
    editor.press("Other ways to run")
    page.get_by_role("menuitem", name="Run failed only").click()
    expect(editor.task("a", "reused")).to_be_visible(timeout=60_000)
    expect(editor.task("b", "succeeded")).to_be_visible(timeout=60_000)
    expect(editor.task("c", "succeeded")).to_be_visible(timeout=60_000)
    assert [job["result"] for job in lab.client.jobs(pipeline="mend")] == ["SUCCESS", "FAILURE"]


def latest(lab: Lab, pipeline: str) -> dict[str, Any] | None:
    """The pipeline's newest job, if it has one."""
    return next(iter(lab.client.jobs(pipeline=pipeline)), None)


def ends(lab: Lab, pipeline: str, result: str) -> None:
    """Wait until the newest job has ended so."""

    def ended() -> bool:
        job = latest(lab, pipeline) or {}
        return job.get("ended_at") is not None and result in (job["status"], job["result"])

    until(ended, f"the job of {pipeline} as {result}", 30)


def shows(page: Page, path: str, job: str) -> None:
    """Show a job on its pipeline's canvas, as the panel does."""
    args = {"path": path, "job": job}
    page.evaluate("async args => { await jupyterapp.commands.execute('fasttrack:open-pipeline', args); }", args)
    ready = "() => jupyterapp.shell.currentWidget.content.feed.states !== null"
    until(lambda: page.evaluate(ready), "the job on the canvas")
