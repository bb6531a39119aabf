"""Files that come with a request: laid over those of the source's folder, they are a job's code.

What a notebook becomes is code that lies in no folder. It goes into the snapshot from memory, so a request
leaves nothing behind that somebody would have to clean up.
"""

from __future__ import annotations

from collections.abc import Mapping

from fasttrack_jupyter.errors import BadRequest

MOST_BYTES = 20_000_000
"""Of all files of a request together, in UTF-8."""
MOST_FILES = 2_000
_LONGEST_PATH, _LONGEST_NAME = 1_000, 255
"""Characters of a path; bytes of one name in it (what file systems take)."""


def lay_over(found: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str | bytes]:
    """The code: ``found`` (relative path → absolute path), and over it ``given`` (relative path → text) as bytes.

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
    is_short = len(path) <= _LONGEST_PATH and all(len(name) <= _LONGEST_NAME for name in names)
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
