"""Models, versions and comparisons on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fasttrack_jupyter.api.words import ago, size
from fasttrack_jupyter.cli.face import Face

Json = dict[str, Any]

_SHOWN_FILES = 20


def show_model(face: Face, model: Json) -> None:
    """The versions, the newest first, each with its metrics."""
    if face.as_json:
        face.json(model)
        return
    from fasttrack_jupyter.cli.tables import table

    names = list(dict.fromkeys(name for one in model["versions"] for name in one["metrics"]))
    rows = [
        (
            f"@{one['version']}",
            ", ".join(one["aliases"]),
            *(_said(one["metrics"].get(name)) for name in names),
            f"{one['lineage']['pipeline']}#{one['lineage']['index']} {one['lineage']['task']}",
            size(one["size"]),
            ", ".join(one["services"]),
            ago(one["created_at"]),
        )
        for one in model["versions"]
    ]
    columns = ("version", "<aliases", *(f">{name}" for name in names), "made by", ">size", "served by", "made")
    face.say(f"{model['name']} on {model['backend']}")
    table(face, columns, rows, empty="no versions")


def show_version(face: Face, version: Json) -> None:
    """Where a version comes from, and what is in it."""
    if face.as_json:
        face.json(version)
        return
    made_by = version["lineage"]
    face.say(f"{version['model']}@{version['version']} on {version['backend']}")
    for word, value in (
        ("folder", version["folder"]),
        ("aliases", ", ".join(version["aliases"])),
        ("served by", ", ".join(version["services"])),
        ("made", ago(version["created_at"])),
        ("by", f"{made_by['pipeline']}#{made_by['index']} {made_by['task']}.{made_by['output']}"),
        ("job", made_by["job"]),
        ("image", made_by["image"]),
        ("code", made_by["code"]),
        ("params", _pairs(made_by["params"])),
        ("inputs", ", ".join(_inputs(made_by["inputs"]))),
        ("metrics", _pairs(version["metrics"])),
        ("digest", version["digest"]),
        ("left out", ", ".join(version["left_out"])),
    ):
        if value:
            face.say(f"  {word:<10}{value}")
    face.say()
    _show_files(face, [(one["path"], size(one["size"]), one["sha256"][:12]) for one in version["files"]])


def show_comparison(face: Face, found: Json) -> None:
    """Two versions side by side; of files only what is different."""
    if face.as_json:
        face.json(found)
        return
    from fasttrack_jupyter.cli.tables import table

    one, other = (f"@{found[side]['version']}" for side in ("one", "other"))
    face.say(f"{found['one']['model']} {one} and {other} on {found['one']['backend']}")
    rows: list[tuple[str, ...]] = [
        (kind, each["name"], _said(each["one"]), _said(each["other"]), _changed(each))
        for kind, key in (("metric", "metrics"), ("param", "params"))
        for each in found[key]
    ]
    codes = [str(found[side]["lineage"]["code"] or "none")[:12] for side in ("one", "other")]
    rows.append(("code", "", *codes, "" if found["same_code"] else "changed"))
    table(face, ("", "<name", f">{one}", f">{other}", ">change"), rows, empty="")
    face.say()
    files = [(f"{each['path']} ({each['change']})", size(each["size"]), "") for each in found["files"]]
    if files:
        _show_files(face, files)
    else:
        face.say("the same files")


def _show_files(face: Face, rows: Sequence[tuple[str, str, str]]) -> None:
    from fasttrack_jupyter.cli.tables import table

    table(face, ("<file", ">size", ""), rows[:_SHOWN_FILES], empty="no files")
    if len(rows) > _SHOWN_FILES:
        face.say(f"and {len(rows) - _SHOWN_FILES} more (--json tells all)")


def _inputs(inputs: Sequence[Json]) -> Iterator[str]:
    for each in inputs:
        said = f" {each['digest'][:12]}" if each["digest"] else f" = {_said(each['value'])}" if each["value"] else ""
        yield f"{each['name']}: {each['source']}{said}"


def _pairs(values: Json) -> str:
    return ", ".join(f"{name}={_said(value)}" for name, value in values.items())


def _said(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _changed(each: Json) -> str:
    if each["change"] is not None:
        return f"{each['change']:+.6g}" if each["change"] else ""
    return "" if each["one"] == each["other"] else "changed"
