"""Makes ``terminal.svg``, the picture in the README: one moment of a real run of the digits example.

.venv/bin/python examples/screenshots/make.py
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from fasttrack_jupyter.cli.board import Move
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.feed import Around
from fasttrack_jupyter.cli.follow import follow
from fasttrack_jupyter.cli.live import LiveView

HERE = Path(__file__).parent
PIPELINE = HERE.parent / "digits" / "digits.fasttrack.yaml"
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""What would make a reader's browser fetch a font from elsewhere."""


class Camera(LiveView):
    """The live view; keeps the picture of its busiest frame."""

    def __init__(self) -> None:
        self._film = Console(
            file=io.StringIO(), record=True, force_terminal=True, color_system="truecolor", width=100, height=24
        )
        super().__init__(self._film)
        self._most = -1
        self.picture = ""

    def show(self, moves: list[Move], around: Around) -> tuple[str, ...]:
        """As the live view does; what it drew is kept if more is going on than in the picture so far."""
        self._film.export_text()  # forgets the frames before
        wanted = super().show(moves, around)
        picture = self._film.export_svg(
            title="fasttrack run digits.fasttrack.yaml",
            theme=DEFAULT_TERMINAL_THEME,
            unique_id="fasttrack",
            clear=False,
        )
        if self._film.export_text().strip() and len(around.tails) + len(wanted) >= self._most:
            self._most = len(around.tails) + len(wanted)
            self.picture = _FONTS.sub("", picture).replace("Fira Code, ", "")
        return wanted


def main() -> None:
    """Run the example, watch it, keep the picture."""
    os.environ["COLORFGBG"] = "0;15"  # the colours for a light background
    face, camera = Face(), Camera()
    made = face.client.run({"text": PIPELINE.read_text(encoding="utf-8"), "source": str(PIPELINE)})
    follow(face, made["id"], camera)
    (HERE / "terminal.svg").write_text(camera.picture, encoding="utf-8")
    face.close()


if __name__ == "__main__":
    main()
