"""FastTrack's paths without mounts: real paths in variables, and in place of FastTrack's in the command.

Where private mounts do not work, ``/pipeline/outputs`` and its like do not exist. So each
place is exported (``PIPELINE_OUTPUTS``, ``PIPELINE_INPUT1`` …), and where the command or the value of a
variable names one it is replaced, as a whole token: ``/pipeline/outputs/x`` is, ``/pipelines/outputs`` and
``/data/pipeline/outputs`` are not. Paths inside scripts are out of reach; the task instance says so.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import SessionRejected

WORK = "/home/work"
_SAFE = re.compile(r"[\w@%+=:,./-]*")
NOTE = (
    "without private mounts FastTrack's paths are replaced in the command and in variables, "
    "not inside scripts: use $PIPELINE_OUTPUTS, $PIPELINE_INPUT1 … there"
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where on this machine the session's folders are (absolute paths)."""

    control: str
    outputs: str
    vfroot: str
    inputs: tuple[str, ...] = ()
    named_inputs: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    mounts: tuple[tuple[str, str], ...] = ()
    """``(target in the session, path here)``."""

    @property
    def work(self) -> str:
        """The fresh working directory."""
        return f"{self.control}/work"


def spoken(places: Places) -> Places:
    """The same places under paths that need no quoting in a shell, by links in the attempt's directory where need be.

    A pipeline or a folder may be called ``my data``; in a command its place must still be one word. Where only a
    folder above needs it that one is linked, so that the place itself is no link (``find`` and ``tar`` care).
    """
    return replace(
        places,
        outputs=_spoken(places, "outputs", places.outputs),
        vfroot=_spoken(places, "vfroot", places.vfroot),
        inputs=tuple(_spoken(places, f"input{number}", path) for number, path in enumerate(places.inputs, 1)),
        mounts=tuple((at, _spoken(places, f"mount{n}", path)) for n, (at, path) in enumerate(places.mounts)),
    )


def _spoken(places: Places, name: str, path: str) -> str:
    if _SAFE.fullmatch(path):
        return path
    link, (above, last) = f"{places.control}/at/{name}", os.path.split(path)
    os.makedirs(f"{places.control}/at", exist_ok=True)
    is_above = bool(_SAFE.fullmatch(last))
    with contextlib.suppress(FileExistsError):  # a crash lay between
        os.symlink(above if is_above else path, link)
    return f"{link}/{last}" if is_above else link


def exported(places: Places) -> dict[str, str]:
    """The places as variables."""
    variables = {
        "PIPELINE_OUTPUTS": places.outputs,
        "PIPELINE_VFROOT": places.vfroot,
        "PIPELINE_WORK": places.work,
        **{f"PIPELINE_INPUT{number}": path for number, path in enumerate(places.inputs, 1)},
    }
    if places.code:
        variables["PIPELINE_CODE"] = places.code
    if places.named_inputs:
        variables["PIPELINE_INPUTS"] = f"{places.control}/inputs"
    return variables


def substitutions(places: Places) -> dict[str, str]:
    """FastTrack's path → this machine's, for every place of the session."""
    pairs = {
        "/pipeline/outputs": places.outputs,
        "/pipeline/output": places.outputs,
        "/pipeline/vfroot": places.vfroot,
        "/pipeline/inputs": f"{places.control}/inputs",
        WORK: places.work,
        **{f"/pipeline/input{number}": path for number, path in enumerate(places.inputs, 1)},
    }
    if places.code:
        pairs["/pipeline/code"] = places.code
    return pairs | {target: path for target, path in places.mounts if not target.startswith(WORK + "/")}


def substitute(text: str, pairs: Mapping[str, str]) -> str:
    """``text`` with each key of ``pairs`` that stands there as a whole path replaced."""
    if not any(path in text for path in pairs):
        return text
    choice = "|".join(re.escape(path) for path in sorted(pairs, key=len, reverse=True))
    return re.sub(rf"(?<![\w./~-])({choice})(?![\w.-])", lambda match: pairs[match[1]], text)


def apply(spec: SessionSpec, environ: dict[str, str], places: Places) -> str:
    """Put the places into ``environ``; the command to run comes back.

    Raises:
        SessionRejected: a path of this machine would need quoting inside the command.
    """
    pairs = substitutions(places)
    for name, value in environ.items():
        if "/" in value:
            environ[name] = substitute(value, pairs)
    environ.update(exported(places), HOME=places.work, PWD=places.work)
    command = substitute(spec.command, pairs)
    if command != spec.command:
        _refuse_unsafe(spec.command, pairs)
    return command


def _refuse_unsafe(command: str, pairs: Mapping[str, str]) -> None:
    for target, path in pairs.items():
        if target in command and not _SAFE.fullmatch(path):
            raise SessionRejected(
                f"{target} cannot be put into the command: its place here, {path}, needs quoting",
                hint="Choose a home for FastTrack (FASTTRACK_HOME) without spaces or quotes in its path, "
                "or use the PIPELINE_* variables in the command.",
            )


def link_work(places: Places) -> None:
    """Link mounts, code and named inputs to where the session looks for them."""
    for target, path in places.mounts:
        if target.startswith(WORK + "/"):
            spot = f"{places.work}/{target[len(WORK) + 1 :]}"
            os.makedirs(os.path.dirname(spot), exist_ok=True)
            os.symlink(path, spot)
    for name, path in places.named_inputs.items():
        spot = f"{places.control}/inputs/{name}"
        if path != spot:
            if "/" in name:  # one of several that are one input
                os.makedirs(os.path.dirname(spot), exist_ok=True)
            os.symlink(path, spot)
    link_code(places.work, places.code, places.code)


def link_code(work: str, code: str | None, shown: str | None) -> None:
    """Link each top-level entry of the snapshot at ``code`` into ``work``, as seen under ``shown``."""
    for entry in os.listdir(code) if code else ():
        spot = f"{work}/{entry}"
        if not os.path.lexists(spot):
            os.symlink(f"{shown}/{entry}", spot)
