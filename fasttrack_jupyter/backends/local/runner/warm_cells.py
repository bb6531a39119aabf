"""How a fork of a warm interpreter runs cells as a fresh one would: its state made fresh before, all ended after.

What differs from one interpreter to the next is made anew: variables of the environment, seeds, signals, paths, the
number of threads that libraries may use. What ends with an interpreter ends here too: threads are joined, exit
functions called, the cells' modules let go of, files written out. Only what stood before the fork is left as it is, for
to take it down would copy it. Where a cell loaded a library of machine code that nobody knew before, the interpreter
is taken down as a whole. Standard library only, besides what the cells' environment has.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import importlib.machinery
import io
import itertools
import os
import signal
import site
import sys
import tempfile
import threading
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_TRAVEL = "fasttrack_travel"
_PARTS = ("execute", "variables", "values", "formats", "plain", "shown", "tracebacks", "failures")
_SETTERS = [f"{head}openblas_set_num_threads{tail}" for head in ("", "scipy_") for tail in ("", "64_", "_64", "64")]
_WANTED = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")


class WarmCells:
    """What runs cells, imported; ``travel`` is its folder."""

    def __init__(self, travel: str) -> None:
        package = types.ModuleType(_TRAVEL)
        package.__path__ = [travel]
        sys.modules[_TRAVEL] = package
        for name in _PARTS:
            importlib.import_module(f"{_TRAVEL}.{name}")
        self._before: frozenset[str] = frozenset()
        self._ours: list[Any] = []
        self._blas: list[Callable[[int], Any]] = []
        self._libc = ctypes.PyDLL(None)
        self._own_code = os.path.join(os.path.dirname(os.__file__), "")

    def prepare(self) -> None:
        """Look at what was imported since.

        Here, because to look at an object in a fork copies the page that it is on.
        """
        self._before = frozenset(sys.modules)
        self._ours = [module for name, module in sys.modules.items() if name.partition(".")[0] == _TRAVEL]
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
            paths = {line.split(None, 5)[5].rstrip("\n") for line in file if "openblas" in line.rpartition("/")[2]}
        libraries = [ctypes.PyDLL(path) for path in sorted(paths)]
        self._blas = [getattr(one, name) for one in libraries for name in _SETTERS if hasattr(one, name)]

    # ------------------------------------------------------------ in the child

    def run(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        """Be ``python EXECUTE.PY TASK …``; this never returns."""
        try:
            self._refresh(argv, environ)
            status = self._execute(argv)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
            status = 1
        self._end(status & 0xFF)

    def _refresh(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(environ)
        sys.argv, sys.orig_argv = list(argv[1:]), list(argv)
        if not getattr(sys.flags, "safe_path", False):
            sys.path.insert(0, "")
        sys.path[1:1] = filter(None, environ.get("FASTTRACK_PYTHONPATH", "").split(":"))
        tempfile.tempdir = None
        if site.USER_BASE is not None:
            site.USER_BASE = site.USER_SITE = None
            site.getusersitepackages()
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed()
        if "multiprocessing.process" in sys.modules:
            processes = sys.modules["multiprocessing.process"]
            processes.ORIGINAL_DIR = os.getcwd()  # type: ignore[attr-defined]
            processes.current_process().authkey = os.urandom(32)
        self._spread(environ)
        gc.enable()

    def _spread(self, environ: Mapping[str, str]) -> None:
        """Let BLAS have as many threads as it would have begun with."""
        told = next((environ[name] for name in _WANTED if environ.get(name)), "")
        there = len(os.sched_getaffinity(0))
        count = min(int(told), there) if told.isdigit() else there
        if count > 1:
            for setter in self._blas:
                setter(count)

    def _execute(self, argv: Sequence[str]) -> int:
        folder = os.path.dirname(os.path.abspath(argv[1]))
        for module in self._ours:
            if getattr(module, "__file__", None):
                module.__file__ = os.path.join(folder, os.path.basename(module.__file__))
            if hasattr(module, "HERE"):
                module.HERE = folder
        sys.modules[_TRAVEL].__path__ = [folder]
        status: int = sys.modules[f"{_TRAVEL}.execute"].main(argv[2:])
        sys.stdout.flush()
        return status

    def _end(self, status: int) -> None:
        names = list(itertools.takewhile(lambda name: name not in self._before, reversed(sys.modules)))
        found = [sys.modules[name] for name in names]
        new = [module for module in found if isinstance(module, types.ModuleType)]
        if any(map(self._is_foreign, new)):
            ctypes.pythonapi.Py_Exit(status)
        try:
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
            main = sys.modules["__main__"]
            for name in names:
                del sys.modules[name]
            self._let_go([main, *new])
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except BaseException:
            traceback.print_exc()
            status = status or 120
        finally:
            self._libc.fflush(None)
            os._exit(status)

    def _is_foreign(self, module: types.ModuleType) -> bool:
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        if not isinstance(loader, importlib.machinery.ExtensionFileLoader):
            return False
        return not loader.path.startswith(self._own_code)

    @staticmethod
    def _let_go(modules: Sequence[types.ModuleType]) -> None:
        """As an interpreter does at its end: no names, no modules, no cycles; and no file that is not written out."""
        for module in modules:
            for name in [name for name in vars(module) if name != "__builtins__"]:
                vars(module)[name] = None
        gc.collect()
        for left in gc.get_objects():
            if isinstance(left, io.IOBase) and not left.closed:
                left.flush()
