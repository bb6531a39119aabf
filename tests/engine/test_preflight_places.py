"""What a plan finds about tasks is told at its place in the text."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.scripts import script_of
from fasttrack_jupyter.engine.views import Decision, JobRequest, PlanView
from fasttrack_jupyter.errors import InvalidPipeline

TEXT = """\
name: p
resources: {cuda.device: 99}
tasks:
- name: a
  command: echo
  resources:
    cpu: 1
    memory: 900t
  mounts: [nofolder:alias]
- name: b
  command: echo
- name: c
  command: |
    python train.py --lr 1
"""


def plan(engine: Any, folder: Path, text: str = TEXT, **how: Any) -> PlanView:
    """The plan of a pipeline beside one file, on a real backend."""
    (folder / "src").mkdir()
    (folder / "src" / "trian.py").touch()
    (folder / "src" / "p.fasttrack.yaml").write_text(text)

    async def go() -> PlanView:
        backend = LocalBackend(LocalSettings(folder / "home", mode="folders", **how))
        async with engine.on(backend) as fasttrack:
            return await fasttrack.plan(JobRequest(source=str(folder / "src" / "p.fasttrack.yaml")))

    return asyncio.run(go())


def test_each_refusal_is_told_where_it_comes_from(engine: Any, tmp_path: Path) -> None:
    """At the task's own key, at the pipeline's default where that decides, under an old name as well."""
    view = plan(engine, tmp_path)
    assert {task.path: task.decision for task in view.tasks} == dict.fromkeys("abc", Decision.REFUSE)
    assert [(p.code, p.line, p.column, p.path) for p in view.problems if p.severity == "error"] == [
        ("never_fits", 2, 26, ("resources", "cuda.device")),
        ("never_fits", 8, 13, ("tasks", 0, "resources", "memory")),
        ("no_folder", 9, 12, ("tasks", 0, "mounts", 0)),
        ("no_file", 13, 12, ("tasks", 2, "command")),
    ]
    assert [p.hint for p in view.problems if p.code == "no_file"] == ["did you mean 'trian.py'?"]


def test_an_image_that_nothing_stands_for_is_told_at_its_place(engine: Any, tmp_path: Path) -> None:
    """Where stand-ins are not wanted it refuses the task."""
    text = "name: p\ntasks:\n- name: a\n  command: echo\n  environment: {image: no/such:1}\n"
    view = plan(engine, tmp_path, text, image_policy="strict")
    assert view.tasks[0].decision is Decision.REFUSE
    assert [(p.line, p.column, p.value) for p in view.problems] == [(5, 24, "no/such:1")]


def test_a_missing_secret_is_told_at_its_place(engine: Any, tmp_path: Path) -> None:
    """It is an error of the text, so there is no plan."""
    text = "name: p\ntasks:\n- name: a\n  command: x\n  environment: {envs: {A: '${{ secrets.NOPE }}'}}\n"
    with pytest.raises(InvalidPipeline) as raised:
        plan(engine, tmp_path, text)
    assert [(p.code, p.line) for p in raised.value.problems] == [("unknown-secret", 5)]


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("python train.py --lr 1", "train.py"),
        ("  python3.11 -u ./src/train.py\n", "src/train.py"),
        ("exec bash run.sh", "run.sh"),
        ("git clone x && python train.py", None),
        ("python -m train", None),
        ("python -c 'print(1)'", None),
        ("python ${{ params.script }}.py", None),
        ("python /pipeline/code/train.py", None),
        ("python ../train.py", None),
    ],
)
def test_only_a_script_that_is_certain_is_looked_for(command: str, script: str | None) -> None:
    """A task is never refused for a guess."""
    assert script_of(command) == script
