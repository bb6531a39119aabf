"""The pipelines that this API keeps: one folder each, with the YAML and whatever code lies beside it.

::

    <root>/<folder>/pipeline.fasttrack.yaml    the pipeline; its folder is its code, as for any pipeline file
    <root>/.kept/<folder>.json                 what a YAML has no place for: {id, created_at, is_active, dataflow}

A folder that a person puts there is a pipeline too; it has an id that follows from its name. Files are replaced, never
written into: a write that fails leaves the old one.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from fasttrack_jupyter.api.writing import write_whole
from fasttrack_jupyter.errors import BadRequest, NotFound

_NAMESPACE = UUID("4f1a3c5e-8d5b-4b5a-9a57-6a3f5a0f7c11")
FILE = "pipeline.fasttrack.yaml"


def id_of_name(name: str) -> str:
    """The id of a pipeline that has none of its own: a UUID that follows from its name."""
    return str(uuid5(_NAMESPACE, name))


@dataclass(frozen=True, slots=True)
class Kept:
    """One pipeline: its text is the file's, read when it is asked for."""

    id: str
    file: Path
    created_at: datetime
    modified_at: datetime
    is_active: bool = True
    dataflow: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The YAML as it is now."""
        return text_of(self.file)


def text_of(file: Path) -> str:
    """A pipeline's YAML; bytes that are no UTF-8 are shown as escapes, so that one such file hides no other."""
    return file.read_bytes().decode("utf-8-sig", "backslashreplace")


class Library:
    """The pipelines below ``root``. Every call reads the disk: use a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._notes = root / ".kept"

    def all(self) -> list[Kept]:
        """All pipelines, the oldest first."""
        files = sorted(self.root.glob(f"*/{FILE}")) if self.root.is_dir() else []
        return sorted((self._kept(file) for file in files), key=lambda kept: (kept.created_at, kept.id))

    def get(self, pipeline_id: str) -> Kept:
        """Raises NotFound."""
        for kept in self.all():
            if kept.id == pipeline_id:
                return kept
        raise NotFound(f"there is no pipeline {pipeline_id!r}", hint="GET /api/pipelines/ lists them.")

    def find(self, source: str | None) -> Kept | None:
        """The pipeline whose file this is."""
        if source is None:
            return None
        file = Path(source)
        return self._kept(file) if file.parent.parent == self.root and file.name == FILE and file.is_file() else None

    def create(self, text: str, *, is_active: bool = True, dataflow: Mapping[str, Any] | None = None) -> Kept:
        """A new pipeline of this text, which the caller has checked."""
        folder = self.root / str(uuid4())
        folder.mkdir(parents=True)
        now = datetime.now(UTC)
        kept = Kept(folder.name, folder / FILE, now, now, is_active, dataflow or {})
        self._note(kept)
        write_whole(kept.file, text)
        return self.get(kept.id)

    def update(
        self,
        pipeline_id: str,
        text: str | None = None,
        *,
        is_active: bool | None = None,
        dataflow: Mapping[str, Any] | None = None,
    ) -> Kept:
        """Change what is given. Raises NotFound."""
        kept = self.get(pipeline_id)
        if text is not None:
            write_whole(kept.file, text)
        if is_active is not None or dataflow is not None:
            active = kept.is_active if is_active is None else is_active
            self._note(replace(kept, is_active=active, dataflow=kept.dataflow if dataflow is None else dataflow))
        return self.get(pipeline_id)

    def delete(self, pipeline_id: str) -> None:
        """Remove the pipeline with its folder. Its jobs stay. Raises NotFound."""
        kept = self.get(pipeline_id)
        gone = Path(tempfile.mkdtemp(prefix=".gone-", dir=self.root))
        kept.file.parent.replace(gone / "pipeline")  # in one step, so that no half of it is ever listed
        self._note_of(kept.file).unlink(missing_ok=True)
        shutil.rmtree(gone)

    def _kept(self, file: Path) -> Kept:
        stat, note = file.stat(), self._read_note(file)
        modified = datetime.fromtimestamp(stat.st_mtime, UTC)
        created = note.get("created_at")
        return Kept(
            id=str(note.get("id") or id_of_name(file.parent.name)),
            file=file,
            created_at=datetime.fromisoformat(created) if isinstance(created, str) else modified,
            modified_at=modified,
            is_active=note.get("is_active") is not False,
            dataflow=note.get("dataflow") or {},
        )

    def _note_of(self, file: Path) -> Path:
        return self._notes / f"{file.parent.name}.json"

    def _read_note(self, file: Path) -> dict[str, Any]:
        try:
            note = json.loads(self._note_of(file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            place = self._note_of(file)
            raise BadRequest(f"{place} is no JSON: {error}", hint="Mend or remove it; the pipeline stays.") from None
        return note if isinstance(note, dict) else {}

    def _note(self, kept: Kept) -> None:
        self._notes.mkdir(parents=True, exist_ok=True)
        note = {
            "id": kept.id,
            "created_at": kept.created_at.isoformat(),
            "is_active": kept.is_active,
            "dataflow": dict(kept.dataflow),
        }
        write_whole(self._note_of(kept.file), json.dumps(note))
