"""What an execution depends on, as one key: two executions of one key give the same result. Pure.

The key is made of named parts, each a digest, so that a plan can say which of them changed:

- ``command``: as it is run, parameters and values of inputs filled in;
- ``code``: the files that the task can see, or those that it says it reads (``files:``);
- ``parameter X``: each parameter of the job, where the task's program can ask for all of them;
- ``variable X``: each environment variable of the pipeline and the task (a keyed digest: values may be secrets);
- ``image``, ``environment``: its name, and what it is where it would run, as far as the backend knows;
- ``input N``: the content of the outputs folder behind ``/pipeline/inputN``; ``value X`` and ``file X``: its named
  inputs;
- ``mount TARGET``: what lies in a mounted folder, by path, size and times;
- ``cluster``: how many containers, on one machine or several, and which of them run the command;
- ``launcher``: what starts the command once per rank;
- ``accelerators``: the names of the slots that are neither cpu nor mem;
- ``outputs``: those that are declared; ``source``: a Git task's repository and commit; ``backend``.

Left out is what cannot change a result, or makes every execution another one: amounts of cpu, mem and shmem and of
accelerators (how fast, not what); retry, timeout, priority (whether and when); resource group and project (where in a
cluster); names of job, task and pipeline, descriptions, tags, notes; the job's id and index in the environment (a
command or variable that names them is never the same, and never reused); parameters that nothing of the task mentions;
``when`` and ``run_if`` (they are decided anew each time). What a command reads beyond all this (a web page, the clock,
a folder outside) is not seen: such a task says ``side_effects: true``, or ``cache: false``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
"""Raised when parts come to mean something else: older entries are never found again then."""
_SHOWN = 60
"""Signs of a parameter's value that are shown."""
_ORDER = (
    "code",
    "command",
    "source",
    "parameter",
    "variable",
    "value",
    "file",
    "input",
    "image",
    "environment",
    "mount",
)


def digest_of(value: Any) -> str:
    """Of anything that is JSON, in its one canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def keyed_digest(key: bytes, name: str, value: str) -> str:
    """Of what may hold a secret: nobody without ``key`` can find the value by trying."""
    return hmac.new(key, f"{name}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The parts of an execution's key, and what is told about them: ``told`` is no part of the key.

    ``told`` may hold ``params`` ({name: value}), ``texts`` ({``command`` or ``variable X``: digest of what the pipeline
    says, before anything is filled in}), ``inputs`` (names of the tasks behind ``input 1`` …), ``code`` (the snapshot).
    """

    parts: Mapping[str, str]
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Of the whole."""
        return digest_of({"format": FORMAT, **self.parts})


def differences(then: Fingerprint, now: Fingerprint, files: Mapping[str, str] | None = None) -> list[str]:
    """What made the key another one, in words: ``parameter lr changed (0.1 → 0.2)``, ``train.py changed``.

    ``files`` are the code's files that changed, each with ``added``, ``changed`` or ``removed``, where that is known.
    """
    changed = [name for name in {**then.parts, **now.parts} if then.parts.get(name) != now.parts.get(name)]
    params = _changed_params(then, now) if any(_is_made_of_params(name) for name in changed) else []
    words = [f"parameter {name} changed ({_shown(old)} → {_shown(new)})" for name, old, new in params]
    inputs = any(name.startswith(("value ", "input ")) for name in changed)
    for name in sorted(changed, key=_rank):
        if name in {f"parameter {each}" for each, _, _ in params}:
            continue
        if _is_text(name) and (params or inputs) and _text(then, name) == _text(now, name) is not None:
            continue  # it changed with what it is made of
        words += _said(name, then, now, files)
    return words


def _said(name: str, then: Fingerprint, now: Fingerprint, files: Mapping[str, str] | None) -> list[str]:
    kind, _, which = name.partition(" ")
    how = "changed" if name in then.parts and name in now.parts else "was added" if name in now.parts else "was removed"
    if kind == "code" and files:
        shown = [f"{path} {what}" for path, what in list(files.items())[:3]]
        return [*shown, f"{len(files) - 3} more files changed"] if len(files) > 3 else shown
    if kind == "input":
        names = now.told.get("inputs") or then.told.get("inputs") or []
        place = int(which) - 1
        return [f"input from {names[place]} {how}" if place < len(names) else f"input {which} {how}"]
    if kind == "value":
        return [f"input {which} {how}"]
    if kind == "file":
        return [f"input {which} {how}"]
    return [f"{name} {how}"]


def _changed_params(then: Fingerprint, now: Fingerprint) -> list[tuple[str, Any, Any]]:
    old, new = then.told.get("params", {}), now.told.get("params", {})
    return [(name, old[name], new[name]) for name in old if name in new and old[name] != new[name]]


def _text(of: Fingerprint, name: str) -> str | None:
    found = of.told.get("texts", {}).get(name)
    return None if found is None else str(found)


def _is_text(name: str) -> bool:
    return name == "command" or name.startswith("variable ")


def _is_made_of_params(name: str) -> bool:
    return _is_text(name) or name.startswith("parameter ")


def _rank(name: str) -> tuple[int, str]:
    kind = name.partition(" ")[0]
    return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), name)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
