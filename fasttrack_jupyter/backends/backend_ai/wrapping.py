"""The startup command of a session: the task's command inside a wrapper that makes ``/pipeline`` whole.

The wrapper (``wrapper.sh``, for any POSIX shell) does in the session what no cluster does for us:

- it checks in ``/proc/self/mountinfo`` that each place is what was asked for, and refuses to begin where it is not;
- it begins at most once: ``mkdir .session/begun`` comes first, whatever was asked for twice;
- code is linked into ``/home/work``, named inputs are put into ``/pipeline/inputs``;
- both streams go into ``.session/log`` as they come, and into the session's own log;
- it ends the command when its time is up, on releases that would not as well, and when ``.session/killed`` says so:
  that reaches it also where its session cannot be reached (see ``unseen.py``);
- ``.session/end``, renamed into place, tells exit code, times, declared values and what is missing (see ``ends.py``).

It is handed over as text, so that no session depends on a file that may be another version's. Environment variables
with secrets never come near it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fasttrack_jupyter.backends.backend_ai.launching import command_of
from fasttrack_jupyter.backends.backend_ai.mounts import Bind, MountForm, named_targets
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import SessionRejected

REFUSED = 97
"""Exit code of a wrapper that did not begin: something is not mounted as it should be."""
BEGUN_TWICE = 98
UNTOLD = 96
"""… of one that could not write down the end."""
LONGEST = 120_000
"""Bytes of a startup command: a shell gets it as one word, of which Linux takes 131,072."""
VALUES_INSIDE = 16_384
"""Bytes of input values that go into the command; more are written into the vfolder."""
EXECUTABLES_INSIDE = 32_768
"""Bytes that the names of executable files may take of the command."""
_SCRIPT = Path(__file__).with_name("wrapper.sh")
_PLACING, _SUBS = Path(__file__).with_name("placing.sh"), Path(__file__).with_name("subs.sh")
_ESCAPED = str.maketrans({" ": "\\040", "\t": "\\011", "\n": "\\012", "\\": "\\134"})


def startup_command(spec: SessionSpec, binds: Sequence[Bind], form: MountForm, executables: Sequence[str] = ()) -> str:
    """What the session runs. ``executables``: files of the code that can be executed.

    Raises:
        SessionRejected: it is longer than a shell takes.
    """
    timeout = "" if spec.timeout is None else f"{max(1, round(spec.timeout))}"
    text = "\n".join(
        (
            f"ft_command={shlex.quote(command_of(spec))}",
            f"ft_timeout={timeout}",
            _function("ft_check", _checks(binds, form)),
            _function("ft_place", _placed(spec, executables)),
            _function("ft_wanted", (_call("wanted", name, path) for name, path in spec.wanted_outputs)),
            _PLACING.read_text("utf-8"),
            _SCRIPT.read_text("utf-8"),
        )
    )
    if (size := len(text.encode("utf-8", "surrogatepass"))) > LONGEST:
        raise SessionRejected(
            f"the command of task {spec.path!r} is too long for a session ({size} bytes; {LONGEST} can be)",
            hint="Put it into a script beside the pipeline's file, and run that.",
        )
    return text


def bootstrap_script(spec: SessionSpec, executables: Sequence[str] = ()) -> str | None:
    """What each container of the session runs as it comes up: those beside main1 start their ranks. None: nothing."""
    if spec.launch is None or spec.cluster_size == 1:
        return None
    return "\n".join(
        (
            f"ft_command={shlex.quote(command_of(spec))}",
            f"ft_within={round(spec.launch.start_within) + 60}",
            _function("ft_executables", (_call("executable", path) for path in _some(executables))),
            _PLACING.read_text("utf-8"),
            _SUBS.read_text("utf-8"),
        )
    )


def values_inside(spec: SessionSpec) -> Mapping[str, str]:
    """The input values that go into the command; the others are files of the vfolder."""
    total = sum(len(value.encode("utf-8", "surrogatepass")) for value in spec.input_values.values())
    return spec.input_values if total <= VALUES_INSIDE else {}


def _checks(binds: Sequence[Bind], form: MountForm) -> Iterator[str]:
    for bind in binds:
        mode = "any" if form is MountForm.MAP else "ro" if bind.read_only else "any"
        end = f"/{bind.subpath}".translate(_ESCAPED) if bind.subpath else ""
        yield _call("bound", bind.target.translate(_ESCAPED), end, mode)


def _placed(spec: SessionSpec, executables: Sequence[str]) -> Iterator[str]:
    some = _some(executables)
    yield from (_call("executable", path) for path in some)
    if left := len(executables) - len(some):
        yield _call("echo", f"fasttrack: {left} files of the code are executable, but not here: they are too many")
    for name, value in values_inside(spec).items():
        yield _call("value", name, value)
    for folder in dict.fromkeys(name.rpartition("/")[0] for name in spec.named_inputs if "/" in name):
        yield _call("mkdir", "-p", f"/pipeline/inputs/{folder}")
    for name, target in named_targets(spec).items():
        yield _call("link", target, f"/pipeline/inputs/{name}")


def _some(executables: Sequence[str]) -> list[str]:
    """As many as the command has room for; those nearest to the top."""
    room, found = EXECUTABLES_INSIDE, []
    for path in sorted(executables, key=lambda path: (path.count("/"), path)):
        room -= len(_call("executable", path).encode("utf-8", "surrogatepass"))
        if room < 0:
            break
        found.append(path)
    return found


def _call(function: str, *words: str) -> str:
    return f"{function} {shlex.join(words)}"


def _function(name: str, lines: Iterator[str]) -> str:
    return "\n".join((f"{name}() {{", ":", *lines, "}"))
