"""Names and values that a careless program would trip over: spaces, quotes, newlines, Korean, the shell's own words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fasttrack_jupyter.errors import BadRequest, Conflict, FastTrackError, Forbidden, InvalidPipeline, Refused

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

NASTY = 'it\'s "here"; $(touch /tmp/ft-pwned) `id` ${HOME} \\ * ~ & | < > # !\n둘째 줄\tend  '
"""Whatever a shell would act upon, two lines, Korean, spaces at the end."""


def fasttrack(place: Place, *words: str, folder: Path, status: int = 0) -> str:
    """What a command of the command line prints."""
    argv = [sys.executable, "-m", "fasttrack_jupyter.cli", *words]
    environ = {**os.environ, **place.environ}
    done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def test_tasks_may_have_names_in_any_script(place: Place) -> None:
    """Spaces and Korean in the names of pipeline and tasks, in dependencies, inputs and outputs."""
    job = place.run(
        {
            "name": "데이터 준비 1", "outputs": {"data": {"type": "Text", "path": "자료 모음/첫 파일.txt"}},
            "command": "mkdir '/pipeline/outputs/자료 모음'; echo 안녕 > '/pipeline/outputs/자료 모음/첫 파일.txt'",
        },
        {
            "name": "모델 학습-2_b", "dependencies": ["데이터 준비 1"], "inputs": {"data": "데이터 준비 1.data"},
            "command": "cat '/pipeline/input1/자료 모음/첫 파일.txt' ${{ inputs.data }}",
        },
        name=f"손글씨 인식 {place.mode}",
    )  # fmt: skip
    assert job["result"] == "SUCCESS", job["tasks"]
    assert place.log(job["id"], "모델 학습-2_b") == "안녕\n안녕\n"
    assert Path(job["outputs"]["데이터 준비 1"]["data"]["path"]).read_text() == "안녕\n"


def test_environment_values_arrive_byte_for_byte(place: Place) -> None:
    """Quotes, newlines and what looks like commands are text."""
    command = f"{sys.executable} -c 'import os, sys; sys.stdout.write(ascii(os.environ[\"VALUE\"]))'"
    _, log = place.sh(command, environment={"envs": {"VALUE": NASTY, "빈 값": ""}})
    assert log == ascii(NASTY)
    assert not Path("/tmp/ft-pwned").exists()


def test_parameters_are_quoted_for_the_shell(place: Place) -> None:
    """The same text through ``${{ params.x }}`` in a command: one word, nothing executed."""
    program = "import sys; print(ascii(sys.argv[1:]))"
    job = place.run(
        {"name": "t", "command": f"{sys.executable} -c '{program}' ${{{{ params.x }}}} end"},
        params=[{"name": "x", "type": "str", "default": NASTY}],
    )
    assert place.log(job["id"]) == f"{[NASTY, 'end']!a}\n"
    assert not Path("/tmp/ft-pwned").exists()


def test_values_of_outputs_are_quoted_for_the_shell(place: Place) -> None:
    """What a task wrote is inserted into the next one's command as text, whatever it is."""
    program = "import sys; print(ascii(sys.argv[1]))"
    write = (
        "import os, pathlib; p = pathlib.Path(os.environ['PIPELINE_OUTPUTS'], '.values'); p.mkdir(); "
        "(p / 'v').write_text(os.environ['V'])"
    )
    job = place.run(
        {
            "name": "a", "command": f'{sys.executable} -c "{write}"', "environment": {"envs": {"V": NASTY}},
            "outputs": {"v": {"type": "str"}},
        },
        {"name": "b", "inputs": {"v": "a.v"}, "command": f"{sys.executable} -c '{program}' ${{{{ inputs.v }}}}"},
    )  # fmt: skip
    assert place.log(job["id"], "b").strip() == ascii(job["outputs"]["a"]["v"])
    assert job["outputs"]["a"]["v"].rstrip() == NASTY.rstrip()
    assert not Path("/tmp/ft-pwned").exists()


@pytest.mark.parametrize(
    "name", ["$(touch x)", "`id`", "a/b", "../a", "a;b", "a'b", 'a"b', "a\nb", "", "x" * 65, "-rf *", "a|b", "."]
)
def test_names_that_could_do_harm_are_refused(any_place: Place, name: str) -> None:
    """As the name of a task: with a clear error, and no job."""
    with pytest.raises(InvalidPipeline) as caught:
        any_place.start({"name": name, "command": "true"})
    assert any(problem["code"] for problem in caught.value.details["problems"])


@pytest.mark.parametrize(
    "name",
    ["$(touch x)", "a/../b", "it's", 'sa"y', "두 단어", "two\nlines", ".hidden", "%41", "-rf", "..", "~", "x" * 120],
)
def test_folders_stay_what_they_are_called(place: Place, name: str, tmp_path: Path) -> None:
    """A vfolder of any name is made, mounted and removed as that very name, or refused; nothing is executed."""
    try:
        made = place.client.make_folder(name, "data")
    except (BadRequest, Forbidden, Conflict):
        return
    try:
        root = place.home / "folders"
        assert Path(made["host_path"]).parent == root
        assert made["name"] == name
        (Path(made["host_path"]) / "f").write_text("inside\n")
        mount = f"{name}:/mnt/data-of-this-test"
        try:
            _, log = place.sh("cat /mnt/data-of-this-test/f", mounts=[mount])
        except InvalidPipeline:
            assert set(name) & set(":\n/") or name in (".", "..", "~") or len(name) > 64
        else:
            assert log == "inside\n"
        assert name in {folder["name"] for folder in place.client.folders()}
    finally:
        place.client.remove_folder(name)
    assert not Path(made["host_path"]).exists()
    assert not list(place.home.rglob("x"))


def test_aliases_of_mounts_may_have_spaces_and_korean(place: Place) -> None:
    """Below /home/work, in folders that are made on the way."""
    name = f"원본 자료 {place.mode}"
    place.client.make_folder(name, "data")
    _, log = place.sh(
        "echo 쓰기 > '깊은/별명 하나/f'; cat '/home/work/깊은/별명 하나/f'", mounts=[f"{name}:깊은/별명 하나"]
    )
    assert log == "쓰기\n"


def test_files_of_any_name_come_out(place: Place, tmp_path: Path) -> None:
    """``outputs -o`` writes them under the same names; so does the API, one by one."""
    names = ["두 단어.txt", 'it\'s "quoted"', "new\nline", "$(touch x)", "-rf", "#hash?query&x=1", "100%", "a/b c/d"]
    program = (
        "import json, os, pathlib\nfor n in json.loads(os.environ['N']):\n"
        " p = pathlib.Path(os.environ['PIPELINE_OUTPUTS'], n); p.parent.mkdir(parents=True, exist_ok=True)\n"
        " p.write_text(n)"
    )
    job = place.run(
        {
            "name": "t t",
            "command": f'{sys.executable} -c "$P"',
            "environment": {"envs": {"P": program, "N": json.dumps(names)}},
        }
    )
    assert job["result"] == "SUCCESS", place.log(job["id"], "t t")
    files = {entry["path"] for entry in place.client.outputs(job["id"], "t t") if not entry["is_dir"]}
    assert files == set(names)
    for name in names:
        assert b"".join(place.client.read_output(job["id"], "t t", name)).decode() == name
    fasttrack(place, "outputs", job["id"], "t t", "-o", "나온 것", folder=tmp_path)
    copied = {
        path.relative_to(tmp_path / "나온 것").as_posix(): path.read_text()
        for path in (tmp_path / "나온 것").rglob("*")
        if path.is_file()
    }
    assert {name.removeprefix("t t/"): text for name, text in copied.items()} == {name: name for name in names}


def test_job_names_tags_and_notes_are_free_text(any_place: Place) -> None:
    """They come back as they were, can be changed and searched for."""
    tags = ["it's", "태그 하나", "a,b", "$(touch x)", "%_"]
    about = {"name": NASTY, "tags": tags, "note": '첫 줄\n"둘째"'}
    job = any_place.run({"name": "t", "command": "true"}, request=about)
    assert {key: job[key] for key in about} == about
    for tag in tags:
        assert [found["id"] for found in any_place.client.jobs(tag=tag)] == [job["id"]]
    any_place.client.annotate(job["id"], name="다른 이름", tags=["x y"], note="")
    assert any_place.client.job(job["id"])["name"] == "다른 이름"
    assert [found["id"] for found in any_place.client.jobs(text="다른 이")] == [job["id"]]


def test_pipelines_are_found_by_their_names(any_place: Place, tmp_path: Path) -> None:
    """``이름 둘#1`` on the command line."""
    job = any_place.run({"name": "한 일", "command": "echo 잘됨"}, name="이름 둘 'x'")
    assert fasttrack(any_place, "logs", "이름 둘 'x'#1", "한 일", folder=tmp_path) == "잘됨\n"
    shown = json.loads(fasttrack(any_place, "show", "이름 둘 'x'#1", "--json", folder=tmp_path))
    assert shown["id"] == job["id"]


def test_a_pipeline_is_run_from_a_folder_with_a_strange_name(place: Place, tmp_path: Path) -> None:
    """Its code as well, under names with spaces, quotes and Korean."""
    folder = tmp_path / '내 "프로젝트" $(x)'
    folder.mkdir()
    (folder / "it's 스크립트.py").write_text("print('돌았다')\n")
    text = f'name: 이상한 곳 {place.mode}\ntasks:\n- name: t\n  command: {sys.executable} "it\'s 스크립트.py"\n'
    (folder / "p q.fasttrack.yaml").write_text(text)
    told = json.loads(fasttrack(place, "run", "p q.fasttrack.yaml", "--json", folder=folder))
    assert told["result"] == "SUCCESS", place.log(told["id"])
    assert place.log(told["id"]) == "돌았다\n"


def test_parameters_come_from_the_command_line_as_they_are(any_place: Place, tmp_path: Path) -> None:
    """``--param`` splits at the first ``=`` and nowhere else."""
    task = "- {name: t, command: 'printf %s ${{ params.x }}'}"
    text = f"name: from the line\nparams: [{{name: x, type: str}}]\ntasks:\n{task}\n"
    (tmp_path / "p.yaml").write_text(text)
    told = json.loads(fasttrack(any_place, "run", "p.yaml", "--param", f"x=a=b {NASTY}", "--json", folder=tmp_path))
    assert any_place.log(told["id"]) == f"a=b {NASTY}"


def test_secret_and_parameter_names_are_checked(any_place: Place) -> None:
    """No name leads anywhere."""
    for name in ("../x", "a b", "$(x)", ""):
        with pytest.raises((BadRequest, FastTrackError)) as caught:
            any_place.client.set_secret(name, "value-of-it")
        assert caught.value.status_hint < 500
    with pytest.raises((InvalidPipeline, Refused)):
        any_place.start({"name": "t", "command": "true"}, params=[{"name": "a b", "type": "str", "default": "x"}])


def test_a_home_may_have_any_path(new_place: Any, tmp_path: Path) -> None:
    """Spaces, quotes and Korean in the path of the home itself, in both modes."""
    for mode in ("folders", "namespaces"):
        place = new_place(mode, tmp_path / f'나의 "집" it\'s {mode}')
        job = place.run(
            {"name": "a", "command": "echo 된다 > /pipeline/outputs/f; pwd; ls /pipeline/vfroot"},
            {"name": "b", "command": "cat /pipeline/input1/f", "dependencies": ["a"]},
        )
        assert job["result"] == "SUCCESS", (mode, job["tasks"])
        assert place.log(job["id"], "b") == "된다\n"
