"""``%fasttrack yaml``, ``save``, ``diff``, ``mode``, ``secrets``, ``reset``: the pipeline that the notebook is."""

from __future__ import annotations

import argparse
import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fasttrack_jupyter.api.words import plural
from fasttrack_jupyter.errors import BadRequest, NotFound
from fasttrack_jupyter.kernel.building import Made, is_code, made_of
from fasttrack_jupyter.kernel.commands_jobs import job_meant, pipeline_name
from fasttrack_jupyter.kernel.feed import feed
from fasttrack_jupyter.kernel.options import Command, Words, takes_job, takes_way, way
from fasttrack_jupyter.kernel.problems import problem_lines
from fasttrack_jupyter.kernel.told import can_draw
from fasttrack_jupyter.notebook.ways import Way, way_of

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.session import Session

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}


# ---------------------------------------------------------------- yaml, save


def _yaml_arguments(parser: argparse.ArgumentParser) -> None:
    takes_way(parser)
    takes_job(parser)


def yaml(session: Session, words: Words) -> None:
    """Show the pipeline's YAML."""
    if words.job:
        _show(job_meant(session, words.job).yaml(), "yaml")
        return
    made = made_of(session, way=way(words))
    _tell(made)
    _show(made.text, "yaml")


def _tell(made: Made) -> None:
    for line in problem_lines(made.problems, made.text):
        print(line)


def _show(text: str, language: str) -> None:
    """Highlighted: as HTML in a notebook, in colours in a terminal."""
    if can_draw():
        from IPython.display import Code, display

        display(Code(text, language=language))  # type: ignore[no-untyped-call]
        return
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import TerminalFormatter  # type: ignore[import-untyped]
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

    print(highlight(text, get_lexer_by_name(language), TerminalFormatter()), end="")


def _save_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="default: the notebook's name, beside it")
    parser.add_argument("--force", action="store_true", help="overwrite what is there already")
    takes_way(parser)


def save(session: Session, words: Words) -> None:
    """Write the YAML, and the folder of its cells beside it; nothing that somebody else wrote or edited is lost."""
    from fasttrack_jupyter.notebook.build_writing import Fate, write

    target = Path(words.file).expanduser() if words.file else None
    if target is not None and target.suffix not in (".yaml", ".yml"):
        raise BadRequest(f"{target.name} is no name of a pipeline's file", hint="It ends in .fasttrack.yaml.")
    made = made_of(session, _stem(target), way(words))
    _tell(made)
    target = target or Path(session.source).parent / made.file_name
    if words.whole and target.absolute().parent != Path(session.source).parent:
        raise BadRequest("with --whole the YAML must lie beside the notebook", hint="Leave FILE out, or its folder.")
    changes = write(made.built, target, force=words.force)
    counts = Counter(change.fate for change in changes)
    told = ", ".join(f"{count} {fate}" for fate, count in counts.items() if fate is not Fate.SAME)
    print(f"{target} and {made.built.folder}/: {told or 'nothing has changed'}")


def _stem(file: Path | None) -> str | None:
    """What the folder of cells beside ``file`` is called, without its ending."""
    return file.stem.removesuffix(".fasttrack") if file is not None else None


# ---------------------------------------------------------------- diff


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="a pipeline's YAML; without it, the last job is meant")
    takes_job(parser)


def diff(session: Session, words: Words) -> None:
    """Say what has changed since a job, or since a file was saved."""
    if words.file and words.job:
        raise BadRequest("diff takes a FILE or a --job, not both", hint="Leave one of them out.")
    file = Path(words.file).expanduser() if words.file else None
    before: Mapping[str, str]
    if file is not None:
        made = made_of(session, _stem(file), _way_at(file))
        before, what, is_whole = _files_at(file, made), str(file), True
    else:
        meant = job_meant(session, words.job)
        made = made_of(session, way=way_of(meant.yaml()))
        sent = session.sent.get(meant.id)
        before, what, is_whole = sent or {made.file_name: meant.yaml()}, meant.name, sent is not None
    now = {**made.files, made.file_name: made.text}
    changes = [line for name in _in_order({**before, **now}, made) for line in _changes(name, before, now, is_whole)]
    print("\n".join(map(_coloured, changes)) if changes else f"Nothing has changed since {what}.")
    if not is_whole:
        print(f"(the YAML alone: the cells of {what} were sent by another kernel)")


def _way_at(file: Path) -> Way:
    """How the notebook became what was saved there."""
    return way_of(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else Way.MARKED


def _files_at(file: Path, made: Made) -> dict[str, str]:
    """The saved YAML and the cells beside it, under the names that they have now."""
    try:
        found = {made.file_name: file.read_text(encoding="utf-8")}
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}", hint="%fasttrack save writes it.") from error
    for path in made.files:
        beside = file.parent / path
        if beside.is_file():
            found[path] = beside.read_text(encoding="utf-8", errors="replace")
    return found


def _in_order(files: Mapping[str, str], made: Made) -> list[str]:
    """The YAML, then the cells; not the program that travels with them, which is ours."""
    return [made.file_name, *sorted(filter(is_code, files))]


def _changes(name: str, before: Mapping[str, str], now: Mapping[str, str], is_whole: bool) -> Iterator[str]:
    if name not in before and not is_whole:
        return
    old, new = before.get(name, "").splitlines(), now.get(name, "").splitlines()
    yield from difflib.unified_diff(old, new, f"{name} (then)", f"{name} (now)", lineterm="", n=2)


def _coloured(line: str) -> str:
    colour = _COLOURS.get(line[:1], "")
    return f"{colour}{line}\x1b[0m" if colour else line


# ---------------------------------------------------------------- mode, secrets, reset


def _mode_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mode", nargs="?", choices=("run", "define"), help="run: here too; define: only in jobs")


def mode(session: Session, words: Words) -> None:
    """Say whether marked cells run in this kernel as well."""
    if words.mode:
        session.mode = words.mode
    here = "run here too" if session.runs_here else "are only defined; they run in jobs"
    print(f"Marked cells {here}.")


def _secrets_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", nargs="?", choices=("list", "set", "rm"), default="list", help="default: list")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the secret")
    parser.add_argument("--here", action="store_true", help="for this notebook's pipeline alone, not for all")


def secrets(session: Session, words: Words) -> None:
    """Keep values that nobody should read. A value is asked for, and stands neither in the cell nor in the history."""
    scope = pipeline_name(session) if words.here else None
    if words.act == "list":
        found = feed().client.secrets()
        for one in found:
            print(f"{one['name']}{_scope(one['pipeline'])}")
        if not found:
            print("No secrets yet. %fasttrack secrets set NAME keeps one.")
        return
    if not words.name:
        raise BadRequest(f"secrets {words.act} lacks a name", hint=f"Write %fasttrack secrets {words.act} NAME.")
    if words.act == "rm":
        feed().client.remove_secret(words.name, scope)
        print(f"{words.name} is forgotten")
        return
    value = _asked(words.name)
    feed().client.set_secret(words.name, value, scope)
    print(f"{words.name} is kept{_scope(scope)}. A task gets it by --secret {words.name}.")


def _scope(pipeline: str | None) -> str:
    return f" for {pipeline}" if pipeline else ""


def _asked(name: str) -> str:
    """The value, typed where nobody sees it."""
    from getpass import getpass

    try:
        value = getpass(f"Value of {name}: ")
    except Exception as error:  # ipykernel's StdinNotImplementedError, or no terminal: nobody can be asked
        raise BadRequest(
            f"the value of {name} cannot be asked for here: {error}",
            hint=f"In a terminal: fasttrack secrets set {name}.",
        ) from None
    if not value:
        raise BadRequest(f"the value of {name} is empty", hint="%fasttrack secrets rm takes a secret away.")
    return value


def reset(session: Session, words: Words) -> None:
    """Forget which cells ran here; variables and jobs stay."""
    print(f"{plural(session.reset(), 'marked cell')} forgotten. Cells that run from now on make the pipeline.")


COMMANDS = (
    Command("yaml", "Show the pipeline as YAML.", yaml, _yaml_arguments),
    Command("save", "Write the pipeline: its YAML, and its cells beside it.", save, _save_arguments),
    Command("diff", "Say what has changed since the last job, or since a file was saved.", diff, _diff_arguments),
    Command("mode", "Say whether marked cells run in this kernel too.", mode, _mode_arguments),
    Command("secrets", "Keep values that tasks need and nobody should read.", secrets, _secrets_arguments),
    Command("reset", "Forget the cells that ran so far.", reset),
)
