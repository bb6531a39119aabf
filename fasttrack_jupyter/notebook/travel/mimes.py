"""A stand-in for ``IPython.display`` in images that have no IPython: HTML, Markdown, Image … for ``display()``."""

from __future__ import annotations

import types
from typing import Any, Optional

_KINDS = {
    "HTML": "text/html", "Markdown": "text/markdown", "SVG": "image/svg+xml", "Latex": "text/latex",
    "Math": "text/latex", "JSON": "application/json", "Javascript": "application/javascript", "Pretty": "text/plain",
}  # fmt: skip


class Shown:
    """Something to show, of one mime type."""

    kind = "text/plain"

    def __init__(self, data: Any = None, url: Optional[str] = None, filename: Optional[str] = None, **_: Any) -> None:
        if url is not None:
            raise ValueError(f"{type(self).__name__}(url=…) needs IPython, which this image does not have")
        if data is None and filename is not None:
            with open(filename, "rb") as file:
                data = file.read()
        if isinstance(data, bytes) and not self.kind.startswith("image/png"):
            data = data.decode("utf-8")
        self.data = data

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return {self.kind: self.data}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Image(Shown):
    """A picture, by its bytes or its file's name."""

    kind = "image/png"

    def __init__(self, data: Any = None, url: Optional[str] = None, filename: Optional[str] = None, **how: Any) -> None:
        if isinstance(data, str):
            data, filename = None, data
        super().__init__(data, url, filename, **how)
        if isinstance(self.data, bytes) and self.data[:2] == b"\xff\xd8":
            self.kind = "image/jpeg"


def module(display: Any) -> types.ModuleType:
    """The stand-in; its ``display`` is ours."""
    made = types.ModuleType("IPython.display")
    for name, kind in _KINDS.items():
        setattr(made, name, type(name, (Shown,), {"kind": kind}))
    vars(made).update(Image=Image, display=display.display, clear_output=display.clear_output)
    return made
