"""A machine on which images are resolved: a home, a folder of wheels as the only package index, no container engine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local import environments_uv as uv
from fasttrack_jupyter.backends.local.environments import ImageResolver, ResolvedImage


class Machine:
    """Everything is below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root / "wheels"
        self.wheels.mkdir()

    def offline(self, **more: str) -> dict[str, str]:
        """An environment in which uv finds packages in one folder and nowhere else."""
        pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        own = {"UV_CACHE_DIR": str(self.root / "uv-cache"), "UV_HTTP_RETRIES": "0"}
        return {"PATH": os.environ["PATH"], "HOME": str(self.root), **pip, **own, **more}

    def make_wheel(self, name: str, text: str) -> None:
        """A wheel with one module: as small as they get."""
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(self.wheels / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", text)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")

    def make_venv(self, prefix: Path) -> Path:
        """An empty virtual environment."""
        subprocess.run([uv.uv_binary(), "venv", "--quiet", "--python", sys.executable, str(prefix)], check=True)
        return prefix

    def resolver(self, **others: object) -> ImageResolver:
        """Of this machine."""
        usual: dict[str, object] = {"engines": lambda: (), "environ": self.offline()}
        return ImageResolver(self.root / "home", **{**usual, **others})  # type: ignore[arg-type]

    def resolved(
        self, images: ImageResolver, image: str | None, code: Path | None = None
    ) -> tuple[ResolvedImage, list[str]]:
        """What ``image`` is, and what was said on the way."""
        said: list[str] = []
        return asyncio.run(images.resolve(image, said.append, code)), said

    def python_of(self, image: ResolvedImage, program: str) -> str:
        """What a program prints that is started as a session would start it."""
        environ = {**image.environ, "PATH": f"{image.path_prepend[0]}:/usr/bin:/bin"}
        argv = ["/bin/sh", "-c", 'python -c "$0"', program]
        return subprocess.run(argv, env=environ, capture_output=True, check=True).stdout.decode().strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A fresh one, in the test's own folder."""
    return Machine(tmp_path)
