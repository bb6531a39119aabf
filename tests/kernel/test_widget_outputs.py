"""What a task left, as HTML: files are strangers'."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from fasttrack_jupyter.kernel.results import Outputs, read_manifest
from fasttrack_jupyter.kernel.widget_outputs import outputs_html

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from shown import StandIn, task, view


def left(folder: Path, status: str = "TERMINATED", **outputs: Any) -> str:
    """The HTML of a task that left this folder and these declared outputs."""
    found = StandIn(view(task("train", status, "SUCCESS", outputs=outputs, outputs_dir=str(folder)))).tasks["train"]
    found.outputs = Outputs(found)  # type: ignore[arg-type]
    return outputs_html(found)  # type: ignore[arg-type]


def test_values_variables_and_files_are_listed(tmp_path: Path) -> None:
    """Each with what it is and its size; and the words that bring one into the notebook."""
    model = tmp_path / "variables" / "model"
    model.mkdir(parents=True)
    manifest = {"name": "model", "type": "sklearn.svm.SVC", "summary": "SVC(C=1.0)", "size": 2048}
    (model / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "report.bin").write_bytes(b"x" * 10)
    file = {"type": "File", "path": str(tmp_path / "report.bin"), "metadata": {}}
    html = left(tmp_path, accuracy=0.97, report=file)
    assert '<th scope="row">accuracy</th><td title="">0.97</td><td class="ftw-number"></td>' in html
    assert (
        '<th scope="row">model</th><td title="sklearn.svm.SVC">SVC(C=1.0)</td><td class="ftw-number">2 KiB</td>' in html
    )
    assert "10 B" in html
    assert "%fasttrack result train.accuracy" in html


def test_what_was_displayed_is_shown(tmp_path: Path) -> None:
    """Images as images, pages in a frame without rights, text as text, in their order; the rest not at all."""
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "05-1.png").write_bytes(b"\x89PNG")
    (shown / "05-2.svg").write_text("<svg onload='alert(1)'/>")
    (shown / "05-3.html").write_text("<script>alert(1)</script>")
    (shown / "05-4.json").write_text('{"a": "<b>"}')
    (shown / "05-5.exe").write_bytes(b"MZ")
    html = left(tmp_path)
    assert 'alt="05-1.png" src="data:image/png;base64,' in html
    assert 'src="data:image/svg+xml;base64,' in html
    assert '<iframe sandbox="" title="05-3.html" srcdoc="&lt;script&gt;' in html
    assert "&quot;&lt;b&gt;&quot;" in html
    assert "exe" not in html
    assert "<script" not in html


def test_what_is_too_large_or_elsewhere_is_not_shown(tmp_path: Path) -> None:
    """A link out of the outputs is not followed; a huge image is named."""
    (tmp_path / "secret.txt").write_text("hidden")
    shown = tmp_path / "outputs" / "shown"
    shown.mkdir(parents=True)
    (shown / "1.txt").symlink_to(tmp_path / "secret.txt")
    (shown / "2.png").write_bytes(bytes(2_000_000))
    html = left(tmp_path / "outputs")
    assert "hidden" not in html
    assert "2.png is too large to be shown here (1.9 MiB)." in html


def test_a_manifest_that_is_none_is_not_read(tmp_path: Path) -> None:
    """A task writes what it likes: a huge file, one that is nested without end, and a pipe that would hold us."""
    for name, content in (
        ("huge", b'{"summary": "huge", "why": "' + b"x" * (17 << 20) + b'"}'),
        ("deep", b"[" * 99_999),
    ):
        (tmp_path / "variables" / name).mkdir(parents=True)
        (tmp_path / "variables" / name / "manifest.json").write_bytes(content)
    (tmp_path / "variables" / "pipe").mkdir()
    os.mkfifo(tmp_path / "variables" / "pipe" / "manifest.json")
    assert [read_manifest(tmp_path / "variables" / name) for name in ("huge", "deep", "pipe")] == [{}, {}, {}]


def test_a_task_that_left_nothing_says_so(tmp_path: Path) -> None:
    """So far, or at all."""
    assert "train left nothing." in left(tmp_path)
    assert "train has left nothing so far." in left(tmp_path, "RUNNING")
