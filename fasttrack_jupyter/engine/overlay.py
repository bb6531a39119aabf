"""A job's code: the source's folder, over it files that came with the request, and what we bring ourselves.

What a notebook becomes is code that lies in no folder. It goes into the snapshot from memory, so a request
leaves nothing behind that somebody would have to clean up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from fasttrack_jupyter.engine.code import find_code
from fasttrack_jupyter.engine.task_files import helper_files
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.notebooks import RUNTIME
from fasttrack_jupyter.model.pipeline import Pipeline, TaskType

MOST_BYTES = 20_000_000
"""Of all files of a request together, in UTF-8."""
MOST_FILES = 2_000
_LONGEST_PATH, _LONGEST_NAME, _DEEPEST = 1_000, 255, 64
"""Characters of a path; bytes of one name in it (what file systems take); names in it: each may be a new folder."""


def is_notebook(source: str) -> bool:
    """Whether a job's source is a notebook: its pipeline was built from cells, and so was its code."""
    return source.lower().endswith(".ipynb")


def has_folder(source: str | None) -> bool:
    """Whether all of a job's code lies in the folder of its source."""
    return source is not None and not is_notebook(source)


def code_of(
    request: JobRequest, pipeline: Pipeline, carried: Callable[[], Mapping[str, bytes]]
) -> dict[str, str | bytes]:
    """The code of the source's folder, over it the files of the request, and what notebooks and programs need of us.

    Raises:
        NotFound, Forbidden, Refused: see :func:`~fasttrack_jupyter.engine.code.find_code`.
        BadRequest: see :func:`lay_over`.
    """
    found = find_code(Path(request.source).resolve().parent, pipeline.files) if request.source is not None else {}
    has_notebooks = any(task.type is TaskType.NOTEBOOK for task in pipeline.tasks)
    ours = {f"{RUNTIME}/{path}": content for path, content in carried().items()} if has_notebooks else {}
    code = lay_over(found, request.files, ours)
    helpers = helper_files(pipeline, code)
    return lay_over(found, request.files, ours | helpers) if helpers else code


def lay_over(
    found: Mapping[str, str], given: Mapping[str, str], carried: Mapping[str, bytes] | None = None
) -> dict[str, str | bytes]:
    """The code: ``found`` (relative path → absolute path), over it ``given`` (relative path → text) as bytes.

    ``carried`` are contents that we bring ourselves, over everything.

    Raises:
        BadRequest: a path that is no plain relative one, a file that would have to be a folder too, or too much.
    """
    if len(given) > MOST_FILES:
        raise _bad(f"{len(given)} files came with the request", f"send at most {MOST_FILES}")
    contents = {path: _content(path, text) for path, text in given.items()}
    if (size := sum(map(len, contents.values()))) > MOST_BYTES:
        largest = max(contents, key=lambda path: len(contents[path]))
        raise _bad(
            f"the files that came with the request are {size / 1e6:.1f} MB; the largest is {largest!r}",
            f"send at most {MOST_BYTES / 1e6:.0f} MB, and put data beside the pipeline's file or into a folder",
        )
    contents |= carried or {}
    code: dict[str, str | bytes] = {**found, **contents}
    _check_folders(code, contents)
    return dict(sorted(code.items()))


def _content(path: str, text: str) -> bytes:
    if not _is_plain(path):
        raise _bad(
            f"{path!r} cannot be the path of a file that came with the request",
            "give paths relative to the pipeline's folder, with `/`, without `..`, `\\` and control characters",
        )
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise _bad(f"the text of {path!r} is no Unicode at character {error.start}", "send text only") from error


def _is_plain(path: str) -> bool:
    try:
        names = path.encode().split(b"/")
    except UnicodeEncodeError:
        return False
    is_short = len(path) <= _LONGEST_PATH and len(names) <= _DEEPEST and max(map(len, names)) <= _LONGEST_NAME
    has_odd = "\\" in path or any(ord(sign) < 32 or ord(sign) == 127 for sign in path)
    return is_short and not has_odd and not {b"", b".", b".."} & set(names)


def _check_folders(code: Mapping[str, str | bytes], given: Mapping[str, bytes]) -> None:
    """Raises BadRequest where one of ``given`` lies below a file, or is where others have their folder."""
    folders = {folder: path for path in code for folder in _folders_of(path)}
    for path in given:
        below = next((folder for folder in _folders_of(path) if folder in code), None)
        if below is not None or path in folders:
            one, other = (path, below) if below is not None else (folders[path], path)
            raise _bad(
                f"{one!r} and {other!r} cannot both be files of the pipeline",
                f"rename one of them, or leave {other!r} out",
            )


def _folders_of(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:end]) for end in range(1, len(names))]


def _bad(message: str, hint: str) -> BadRequest:
    return BadRequest(message, hint=hint)
