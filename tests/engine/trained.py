"""A backend whose tasks leave a model, for the tests of the registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.testing.fakes import FakeBackend

MODEL = "outputs: {model: {type: Model, path: model, register: digits}, accuracy: float}"
TRAIN = "{name: train, command: learn, " + MODEL + "}"
FILES = {"model/weights.bin": b"w" * 1000, "model/code/serve.py": b"serve"}
PARAMS = "params: [{name: lr, type: float, default: 0.1}]\n"


class Trained(FakeBackend):
    """Its tasks leave a model and how good it is; ``at`` is awaited before and after each change of a vfolder."""

    def __init__(self, earlier: FakeBackend | None = None, accuracy: float = 0.9) -> None:
        kept: dict[str, Any] = {"sessions": earlier.sessions, "contents": earlier.contents} if earlier else {}
        super().__init__(self._leave, **kept)
        self.folder_infos = earlier.folder_infos if earlier else {}
        self.started = earlier.started if earlier else []
        self.accuracy, self.leaves = accuracy, dict(FILES)
        self.at: Callable[[], Awaitable[None]] = go_on

    def _leave(self, spec: SessionSpec) -> int:
        self.values[spec.path] = {"accuracy": str(self.accuracy)}
        files = self.contents.setdefault(spec.folder, {})
        files |= {f"{spec.outputs}/": b"", f"{spec.outputs}/model/": b""}
        files |= {f"{spec.outputs}/{name}": data for name, data in self.leaves.items()}
        return 0

    async def make_folder(self, name: str, usage_mode: str, pipeline: str | None = None) -> Any:
        await self.at()
        made = await super().make_folder(name, usage_mode, pipeline)
        await self.at()
        return made

    async def put_file(self, *args: Any, **how: Any) -> None:
        await self.at()
        await super().put_file(*args, **how)
        await self.at()


async def go_on() -> None:
    return
