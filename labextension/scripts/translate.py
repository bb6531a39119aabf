"""Bring the catalogues up to date: ``python labextension/scripts/translate.py``; needs Babel and node_modules.

Sources → ``fasttrack_jupyter/locale/fasttrack_jupyter.pot`` → ``<locale>/LC_MESSAGES/fasttrack_jupyter.po``, where
people write → ``fasttrack_jupyter.json`` beside it, which JupyterLab reads (entry point ``jupyterlab.locale``).

- Messages are what the TypeScript sources give to the translator, the settings' titles and descriptions (contexts
  ``schema`` and ``settings``, as JupyterLab names them), and the descriptions of the pipeline's JSON Schema, which the
  forms show as help (context ``schema``).
- A new or changed text has an empty translation in the .po: it counts as missing.
- JupyterLab takes a plural only from a message with two forms or more. Korean has one: it is written twice.
- There is no .mo: JupyterLab's server looks for those in language packs alone.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

LABEXTENSION = Path(__file__).resolve().parents[1]
PRODUCT = LABEXTENSION.parent / "fasttrack_jupyter"
DOMAIN = "fasttrack_jupyter"
LOCALES = ("ko_KR",)
TEMPLATE = PRODUCT / "locale" / f"{DOMAIN}.pot"
SETTINGS = LABEXTENSION / "schema"
PIPELINE = PRODUCT / "schema" / "pipeline.schema.json"
PLACEHOLDER = re.compile(r"%\d+")
# Babel's header lines that no reader needs, and that would differ every time.
_DATED = re.compile(rb'^"(Project-Id|Report|POT|PO|Last|Language-Team|Generated)[^\n]*\n', re.MULTILINE)
_HEADER = "# {what} of FastTrack for Jupyter.\n# Written by labextension/scripts/translate.py{how}."


def po_file(locale: str) -> Path:
    """Where people write the translations into ``locale``."""
    return PRODUCT / "locale" / locale / "LC_MESSAGES" / f"{DOMAIN}.po"


def extracted() -> Catalog:
    """Every text of the sources as it is now. Raises ``CalledProcessError`` for a text that is not one literal."""
    catalog = Catalog(domain=DOMAIN, header_comment=_HEADER.format(what="Texts", how=""), fuzzy=False)
    done = subprocess.run(["node", LABEXTENSION / "scripts" / "messages.mjs"], capture_output=True, text=True)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, "messages.mjs", done.stdout, done.stderr)
    for found in json.loads(done.stdout):
        text = (found["text"], found["plural"]) if found["plural"] is not None else found["text"]
        catalog.add(text, context=found["context"], locations=[(f"labextension/{found['file']}", 0)])
    for file in sorted(SETTINGS.glob("*.json")):
        for context, text in _settings_texts(json.loads(file.read_text(encoding="utf-8"))):
            catalog.add(text, context=context, locations=[(f"labextension/schema/{file.name}", 0)])
    for text in _descriptions(json.loads(PIPELINE.read_text(encoding="utf-8"))):
        catalog.add(text, context="schema", locations=[("fasttrack_jupyter/schema/pipeline.schema.json", 0)])
    return catalog


def _settings_texts(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """``(context, text)`` of a plugin's settings, by the selectors of ``jupyterlab_server.translation_utils``."""
    if not schema.get("properties"):
        return  # holds menus or keys alone: the settings editor does not show it
    yield from (("schema", schema[key]) for key in ("title", "description") if key in schema)
    if label := schema.get("jupyter.lab.setting-icon-label"):
        yield "settings", label
    for each in schema["properties"].values():
        yield from (("settings", each[key]) for key in ("title", "description") if key in each)


def _descriptions(node: Any) -> Iterator[str]:
    """Descriptions of properties: the forms' help. Labels are the forms' own, and so are not the schema's titles."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if key == "properties":
            yield from (each["description"] for each in value.values() if "description" in each)
        yield from _descriptions(value)


def read(file: Path, locale: str | None = None) -> Catalog:
    """A catalogue as it is on the disk; empty when there is none."""
    return read_po(BytesIO(file.read_bytes() if file.is_file() else b""), locale=locale, domain=DOMAIN)


def updated(template: Catalog, locale: str) -> Catalog:
    """The translations into ``locale`` for the texts of ``template``; what is no longer asked for is dropped."""
    catalog = read(po_file(locale), locale)
    catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    catalog.header_comment = _HEADER.format(what="Translations", how=", but for the msgstr: those are yours")
    return catalog


def compiled(catalog: Catalog) -> dict[str, Any]:
    """What JupyterLab reads: Jed's format, by ``context U+0004 text``."""
    head = {"domain": DOMAIN, "language": str(catalog.locale).replace("_", "-"), "plural_forms": catalog.plural_forms}
    messages = sorted((_key(each), _forms(each)) for each in catalog if each.id and each.string and not each.fuzzy)
    return {"": head, **dict(messages)}


def _key(message: Message) -> str:
    text = message.id[0] if isinstance(message.id, (list, tuple)) else message.id
    return f"{message.context}\x04{text}" if message.context else str(text)


def _forms(message: Message) -> list[str]:
    if not isinstance(message.id, (list, tuple)):
        return [str(message.string)]
    forms = list(message.string) if isinstance(message.string, (list, tuple)) else [str(message.string)]
    return forms * 2 if len(forms) == 1 else forms


def missing(catalog: Catalog) -> list[str]:
    """The texts that have no translation, or one whose placeholders are not the text's own."""
    return [str(each.id) for each in catalog if each.id and (each.fuzzy or not _is_whole(each))]


def _is_whole(message: Message) -> bool:
    texts = message.id if isinstance(message.id, (list, tuple)) else [message.id]
    forms = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    wanted = set(PLACEHOLDER.findall(texts[-1]))
    return all(form and set(PLACEHOLDER.findall(form)) == wanted for form in forms)


def text_of(catalog: Catalog) -> bytes:
    """A catalogue as its file has it: sorted, no dates, no line numbers, so that a change shows only itself."""
    file = BytesIO()
    write_po(file, catalog, width=110, sort_output=True, include_lineno=False)
    return _DATED.sub(b"", file.getvalue())


def json_of(catalog: Catalog) -> str:
    """The compiled catalogue as its file has it."""
    return json.dumps(compiled(catalog), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write all catalogues; say what is left to translate."""
    template = extracted()
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_bytes(text_of(template))
    for locale in LOCALES:
        catalog = updated(template, locale)
        po_file(locale).parent.mkdir(parents=True, exist_ok=True)
        po_file(locale).write_bytes(text_of(catalog))
        po_file(locale).with_suffix(".json").write_text(json_of(catalog), encoding="utf-8")
        left = missing(catalog)
        print(f"{locale}: {len(catalog) - len(left)} of {len(catalog)} texts translated")
        print(*(f"  {text}" for text in left), sep="\n", end="\n" if left else "")


if __name__ == "__main__":
    main()
