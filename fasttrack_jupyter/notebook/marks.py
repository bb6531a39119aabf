"""What a person may write on a cell or a notebook."""

from __future__ import annotations

from dataclasses import dataclass

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where tasks run, and with what: the options that a task and its pipeline share; empty is "not said"."""

    image: str | None = None
    cpu: str | None = None
    mem: str | None = None
    gpu: str | None = None
    gpu_share: str | None = None
    slot: Pairs = ()
    shm: str | None = None
    mount: tuple[str, ...] = ()
    env: Pairs = ()
    secret: tuple[str, ...] = ()
    project: str | None = None
    group: str | None = None
    requirements: tuple[str, ...] = ()
    requirements_file: str | None = None


@dataclass(frozen=True, slots=True)
class TaskOptions(Place):
    """What ``%%fasttrack_task`` says; amounts and times are checked, and as they were written."""

    after: tuple[str, ...] = ()
    retry: int | None = None
    timeout: str | None = None
    skip: bool = False
    inputs: tuple[str, ...] | None = None
    """``--in``: None where it was not given, () where it was given empty."""
    outputs: tuple[str, ...] | None = None
    """``--out``."""
    shell: bool = False
    run: bool | None = None
    """``--run``, ``--no-run``: whether the cell also runs in the kernel; None: as the notebook's mode has it."""


@dataclass(frozen=True, slots=True)
class PipelineOptions(Place):
    """What ``%fasttrack_pipeline`` says: the defaults of every task."""

    name: str | None = None
    mode: str = "run"
    """``run``: marked cells run in the kernel as well; ``define``: they do not."""
