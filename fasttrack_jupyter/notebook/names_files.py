"""Paths that a cell writes and reads, where they stand there as text.

A task runs in a working folder of its own, so a file that one writes is not there for the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fasttrack_jupyter.notebook.names_record import FileUse
from fasttrack_jupyter.notebook.names_tables import words

Const = str | int | None
_WRITERS_FIRST = re.compile(
    r"(.*\.)?(to_(csv|parquet|json|excel|pickle|feather|hdf|html|stata|orc|latex|markdown|sql|file|netcdf)|savefig|imsave|imwrite"
    r"|savez|savez_compressed|savetxt|mkdir|makedirs|save_model|save_weights|save_pretrained|to_disk|write_image|write_html"
    r"|save_word2vec_format|export_model|save_to_disk|write_csv|write_parquet|write_json)"
)
_NUMPY_SAVE = re.compile(r"numpy\.save|\.save")
_WRITERS_SECOND = re.compile(
    r"(joblib|torch|skops\.io|pickle)\.(dump|save)|shutil\.(copy|copyfile|copy2|move|copytree)|scipy\.io\.savemat_"
)
_READERS_FIRST = re.compile(
    r"(pandas|polars|geopandas|dask\.dataframe)\.(read|scan)_\w+|numpy\.(load|loadtxt|genfromtxt|fromfile)|joblib\.load|torch\.load"
    r"|(.*\.)?(imread|load_model|load_weights|load_img|load_from_disk|from_pretrained|load_word2vec_format)"
    r"|PIL\.Image\.open|os\.(listdir|scandir|walk|remove|unlink|stat)|os\.path\.(exists|isfile|getsize|isdir)|glob\.i?glob|shutil\.(copy|copyfile|copy2|move)"
)
_PATH_WRITES = words("write_text write_bytes touch mkdir")
_PATH_READS = words("read_text read_bytes exists iterdir glob rglob stat is_file is_dir unlink")
_ASKS = re.compile(
    r"(os\.(listdir|scandir|walk)|os\.path\.(exists|isfile|isdir)|glob\.i?glob)"
    r"|\.?(.*\.)?(exists|iterdir|glob|rglob|is_file|is_dir)"
)


def file_use(
    name: str, positional: Sequence[Const], keywords: Mapping[str, Const], receiver: str | None, line: int
) -> FileUse | None:
    """What calling ``name`` (a dotted path, or ".method") does to a file; None: nothing known.

    ``receiver`` is the path whose method it is, where it is one.
    """
    if name in (
        "builtins.open",
        "io.open",
        "gzip.open",
        "bz2.open",
        "codecs.open",
        "zipfile.ZipFile",
        "sqlite3.connect",
    ):
        return _opened(name, positional, keywords, line)
    method = name.rpartition(".")[2]
    if receiver is not None:
        if method == "open":
            return _opened(name, [receiver, *positional], keywords, line)
        writes, reads = method in _PATH_WRITES, method in _PATH_READS
        asks = bool(_ASKS.fullmatch(method))
        inside = f"{receiver}/{_text(positional, 0) or '*'}" if method in ("glob", "rglob") else receiver
        return FileUse(inside, line, writes, reads, asks) if writes or reads else None
    first = _text(positional, 0)
    if name in ("os.listdir", "os.scandir") and not positional:
        first = "."
    if not first and positional and _is_writer(name):
        return FileUse("", line, True, False)
    if _WRITERS_SECOND.fullmatch(name) and (second := _text(positional, 1)):
        return FileUse(second, line, True, False)
    if first and (_WRITERS_FIRST.fullmatch(name) or _NUMPY_SAVE.fullmatch(name)):
        return FileUse(first, line, True, False)
    if first and _READERS_FIRST.fullmatch(name):
        return FileUse(first, line, False, True, bool(_ASKS.fullmatch(name)))
    return None


def _is_writer(name: str) -> bool:
    return bool(_WRITERS_FIRST.fullmatch(name) or _NUMPY_SAVE.fullmatch(name)) and name.rpartition(".")[2] != "to_json"


def _opened(name: str, positional: Sequence[Const], keywords: Mapping[str, Const], line: int) -> FileUse | None:
    path = _text(positional, 0) or keywords.get("file")
    if path == ":memory:":
        return None
    mode = _text(positional, 1) or keywords.get("mode") or "r"
    mode = mode if isinstance(mode, str) else "r"
    both = name == "sqlite3.connect"
    writes = both or any(letter in mode for letter in "wax+")
    if not isinstance(path, str):
        return FileUse("", line, True, False) if writes else None
    return FileUse(path, line, writes, both or not writes or "a" in mode or "+" in mode)


def _text(values: Sequence[Const], index: int) -> str | None:
    value = values[index] if index < len(values) else None
    return value if isinstance(value, str) else None
