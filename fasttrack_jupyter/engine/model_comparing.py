"""Two versions of a model side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fasttrack_jupyter.engine.model_views import Difference, FileChange, ModelComparison, ModelVersion


def compare(one: ModelVersion, other: ModelVersion) -> ModelComparison:
    """What is different, from ``one`` to ``other``; metrics and parameters that are the same are listed as well."""
    return ModelComparison(
        one=one,
        other=other,
        metrics=tuple(_differences(one.metrics, other.metrics)),
        params=tuple(_differences(one.lineage.params, other.lineage.params)),
        files=tuple(_changes(one, other)),
        same_code=one.lineage.code == other.lineage.code,
    )


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*one, *other)):
        first, second = one.get(name), other.get(name)
        yield Difference(name=name, one=first, other=second, change=_change(first, second))


def _change(one: Any, other: Any) -> float | None:
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    return other - one if are_numbers else None


def _changes(one: ModelVersion, other: ModelVersion) -> Iterator[FileChange]:
    before, after = ({file.path: file for file in version.files} for version in (one, other))
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            yield FileChange(path=path, change="removed", size=before[path].size)
        elif path not in before:
            yield FileChange(path=path, change="added", size=after[path].size)
        elif before[path].sha256 != after[path].sha256:
            yield FileChange(path=path, change="changed", size=after[path].size)
