"""What an image resolves to: spellings, the order, and what is there already."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local import environments_found as found
from fasttrack_jupyter.backends.local.containers import ContainerEngine
from fasttrack_jupyter.backends.local.images import Spelling, parse_image, parse_requirements
from fasttrack_jupyter.backends.local.images_table import promise_of
from fasttrack_jupyter.errors import ImageUnresolved
from fasttrack_jupyter.model.problems import Severity

NGC = "cr.backend.ai/cloud/ngc-pytorch:24.09-pytorch2.5-py310-cuda12.6"
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


# ---------------------------------------------------------------- spellings


@pytest.mark.parametrize(
    ("text", "spelling", "value"),
    [
        (None, Spelling.CURRENT, ""),
        ("current", Spelling.CURRENT, ""),
        ("/opt/venv", Spelling.VENV, "/opt/venv"),
        ("venv:~/x", Spelling.VENV, "~/x"),
        ("conda:torch", Spelling.CONDA, "torch"),
        ("kernel:python3", Spelling.KERNEL, "python3"),
        ("uv:pandas>=2 six", Spelling.UV, "pandas>=2 six"),
        ("docker:python:3.12", Spelling.CONTAINER, "python:3.12"),
        ("docker:24-dind", Spelling.NAME, "docker:24-dind"),
        ("python:3.12-slim", Spelling.NAME, "python:3.12-slim"),
        (NGC, Spelling.NAME, NGC),
    ],
)
def test_images_are_spelled_as_documented(text: str | None, spelling: Spelling, value: str) -> None:
    """Prefixes mean what they say, and names of registries stay names."""
    name = parse_image(text)
    assert (name.spelling, name.value) == (spelling, value)


def test_uv_spelling_takes_python_packages_and_files() -> None:
    """The order of words does not matter: the same environment comes of them."""
    asked = parse_requirements("python=3.12 six 'pandas[excel]>=2; python_version<\"4\"' requirements.txt")
    assert asked.python == "3.12"
    assert asked.words == ('pandas[excel]>=2; python_version<"4"', "six")
    assert asked.files == ("requirements.txt",)


@pytest.mark.parametrize("text", ["--index-url=x", "six ==", "../requirements.txt", "'six", "python=3.11 python=3.12"])
def test_what_is_no_requirement_is_refused(text: str) -> None:
    """Options, half words and files elsewhere are refused before anything is built."""
    with pytest.raises(ImageUnresolved):
        parse_requirements(text)


# ---------------------------------------------------------------- the order


def test_no_image_is_this_interpreter_quietly(machine: Any) -> None:
    """``python`` exists and is the engine's own; nothing is said."""
    image, said = machine.resolved(machine.resolver(), None)
    assert (image.kind, said) == ("interpreter", [])
    assert machine.python_of(image, "import sys; print(sys.prefix)") == sys.prefix
    assert machine.resolver().check(None) is None


def test_image_that_is_nothing_here_is_stood_in_for_visibly(machine: Any) -> None:
    """By policy ``current`` this interpreter stands in: a warning beforehand, a note with the session."""
    images = machine.resolver()
    problem = images.check(NGC)
    assert problem is not None
    assert problem.severity is Severity.WARNING
    assert "images.yaml" in problem.hint
    image, said = machine.resolved(images, NGC)
    assert image.kind == "stand-in"
    assert said == [image.note] == [problem.message]


def test_strict_policy_refuses_it_instead(machine: Any) -> None:
    """By policy ``strict`` nothing is substituted."""
    images = machine.resolver(policy="strict")
    problem = images.check(NGC)
    assert problem is not None
    assert problem.severity is Severity.ERROR
    with pytest.raises(ImageUnresolved, match="ngc-pytorch"):
        machine.resolved(images, NGC)


def test_name_that_promises_this_python_is_this_interpreter(machine: Any) -> None:
    """A plain Python image of the same minor version: kept, with a notice, also by policy ``strict``."""
    image, _ = machine.resolved(
        machine.resolver(policy="strict"), f"cr.backend.ai/stable/python:{OWN}-ubuntu24.04-amd64"
    )
    assert image.kind == "interpreter"
    problem = machine.resolver().check(f"cr.backend.ai/stable/python:{OWN}-ubuntu24.04-amd64")
    assert problem is not None
    assert problem.severity is Severity.NOTICE


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("cr.backend.ai/stable/python:3.13-ubuntu24.04-amd64", "Python 3.13"),
        (NGC, "Python 3.10 with torch 2.5"),
        ("cr.backend.ai/stable/python-pytorch:2.1-py311-cuda12.1", "Python 3.11 with torch 2.1"),
        ("ngc-tensorflow:24.01-py3", "Python with tensorflow"),
    ],
)
def test_promises_are_read_from_names(image: str, told: str) -> None:
    """Python and framework, with their minor versions where the tag tells them."""
    assert str(promise_of(image)) == told


def test_promise_is_kept_by_the_same_minor_versions_only() -> None:
    """Another minor version of Python or of the framework does not do, nor does none."""
    promise = promise_of(NGC)
    assert promise is not None
    assert promise.is_kept_by("3.10.4", {"torch": "2.5.1"}.get)
    assert not promise.is_kept_by("3.11.0", {"torch": "2.5.1"}.get)
    assert not promise.is_kept_by("3.10.4", {"torch": "2.6.0"}.get)
    assert not promise.is_kept_by("3.10.4", {}.get)
    assert promise_of("ubuntu:24.04") is None


def test_users_map_comes_first_and_is_read_again(machine: Any, tmp_path: Path) -> None:
    """The exact name wins over a glob; a change of the file counts at once."""
    images = machine.resolver()
    (tmp_path / "home").mkdir()
    mapping = tmp_path / "home" / "images.yaml"
    mapping.write_text(f'"cr.backend.ai/*": "conda:nope"\n"{NGC}": current\n')
    assert machine.resolved(images, NGC)[0].kind == "interpreter"
    problem = images.check("cr.backend.ai/other:1")
    assert problem is not None
    assert "nope" in problem.message
    mapping.write_text('"cr.backend.ai/*": "venv:/nowhere/at/all"\n')
    with pytest.raises(ImageUnresolved, match="/nowhere/at/all"):
        machine.resolved(images, NGC)


def test_map_that_cannot_be_read_is_said(machine: Any, tmp_path: Path) -> None:
    """A broken file is an error that names it, not a map without entries."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "images.yaml").write_text("- a\n- b\n")
    problem = machine.resolver().check(NGC)
    assert problem is not None
    assert "images.yaml" in problem.message


def fake_engine(tmp_path: Path, name: str, image: str) -> ContainerEngine:
    """A client that knows one image."""
    client = tmp_path / name
    client.write_text(
        f'#!/bin/sh\ncase "$*" in *"{image}") echo sha256:1;; *) echo "no such image" >&2; exit 1;; esac\n'
    )
    client.chmod(0o755)
    return ContainerEngine(name, client, rootless=False, version="1")


def test_image_of_a_container_engine_runs_in_it(machine: Any, tmp_path: Path) -> None:
    """The exact image beats every stand-in; the first engine that has it is taken."""
    engines = (fake_engine(tmp_path, "podman", "x:1"), fake_engine(tmp_path, "docker", NGC))
    images = machine.resolver(engines=lambda: engines)
    image, said = machine.resolved(images, NGC)
    assert (image.kind, image.container, image.digest, said) == ("container", (engines[1], NGC), "sha256:1", [])
    assert images.check(NGC) is None


def test_engine_named_in_the_image_is_the_only_one_asked(machine: Any, tmp_path: Path) -> None:
    """``podman:`` is no stand-in's business: an image that it does not have is an error with the remedy."""
    images = machine.resolver(engines=lambda: (fake_engine(tmp_path, "podman", "x:1"),))
    assert machine.resolved(images, "podman:x:1")[0].kind == "container"
    problem = images.check("podman:y:1")
    assert problem is not None
    assert problem.hint.endswith("podman pull y:1")
    problem = images.check("docker:x:1")
    assert problem is not None
    assert "does not answer" in problem.message


# ---------------------------------------------------------------- what is there already


def test_virtual_environment_is_named_by_its_folder(machine: Any, tmp_path: Path) -> None:
    """Its Python runs; a folder that is none is an error."""
    prefix = machine.make_venv(tmp_path / "my venv")
    image, _ = machine.resolved(machine.resolver(), str(prefix))
    assert machine.python_of(image, "import sys; print(sys.prefix)") == str(prefix)
    assert machine.resolver().check(f"venv:{tmp_path}/none") is not None
    assert machine.resolver().check("venv:relative/path") is not None


def test_environment_that_vanished_is_noticed_at_once(machine: Any, tmp_path: Path) -> None:
    """What was known a second ago is not used when it is gone."""
    prefix = machine.make_venv(tmp_path / "venv")
    images = machine.resolver()
    machine.resolved(images, str(prefix))
    prefix.rename(tmp_path / "gone")
    with pytest.raises(ImageUnresolved, match="does not exist"):
        machine.resolved(images, str(prefix))


def test_conda_environment_is_found_by_name_with_its_variables(machine: Any, tmp_path: Path) -> None:
    """In the folders that conda itself would look into; its ``config vars`` come along."""
    prefix = tmp_path / "miniconda3" / "envs" / "torch"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").symlink_to(sys.executable)
    (prefix / "conda-meta" / "state").write_text(json.dumps({"env_vars": {"DATA": "/data"}}))
    image, _ = machine.resolved(machine.resolver(environ={"HOME": str(tmp_path), "PATH": ""}), "conda:torch")
    assert image.path_prepend == (prefix / "bin",)
    assert image.environ == {"DATA": "/data", "CONDA_PREFIX": str(prefix), "CONDA_DEFAULT_ENV": "torch"}


def test_unknown_conda_environment_names_those_that_exist(machine: Any, tmp_path: Path) -> None:
    """A typing error is easy to see."""
    (tmp_path / "miniconda3" / "envs" / "torch" / "conda-meta").mkdir(parents=True)
    problem = machine.resolver(environ={"HOME": str(tmp_path), "PATH": ""}).check("conda:troch")
    assert problem is not None
    assert problem.hint == "conda environments here: torch"


def make_kernel(root: Path, name: str, spec: dict[str, object]) -> None:
    folder = root / "kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))


def test_kernel_is_the_python_that_its_spec_starts(machine: Any, tmp_path: Path) -> None:
    """Found on Jupyter's data path, whatever the case of its name; its variables come along."""
    prefix = machine.make_venv(tmp_path / "venv")
    argv = [str(prefix / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    make_kernel(tmp_path / "data", "Torch", {"argv": argv, "env": {"A": "1"}, "display_name": "Torch"})
    environ = {"JUPYTER_PATH": str(tmp_path / "data"), "HOME": str(tmp_path), "PATH": ""}
    image, _ = machine.resolved(machine.resolver(environ=environ), "kernel:torch")
    assert image.environ == {"VIRTUAL_ENV": str(prefix), "A": "1"}
    assert machine.python_of(image, "import sys; print(sys.prefix)") == str(prefix)


def test_kernel_that_is_no_python_is_refused(machine: Any, tmp_path: Path) -> None:
    """R's kernel, or a wrapper script, is said to be what it is."""
    make_kernel(tmp_path / "data", "ir", {"argv": ["R", "--slave"]})
    environ = {"JUPYTER_PATH": str(tmp_path / "data"), "HOME": str(tmp_path), "PATH": ""}
    problem = machine.resolver(environ=environ).check("kernel:ir")
    assert problem is not None
    assert "'R'" in problem.message


def test_kernel_with_a_bare_python_is_this_interpreter(tmp_path: Path) -> None:
    """As Jupyter does it."""
    assert found.find_kernel("python3", {"HOME": str(tmp_path)}).prefix == Path(sys.prefix)
