"""FastTrack's own paths, by private mounts: what ``runner.namespaces`` is asked to put where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.local.folders_view import WORK, Places, exported
from fasttrack_jupyter.engine.ports import SessionSpec

_PROBE = """\
[ "$(pwd)" = /home/work ] && [ "$$" -lt 10 ] && [ -d "/proc/$$" ] && [ /pipeline/output -ef /pipeline/outputs ] &&
! mkdir /pipeline/input1/probe 2>/dev/null && echo $$ >/pipeline/outputs/probe"""


def view_of(spec: SessionSpec, places: Places, sealed: Sequence[Path] = ()) -> dict[str, Any]:
    """The argument of ``Template.fill``."""
    readonly = [(f"input{number}", path) for number, path in enumerate(places.inputs, 1)]
    readonly += [
        (f"inputs/{name}", path) for name, path in places.named_inputs.items() if name not in spec.input_values
    ]
    if places.code:
        readonly.append(("code", places.code))
    return {
        "work": places.work,
        "rw": [("outputs", places.outputs), ("vfroot", places.vfroot)],
        "ro": readonly,
        "inputs": bool(places.named_inputs),
        "values": list(spec.input_values.items()),
        "mounts": list(places.mounts),
        "sealed_mounts": [spec.service.mount] if spec.service else [],
        "shmem": spec.shmem,
        "sealed": [str(path) for path in sealed],
    }


def inner_places(places: Places) -> Places:
    """The same places as the session sees them."""
    return Places(
        control="",
        outputs="/pipeline/outputs",
        vfroot="/pipeline/vfroot",
        inputs=tuple(f"/pipeline/input{number}" for number, _ in enumerate(places.inputs, 1)),
        named_inputs=dict.fromkeys(places.named_inputs, ""),
        code="/pipeline/code" if places.code else None,
        mounts=places.mounts,
    )


def apply(environ: dict[str, str], places: Places) -> None:
    """Put the places into ``environ``, under FastTrack's own paths."""
    environ.update(exported(inner_places(places)), HOME=WORK, PWD=WORK, PIPELINE_WORK=WORK)
    if places.named_inputs:
        environ["PIPELINE_INPUTS"] = "/pipeline/inputs"


def probe(folder: Path) -> dict[str, Any]:
    """A launch (see ``Launcher.launch``) that ends with 0 if a session's view is as it should be."""
    for name in ("work", "outputs", "nothing", "vfroot"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    places = Places(str(folder), f"{folder}/outputs", f"{folder}/vfroot", inputs=(f"{folder}/nothing",))
    environ: Mapping[str, str] = {"PATH": "/usr/bin:/bin"}
    view = {
        "work": places.work, "rw": [("outputs", places.outputs), ("vfroot", places.vfroot)],
        "ro": [("input1", places.inputs[0])], "inputs": False, "values": [], "mounts": [], "sealed_mounts": [],
        "shmem": None, "sealed": [],
    }  # fmt: skip
    return {
        "id": "probe", "mode": "namespaces", "name": "ft-probe", "control": str(folder),
        "cwd": places.work, "argv": ["/bin/sh", "-c", _PROBE],
        "environ": dict(environ), "cpus": None, "view": view,
    }  # fmt: skip
