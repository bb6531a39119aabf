"""The catalogues of translations: every text of the sources is there, in Korean, whole, and compiled."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from jupyterlab_server import translation_utils

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "labextension"
TOOL: dict[str, Any] = runpy.run_path(str(SOURCES / "scripts" / "translate.py"))
UPDATE = "python labextension/scripts/translate.py writes it"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (SOURCES / "node_modules").is_dir(), reason="there is no node, or no packages"
)


@pytest.fixture(scope="module")
def template() -> Catalog:
    """What the sources say now."""
    found: Catalog = TOOL["extracted"]()
    return found


@pytest.fixture
def korean() -> Catalog:
    """The Korean catalogue as it is on the disk."""
    found: Catalog = TOOL["read"](TOOL["po_file"]("ko_KR"), "ko_KR")
    return found


def _texts(catalog: Catalog) -> set[tuple[Any, Any]]:
    return {(each.context, each.id) for each in catalog if each.id}


def test_every_text_of_the_sources_is_in_the_catalogues_and_nothing_else(template: Catalog, korean: Catalog) -> None:
    """A text that is new, changed or gone in the sources is so in the .pot and in the .po."""
    wanted = _texts(template)
    assert len(wanted) > 500
    for catalog in (TOOL["read"](TOOL["TEMPLATE"]), korean):
        assert wanted - _texts(catalog) == set(), UPDATE
        assert _texts(catalog) - wanted == set(), UPDATE


def test_every_text_is_translated_with_its_placeholders(korean: Catalog) -> None:
    """None is empty or loses a %1; what a translator would have to guess counts as missing."""
    assert TOOL["missing"](korean) == []


def test_what_jupyterlab_reads_is_compiled_from_what_people_write(korean: Catalog) -> None:
    """The .json is the .po's."""
    assert TOOL["po_file"]("ko_KR").with_suffix(".json").read_text(encoding="utf-8") == TOOL["json_of"](korean), UPDATE


def test_no_text_is_used_both_with_and_without_a_plural(template: Catalog) -> None:
    """JupyterLab would take the translation for one of the two alone."""
    plurals = {each.id[0] for each in template if isinstance(each.id, (list, tuple))}
    calls = json.loads(subprocess.run(["node", SOURCES / "scripts" / "messages.mjs"], capture_output=True).stdout)
    assert [each for each in calls if each["text"] in plurals and each["plural"] is None] == []


def test_a_plural_has_two_forms_for_jupyterlab(korean: Catalog) -> None:
    """JupyterLab's gettext overlooks a plural with one form, and Korean has one."""
    compiled = TOOL["compiled"](korean)
    plurals = [each.id[0] for each in korean if isinstance(each.id, (list, tuple))]
    assert plurals
    assert [text for text in plurals if len(compiled[text]) != 2] == []
    assert compiled[""]["plural_forms"].startswith("nplurals=1")


@pytest.mark.parametrize(
    ("text", "translated", "is_whole"),
    [
        ("%1 of %2", "%2 중 %1", True),
        ("%1 of %2", "%1 중", False),
        ("Run", "", False),
        (("%1 task", "%1 tasks"), ("태스크 %1개",), True),
        (("%1 task", "%1 tasks"), ("태스크",), False),
        ("Run", "%1 실행", False),
    ],
)
def test_a_translation_that_loses_a_placeholder_counts_as_missing(text: Any, translated: Any, is_whole: bool) -> None:
    """The check is able to fail."""
    catalog = Catalog("ko_KR")
    catalog.add(text, translated)
    assert (TOOL["missing"](catalog) == []) is is_whole


def test_jupyterlab_finds_the_catalogue_by_its_entry_point() -> None:
    """The installed package names its locale folder, and JupyterLab's server hands out what is in it."""
    found, message = translation_utils.get_installed_packages_locale("ko_KR")
    assert message == ""
    assert found["fasttrack_jupyter"][""]["language"] == "ko-KR"


ENGLISH = """
export const a = <p>Two words</p>;
export const b = <p>{'Two words'}</p>;
export const c = <input aria-label="Name" />;
export const d = <input placeholder={'Name'} />;
export const e = (n: number) => <b title={`${n} tasks`} />;
export const f = (node: Element) => node.setAttribute('aria-label', 'Tasks');
export const g = (node: Element) => { node.textContent = 'Tasks'; };
export const h = { label: 'Run' };
export const i = () => Notification.error('It failed');
""".strip()


def test_english_that_no_translator_sees_is_refused() -> None:
    """The rule of eslint.config.mjs, which ``jlpm run lint`` holds all sources against, bites in every line."""
    command = ["node_modules/.bin/eslint", "--stdin", "--stdin-filename", "src/jobs/sample.tsx", "--format", "json"]
    done = subprocess.run(command, cwd=SOURCES, input=ENGLISH, capture_output=True, text=True)
    found = {
        each["line"] for each in json.loads(done.stdout)[0]["messages"] if each["ruleId"] == "no-restricted-syntax"
    }
    assert found == set(range(1, len(ENGLISH.splitlines()) + 1))
