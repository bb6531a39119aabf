"""Pipelines written in Python: ``@task`` on functions, ``Pipeline`` around their calls.

A task's function stays an ordinary function: outside of a pipeline it is simply called. Inside ``with Pipeline(…)`` a
call adds a task and gives back what stands for its outputs, which may be given to other tasks::

    @ft.task(image="uv:scikit-learn", cpu=2, outputs="model")
    def train(data: dict, rate: float = 0.1) -> object: ...

    with ft.Pipeline("digits") as pipeline:
        rate = pipeline.param("rate", 0.1)
        model = train(prepare(), rate)
        evaluate(model)
    job = pipeline.run(params={"rate": 0.2}).wait()
    job.tasks["train"].outputs["model"]

or, where names say it all, ``ft.Pipeline("digits", [prepare, train, evaluate])``: an argument takes the output of that
name, else it is a parameter. Nothing else is a pipeline's text: ``pipeline.to_yaml()`` shows it.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar, Token
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.parameters import ValueType
from fasttrack_jupyter.notebook.drafts import Draft, Given, Output, Param
from fasttrack_jupyter.notebook.marks import PIPELINE, TASK, Mark
from fasttrack_jupyter.notebook.marks_reading import said_by_metadata
from fasttrack_jupyter.notebook.signatures import Signature, signature_of, type_of, value_type

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client
    from fasttrack_jupyter.kernel.jobs import Job
    from fasttrack_jupyter.notebook.build import Built

P = ParamSpec("P")
R = TypeVar("R")
_NONE: Any = inspect.Parameter.empty
_CURRENT: ContextVar[Pipeline | None] = ContextVar("fasttrack_pipeline", default=None)


@overload
def task(function: Callable[P, R], /) -> TaskFunction[P, R]: ...
@overload
def task(
    *, name: str | None = None, needs: Sequence[Needed] = (), outputs: str | Sequence[str] | None = None, **options: Any
) -> Callable[[Callable[P, R]], TaskFunction[P, R]]: ...
def task(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    needs: Sequence[Needed] = (),
    outputs: str | Sequence[str] | None = None,
    **options: Any,
) -> TaskFunction[P, R] | Callable[[Callable[P, R]], TaskFunction[P, R]]:
    """Make a task of a function.

    Args:
        name: the task's name; default the function's.
        needs: tasks that must succeed first, besides those whose outputs are arguments.
        outputs: names of what is returned: one, or one for each item of the tuple. Default: the fields of a returned
            NamedTuple, else ``result``. What is annotated int, float, str or bool becomes a value, anything else an
            artifact.
        options: what ``%%fasttrack_task`` says too: ``image``, ``cpu``, ``mem``, ``gpu``, ``env``, ``secret``,
            ``requirements``, ``backend``, ``retry``, ``timeout``, ``skip``, ``when="params.quick"``, ``run_if``,
            ``final``, ``cache`` …

    Raises:
        BadRequest: an option that there is not, or a signature that no task can have.
    """

    def made(function: Callable[P, R]) -> TaskFunction[P, R]:
        return TaskFunction(function, name or function.__name__, tuple(needs), outputs, options)

    return made if function is None else made(function)


class TaskFunction(Generic[P, R]):
    """A function that is a task wherever a pipeline is being written, and a function everywhere else."""

    def __init__(
        self,
        function: Callable[P, R],
        name: str,
        needs: tuple[Needed, ...],
        outputs: str | Sequence[str] | None,
        options: Mapping[str, Any],
    ) -> None:
        update_wrapper(self, function)
        self.function, self.name, self.needs = function, name, needs
        self._outputs, self._options = outputs, dict(options)
        self.said = _said(TASK, f"@task of {function.__name__}", options)
        self.signature: Signature = signature_of(function, outputs)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Call the function; inside ``with Pipeline(…)`` add the task instead, and give back its call."""
        pipeline = _CURRENT.get()
        if pipeline is None:
            return self.function(*args, **kwargs)
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        return pipeline.add(self, bound.arguments)

    def options(
        self, *, name: str | None = None, needs: Sequence[Needed] | None = None, **options: Any
    ) -> TaskFunction[P, R]:
        """The same function with other options: ``train.options(name="train large", cpu=8)``."""
        return TaskFunction(
            self.function,
            name or self.name,
            self.needs if needs is None else tuple(needs),
            self._outputs,
            {**self._options, **options},
        )

    def __repr__(self) -> str:
        return f"<task {self.name}>"


class TaskCall:
    """A task in a pipeline, standing for what it will leave.

    Give it (where it has one output), an item of it, or ``call.outputs["model"]`` to another task; where several are
    returned, it can be unpacked: ``train_x, test_x = split(data)``.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    @property
    def name(self) -> str:
        """The task's name in the pipeline."""
        return self._draft.name

    @property
    def outputs(self) -> Mapping[str, Output]:
        """What it will leave, by name."""
        return self._draft.outputs

    def __iter__(self) -> Iterator[Output]:
        return iter(self.outputs.values())

    def __getitem__(self, name: str) -> Output:
        return self.outputs[name]

    def __repr__(self) -> str:
        return f"<task {self.name} → {', '.join(self.outputs) or 'nothing'}>"


Needed = TaskFunction[..., Any] | TaskCall | str


class Pipeline:
    """A pipeline in the making. ``options`` are the defaults of its tasks: ``image``, ``cpu``, ``env`` …

    Raises:
        BadRequest: an option that there is not; with ``tasks``, an argument that comes from nowhere.
    """

    def __init__(
        self,
        name: str,
        tasks: Sequence[TaskFunction[..., Any]] = (),
        *,
        description: str | None = None,
        **options: Any,
    ) -> None:
        self.name, self.description = name, description
        self.said = _said(PIPELINE, f"pipeline {name!r}", options)
        self.params: dict[str, Param] = {}
        self._drafts: dict[str, Draft] = {}
        self._before: list[Token[Pipeline | None]] = []
        caller = sys._getframe(1).f_globals.get("__file__")
        self._source = caller if caller and os.path.isfile(caller) else None  # noqa: PTH113  (a name, not yet a path)
        for each in tasks:
            self.add(each, self._by_name(each))

    def __enter__(self) -> Pipeline:
        self._before.append(_CURRENT.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._before.pop())

    @property
    def tasks(self) -> Mapping[str, TaskCall]:
        """The tasks so far, by name."""
        return {name: TaskCall(draft) for name, draft in self._drafts.items()}

    def param(
        self, name: str, default: Any = _NONE, *, kind: type | None = None, description: str | None = None
    ) -> Param:
        """Declare a parameter; ``run(params={name: …})`` gives it. Without ``default`` it must be given.

        Raises:
            BadRequest: there is one of this name, or its type is none of int, float, str, bool, list, dict.
        """
        has_default = default is not _NONE
        found = type_of(default) if kind is None else value_type(kind)
        if name in self.params or not name.isidentifier():
            raise BadRequest(
                f"parameter {name!r} {'is declared twice' if name in self.params else 'has no Python name'}"
            )
        if found is None and (has_default or kind is not None):
            raise BadRequest(
                f"parameter {name!r} cannot be {default if kind is None else kind!r}",
                hint="A parameter is an int, float, str, bool, list or dict.",
            )
        self.params[name] = made = Param(
            name, found or ValueType.STR, has_default, default if has_default else None, description
        )
        return made

    def add(self, function: TaskFunction[..., Any], arguments: Mapping[str, Any]) -> TaskCall:
        """Add a task; calling the function inside ``with`` does it. Raises BadRequest for what no task can be given."""
        name = function.name
        number = 2
        while name in self._drafts:
            name, number = f"{function.name}-{number}", number + 1
        draft = Draft(
            name=name,
            function=function.function,
            signature=function.signature,
            said=function.said,
            after=tuple(self._needed(function, each) for each in function.needs),
            given={key: self._given(function, key, value) for key, value in arguments.items()},
        )
        self._drafts[name] = draft
        return TaskCall(draft)

    # ------------------------------------------------------------ what becomes of it

    def build(self) -> Built:
        """The pipeline as text, with the files that belong beside it.

        Raises:
            BadRequest: a function uses what cannot travel; there is no task.
        """
        from fasttrack_jupyter.notebook.drafts_build import build_drafts

        return build_drafts(
            self.name,
            self.description,
            self.said,
            tuple(self.params.values()),
            tuple(self._drafts.values()),
            _unwrapped,
        )

    def to_yaml(self) -> str:
        """The pipeline's YAML; its tasks' code lies in the files of :meth:`build`."""
        return self.build().text

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the YAML there, and the folder of its code beside it; what is there and not ours stays as it is."""
        from fasttrack_jupyter.notebook.build_writing import write

        write(self.build(), Path(path))
        return Path(path)

    def plan(self, params: Mapping[str, Any] | None = None, **how: Any) -> dict[str, Any]:
        """What a job would do, and why: PlanView, as JSON."""
        from fasttrack_jupyter.kernel.feed import feed

        client = feed().client
        return client.plan(self._request(client, params, how))

    def run(self, params: Mapping[str, Any] | None = None, **how: Any) -> Job:
        """Make a job and start it; it goes on by itself.

        Args:
            params: values of parameters, by name.
            how: ``backend``, ``name``, ``tags``, ``note``, ``priority``, ``shrink``; tasks to ``only`` run, run
                ``from_`` or ``until``.

        Raises:
            InvalidPipeline, Refused: it would not start; nothing was made.
        """
        from fasttrack_jupyter.kernel.feed import feed
        from fasttrack_jupyter.kernel.jobs import take_in_hand

        source = feed()
        return take_in_hand(source, source.client.run(self._request(source.client, params, how)))

    def _request(self, client: Client, params: Mapping[str, Any] | None, how: Mapping[str, Any]) -> dict[str, Any]:
        """As the API wants it; the environment's cluster is a backend from here on, where one is asked for."""
        from fasttrack_jupyter.api.environ import use_environ

        built = self.build()
        backend = how.get("backend") or built.backend or "local"
        use_environ(client, backend, os.environ, lambda: built.text)
        selection = {key: list(how[word]) for key, word in _SELECTION.items() if how.get(word)}
        return {
            "text": built.text,
            "files": {path: data.decode() for path, data in built.files.items()},
            "source": self._source,
            "params": dict(params or {}),
            "selection": selection,
            **{key: value for key, value in how.items() if key not in _SELECTION.values()},
            "backend": backend,
        }

    # ------------------------------------------------------------ parts

    def _given(self, function: TaskFunction[..., Any], key: str, value: Any) -> Given:
        if isinstance(value, TaskCall):
            outputs = list(value.outputs.values())
            if len(outputs) != 1:
                raise BadRequest(
                    f"task {function.name!r} is given {value.name!r} as {key!r}, which leaves {len(outputs)} outputs",
                    hint=f"Name one: {value.name}.outputs[…] of {', '.join(value.outputs) or 'none'}.",
                )
            value = outputs[0]
        if isinstance(value, Output) and self._drafts.get(value.task) is not value.draft:
            raise BadRequest(f"task {function.name!r} is given an output of {value.task!r}, a task of another pipeline")
        if isinstance(value, Param) and self.params.get(value.name) is not value:
            raise BadRequest(f"task {function.name!r} is given the parameter {value.name!r} of another pipeline")
        return value

    def _needed(self, function: TaskFunction[..., Any], needed: Needed) -> str:
        name = needed if isinstance(needed, str) else needed.name
        if name not in self._drafts:
            raise BadRequest(
                f"task {function.name!r} needs {name!r}, and there is no such task before it in {self.name!r}",
                hint=f"Tasks so far: {', '.join(self._drafts) or 'none'}.",
            )
        return name

    def _by_name(self, function: TaskFunction[..., Any]) -> dict[str, Given]:
        """An argument is the output of that name, or what a task of that name returns, else a parameter."""
        found: dict[str, Given] = {}
        for key, argument in function.signature.arguments.items():
            makers = [draft.outputs[key] for draft in self._drafts.values() if key in draft.outputs]
            if not makers and key in self._drafts and len(self._drafts[key].outputs) == 1:
                makers = list(self._drafts[key].outputs.values())
            if len(makers) > 1:
                raise BadRequest(
                    f"argument {key!r} of task {function.name!r} could be the output of "
                    f"{' or '.join(output.task for output in makers)}",
                    hint="Say which: with ft.Pipeline(…): and a call.",
                )
            if makers:
                found[key] = makers[0]
            elif key in self.params:
                found[key] = self.params[key]
            elif argument.type is not None:
                made = Param(key, argument.type, argument.has_default, argument.default, None)
                found[key] = self.params[key] = made
            elif not argument.has_default:
                raise BadRequest(
                    f"argument {key!r} of task {function.name!r} comes from nowhere",
                    hint=f"Put the task that leaves {key!r} before it, or annotate it as a parameter ({key}: float).",
                )
        return found


_SELECTION = {"only": "only", "from": "from_", "until": "until"}


def _unwrapped(found: Any) -> Any:
    return found.function if isinstance(found, TaskFunction) else found


def _said(mark: Mark, whose: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options as the table of marks reads them. Raises BadRequest in the words of the caller."""
    known = {option.key for option in mark.options}
    if unknown := [key for key in options if key not in known]:
        raise BadRequest(f"{whose}: there is no option {unknown[0]!r}", hint=did_you_mean(unknown[0], sorted(known)))
    try:
        return said_by_metadata(
            mark, {key: list(said) if isinstance(said, tuple) else said for key, said in options.items()}
        )
    except BadRequest as error:
        message = error.message.replace("metadata.fasttrack", whose).replace(mark.written, whose)
        raise BadRequest(message, hint=error.hint) from None
