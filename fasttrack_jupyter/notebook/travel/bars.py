"""Lets the bars of tqdm and rich report how far they are; changes their modules when the cells import them."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, Dict, Optional

from .progress import LOG_INTERVAL, Progress


class Silence:
    """A file that forgets."""

    def write(self, text: str) -> int:
        """Forget ``text``."""
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""


def _watch_tqdm(module: Any, progress: Progress) -> None:
    """Let tqdm's bars report; those that would be drawn in the log become a line now and then."""
    bar_class = module.tqdm
    drawn, closed, cleared = bar_class.display, bar_class.close, bar_class.clear

    def is_ours(bar: Any) -> bool:
        file = getattr(bar, "fp", None)
        file = getattr(file, "_wrapped", file)
        return (file is sys.stderr or file is sys.stdout) and not file.isatty()

    def display(self: Any, msg: Optional[str] = None, pos: Optional[int] = None) -> Any:
        progress.bar(id(self), (self.desc or "").rstrip(": "), self.n, self.total)
        if not is_ours(self):
            return drawn(self, msg, pos)
        now = time.monotonic()
        if now - getattr(self, "_fasttrack_told", getattr(self, "_fasttrack_born", now)) >= LOG_INTERVAL:
            self._fasttrack_told = now
            self.fp.write(f"{self}\n")
        self.__dict__.setdefault("_fasttrack_born", now)
        return True

    def close(self: Any) -> None:
        progress.drop_bar(id(self))
        if self.disable or not is_ours(self):
            closed(self)
            return
        file, line = self.fp, str(self)
        self.fp, self.sp = Silence(), lambda text: None
        closed(self)
        self.fp = file
        if self.leave or self.leave is None:
            file.write(f"{line}\n")

    def clear(self: Any, nolock: bool = False) -> None:
        if not is_ours(self):
            cleared(self, nolock=nolock)

    bar_class.display, bar_class.close, bar_class.clear = display, close, clear


def _plain_notebook_bars(module: Any, progress: Progress) -> None:
    """``tqdm.notebook`` draws widgets, which nobody sees here: its names are those of the plain bars."""
    from tqdm.std import tqdm, trange

    module.tqdm = module.tqdm_notebook = tqdm
    module.trange = module.tnrange = trange


def _watch_rich(module: Any, progress: Progress) -> None:
    """Let rich's bars report; in a log rich itself prints only what they end as."""
    kind = module.Progress
    for name in ("update", "advance"):
        setattr(kind, name, _reporting(getattr(kind, name), progress))


def _reporting(method: Any, progress: Progress) -> Any:
    def reported(self: Any, task_id: Any, *args: Any, **how: Any) -> Any:
        answer = method(self, task_id, *args, **how)
        task = self._tasks.get(task_id)
        if task is not None:
            progress.bar(id(task), str(task.description), task.completed, task.total)
        return answer

    return reported


CHANGES: Dict[str, Callable[[Any, Progress], None]] = {
    "tqdm.std": _watch_tqdm,
    "tqdm.notebook": _plain_notebook_bars,
    "rich.progress": _watch_rich,
}
"""Module → what is done to it."""
