"""Variables as folders: ``variables/<name>/`` with a manifest and the data, written by one task and read by others.

Saving tries the formats that suit a value's type, plainest first, and takes the first that gives it back exactly;
cloudpickle is the last. What stands in ``manifest.json``::

    format      1
    name, type  the variable and its qualified type
    serializer  json | npy | npz | parquet | arrow | safetensors | torch | cloudpickle
    why         why not a plainer one, if one was tried: ["json: tuple at [0] has no form in JSON"]
    file, size, digest      the data; sha256 of its bytes
    options     what this serializer must know to read it
    object      which object it was: variables (inputs of one task) with the same one become one object again
    same_as     another variable of the same folder with the same bytes, stored once by a hard link
    versions    of Python, and of the library whose type it is
    summary     a few words for people: "DataFrame 150 × 5"
    task        which task wrote it

A damaged file is an error that names it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .formats import FigurePicture, Format, Json, Npy, Npz, Unsuitable, module_of
from .hidden import Hidden
from .home import Home
from .places import digest_of, link, link_files, remove
from .summaries import summary

FORMAT = 1
MANIFEST, DEFINITIONS, PICKLE = "manifest.json", "definitions.pkl", "value.pkl"
VERIFIED = 64 * 1024 * 1024
"""Bytes of the largest pickle that is read back at once, to see whether it can be."""
_ALIKE = 4096
"""Bytes from which on equal values are stored once."""
_PLAIN = (type(None), bool, int, float, complex, str, bytes)

Manifest = Dict[str, Any]


class ValueTrouble(Exception):
    """A variable that cannot be saved or loaded; the message says which, why, and what to do."""


class NotSavable(ValueTrouble):
    """No serializer takes the value."""


class HoldsSecret(ValueTrouble):
    """The value holds a secret of the task; ``secret`` is the environment variable that has it."""

    def __init__(self, name: str, secret: str) -> None:
        super().__init__(
            f"{name} holds the secret {secret}, and would be written to the pipeline folder.\n"
            f"  What to do: read it from the environment in the task that needs it: `--secret {secret}` there, and "
            f"`os.environ[{secret!r}]`; hand on what was made with it, without it."
        )
        self.secret = secret


class Damaged(ValueTrouble):
    """What was stored is not what was written, or not there."""


class Shelf:
    """Loads variables, each object once.

    Two variables that were the same object in the task that saved them are the same object here.
    """

    def __init__(self, home: Optional[Home] = None) -> None:
        self._home = home or Home()
        self._objects: Dict[str, Any] = {}
        self._origins: Dict[int, Tuple[Any, str]] = {}

    def load(self, folder: str) -> Any:
        """The value in ``folder``. Raises Damaged, ValueTrouble."""
        manifest = read_manifest(folder)
        key = f"{manifest.get('object')} {manifest['digest']}"
        if key not in self._objects:
            self._objects[key] = value = self.fresh(folder, manifest)
            self._origins[id(value)] = (value, folder)
        return self._objects[key]

    def fresh(self, folder: str, manifest: Optional[Manifest] = None) -> Any:
        """The value in ``folder`` once more, as an object of its own."""
        manifest = manifest or read_manifest(folder)
        path = os.path.join(folder, manifest["file"])
        if manifest["size"] != os.path.getsize(path) or manifest["digest"] != digest_of(path):
            raise Damaged(
                f"{manifest['name']}: {path} is damaged: it is not what the task {manifest.get('task')!r} wrote "
                "(its digest differs). Rerun that task."
            )
        try:
            return _read(folder, path, manifest, self._home)
        except Exception as error:
            raise _unreadable(path, manifest, error) from error

    def origin(self, value: Any) -> Optional[str]:
        """From which folder this very object was loaded; None: it was not."""
        held = self._origins.get(id(value))
        return held[1] if held is not None and held[0] is value and not isinstance(value, _PLAIN) else None


def load(folder: str, shelf: Optional[Shelf] = None) -> Any:
    """The variable saved in ``folder``.

    With a ``shelf`` that lives longer, objects that several variables share are shared again.
    Raises Damaged if it is not what was saved, ValueTrouble if this Python cannot read it.
    """
    return (shelf or Shelf()).load(folder)


def read_manifest(folder: str) -> Manifest:
    """What stands in the folder's manifest. Raises Damaged."""
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
        if manifest["format"] != FORMAT:
            raise Damaged(f"{path}: written by another release of FastTrack (format {manifest['format']})")
        if os.path.basename(manifest["file"]) != manifest["file"]:
            raise ValueError(f"its manifest names a file elsewhere, {manifest['file']!r}")
        os.stat(os.path.join(folder, manifest["file"]))
    except FileNotFoundError as error:
        name = os.path.basename(os.path.normpath(folder))
        raise Damaged(f"the variable {name!r} is not there ({folder}): run the task that makes it as well.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        name = os.path.basename(os.path.normpath(folder))
        raise Damaged(f"the variable {name!r} is not in {folder}: {error}. Rerun the task that makes it.") from error
    return dict(manifest)


def _read(folder: str, path: str, manifest: Manifest, home: Home) -> Any:
    if manifest["serializer"] != "cloudpickle":
        return _format(manifest).load(path, manifest["options"])

    def definitions() -> Optional[bytes]:
        known = manifest["options"].get("definitions")
        if known is None:
            return None
        place = os.path.join(folder, DEFINITIONS)
        if digest_of(place) != known:
            raise Damaged(f"{place} is damaged. Rerun the task {manifest.get('task')!r}.")
        with open(place, "rb") as file:
            return file.read()

    written, here = manifest["versions"]["python"].split(".")[:2], python_version().split(".")[:2]
    if manifest["options"].get("by_value") and written != here:
        names = ", ".join(manifest["options"]["by_value"][:3])
        raise ValueTrouble(
            f"it holds Python code by value ({names}), which only Python {'.'.join(written)} can read; "
            f"this is {'.'.join(here)}. Use images with the same Python, or define {names} at the top of a cell"
        )
    from . import pickles

    with open(path, "rb") as file:
        return pickles.Loader(file, home, definitions).load()


def _format(manifest: Manifest) -> Format:
    for library in (manifest["options"].get("library", "pandas"), "numpy", "torch"):
        for candidate in formats(library):
            if candidate.name == manifest["serializer"]:
                return candidate
    raise ValueTrouble(f"written as {manifest['serializer']!r}, which this release does not know")


def _unreadable(path: str, manifest: Manifest, error: Exception) -> ValueTrouble:
    if isinstance(error, Damaged):
        return error
    advice = ""
    if isinstance(error, ModuleNotFoundError):
        advice = f" This task's image has no {error.name}: add it (--requirements), or use the image of the other task."
    made = ", ".join(f"{name} {version}" for name, version in manifest.get("versions", {}).items())
    return ValueTrouble(
        f"{manifest['name']} ({manifest['type']}, written by the task {manifest.get('task')!r} with {made}) cannot be "
        f"loaded from {path}: {type(error).__name__}: {error}.{advice}"
    )


class Store:
    """Saves variables of one task below ``folder``; equal ones once. ``shelf`` knows which came from other tasks.

    What holds one of the secrets in ``hidden`` is not written.
    """

    def __init__(
        self,
        folder: str,
        task: str,
        home: Optional[Home] = None,
        shelf: Optional[Shelf] = None,
        hidden: Optional[Hidden] = None,
    ) -> None:
        self._folder, self._task, self._home = folder, task, home or Home()
        self._shelf, self._hidden = shelf, hidden or Hidden({})
        self._saved: Dict[int, Tuple[Any, Manifest]] = {}
        self._alike: Dict[Tuple[str, str, str], str] = {}
        self._names: Dict[str, str] = {}

    def save(self, name: str, value: Any, is_unchanged: Callable[[str], bool] = lambda folder: False) -> Manifest:
        """Write ``<folder>/<name>/``, all or nothing; its manifest comes back.

        ``is_unchanged(folder)`` says whether a value that was loaded from there is still what it was: then its
        files are taken as they are. Raises NotSavable, HoldsSecret.
        """
        is_clean = self._is_clean(name, value)
        other = self._names.setdefault(name.lower(), name)
        final, new = os.path.join(self._folder, name), os.path.join(self._folder, f".{name}.new")
        if other != name and os.path.exists(final):
            raise NotSavable(f"{name} and {other} differ in case only, and this file system cannot tell them apart")
        remove(new)
        os.makedirs(new)
        try:
            manifest = self._write(name, value, new, is_unchanged)
            secret = None if is_clean else self._hidden.held_in(new)
            if secret is not None:
                raise HoldsSecret(name, secret)
            with open(os.path.join(new, MANIFEST), "w", encoding="utf-8") as file:
                json.dump(manifest, file, indent=1, ensure_ascii=False)
            remove(final)
            os.rename(new, final)
        except BaseException:
            remove(new)
            raise
        return manifest

    def _is_clean(self, name: str, value: Any) -> bool:
        """Whether the value surely holds no secret; False: that cannot be seen before it is written."""
        try:
            secret = self._hidden.held_by(value, self._home)
        except Exception:  # it cannot be pickled: a plainer format may take it, or the error is told with its culprit
            return False
        if secret is not None:
            raise HoldsSecret(name, secret)
        return True

    def _write(self, name: str, value: Any, new: str, is_unchanged: Callable[[str], bool]) -> Manifest:
        held = self._saved.get(id(value))
        if held is not None:
            link_files(os.path.join(self._folder, held[1]["name"]), new, MANIFEST)
            return {**held[1], "name": name, "same_as": held[1].get("same_as", held[1]["name"])}
        origin = self._shelf.origin(value) if self._shelf is not None else None
        if origin is not None and is_unchanged(origin):
            link_files(origin, new, MANIFEST)
            manifest = read_manifest(origin)
            manifest.pop("same_as", None)
            manifest["name"] = name
        else:
            manifest = self._serialize(name, value, new)
            self._store_once(manifest, new)
        if not isinstance(value, _PLAIN):
            self._saved[id(value)] = (value, manifest)
        return manifest

    def _store_once(self, manifest: Manifest, new: str) -> None:
        key = (manifest["digest"], manifest["serializer"], json.dumps(manifest["options"], sort_keys=True))
        other = self._alike.setdefault(key, manifest["name"])
        if other != manifest["name"] and manifest["size"] >= _ALIKE:
            path = os.path.join(new, manifest["file"])
            os.unlink(path)
            link(os.path.join(self._folder, other, manifest["file"]), path)
            manifest["same_as"] = other

    def _serialize(self, name: str, value: Any, new: str) -> Manifest:
        why: List[str] = []
        for candidate in formats(_library_of(value)):
            if not candidate.suits(value):
                continue
            path = os.path.join(new, candidate.file)
            try:
                options = candidate.save(value, path)
            except Unsuitable as error:
                why.append(f"{candidate.name}: {error}")
                if os.path.exists(path):
                    os.unlink(path)
                continue
            return self._manifest(name, value, candidate.name, path, options, why)
        options = (
            FigurePicture().save(value, os.path.join(new, FigurePicture.file)) if FigurePicture().suits(value) else {}
        )
        options.update(self._pickle(name, value, new, why))
        return self._manifest(name, value, "cloudpickle", os.path.join(new, PICKLE), options, why)

    def _pickle(self, name: str, value: Any, new: str, why: List[str]) -> Dict[str, Any]:
        from . import pickles

        path = os.path.join(new, PICKLE)
        options: Dict[str, Any] = {}
        try:
            with open(path, "wb") as file:
                written = pickles.dump(value, file, self._home)
            if written.named:
                data = pickles.dump_definitions(written, self._home)
                if data is not None:
                    with open(os.path.join(new, DEFINITIONS), "wb") as file:
                        file.write(data)
                    options["definitions"] = digest_of(os.path.join(new, DEFINITIONS))
                options["names"] = sorted(written.named)
            if written.by_value:
                options["by_value"] = sorted(set(written.by_value))
            if os.path.getsize(path) <= VERIFIED:
                _verify(path, value, self._home, new)
        except Exception as error:
            from . import culprits

            raise NotSavable(
                culprits.explain(name, value, [*why, f"cloudpickle: {error}"], self._home, error)
            ) from error
        return options

    def _manifest(
        self, name: str, value: Any, serializer: str, path: str, options: Dict[str, Any], why: List[str]
    ) -> Manifest:
        return {
            "format": FORMAT, "name": name, "type": qualified(type(value)), "serializer": serializer, "why": why,
            "file": os.path.basename(path), "size": os.path.getsize(path), "digest": digest_of(path),
            "options": options, "object": os.urandom(16).hex(), "versions": versions(value), "summary": summary(value),
            "task": self._task,
        }  # fmt: skip


def save(name: str, value: Any, folder: str, task: str = "") -> Manifest:
    """Write ``value`` to ``folder/name/``; its manifest comes back. Raises NotSavable."""
    return Store(folder, task).save(name, value)


def _verify(path: str, value: Any, home: Home, folder: str) -> None:
    """Raise UnpicklingError if what was pickled cannot be unpickled, or becomes something else."""

    import pickle

    from . import pickles

    def definitions() -> Optional[bytes]:
        place = os.path.join(folder, DEFINITIONS)
        if not os.path.exists(place):
            return None
        with open(place, "rb") as file:
            return file.read()

    try:
        with open(path, "rb") as file:
            again = pickles.Loader(file, home, definitions).load()
    except Exception as error:
        message = f"it can be pickled, but not read back: {type(error).__name__}: {error}"
        raise pickle.UnpicklingError(message) from error
    if qualified(type(again)) != qualified(type(value)):
        raise pickle.UnpicklingError(f"it would come back as {qualified(type(again))}")


def formats(library: str) -> Tuple[Format, ...]:
    """The plain formats for values of a library, in the order in which they are tried."""
    if library in ("pandas", "polars"):
        from .frames import PandasParquet, PolarsArrow, PolarsParquet

        return (PandasParquet(),) if library == "pandas" else (PolarsParquet(), PolarsArrow())
    if library == "torch":
        from .tensors import SafeTensors, Torch

        return (SafeTensors(), Torch())
    return (Json(), Npy(), Npz())


def _library_of(value: Any) -> str:
    """Whose formats suit: of a dict of tensors torch's."""
    items = list(value.values()) if type(value) is dict else [value]
    return "torch" if items and all(module_of(item) == "torch" for item in items) else module_of(value)


def python_version() -> str:
    """``3.11.7``."""
    return sys.version.split()[0].rstrip("+")


def qualified(kind: type) -> str:
    """``pandas.core.frame.DataFrame``; builtin types without their module."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def versions(value: Any) -> Mapping[str, str]:
    """Of Python and of the library whose type this is."""
    library = module_of(value)
    version = getattr(sys.modules.get(library), "__version__", None)
    found = {"python": python_version()}
    if isinstance(version, str) and library not in ("builtins", "__main__"):
        found[library] = version
    return found
