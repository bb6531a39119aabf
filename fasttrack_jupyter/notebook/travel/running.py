"""What is around cells that run in this process: streams, display, progress, signals, and how an end is told."""

from __future__ import annotations

import os
import signal
import sys
import types
from typing import Any, Callable, Dict, Optional, Set

from . import failures, hooks, progress
from .cells import Cell, Runner
from .hidden import Hidden
from .record import Record, Stream
from .refusals import Stopped

HERE = os.path.dirname(os.path.abspath(__file__))


class Surroundings:
    """Around the code cells of ``notebook``, whose executed copy goes to ``target``.

    ``count`` cells are counted by the progress; what is shown is kept as files below ``shown``, if that is given.
    """

    def __init__(
        self, notebook: Dict[str, Any], target: str, count: int, title: str, shown: Optional[str] = None
    ) -> None:
        self.hidden = Hidden()
        self.record = Record(target, notebook, self.hidden)
        self._folder, self._title = os.path.dirname(target), title
        self._out, self._err = sys.stdout, sys.stderr
        self._shown, self._key = shown, ""
        self._display: Any = None
        self.runner = Runner(self._show_result)
        self.runner.names["__builtins__"] = hooks.Builtins(lambda: self.display).make()
        self.progress = progress.Progress(self._folder, count, hide=self.hidden.mask)
        self._labels: Set[str] = set()

    @property
    def display(self) -> Any:
        """Shows values; made when there is something to show."""
        if self._display is None:
            from .shown import Display

            self._display = Display(self.record, self._shown, self._say, self.hidden)
            self._display.begin(self._key)
        return self._display

    def _show_result(self, value: Any) -> None:
        if value is not None:
            self.display.result(value)

    def _say(self, text: str) -> None:
        """To the log only."""
        self._out.write(text)
        self._out.flush()

    def tell(self, text: str) -> None:
        """A note of ours, to the log and the record."""
        sys.stderr.write(f"fasttrack: {text}\n")

    def begin(self, index: int, cell: Cell, number: Optional[int]) -> None:
        """The cell at ``index`` of the notebook begins; ``number`` is which of those counted (None: it is none)."""
        self._labels.add(cell.label)
        self.record.begin(index)
        self._key = cell.key
        if self._display is not None:
            self._display.begin(cell.key)
        if number is not None:
            self.progress.begin_cell(number)

    def end(self, cell: Cell) -> None:
        """The cell has run."""
        if "matplotlib.pyplot" in sys.modules:
            self.display.close_figures()
        self.record.write()

    def run(self, cells: Callable[[], None], then: Callable[[], None] = lambda: None) -> int:
        """Call ``cells``, which runs them, and ``then``, unless it failed; the exit status comes back."""
        os.makedirs(self._folder, exist_ok=True)
        self.record.write()  # who is killed in the first cell leaves its cells all the same, for debugging
        self._set_up()
        mine = os.getpid()
        try:
            return self._guarded(cells, then, mine)
        finally:
            if os.getpid() != mine:  # a child that a cell has forked: its end is not the task's
                os._exit(1)
            sys.stdout, sys.stderr = self._out, self._err
            self._out.flush()
            self.record.write()

    def _set_up(self) -> None:
        hooks.use_agg()
        for log in (self._out, self._err):
            if hasattr(log, "reconfigure"):
                log.reconfigure(errors="backslashreplace")
        sys.stdout = Stream("stdout", self._out, self.record.stream)
        sys.stderr = Stream("stderr", self._err, self.record.stream)
        changes = progress.hooks(self.progress)
        changes["matplotlib.pyplot"] = hooks.pyplot_show(lambda: self.display.close_figures())
        changes["IPython.display"] = hooks.ipython_display(lambda: self.display)
        sys.meta_path.insert(0, hooks.Carried(HERE, ["cloudpickle"]))
        hooks.AfterImport(changes).install()
        self.runner.take_over()
        sys.argv = [self._title]
        signal.signal(signal.SIGTERM, _stop)

    def _guarded(self, cells: Callable[[], None], then: Callable[[], None], mine: int) -> int:
        try:
            self.progress.begin_cell(0)
            try:
                cells()
            except SystemExit as end:
                if os.getpid() != mine:
                    os._exit(end.code if isinstance(end.code, int) else end.code is not None)
                if end.code not in (None, 0):
                    return self._exited(end.code)
                self.tell("a cell called sys.exit(): the cells after it are not run")
            self.runner.close()
            then()
            return 0
        except (KeyboardInterrupt, Stopped) as stop:
            self._failed(stop)
            return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)
        except BaseException as error:
            self._failed(error)
            if os.getpid() == mine:
                failures.leave(self._folder, self.hidden.mask(failures.line_of(error, self._labels)))
            return 1

    def _exited(self, code: Any) -> int:
        if isinstance(code, int):
            self.tell(f"a cell called sys.exit({code})")
            return code & 0xFF
        sys.stderr.write(f"{code}\n")
        failures.leave(self._folder, self.hidden.mask(str(code)))
        return 1

    def _failed(self, error: BaseException) -> None:
        from .tracebacks import traceback_lines

        lines = traceback_lines(error, self._labels)
        if type(error).__module__.startswith(str(__package__)):  # ours are told in words
            lines = [f"{error}\n"]
        self.record.error(type(error).__name__, str(error), lines)
        self._out.flush()
        self._err.write("".join(lines))
        self._err.flush()


def _stop(number: int, _: Optional[types.FrameType]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # who insists ends it at once
    raise Stopped(number)
