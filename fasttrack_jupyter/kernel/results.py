"""What tasks left, brought into this process: ``job.tasks["train"].outputs["model"]``.

A declared value is there at once; a variable of a cell is loaded, its digest checked, when it is asked for; any other
artifact is its path. Beside the declared outputs there are the variables that a task kept without being asked
(``outputs/variables/<name>``): what its cells assigned and could be kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.folding import is_artifact
from fasttrack_jupyter.api.states import state_of
from fasttrack_jupyter.api.words import clean
from fasttrack_jupyter.errors import Conflict, FastTrackError, NotFound, Unreadable

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.tasks import TaskHandle

Json = dict[str, Any]

VARIABLE = "Variable"
"""The type of an artifact that is one of a notebook's variables."""
_LARGEST_MANIFEST = 16 << 20
"""Bytes; a larger one is not ours."""


class Outputs(Mapping[str, Any]):
    """What one task instance left, by name. Nothing is read before it is asked for."""

    def __init__(self, of: TaskHandle) -> None:
        self._task = of

    def __getitem__(self, name: str) -> Any:
        """The value, the variable loaded, or the path of any other artifact.

        Raises:
            NotFound: it left no such thing, or that is gone.
            Conflict: it has not ended yet.
            Unreadable: it cannot be loaded here, or is not what was written.
        """
        declared = self._task.view["outputs"]
        found = declared.get(name, self._kept(name))
        if found is None:
            raise self._missing(name)
        if not is_artifact(found):
            return found
        path = Path(found["path"])
        if not path.exists():
            raise self._gone(name, path)
        return self._load(name, path) if found["type"] == VARIABLE else path

    def __contains__(self, name: object) -> bool:
        return name in set(self)

    def get(self, name: str, default: Any = None) -> Any:
        """The output, or ``default`` where it left none of this name."""
        if name not in self:
            return default
        return self[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._task.view["outputs"]
        yield from (name for name in self._kept_names() if name not in self._task.view["outputs"])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        lines = [f"  {name}: {self.summary(name)}" for name in self]
        where = f"{self._task.name} of {self._task.job.name}"
        return "\n".join([f"{where} left:", *lines]) if lines else f"{where} left nothing{self._so_far()}"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def place(self, name: str) -> Path | None:
        """Where an artifact lies; None of a value, and where it left nothing of this name."""
        found = self._task.view["outputs"].get(name, self._kept(name))
        return Path(found["path"]) if is_artifact(found) else None

    @property
    def folder(self) -> Path | None:
        """Where everything that it left lies, on this machine; None where it lies on another."""
        place = self._task.view["outputs_dir"]
        return Path(place) if place and Path(place).is_absolute() else None

    def summary(self, name: str) -> str:
        """A few words about one of them, without loading it: ``DataFrame 150 × 5``."""
        found = self._task.view["outputs"].get(name, self._kept(name))
        if not is_artifact(found):
            return clean(repr(found))[:200]
        if found["type"] != VARIABLE:
            return f"{found['type']}, {clean(found['path'])}"
        manifest = read_manifest(Path(found["path"]))
        return clean(str(manifest.get("summary") or manifest.get("type") or "gone"))

    # ------------------------------------------------------------ where they are

    def _variables(self) -> Path | None:
        return self.folder / "variables" if self.folder is not None else None

    def _kept_names(self) -> list[str]:
        folder = self._variables()
        if folder is None or not folder.is_dir():
            return []
        return sorted(path.parent.name for path in folder.glob("*/manifest.json"))

    def _kept(self, name: str) -> Json | None:
        """The artifact of a variable that was kept without being declared."""
        folder = self._variables()
        if folder is None or not name.isidentifier() or not (folder / name / "manifest.json").is_file():
            return None
        return {"type": VARIABLE, "path": str(folder / name), "metadata": {}}

    def _load(self, name: str, folder: Path) -> Any:
        from fasttrack_jupyter.notebook.travel import values

        try:
            return values.load(str(folder))
        except values.ValueTrouble as error:  # it says itself what to do
            raise Unreadable(f"{self._word(name)}: {error}") from error
        except ImportError as error:
            raise Unreadable(
                f"{self._word(name)} needs {error.name or 'a module'}, which this kernel does not have: {error}",
                hint=f"Install {error.name or 'it'} here{_versions(folder)}, or take it from {folder}.",
            ) from error
        except Exception as error:  # whatever a stranger's class does while it is made again
            raise Unreadable(
                f"{self._word(name)} cannot be loaded: {type(error).__name__}: {error}",
                hint=f"It was written as {_how(folder)}{_versions(folder)}; its files: {folder}.",
            ) from error

    # ------------------------------------------------------------ what to say

    def _word(self, name: str) -> str:
        return f"{self._task.name}.{name} of {self._task.job.name}"

    def _so_far(self) -> str:
        return "" if self._task.is_ended else f" so far: it is {self._task.status}"

    def _missing(self, name: str) -> FastTrackError:
        task = self._task
        if not task.is_ended:
            return Conflict(
                f"{self._word(name)} is not there yet: {task.name} is {task.status}",
                hint="job.wait() waits for the end, await job does so while other cells run.",
            )
        if task.status != "TERMINATED" or task.result != "SUCCESS":
            why = f" ({task.reason})" if task.reason else ""
            return NotFound(
                f"{self._word(name)} is not there: the task {_outcome(task)}{why}",
                hint=f"Its log: %fasttrack logs {task.name}. It did leave: {', '.join(self) or 'nothing'}.",
            )
        hint = f"It left: {', '.join(self)}." if len(self) else "It left nothing that can be loaded."
        return NotFound(f"{task.name} of {task.job.name} left no {name!r}", hint=hint)

    def _gone(self, name: str, path: Path) -> FastTrackError:
        folder = self._task.job.view["folder_path"]
        if folder is None:
            return NotFound(
                f"{self._word(name)} is not on this machine",
                hint=f"Copy it: fasttrack outputs {self._task.job.name} {self._task.name} -o FOLDER.",
            )
        return NotFound(
            f"{self._word(name)} is gone: {path} is no more",
            hint="gc or somebody removed it. %fasttrack rerun makes it again.",
        )


def _outcome(task: TaskHandle) -> str:
    """``failed``, ``was cancelled``, ``was skipped``."""
    word = state_of(task.status, task.result, task.reason).word
    return word if word == "failed" else f"was {word}"


def read_manifest(folder: Path) -> Json:
    """What is written about a variable; empty where nothing can be read."""
    path = folder / "manifest.json"
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_MANIFEST:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _how(folder: Path) -> str:
    return str(read_manifest(folder).get("serializer") or "nobody knows what")


def _versions(folder: Path) -> str:
    found = read_manifest(folder).get("versions")
    if not isinstance(found, dict) or not found:
        return ""
    return f" (written with {', '.join(f'{name} {version}' for name, version in found.items())})"
