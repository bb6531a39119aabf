"""The notebook's namespace, as pickles refer to it: the definitions in it, by their names."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, Mapping, Optional


class Home:
    """The notebook's namespace: the definitions in it, and where names come from that are not there yet."""

    def __init__(
        self,
        names: Optional[Dict[str, Any]] = None,
        definitions: Optional[Mapping[str, str]] = None,
        fetch: Optional[Callable[[str], None]] = None,
    ) -> None:
        self.names: Dict[str, Any] = sys.modules["__main__"].__dict__ if names is None else names
        self.definitions: Mapping[str, str] = {} if definitions is None else definitions
        self._fetch = fetch

    def name_of(self, it: Any) -> Optional[str]:
        """Under which name a class or function can be found here; None if it cannot."""
        name = getattr(it, "__qualname__", None)
        if getattr(it, "__module__", None) != "__main__" or not isinstance(name, str) or "<" in name:
            return None
        return name if _follow(self.names, name) is it else None

    def find(self, name: str, fingerprint: Optional[str]) -> Any:
        """The definition called ``name``, if there is one and it is the same; else None."""
        top = name.partition(".")[0]
        self.fetch(top)
        here = self.definitions.get(top)
        return None if fingerprint and here and here != fingerprint else _follow(self.names, name)

    def fetch(self, name: str) -> None:
        """Have the variable ``name`` loaded, if it is one that can be."""
        if name not in self.names and self._fetch is not None:
            self._fetch(name)


def _follow(names: Mapping[str, Any], name: str) -> Any:
    top, *rest = name.split(".")
    it = names.get(top)
    for part in rest:
        it = getattr(it, part, None)
    return it
