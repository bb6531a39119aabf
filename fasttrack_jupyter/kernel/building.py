"""This kernel's cells as what is sent to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fasttrack_jupyter.errors import BadRequest

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.session import Session
    from fasttrack_jupyter.model.problems import Problem
    from fasttrack_jupyter.notebook.build import Built


@dataclass(frozen=True, slots=True)
class Made:
    """A pipeline made of cells: its YAML, and the files that travel with it as text."""

    built: Built
    files: Mapping[str, str]

    @property
    def text(self) -> str:
        """The YAML."""
        return self.built.text

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Warnings and notices."""
        return self.built.problems

    @property
    def file_name(self) -> str:
        """What the YAML is called beside its files."""
        return f"{self.built.folder.removesuffix('.cells')}.fasttrack.yaml"


def made_of(session: Session, stem: str | None = None) -> Made:
    """The pipeline that this kernel's cells are; ``stem`` begins its files' names (default: the notebook's own).

    Raises:
        BadRequest: no cell is marked.
        InvalidNotebook: the problems tell cell and line.
    """
    from fasttrack_jupyter.notebook.build import build

    notebook = session.notebook()
    if not notebook.tasks:
        raise BadRequest(
            "no cell that ran in this kernel is a task yet",
            hint="Write %%fasttrack_task NAME as the first line of a cell and run it; %fasttrack says more.",
        )
    built = build(notebook, stem=stem)
    return Made(built, {path: data.decode() for path, data in built.files.items()})
