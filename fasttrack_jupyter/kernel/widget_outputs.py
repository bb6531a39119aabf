"""What a task left, in HTML: its outputs by name, and what its cells displayed.

Files come from a task, so nothing in them runs here: an image is an ``<img>`` (an SVG in one runs no script), HTML
stands in a frame without any rights, all else is escaped. Each is read only up to a size that a notebook can bear.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.folding import is_artifact
from fasttrack_jupyter.api.words import clean, plural, size
from fasttrack_jupyter.kernel.results import VARIABLE, read_manifest

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.tasks import TaskHandle

_MOST_NAMES, _MOST_SHOWN = 60, 12
_LARGEST = 1_500_000
"""Bytes of one image or page that is shown; a larger one is named."""
_LONGEST = 4000
"""Characters of a text that are shown."""
_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
           ".webp": "image/webp", ".svg": "image/svg+xml"}  # fmt: skip
_TEXTS = frozenset({".txt", ".json", ".md"})


def outputs_html(task: TaskHandle) -> str:
    """The list of a task's outputs, how to get them, and below it what can be looked at."""
    names = list(islice(task.outputs, _MOST_NAMES))
    shown = "".join(_preview(file) for file in islice(_to_show(task), _MOST_SHOWN))
    if not names and not shown:
        so_far = "left nothing." if task.is_ended else "has left nothing so far."
        return f'<p class="ftw-none">{escape(clean(task.name))} {so_far}</p>'
    return _listed(task, names) + shown


def _listed(task: TaskHandle, names: list[str]) -> str:
    if not names:
        return ""
    sizes = [_size_of(task, name) for name in names]
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Output", "What", *(["Size"] if any(sizes) else [])))
    rows = "".join(_row(task, name, count, any(sizes)) for name, count in zip(names, sizes, strict=True))
    more = len(task.outputs) - len(names)
    left = f'<p class="ftw-none">{plural(more, "output")} more.</p>' if more > 0 else ""
    how = escape(f"%fasttrack result {clean(task.name)}.{clean(names[0])}")
    label = escape(f"Outputs of {clean(task.name)}")
    table = (
        f'<table class="ftw-table" aria-label="{label}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )
    return f'{table}{left}<p class="ftw-none">Into this notebook: <code>{how}</code></p>'


def _row(task: TaskHandle, name: str, count: int | None, has_sizes: bool) -> str:
    kind = clean(str(_manifest(task, name).get("type") or ""))
    sizes = f'<td class="ftw-number">{size(count) if count is not None else ""}</td>' if has_sizes else ""
    return (
        f'<tr><th scope="row">{escape(clean(name))}</th><td title="{escape(kind)}">'
        f"{escape(task.outputs.summary(name))}</td>{sizes}</tr>"
    )


def _manifest(task: TaskHandle, name: str) -> dict[str, Any]:
    place = task.outputs.place(name)
    return read_manifest(place) if place is not None else {}


def _size_of(task: TaskHandle, name: str) -> int | None:
    """Bytes of a variable as its manifest tells, or of a file; None of a value, and of a folder."""
    told = _manifest(task, name).get("size")
    if isinstance(told, int):
        return told
    place = task.outputs.place(name)
    try:
        return place.stat().st_size if place is not None and place.is_file() else None
    except OSError:
        return None


def _to_show(task: TaskHandle) -> Iterator[Path]:
    """What ``display()`` showed, in its order, then declared artifacts that are pictures or pages."""
    folder = task.outputs.folder
    if folder is None:
        return
    declared = [Path(value["path"]) for value in task.view["outputs"].values() if _is_file(value)]
    pictures = [place for place in declared if place.suffix.lower() in (*_IMAGES, ".html")]
    displayed = (folder / "shown").iterdir() if (folder / "shown").is_dir() else ()
    root = folder.resolve()
    for place in (*sorted(displayed), *pictures):
        if place.is_file() and place.resolve().is_relative_to(root):
            yield place


def _is_file(value: Any) -> bool:
    return is_artifact(value) and value["type"] != VARIABLE


def _preview(file: Path) -> str:
    kind, name = file.suffix.lower(), escape(clean(file.name))
    if kind not in (*_IMAGES, *_TEXTS, ".html"):
        return ""
    if file.stat().st_size > _LARGEST:
        return f'<p class="ftw-none">{name} is too large to be shown here ({size(file.stat().st_size)}).</p>'
    data = file.read_bytes()
    if kind in _IMAGES:
        inside = f'<img alt="{name}" src="data:{_IMAGES[kind]};base64,{b64encode(data).decode()}">'
    elif kind == ".html":
        page = escape(data.decode(errors="replace"))
        inside = f'<iframe sandbox="" title="{name}" srcdoc="{page}"></iframe>'
    else:
        inside = f"<pre>{escape(clean(data.decode(errors='replace')[:_LONGEST]))}</pre>"
    return f"<figure>{inside}<figcaption>{name}</figcaption></figure>"
