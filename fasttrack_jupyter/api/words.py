"""Numbers, times and names as people write them. Times are shown in the reader's own time zone."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import Any

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|.)?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def parse_time(text: str | None) -> datetime | None:
    """An RFC 3339 time of the API; None stays None."""
    return datetime.fromisoformat(text) if text else None


def now() -> datetime:
    """The wall's time, UTC."""
    return datetime.now(UTC)


def duration(seconds: float) -> str:
    """``40 ms``, ``0.4 s``, ``12 s``, ``2 min 5 s``, ``3 h 2 min``, ``4 d 1 h``; never negative."""
    seconds = max(0.0, seconds)
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for name, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def between(start: str | None, end: str | None, at: datetime | None = None) -> str:
    """How long from ``start`` to ``end`` (or until now); empty if it has not started."""
    begun = parse_time(start)
    if begun is None:
        return ""
    return duration(((parse_time(end) or at or now()) - begun).total_seconds())


def ago(text: str | None, at: datetime | None = None) -> str:
    """``just now``, ``3 min ago``, then yesterday's and older times by date, in the local zone."""
    moment = parse_time(text)
    if moment is None:
        return ""
    seconds = ((at or now()) - moment).total_seconds()
    if seconds < 10:
        return "just now"
    for name, size, limit in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 86400)):
        if seconds < limit:
            return f"{int(seconds // size)} {name} ago"
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def local_time(text: str | None) -> str:
    """``2026-03-01 14:05:09``, local."""
    moment = parse_time(text)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def clock_time(text: str | None) -> str:
    """``14:05:09``, local."""
    moment = parse_time(text)
    return moment.astimezone().strftime("%H:%M:%S") if moment else ""


def size(count: float) -> str:
    """``0 B``, ``12.3 KiB``, ``4 GiB``."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f}".removesuffix(".0") + f" {unit}"


def plural(count: int, noun: str) -> str:
    """``1 task``, ``12 tasks``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def clean(text: str) -> str:
    """Text of unknown origin made safe for a terminal: no escape sequences, no controls but tab and newline."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def last_line(text: str) -> str:
    """The last line with something in it, as a terminal would show it: what a carriage return overwrote is gone."""
    for line in reversed(text.splitlines() if "\r" not in text else re.split(r"[\r\n]+", text)):
        if shown := clean(line).strip():
            return shown
    return ""


def last_lines(text: str, count: int) -> list[str]:
    """The last lines, safe for a terminal and as one would show them: what a carriage return overwrote is gone."""
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
    return [clean(line.rstrip("\r").rpartition("\r")[2]) for line in lines[-count:]]


def progress_words(progress: dict[str, Any] | None) -> str:
    """What a running task says of how far it is, ``40 % · cell 2 of 5``; empty where it says nothing."""
    fraction, text = (progress.get("fraction"), progress.get("text")) if progress else (None, None)
    percent = "" if fraction is None else f"{int(fraction * 100 + 1e-6)} %"
    return " · ".join(word for word in (percent, clean(text or "")) if word)


def job_word(job: dict[str, Any]) -> str:
    """What to type for this job: ``digits#12``."""
    return f"{job['pipeline']}#{job['index']}"


def command(*words: str) -> str:
    """A command line that can be pasted into a shell; ``digits#12`` stays bare, a ``#`` inside a word is no comment."""
    return " ".join(word if re.fullmatch(r"[\w.\-/][\w.\-/#]*", word) else shlex.quote(word) for word in words)


def slots(resources: dict[str, str]) -> str:
    """``4 cpu · 16 GiB · 1 cuda.device``: memory is known by its unit."""
    return " · ".join(
        amount_of(name, amount) if name == "mem" else f"{amount} {name}" for name, amount in resources.items()
    )


def amount_of(slot: str, amount: str) -> str:
    """An amount of a resource slot as people say it: memory in the largest unit that fits, all else as it is."""
    power = "bkmgtp".find(amount[-1:].lower())
    number = amount if power < 0 else amount[:-1]
    if slot != "mem" or not number.replace(".", "", 1).isdigit():
        return amount
    return size(float(number) * 1024 ** max(power, 0))
