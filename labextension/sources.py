"""What the built JupyterLab extension is made from, as one digest: ``python labextension/sources.py`` prints it.

The build hook rebuilds when it differs from the one in the built folder, and the scripts reinstall when it has changed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
_PARTS = ("src", "style", "schema", "package.json", "yarn.lock", "tsconfig.json", "install.json")
_BUNDLED = ("fasttrack_jupyter/schema/pipeline.schema.json",)


def digest(root: Path = HERE) -> str:
    """16 hexadecimal digits over names and bytes of every source file, in order."""
    found = hashlib.sha256()
    paths = [root / part for part in _PARTS] + [root.parent / part for part in _BUNDLED]
    for path in sorted(file for part in paths for file in ([part] if part.is_file() else part.rglob("*"))):
        if path.is_file():
            found.update(path.relative_to(root.parent).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


if __name__ == "__main__":
    print(digest())
