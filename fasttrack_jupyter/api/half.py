"""aiohttp's server half alone, until somebody asks for the other one.

``import aiohttp`` brings the client as well, and that makes TLS contexts as it is imported: a tenth of a second
for an engine that serves a unix socket, of the half second that a person waits for it. So the package is put
in place without running it: its submodules are found as ever, and the first name that only the whole
package has (``aiohttp.ClientSession``) makes it whole.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_PACKAGE = "aiohttp"
_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)


def prefer_half() -> bool:
    """Put the half in place; False where the package is imported already, or is not as we know it."""
    spec = None if _PACKAGE in sys.modules else importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.loader is None or spec.origin is None:
        return False
    version = _VERSION.search(Path(spec.origin).read_text(encoding="utf-8"))
    if version is None:
        return False
    sys.modules[_PACKAGE] = _Half(spec, version[1])
    return True


class _Half(ModuleType):
    """The package, not run yet."""

    def __init__(self, spec: ModuleSpec, version: str) -> None:
        super().__init__(spec.name)
        self.__spec__, self.__loader__, self.__file__ = spec, spec.loader, spec.origin
        self._spec = spec
        self.__package__, self.__path__ = spec.name, list(spec.submodule_search_locations or ())
        self.__version__ = version

    def __getattr__(self, name: str) -> object:
        """Asked for what is not there: a submodule is left to the import system, anything else makes the whole."""
        if name.startswith("__") or PathFinder.find_spec(f"{self.__name__}.{name}", self.__path__) is not None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__class__ = ModuleType  # type: ignore[assignment]
        if self._spec.loader is not None:
            self._spec.loader.exec_module(self)
        return getattr(self, name)
