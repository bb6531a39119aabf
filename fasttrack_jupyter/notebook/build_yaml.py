"""The YAML of a pipeline that was a notebook: the text that a person would write, the same for the same notebook."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.model import writing
from fasttrack_jupyter.notebook.build_params import Param
from fasttrack_jupyter.notebook.marks import PipelineOptions, Place, TaskOptions
from fasttrack_jupyter.notebook.marks_values import image_of

_WIDTH = 112
_NAMED = re.compile(r"  - name: (?P<name>.+?)  # (?P<cells>.+)$")
_PLAIN = re.compile(r"[A-Za-z_/.](?:[ -~]*[!-~])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class TaskText:
    """What is to be said about one task."""

    name: str
    cells: tuple[str, ...]
    """Labels of the cells that it is made of."""
    command: str
    options: TaskOptions
    inputs: Mapping[str, str] = field(default_factory=dict)
    """``task.output`` by the task's own name for it."""
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notebook: str | None = None
    """The file of a whole notebook as one task; such a task has no command."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Of a whole notebook."""


def pipeline_text(
    name: str, header: Iterable[str], defaults: PipelineOptions, params: Sequence[Param], tasks: Sequence[TaskText]
) -> str:
    """The whole text; ``header`` are the lines of the comment at its top."""
    parts = ["".join(f"# {line}".rstrip() + "\n" for line in header), _entry("name", name, 0) + "\n"]
    shared = [_entry(key, value, 0) for key, value in _place(defaults, None).items()]
    shared += [_cache(defaults.cache)] if defaults.cache is not None else []
    parts += ["\n".join(shared) + "\n"] if shared else []
    if params:
        parts.append("params:\n" + "".join(f"  {_item(param.written(), 2)}\n" for param in params))
    parts.append("tasks:\n" + "\n".join(_task(task, defaults) for task in tasks))
    return "\n".join(parts)


def _task(task: TaskText, defaults: PipelineOptions) -> str:
    lines = [f"  - {_entry('name', task.name, 4)}  # {_cells(task.cells)}"]
    lines += [f"    {line}" for line in _lines(task, defaults)]
    return "\n".join(lines) + "\n"


def _lines(task: TaskText, defaults: PipelineOptions) -> Iterable[str]:
    """The keys of a task in their usual order, each perhaps of several lines."""
    options = task.options
    if task.notebook is not None:
        yield "type: notebook"
        yield _entry("notebook", task.notebook, 4)
        if task.parameters:
            yield _entry("parameters", dict(task.parameters), 4)
    if options.backend:
        yield _entry("backend", options.backend, 4)
    if task.inputs:
        yield _entry("inputs", dict(task.inputs), 4)
    if options.after:
        yield _entry("dependencies", list(options.after), 4)
    if task.notebook is None:
        yield "command: " + _command(task.command)
    for key, value in _place(options, defaults).items():
        yield _entry(key, value, 4)
    if options.timeout:
        yield _entry("timeout", options.timeout, 4)
    if options.retry is not None and options.retry > 1:
        yield _entry("retry", {"max_attempts": options.retry}, 4)
    yield from _course(options)
    if task.outputs:
        yield "outputs:"
        for name, spec in task.outputs.items():
            yield f"  {writing.inline(name)}: {writing.inline(spec)}"


def _course(options: TaskOptions) -> Iterable[str]:
    """The keys that say whether a task runs."""
    if options.when:
        yield _entry("when", options.when, 4)
    if options.run_if:
        yield f"run_if: {options.run_if}"
    if options.cache is not None:
        yield _cache(options.cache)
    for key in ("final", "skip", "side_effects"):
        if getattr(options, key):
            yield f"{key}: true"


def _cache(wanted: bool) -> str:
    return f"cache: {writing.inline(wanted)}"


def _place(said: Place, defaults: Place | None) -> dict[str, Any]:
    """Keys for where a task (or, by default, every task) runs; ``defaults`` hold where ``said`` is silent."""
    envs = dict(said.env) | {name: f"${{{{ secrets.{name} }}}}" for name in said.secret}
    environment = {
        "project": said.project,
        "scaling-group": said.group,
        "image": image_of(said.image, said.requirements, said.requirements_file),
        "envs": envs,
    }
    found: dict[str, Any] = {
        "environment": {key: value for key, value in environment.items() if value},
        "resources": _slots(said, defaults),
        "resource_opts": {"shmem": said.shm} if said.shm else {},
        "mounts": list(said.mount),
    }
    return {key: value for key, value in found.items() if value}


def _slots(said: Place, defaults: Place | None) -> dict[str, Any]:
    slots = {
        "cpu": said.cpu,
        "mem": said.mem,
        "cuda.device": said.gpu,
        "cuda.shares": said.gpu_share,
        **dict(said.slot),
    }
    written = {name: _amount(name, amount) for name, amount in slots.items() if amount is not None}
    for one, other in (("gpu", "gpu_share"), ("gpu_share", "gpu")):
        if defaults is not None and getattr(said, one) and getattr(defaults, other):
            written.setdefault({"gpu": "cuda.device", "gpu_share": "cuda.shares"}[other], 0)
    return written


def _amount(slot: str, text: str) -> Any:
    if slot == "mem":
        return text
    number = float(text)
    return int(number) if number.is_integer() else number


def _cells(labels: Sequence[str]) -> str:
    """``cells 3, 5`` for "cell 3" and "cell 5"."""
    if len(labels) > 1 and all(label.startswith("cell ") for label in labels):
        return "cells " + ", ".join(label.removeprefix("cell ") for label in labels)
    return ", ".join(labels)


def place_of(lines: Sequence[str], line: int) -> str:
    """``task train (cell 5), line 9 of the YAML``: which cells that line of a notebook's YAML was made of."""
    where = f"line {line} of the YAML"
    for text in reversed(lines[:line]):
        if found := _NAMED.match(text):
            return f"task {found['name']} ({found['cells']}), {where}"
        if text and text[0] not in " -#":
            break
    return where


def _entry(key: str, value: Any, indent: int) -> str:
    """``key: value`` on one line where it fits."""
    line = f"{writing.inline(key)}: {writing.inline(value)}"
    if indent + len(line) <= _WIDTH and not (isinstance(value, str) and "\n" in value):
        return line
    return writing.entry(key, value, indent)


def _item(value: Mapping[str, Any], indent: int) -> str:
    line = f"- {writing.inline(value)}"
    return line if indent + len(line) <= _WIDTH else writing.item(value, indent)


def _command(text: str) -> str:
    """A task's command as the value of a key in column 4: plain, folded where it is long, literal if it has lines."""
    if "\n" in text:
        return writing.literal(text, 6) or writing.inline(text)
    if not _PLAIN.fullmatch(text) or ": " in text or " #" in text or text.endswith(":"):
        return writing.inline(text)
    if len(text) + 13 <= _WIDTH:
        return text
    lines = textwrap.wrap(text.replace("${{ ", "${{\0").replace(" }}", "\0}}"), _WIDTH - 6, break_long_words=False,
                          break_on_hyphens=False)  # fmt: skip
    folded = "\n".join(f"      {line}" for line in lines).replace("\0", " ")
    return f">-\n{folded}" if "  " not in text and "\t" not in text else writing.inline(text)
