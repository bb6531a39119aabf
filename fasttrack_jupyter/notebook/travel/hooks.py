"""Changes to libraries at the moment somebody else imports them: nothing is imported that the cells do not use."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import types
from typing import Any, Callable, Dict, Optional, Sequence


class AfterImport:
    """Calls ``changes[name](module)`` once, when the module of that name has been imported."""

    def __init__(self, changes: Dict[str, Callable[[Any], None]]) -> None:
        self._changes = dict(changes)

    def install(self) -> None:
        """Begin. What is imported already is changed now."""
        for name in [name for name in self._changes if name in sys.modules]:
            self._changes.pop(name)(sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """The module's own specification, with the change behind its execution."""
        change = self._changes.pop(fullname, None)
        if change is None:
            return None
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        execute = spec.loader.exec_module

        def executed(module: types.ModuleType) -> None:
            execute(module)
            try:
                change(module)
            except Exception as error:  # another release of that library: it works as it is
                print(f"fasttrack: {fullname} is used as it is ({error})", file=sys.stderr)

        spec.loader.exec_module = executed  # type: ignore[method-assign]
        return spec


class Carried:
    """Finds packages that lie beside this file (cloudpickle), one release for all tasks."""

    def __init__(self, folder: str, names: Sequence[str]) -> None:
        self._places = {name: os.path.join(folder, name) for name in names}

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """The carried package's specification, if it is one and lies there."""
        place = self._places.get(fullname)
        if place is None or not os.path.isfile(os.path.join(place, "__init__.py")):
            return None
        where = os.path.join(place, "__init__.py")
        return importlib.util.spec_from_file_location(fullname, where, submodule_search_locations=[place])


def use_agg() -> None:
    """Let matplotlib draw without a screen, in child processes too, unless a real backend was chosen."""
    if os.environ.get("MPLBACKEND", "module://").startswith("module://"):
        os.environ["MPLBACKEND"] = "Agg"


def pyplot_show(close_figures: Callable[[], None]) -> Callable[[Any], None]:
    """What changes ``matplotlib.pyplot``: its ``show`` shows the figures, as in a notebook."""

    def show(*_: Any, **__: Any) -> None:
        """Show the open figures, and close them."""
        close_figures()

    return lambda module: setattr(module, "show", show)


def ipython_display(display: Callable[[], Any]) -> Callable[[Any], None]:
    """What changes ``IPython.display``: without a kernel its ``display`` would only print."""

    def change(module: Any) -> None:
        ours = display()
        module.display, module.clear_output = ours.display, ours.clear_output
        module.update_display = lambda value, *, display_id, **_: ours.update(value, display_id)

    return change


class Builtins:
    """What cells find beside Python's own builtins: ``display``, and ``IPython.display`` where there is no IPython."""

    def __init__(self, display: Callable[[], Any]) -> None:
        self._display = display

    def make(self) -> Dict[str, Any]:
        """A builtins namespace for cells; an exact dict, as fast as Python's own."""
        import builtins

        def display(*values: Any, **how: Any) -> Any:
            """Show values, as IPython's ``display`` does."""
            return self._display().display(*values, **how)

        def get_ipython() -> None:
            """Nothing, as ``IPython.get_ipython`` gives where no IPython runs: notebooks ask where they are."""

        return {**vars(builtins), "display": display, "get_ipython": get_ipython, "__import__": self._import}

    def _import(self, name: str, *args: Any, **how: Any) -> Any:
        try:
            return __import__(name, *args, **how)
        except ModuleNotFoundError as error:
            if not {error.name, name} <= {"IPython", "IPython.display"}:
                raise
            return self._stand_in(name, args, how)

    def _stand_in(self, name: str, args: Sequence[Any], how: Dict[str, Any]) -> types.ModuleType:
        from . import mimes

        top, inner = types.ModuleType("IPython"), mimes.module(self._display())
        top.display = inner  # type: ignore[attr-defined]
        wanted = how.get("fromlist", args[2] if len(args) > 2 else ())
        return inner if wanted and name == "IPython.display" else top
