"""What a cell shows: ``display()``, the last expression, figures; as mime bundles and as files.

Objects say themselves how they look (``_repr_html_`` and its like, ``_repr_mimebundle_``, ``_ipython_display_``):
https://ipython.readthedocs.io/en/stable/config/integrating.html
Matplotlib's figures become PNG; those open after a cell are shown and closed, as its inline backend does it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

from .hidden import Hidden
from .record import Record, write_atomically

Bundle = Tuple[Dict[str, Any], Dict[str, Any]]

_METHODS = (
    ("image/svg+xml", "_repr_svg_"), ("image/png", "_repr_png_"), ("image/jpeg", "_repr_jpeg_"),
    ("application/pdf", "_repr_pdf_"), ("text/html", "_repr_html_"), ("text/markdown", "_repr_markdown_"),
    ("text/latex", "_repr_latex_"), ("application/json", "_repr_json_"),
    ("application/javascript", "_repr_javascript_"),
)  # fmt: skip
_FILES = (("image/png", "png"), ("image/svg+xml", "svg"), ("image/jpeg", "jpg"), ("text/html", "html"))


class Display:
    """Shows values of the present cell: in the log as text, in the record whole, and as files of ``folder``."""

    def __init__(self, record: Record, folder: Optional[str], say: Callable[[str], None], hidden: Hidden) -> None:
        self._record, self._folder, self._say, self._hidden = record, folder, say, hidden
        self._key, self._count = "00", 0
        self._handles: Dict[str, Dict[str, Any]] = {}
        self._drawn: List[Any] = []

    def begin(self, key: str) -> None:
        """What is shown now belongs to the cell ``key``."""
        self._key, self._count, self._drawn = key, 0, []

    def result(self, value: Any) -> None:
        """Show the value of a cell's last expression."""
        self._show(value, is_result=True)

    def display(self, *values: Any, **how: Any) -> Any:
        """IPython's ``display``: ``raw``, ``metadata``, ``include``, ``exclude``, ``display_id``, ``clear`` hold."""
        if how.get("clear"):
            self.clear_output()
        name = how.get("display_id")
        if name is True:
            name = f"{self._key}-{len(self._handles) + 1}"
        for value in values:
            output = self._show(value, how=how)
            if name is not None and output is not None:
                self._handles[name] = output
        return None if name is None else Handle(self, name)

    def update(self, value: Any, name: str) -> None:
        """Show ``value`` in place of what was shown under ``name``."""
        data, metadata = bundle(value)
        if name in self._handles:
            self._handles[name].update(data=data, metadata=metadata)

    def clear_output(self, wait: bool = False) -> None:
        """Forget what this cell showed so far; with ``wait`` too, for nobody watches the record."""
        self._record.clear()

    def close_figures(self) -> None:
        """Show the figures that are open, and close them."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for number in pyplot.get_fignums():
            figure = pyplot.figure(number)
            if not any(figure is drawn for drawn in self._drawn):
                self._show(figure)
        pyplot.close("all")

    def _show(
        self, value: Any, is_result: bool = False, how: Optional[Dict[str, Any]] = None
    ) -> Optional[Dict[str, Any]]:
        how = how or {}
        own = getattr(value, "_ipython_display_", None)
        if callable(own) and not isinstance(value, type):
            own()
            return None
        data, metadata = (dict(value), {}) if how.get("raw") else bundle(value)
        chosen = {kind: it for kind, it in data.items() if kind in (how.get("include") or data)}
        chosen = {kind: it for kind, it in chosen.items() if kind not in (how.get("exclude") or ())}
        metadata.update(how.get("metadata") or {})
        if is_figure(value):
            self._drawn.append(value)
        self._say(str(chosen.get("text/plain", f"<{', '.join(chosen)}>")) + "\n")
        self._keep(value, chosen, is_result)
        return self._record.show(chosen, metadata, is_result)

    def _keep(self, value: Any, data: Dict[str, Any], is_result: bool) -> None:
        """Write what was shown as a file: pictures and pages always, else what ``display`` showed."""
        found = _as_file(value, data, is_result, self._hidden)
        if found is None or self._folder is None:
            return
        self._count += 1
        os.makedirs(self._folder, exist_ok=True)
        write_atomically(os.path.join(self._folder, f"{self._key}-{self._count}.{found[0]}"), found[1])


class Handle:
    """What ``display(…, display_id=…)`` gives."""

    def __init__(self, display: Display, display_id: str) -> None:
        self._display, self.display_id = display, display_id

    def display(self, value: Any, **how: Any) -> None:
        """Show ``value`` anew under this id."""
        self._display.display(value, display_id=self.display_id, **how)

    def update(self, value: Any, **_: Any) -> None:
        """Show ``value`` in place of what was shown."""
        self._display.update(value, self.display_id)


def _as_file(value: Any, data: Dict[str, Any], is_result: bool, hidden: Hidden) -> Optional[Tuple[str, bytes]]:
    for kind, suffix in _FILES:
        shown = data.get(kind)
        if isinstance(shown, str):
            is_text = kind in ("image/svg+xml", "text/html")
            return suffix, _encoded(hidden.mask(shown)) if is_text else base64.b64decode(shown)
    if is_result:
        return None
    if isinstance(value, (dict, list, int, float)) or "application/json" in data:
        try:
            text = json.dumps(data.get("application/json", value), indent=1, default=_number)
            return "json", _encoded(hidden.mask(text))
        except (TypeError, ValueError):
            pass
    return ("txt", _encoded(hidden.mask(str(data["text/plain"])))) if "text/plain" in data else None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _number(value: Any) -> Any:
    """NumPy's numbers as plain ones. Raises TypeError for everything else."""
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no number")


def bundle(value: Any) -> Bundle:
    """How ``value`` looks: data by mime type, and metadata. Bytes are base64 text; ``text/plain`` is always there."""
    data: Dict[str, Any] = {"text/plain": _text(value)}
    metadata: Dict[str, Any] = {}
    if isinstance(value, type):
        return data, metadata
    if is_figure(value):
        data["image/png"] = base64.b64encode(picture(value)).decode("ascii")
        return data, metadata
    for kind, method in _METHODS:
        _add(data, metadata, kind, _ask(value, method))
    made = _ask(value, "_repr_mimebundle_", include=None, exclude=None)
    parts = made if isinstance(made, tuple) else (made, {})
    if isinstance(parts[0], dict):
        for kind, it in parts[0].items():
            _add(data, metadata, kind, it)
        metadata.update(parts[1] or {})
    return data, metadata


def _ask(value: Any, method: str, **how: Any) -> Any:
    """What the object's own method says; one that fails is told and says nothing, as in a notebook."""
    try:
        own = getattr(value, method, None)
        return own(**how) if callable(own) else None
    except NotImplementedError:
        return None
    except Exception as error:
        print(f"{type(value).__name__}.{method}() failed: {type(error).__name__}: {error}", file=sys.stderr)
        return None


def _add(data: Dict[str, Any], metadata: Dict[str, Any], kind: str, it: Any) -> None:
    if isinstance(it, tuple) and len(it) == 2:
        it, metadata[kind] = it
    if isinstance(it, (bytes, bytearray)):
        it = base64.b64encode(bytes(it)).decode("ascii")
    if it is not None:
        data[kind] = it


def _text(value: Any) -> str:
    try:
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            text = repr(value)
            if len(text) > 80:
                import pprint

                return pprint.pformat(value, width=80, compact=True)
            return text
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}: its repr() failed: {type(error).__name__}: {error}>"


def is_figure(value: Any) -> bool:
    """Whether it is a figure of matplotlib."""
    figures = sys.modules.get("matplotlib.figure")
    return figures is not None and isinstance(value, figures.Figure)


def picture(figure: Any) -> bytes:
    """A matplotlib figure as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", dpi=figure.dpi)
    return file.getvalue()
