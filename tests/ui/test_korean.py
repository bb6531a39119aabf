"""JupyterLab in Korean: the panel, the editor and the settings speak it, and nothing of ours is left in English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytest.importorskip("jupyterlab_language_pack_ko_KR", reason="JupyterLab offers a language only when it has a pack")

LOCALE = "@jupyterlab/translation-extension/plugin.jupyterlab-settings"
PIPELINE = """name: 훈련
tasks:
  - name: 준비
    command: ./준비
  - name: 학습
    command: ./학습
    dependencies: [준비]
"""
# Names, units and key words that stay as they are, and what JupyterLab itself says around ours.
KEPT = re.compile(
    r"""CPU|GPU|[KMGT]iB|YAML|FastTrack|Ctrl|Enter|\b(local|shell|notebook|py|nb|uv|custom|git|github|gitlab|input1|cuda\.device)\b
    |\b(all_success|all_done|any_failed|one_success)\b
    |\S*fasttrack\.yaml|side\ panel\ content|main\ area\ (toolbar|content)|More\ commands""",
    re.VERBOSE,
)
SPOKEN = """roots => {
  const found = new Set();
  const take = text => /[A-Za-z]{2}/.test(text ?? '') && found.add(text.trim());
  for (const root of document.querySelectorAll(roots)) {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      if (!text.parentElement.closest('.cm-editor, style, script, kbd')) take(text.textContent);
    }
    for (const element of [root, ...root.querySelectorAll('*')]) {
      if (element.closest('.cm-editor')) continue;
      for (const name of ['aria-label', 'aria-description', 'title', 'placeholder']) take(element.getAttribute(name));
    }
  }
  return [...found];
}"""


def english_in(page: Page, roots: str) -> list[str]:
    """What is read or heard below ``roots`` and has words, but no Korean."""
    found = [text for text in page.evaluate(SPOKEN, roots) if not re.search("[가-힣]", text)]
    return sorted(text for text in found if re.search("[A-Za-z]{2}", KEPT.sub("", text)))


@pytest.fixture
def korean(lab: Lab, page: Page) -> Page:
    """A window on a JupyterLab whose language is Korean, with one pipeline in its folder."""
    lab.set(LOCALE, {"locale": "ko_KR"})
    lab.write("train.fasttrack.yaml", PIPELINE)
    page.goto(lab.page_url())
    expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    page.wait_for_function("jupyterapp.commands.hasCommand('fasttrack:show-panel')")
    return page


def test_the_panel_is_korean(korean: Page) -> None:
    """Its headings, its empty state and every button."""
    korean.evaluate("async () => { await jupyterapp.commands.execute('fasttrack:show-panel'); }")
    panel = korean.locator("#fasttrack-panel")
    for heading in ("파이프라인", "작업", "자원"):
        expect(panel.get_by_text(heading, exact=True).first).to_be_visible()
    expect(panel.get_by_text("아직 작업이 없습니다")).to_be_visible()
    expect(panel.get_by_text("훈련")).to_be_visible()
    assert english_in(korean, "#fasttrack-panel") == []


def test_the_editor_is_korean(korean: Page) -> None:
    """Toolbar, palette, properties with their help, problems, the plan and the list of keys."""
    korean.evaluate(
        "async () => { await jupyterapp.commands.execute('docmanager:open', {path: 'train.fasttrack.yaml'}); }"
    )
    editor = korean.locator(".ft-Editor")
    expect(editor.get_by_text("문제 없음")).to_be_visible()
    editor.locator(".ft-Editor-graph-canvas").focus()
    korean.keyboard.press("Home")
    korean.keyboard.press("e")
    expect(editor.locator(".ft-Form-label", has_text="이름").first).to_be_visible()
    expect(editor.locator(".ft-Properties-help")).to_contain_text("파이프라인 안에서 겹치지 않는 이름")
    assert english_in(korean, ".ft-Editor") == []
    korean.evaluate("async () => { await jupyterapp.commands.execute('fasttrack-editor:help'); }")
    expect(editor.get_by_text("캔버스에 포커스가 있을 때의 단축키")).to_be_visible()
    assert english_in(korean, ".ft-Editor") == []


def test_a_count_has_its_korean_form(korean: Page) -> None:
    """JupyterLab overlooks a plural with one form; ours has two alike."""
    korean.evaluate(
        "async () => { await jupyterapp.commands.execute('fasttrack:validate', {path: 'train.fasttrack.yaml'}); }"
    )
    expect(korean.get_by_text("train.fasttrack.yaml: 문제 없음(태스크 2개)").first).to_be_visible()


def test_the_settings_are_korean(korean: Page) -> None:
    """Titles and descriptions come from the catalogue that the extension brings."""
    korean.evaluate("async () => { await jupyterapp.commands.execute('settingeditor:open', {query: 'FastTrack'}); }")
    expect(korean.get_by_text("한 번에 가져올 작업 수")).to_be_visible()
    expect(korean.get_by_text("작은 자원 차트에 표시할 기간입니다.")).to_be_visible()


def test_the_file_browsers_menu_is_korean(korean: Page) -> None:
    """What is offered for a pipeline's file is there, and translated."""
    korean.evaluate("async () => { await jupyterapp.commands.execute('filebrowser:activate'); }")
    korean.locator(".jp-DirListing-item", has_text="train.fasttrack").click(button="right")
    for label in ("파이프라인 편집기로 열기", "파이프라인 실행", "파이프라인 검사"):
        expect(korean.locator(".lm-Menu-itemLabel", has_text=label)).to_be_visible()
