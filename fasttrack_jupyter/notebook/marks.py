"""What a person may write on a cell or a notebook: one table of all options, for every reader of them.

::

    %fasttrack_pipeline NAME [options]     the notebook's pipeline, and defaults for its tasks
    %%fasttrack_task NAME [options]        the cell becomes (or goes on with) a task
    %%fasttrack_params                     the cell assigns the parameters' defaults
    %%fasttrack_common                     the cell travels with every task that uses it

The static reader, the kernel's magics (their ``--help`` and completion too) and the metadata of cells read
this one table. A metadata key is an option's long name with ``_`` for ``-``. How lines and metadata are read
stands in :mod:`.marks_reading`, how a value is checked in :mod:`.marks_values`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from fasttrack_jupyter.model.pipeline import RunIf
from fasttrack_jupyter.notebook import marks_values as values

Pairs = tuple[tuple[str, str], ...]


class Mode(StrEnum):
    """Whether marked cells run in the notebook's own kernel as well."""

    RUN = "run"
    DEFINE = "define"


@dataclass(frozen=True, slots=True)
class Place:
    """Where tasks run, and with what: the options that a task and its pipeline share. Empty is "not said"."""

    image: str | None = None
    """``--requirements`` and ``--requirements-file`` are an image too: see :func:`.marks_values.image_of`."""
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
    """What ``%%fasttrack_task`` says. Amounts and times are checked, and as they were written."""

    backend: str | None = None
    """Where the task runs, wherever the others do."""
    after: tuple[str, ...] = ()
    retry: int | None = None
    timeout: str | None = None
    skip: bool = False
    when: str | None = None
    """``${{ … }}``."""
    run_if: str | None = None
    final: bool = False
    cache: bool | None = None
    """``--cache``, ``--no-cache``."""
    side_effects: bool = False
    inputs: tuple[str, ...] | None = None
    """``--in``: None where it was not given, () where it was given empty."""
    outputs: tuple[str, ...] | None = None
    """``--out``."""
    value: Pairs = ()
    """``--value``: name and type."""
    shell: bool = False
    run: bool | None = None
    """``--run``, ``--no-run``: whether the cell also runs in the kernel; None: as the notebook's mode has it."""


@dataclass(frozen=True, slots=True)
class PipelineOptions(Place):
    """What ``%fasttrack_pipeline`` says: the pipeline's name, and defaults of every task."""

    name: str | None = None
    mode: Mode = Mode.RUN
    backend: str | None = None
    """Where its jobs run when nobody says otherwise; a pipeline's file says nothing of that."""
    cache: bool | None = None
    """``--cache``, ``--no-cache``: of tasks that say nothing of it themselves."""


class Shape(StrEnum):
    """How often an option may come, and what a value of it looks like."""

    ONE = "one"
    """One value."""
    NAMES = "names"
    """Names with commas between; may be repeated."""
    EACH = "each"
    """One value each time; may be repeated."""
    WORDS = "words"
    """Words as a shell splits them; may be repeated."""
    PAIRS = "pairs"
    """``NAME=VALUE``; may be repeated."""
    FLAG = "flag"
    """No value."""
    NO = "no"
    """No value, and it means false: ``--no-run``."""


class Offer(StrEnum):
    """What completion offers for a value."""

    NOTHING = ""
    TASKS = "tasks"
    VARIABLES = "variables"
    IMAGES = "images"
    FOLDERS = "folders"
    SECRETS = "secrets"
    BACKENDS = "backends"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its long name, its field in the options, and everything that is to be known about a value."""

    name: str
    help: str
    shape: Shape = Shape.ONE
    metavar: str = ""
    check: Callable[[str], object] = str
    """The value as the field holds it. Raises ValueError with what is wrong and what to write."""
    offer: Offer = Offer.NOTHING
    field: str = ""

    @property
    def flag(self) -> str:
        """As it is written: ``--gpu-share``."""
        return f"--{self.name}"

    @property
    def key(self) -> str:
        """As metadata have it: ``gpu_share``."""
        return self.name.replace("-", "_")

    @property
    def place(self) -> str:
        """The field of the options that it fills."""
        return self.field or self.key

    @property
    def takes_value(self) -> bool:
        """Whether a value follows."""
        return self.shape not in (Shape.FLAG, Shape.NO)


_PLACE = (
    Option("image", "What the task runs in, such as uv:pandas", metavar="IMAGE", check=values.image,
           offer=Offer.IMAGES),
    Option("cpu", "Cores", metavar="N", check=values.amount_of("cpu")),
    Option("mem", "Memory, such as 4g", metavar="SIZE", check=values.amount_of("mem")),
    Option("gpu", "Whole GPUs", metavar="N", check=values.whole_gpus),
    Option("gpu-share", "A fraction of a GPU, such as 0.5", metavar="SHARE", check=values.amount_of("cuda.shares")),
    Option("slot", "An amount of any other resource slot", Shape.PAIRS, "NAME=N", values.slot),
    Option("shm", "Size of /dev/shm, such as 1g", metavar="SIZE", check=values.size),
    Option("mount", "A vfolder", Shape.EACH, "FOLDER[:ALIAS]", values.mount, Offer.FOLDERS),
    Option("env", "An environment variable", Shape.PAIRS, "NAME=VALUE", values.env),
    Option("secret", "A secret, as the environment variable of its name", Shape.EACH, "NAME", values.secret,
           Offer.SECRETS),
    Option("project", "Project on the cluster", metavar="NAME", check=values.word),
    Option("group", "Resource group on the cluster", metavar="NAME", check=values.word),
    Option("requirements", "Packages the task needs, such as 'pandas>=2'; they become its image", Shape.WORDS,
           "'PACKAGE …'", values.requirement),
    Option("requirements-file", "A requirements.txt beside the notebook, or pyproject.toml", metavar="FILE",
           check=values.requirements_file, offer=Offer.FILES),
)  # fmt: skip
_CACHE = (
    Option("cache", "An identical execution that succeeded may stand in for it", Shape.FLAG),
    Option("no-cache", "Always runs", Shape.NO, field="cache"),
)
_RUN = (
    Option("run", "Run the cell here too (the default)", Shape.FLAG),
    Option("no-run", "Only define; do not run the cell here", Shape.NO, field="run"),
)
_TASK = (
    Option("after", "Tasks that must succeed first, beside those whose variables it uses", Shape.NAMES, "TASK,…",
           values.task_name, Offer.TASKS),
    *_PLACE,
    Option("backend", "Where this task runs, wherever the others do: local, backend.ai[:PROFILE]", metavar="NAME",
           check=values.backend, offer=Offer.BACKENDS),
    Option("retry", "Attempts in all: 2 is one retry", metavar="N", check=values.attempts),
    Option("timeout", "Longest time of one attempt, such as 1h30m", metavar="TIME", check=values.duration),
    Option("skip", "Leave the task out; it counts as satisfied", Shape.FLAG),
    Option("when", "A condition: skipped unless it is true, such as 'params.quick'", metavar="'EXPRESSION'",
           check=values.condition),
    Option("run-if", "Which ends of those before it let it run; all_success is usual", metavar="|".join(RunIf),
           check=values.one_of(*RunIf)),
    Option("final", "Runs when all others have ended, however the job came out", Shape.FLAG),
    *_CACHE,
    Option("side-effects", "It changes something elsewhere: nothing ever stands in for it", Shape.FLAG),
    Option("in", "Exactly these variables come in, whatever the cell seems to use", Shape.NAMES, "NAME,…",
           values.variable, Offer.VARIABLES, "inputs"),
    Option("out", "Hand these variables on, also if no later task seems to use them", Shape.NAMES, "NAME,…",
           values.variable, Offer.VARIABLES, "outputs"),
    Option("value", "A variable that is handed on as a plain value, which conditions can see", Shape.PAIRS, "NAME=TYPE",
           values.value, Offer.VARIABLES),
    Option("shell", "The cell is a shell script", Shape.FLAG),
    *_RUN,
)  # fmt: skip


def _mode(text: str) -> Mode:
    return Mode(values.one_of(*Mode)(text))


_BACKEND = Option(
    "backend",
    "Where this notebook's jobs run, such as local",
    metavar="NAME",
    check=values.backend,
    offer=Offer.BACKENDS,
)
_MODE = Option("mode", "run: marked cells run here too; define: they do not", metavar="run|define", check=_mode)


@dataclass(frozen=True, slots=True)
class Mark:
    """One magic: its name, and the options that it takes."""

    name: str
    purpose: str
    options: tuple[Option, ...]
    is_cell: bool = True
    naming: str = ""
    """What its NAME names; empty where it takes none."""

    @property
    def written(self) -> str:
        """``%%fasttrack_task`` or ``%fasttrack_pipeline``."""
        return ("%%" if self.is_cell else "%") + self.name

    def option(self, name: str) -> Option | None:
        """The option of that long name."""
        return next((option for option in self.options if option.name == name), None)


TASK = Mark("fasttrack_task", "Make the cell a task, or go on with the task of that name.", _TASK, naming="task")
PARAMS = Mark("fasttrack_params", "The cell assigns the pipeline's parameters: one literal each.", _RUN)
COMMON = Mark("fasttrack_common", "The cell travels with every task that uses it: imports, helper functions.", _RUN)
PIPELINE = Mark(
    "fasttrack_pipeline", "Name the notebook's pipeline and say what its tasks have in common.",
    (*_PLACE, *_CACHE, _BACKEND, _MODE), is_cell=False, naming="pipeline",
)  # fmt: skip
MARKS = {mark.name: mark for mark in (TASK, PARAMS, COMMON, PIPELINE)}
"""Every magic that marks something, by name."""
