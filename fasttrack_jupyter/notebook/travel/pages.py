"""An executed notebook as one HTML page: by nbconvert where the image has it, else a plain page of our own."""

from __future__ import annotations

import html
import importlib.util
import json
import re
from typing import Any, Dict, Iterator

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}"
    ".in{background:#f5f5f5;border-left:3px solid #1976d2;padding:.5rem .8rem}.err{color:#b00020}"
    "img,svg{max-width:100%}table{border-collapse:collapse}td,th{padding:.2rem .6rem;border-bottom:1px solid #ddd}"
)


def page(notebook: Dict[str, Any], title: str) -> str:
    """The page; whatever keeps nbconvert from making it, there is one."""
    if importlib.util.find_spec("nbconvert") is not None:
        try:
            return _by_nbconvert(notebook, title)
        except Exception as error:  # templates that are not installed, an old release
            print(f"fasttrack: nbconvert cannot make the page ({type(error).__name__}: {error}); a plain one is made")
    return own_page(notebook, title)


def _by_nbconvert(notebook: Dict[str, Any], title: str) -> str:
    import warnings

    import nbformat
    from nbconvert import HTMLExporter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells without ids in older notebooks
        made = nbformat.from_dict(json.loads(json.dumps(notebook)))
        return str(HTMLExporter().from_notebook_node(made, resources={"metadata": {"name": title}})[0])


def own_page(notebook: Dict[str, Any], title: str) -> str:
    """A page without any library: code, texts, pictures, tables, errors."""
    body = "\n".join(part for cell in notebook["cells"] for part in _cell(cell))
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _cell(cell: Dict[str, Any]) -> Iterator[str]:
    source = html.escape(text_of(cell["source"]))
    if cell["cell_type"] != "code":
        yield f"<pre>{source}</pre>"
        return
    yield f'<pre class="in">{source}</pre>'
    for output in cell.get("outputs", ()):
        yield _output(output)


def _output(output: Dict[str, Any]) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return f"<pre>{_escaped(output['text'])}</pre>"
    if kind == "error":
        return f'<pre class="err">{_escaped(chr(10).join(output["traceback"]))}</pre>'
    data = output.get("data", {})
    for mime in ("image/png", "image/jpeg"):
        if mime in data:
            return f'<img alt="" src="data:{mime};base64,{html.escape(text_of(data[mime]))}">'
    for mime in ("image/svg+xml", "text/html"):
        if mime in data:
            return f"<div>{text_of(data[mime])}</div>"
    return f"<pre>{_escaped(data.get('text/plain', ''))}</pre>"


def text_of(lines: Any) -> str:
    """A text of a notebook file, which may be a list of lines."""
    return "".join(lines) if isinstance(lines, list) else str(lines)


def _escaped(text: Any) -> str:
    return html.escape(without_colours(text_of(text)))


def without_colours(text: str) -> str:
    """``text`` without a terminal's escape sequences."""
    return _ANSI.sub("", text)
