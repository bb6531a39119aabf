"""What an image resolves to: the order, what is there already, and environments that uv really builds.

The builds take one tiny package from the package index as this machine is configured; where it does not
answer they are skipped and say so. Everything that is about failing and waiting uses local folders as the index.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local import environments_found as found
from fasttrack_jupyter.backends.local import environments_uv as uv
from fasttrack_jupyter.backends.local.containers import ContainerEngine
from fasttrack_jupyter.backends.local.environments import ImageResolver, ResolvedImage
from fasttrack_jupyter.backends.local.environments_pip import uv_environ
from fasttrack_jupyter.backends.local.images import Spelling, parse_image, parse_requirements
from fasttrack_jupyter.backends.local.images_table import promise_of
from fasttrack_jupyter.errors import BackendUnreachable, ImageUnresolved
from fasttrack_jupyter.model.problems import Severity

NGC = "cr.backend.ai/cloud/ngc-pytorch:24.09-pytorch2.5-py310-cuda12.6"
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def offline(wheels: Path, **more: str) -> dict[str, str]:
    """An environment in which uv finds packages in one folder and nowhere else."""
    wheels.mkdir(parents=True, exist_ok=True)
    quiet = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    cache = {"UV_CACHE_DIR": str(wheels.parent / "uv-cache"), "UV_HTTP_RETRIES": "0"}
    return {"PATH": os.environ["PATH"], "HOME": str(wheels.parent), **quiet, **cache, **more}


def make_wheel(wheels: Path, name: str, text: str) -> None:
    """A wheel with one module: as small as they get."""
    wheels.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheels / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", text)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


def resolver(tmp_path: Path, environ: Mapping[str, str] | None = None, **others: object) -> ImageResolver:
    """Of a machine without container engines, whose index is a folder."""
    usual: dict[str, object] = {"engines": lambda: (), "environ": environ or offline(tmp_path / "wheels")}
    return ImageResolver(tmp_path / "home", **{**usual, **others})  # type: ignore[arg-type]


def resolved(images: ImageResolver, image: str | None, code: Path | None = None) -> tuple[ResolvedImage, list[str]]:
    said: list[str] = []
    return asyncio.run(images.resolve(image, said.append, code)), said


def python_of(image: ResolvedImage, program: str) -> str:
    """What a program prints that is started as a session would start it."""
    environ = {**image.environ, "PATH": f"{image.path_prepend[0]}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", 'python -c "$0"', program], env=environ, capture_output=True, check=True)
    return done.stdout.decode().strip()


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


def test_no_image_is_this_interpreter_quietly(tmp_path: Path) -> None:
    """``python`` exists and is the engine's own; nothing is said."""
    image, said = resolved(resolver(tmp_path), None)
    assert (image.kind, said) == ("interpreter", [])
    assert python_of(image, "import sys; print(sys.prefix)") == sys.prefix
    assert resolver(tmp_path).check(None) is None


def test_image_that_is_nothing_here_is_stood_in_for_visibly(tmp_path: Path) -> None:
    """By policy ``current`` this interpreter stands in: a warning beforehand, a note with the session."""
    images = resolver(tmp_path)
    problem = images.check(NGC)
    assert problem is not None
    assert problem.severity is Severity.WARNING
    assert "images.yaml" in problem.hint
    image, said = resolved(images, NGC)
    assert image.kind == "stand-in"
    assert said == [image.note] == [problem.message]


def test_strict_policy_refuses_it_instead(tmp_path: Path) -> None:
    """By policy ``strict`` nothing is substituted."""
    images = resolver(tmp_path, policy="strict")
    problem = images.check(NGC)
    assert problem is not None
    assert problem.severity is Severity.ERROR
    with pytest.raises(ImageUnresolved, match="ngc-pytorch"):
        resolved(images, NGC)


def test_name_that_promises_this_python_is_this_interpreter(tmp_path: Path) -> None:
    """A plain Python image of the same minor version: kept, with a notice, also by policy ``strict``."""
    image, _ = resolved(resolver(tmp_path, policy="strict"), f"cr.backend.ai/stable/python:{OWN}-ubuntu24.04-amd64")
    assert image.kind == "interpreter"
    problem = resolver(tmp_path).check(f"cr.backend.ai/stable/python:{OWN}-ubuntu24.04-amd64")
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


def test_users_map_comes_first_and_is_read_again(tmp_path: Path) -> None:
    """The exact name wins over a glob; a change of the file counts at once."""
    images = resolver(tmp_path)
    (tmp_path / "home").mkdir()
    mapping = tmp_path / "home" / "images.yaml"
    mapping.write_text(f'"cr.backend.ai/*": "conda:nope"\n"{NGC}": current\n')
    assert resolved(images, NGC)[0].kind == "interpreter"
    problem = images.check("cr.backend.ai/other:1")
    assert problem is not None
    assert "nope" in problem.message
    mapping.write_text('"cr.backend.ai/*": "venv:/nowhere/at/all"\n')
    with pytest.raises(ImageUnresolved, match="/nowhere/at/all"):
        resolved(images, NGC)


def test_map_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A broken file is an error that names it, not a map without entries."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "images.yaml").write_text("- a\n- b\n")
    problem = resolver(tmp_path).check(NGC)
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


def test_image_of_a_container_engine_runs_in_it(tmp_path: Path) -> None:
    """The exact image beats every stand-in; the first engine that has it is taken."""
    engines = (fake_engine(tmp_path, "podman", "x:1"), fake_engine(tmp_path, "docker", NGC))
    images = resolver(tmp_path, engines=lambda: engines)
    image, said = resolved(images, NGC)
    assert (image.kind, image.container, image.digest, said) == ("container", (engines[1], NGC), "sha256:1", [])
    assert images.check(NGC) is None


def test_engine_named_in_the_image_is_the_only_one_asked(tmp_path: Path) -> None:
    """``podman:`` is no stand-in's business: an image that it does not have is an error with the remedy."""
    images = resolver(tmp_path, engines=lambda: (fake_engine(tmp_path, "podman", "x:1"),))
    assert resolved(images, "podman:x:1")[0].kind == "container"
    problem = images.check("podman:y:1")
    assert problem is not None
    assert problem.hint.endswith("podman pull y:1")
    problem = images.check("docker:x:1")
    assert problem is not None
    assert "does not answer" in problem.message


# ---------------------------------------------------------------- what is there already


def make_venv(prefix: Path) -> Path:
    """An empty virtual environment."""
    subprocess.run([uv.uv_binary(), "venv", "--quiet", "--python", sys.executable, str(prefix)], check=True)
    return prefix


def test_virtual_environment_is_named_by_its_folder(tmp_path: Path) -> None:
    """Its Python runs; a folder that is none is an error."""
    prefix = make_venv(tmp_path / "my venv")
    image, _ = resolved(resolver(tmp_path), str(prefix))
    assert python_of(image, "import sys; print(sys.prefix)") == str(prefix)
    assert resolver(tmp_path).check(f"venv:{tmp_path}/none") is not None
    assert resolver(tmp_path).check("venv:relative/path") is not None


def test_environment_that_vanished_is_noticed_at_once(tmp_path: Path) -> None:
    """What was known a second ago is not used when it is gone."""
    prefix = make_venv(tmp_path / "venv")
    images = resolver(tmp_path)
    resolved(images, str(prefix))
    prefix.rename(tmp_path / "gone")
    with pytest.raises(ImageUnresolved, match="does not exist"):
        resolved(images, str(prefix))


def test_conda_environment_is_found_by_name_with_its_variables(tmp_path: Path) -> None:
    """In the folders that conda itself would look into; its ``config vars`` come along."""
    prefix = tmp_path / "miniconda3" / "envs" / "torch"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").symlink_to(sys.executable)
    (prefix / "conda-meta" / "state").write_text(json.dumps({"env_vars": {"DATA": "/data"}}))
    image, _ = resolved(resolver(tmp_path, environ={"HOME": str(tmp_path), "PATH": ""}), "conda:torch")
    assert image.path_prepend == (prefix / "bin",)
    assert image.environ == {"DATA": "/data", "CONDA_PREFIX": str(prefix), "CONDA_DEFAULT_ENV": "torch"}


def test_unknown_conda_environment_names_those_that_exist(tmp_path: Path) -> None:
    """A typing error is easy to see."""
    (tmp_path / "miniconda3" / "envs" / "torch" / "conda-meta").mkdir(parents=True)
    problem = resolver(tmp_path, environ={"HOME": str(tmp_path), "PATH": ""}).check("conda:troch")
    assert problem is not None
    assert problem.hint == "conda environments here: torch"


def make_kernel(root: Path, name: str, spec: dict[str, object]) -> None:
    folder = root / "kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))


def test_kernel_is_the_python_that_its_spec_starts(tmp_path: Path) -> None:
    """Found on Jupyter's data path, whatever the case of its name; its variables come along."""
    prefix = make_venv(tmp_path / "venv")
    argv = [str(prefix / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    make_kernel(tmp_path / "data", "Torch", {"argv": argv, "env": {"A": "1"}, "display_name": "Torch"})
    environ = {"JUPYTER_PATH": str(tmp_path / "data"), "HOME": str(tmp_path), "PATH": ""}
    image, _ = resolved(resolver(tmp_path, environ=environ), "kernel:torch")
    assert image.environ == {"VIRTUAL_ENV": str(prefix), "A": "1"}
    assert python_of(image, "import sys; print(sys.prefix)") == str(prefix)


def test_kernel_that_is_no_python_is_refused(tmp_path: Path) -> None:
    """R's kernel, or a wrapper script, is said to be what it is."""
    make_kernel(tmp_path / "data", "ir", {"argv": ["R", "--slave"]})
    environ = {"JUPYTER_PATH": str(tmp_path / "data"), "HOME": str(tmp_path), "PATH": ""}
    problem = resolver(tmp_path, environ=environ).check("kernel:ir")
    assert problem is not None
    assert "'R'" in problem.message


def test_kernel_with_a_bare_python_is_this_interpreter(tmp_path: Path) -> None:
    """As Jupyter does it."""
    assert found.find_kernel("python3", {"HOME": str(tmp_path)}).prefix == Path(sys.prefix)


# ---------------------------------------------------------------- pip's configuration


def test_pips_configuration_is_said_in_uvs_words(tmp_path: Path) -> None:
    """Files in pip's order, variables over them, folders that are not there left out."""
    config = tmp_path / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text(
        "[global]\nindex-url = https://a.example/simple\ntrusted_host = a.example\ntimeout = 20.5\n"
        f"find-links = {tmp_path} /nowhere/at/all\n[install]\nextra-index-url =\n  https://b.example\n  https://c.example\n"
    )
    named = tmp_path / "named.conf"
    named.write_text("[global]\nindex-url = https://d.example/simple\n")
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(named), "PIP_TRUSTED_HOST": "e.example"}
    found_in = {key: value for key, value in uv_environ(environ).items() if key != "SSL_CERT_FILE"}
    assert found_in == {
        "UV_DEFAULT_INDEX": "https://d.example/simple",
        "UV_INDEX": "https://b.example https://c.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": str(tmp_path),
        "UV_INSECURE_HOST": "e.example",
        "UV_HTTP_TIMEOUT": "20",
    }


def test_uvs_own_variables_win(tmp_path: Path) -> None:
    """Who configured uv meant it; PIP_CONFIG_FILE=/dev/null means no files."""
    environ = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "https://a.example", "UV_DEFAULT_INDEX": "https://b"}
    assert uv_environ(environ) == {}


# ---------------------------------------------------------------- environments that uv builds


def test_environment_is_built_from_the_configured_index(tmp_path: Path) -> None:
    """A real package from the real index; its progress is said."""
    images = resolver(tmp_path, environ=dict(os.environ))
    try:
        image, said = resolved(images, "uv:six")
    except (BackendUnreachable, ImageUnresolved) as error:
        reached = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "-d", str(tmp_path / "pip"), "six"],
            capture_output=True, check=False,
        )  # fmt: skip
        if reached.returncode:
            pytest.skip(f"pip reaches no package index either: {error}")
        raise
    assert image.kind == "uv"
    assert python_of(image, "import six; print(six.__name__)") == "six"
    assert any("six" in words for words in said)


def test_environment_is_whole_compiled_and_read_only(tmp_path: Path) -> None:
    """Its modules are compiled, nothing in it can be written, and its folder is named for gc."""
    make_wheel(tmp_path / "wheels", "tiny", "X = 41\n")
    image, _ = resolved(resolver(tmp_path), "uv:tiny")
    root = image.readonly_paths[0]
    assert image.digest == root.name
    assert list(root.rglob("tiny.*.pyc"))
    assert not [path for path in (root, *root.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o222]


def test_environment_that_is_there_costs_next_to_nothing(tmp_path: Path) -> None:
    """The median of a hit is below 0.2 ms, also in a resolver that has seen it before only on the disk."""
    make_wheel(tmp_path / "wheels", "tiny", "")
    first, _ = resolved(resolver(tmp_path), "uv:tiny")
    images = resolver(tmp_path)

    async def timed() -> list[float]:
        taken = []
        for _ in range(101):
            began = time.perf_counter()
            await images.resolve("uv:tiny", lambda words: pytest.fail(words))
            taken.append(time.perf_counter() - began)
        return sorted(taken)

    assert asyncio.run(timed())[50] < 0.0002
    assert resolved(images, "uv:tiny")[0].digest == first.digest


def test_many_builders_at_once_build_once(tmp_path: Path) -> None:
    """Two engines with three sessions each: one of them builds, the others wait for it."""
    make_wheel(tmp_path / "wheels", "tiny", "")
    engines = [resolver(tmp_path), resolver(tmp_path)]
    said: list[str] = []

    async def all_at_once() -> list[ResolvedImage]:
        return await asyncio.gather(*(images.resolve("uv:tiny", said.append) for images in engines for _ in range(3)))

    assert len({image.digest for image in asyncio.run(all_at_once())}) == 1
    assert sum(words.startswith("building") for words in said) == 1
    assert any(words.startswith("waiting") for words in said)


def test_failing_requirement_says_what_uv_says(tmp_path: Path) -> None:
    """uv's own words, a remedy, no environment left that could be taken for one."""
    images = resolver(tmp_path)
    with pytest.raises(ImageUnresolved, match="no-such-package") as caught:
        resolved(images, "uv:no-such-package")
    assert "requirements" in caught.value.hint
    assert images.check("uv:no-such-package") is None
    assert not list(images.store.glob(f"*/{uv.OK}"))


def test_index_that_is_away_is_no_refusal(tmp_path: Path) -> None:
    """Nobody listening there: nothing is known about the image."""
    environ = offline(tmp_path / "wheels", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_INDEX="")
    with pytest.raises(BackendUnreachable, match=r"127\.0\.0\.1"):
        resolved(resolver(tmp_path, environ=environ), "uv:tiny")


def test_passwords_of_indexes_are_not_repeated(tmp_path: Path) -> None:
    """Neither in the error, nor in what is said, nor among the arguments, nor in the list of images."""
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "tiny", "")
    images = resolver(tmp_path)
    said: list[str] = []
    image = "uv:'tiny @ http://kim:s3cret@127.0.0.1:9/tiny-1.0-py3-none-any.whl'"
    with pytest.raises((BackendUnreachable, ImageUnresolved)) as caught:
        asyncio.run(images.resolve(image, said.append))
    assert "s3cret" not in str([caught.value.to_dict(), said, images.images()])


def test_killed_engine_leaves_no_half_environment(tmp_path: Path) -> None:
    """Killed in the middle of a build: the next engine waits until uv has ended too, clears the ruin, builds anew."""
    make_wheel(tmp_path / "wheels", "tiny", "")
    slow = tmp_path / "bin" / "uv"
    slow.parent.mkdir()
    reached = tmp_path / "reached"
    slow.write_text(
        f"#!/bin/sh\n{uv.uv_binary()} \"$@\" || exit\ncase $1 in venv) touch '{reached}'; exec sleep 2;; esac\n"
    )
    slow.chmod(0o755)
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from fasttrack_jupyter.backends.local import environments, environments_uv\n"
        f"environments_uv.uv_binary = lambda: {str(slow)!r}\n"
        f"images = environments.ImageResolver(Path({str(tmp_path / 'home')!r}), engines=lambda: ())\n"
        "asyncio.run(images.resolve('uv:tiny', print))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], env=offline(tmp_path / "wheels")) as engine:
        deadline = time.monotonic() + 30
        while not reached.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        engine.send_signal(signal.SIGKILL)
    images = resolver(tmp_path)
    assert not list(images.store.glob(f"*/{uv.OK}"))
    image, said = resolved(images, "uv:tiny")
    assert said[0].startswith("waiting")
    assert python_of(image, "import tiny; print('whole')") == "whole"


def test_cancelled_build_ends_uv(tmp_path: Path) -> None:
    """Cancelling a session that waits for its environment leaves no process and no lock behind."""
    make_wheel(tmp_path / "wheels", "tiny", "")
    images = resolver(tmp_path)

    async def cancelled() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(images.resolve("uv:tiny", lambda words: started.set()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert resolved(images, "uv:tiny")[1][0].startswith("building")


def test_requirement_files_of_the_code_decide_by_content(tmp_path: Path) -> None:
    """The same text in another snapshot is the same environment; another text is another, also where included."""
    for name in ("tiny", "other"):
        make_wheel(tmp_path / "wheels", name, "")
    digests = []
    for number, included in enumerate(["tiny", "tiny", "other"]):
        code = tmp_path / f"code{number}"
        (code / "req").mkdir(parents=True)
        (code / "requirements.txt").write_text("-r req/base.txt\n")
        (code / "req" / "base.txt").write_text(f"{included}\n")
        digests.append(resolved(resolver(tmp_path), "uv:requirements.txt", code)[0].digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("line", ["-e .", "./lib", "-r ../../etc/passwd", "-r nope.txt"])
def test_requirement_file_that_leads_elsewhere_is_refused(tmp_path: Path, line: str) -> None:
    """What no digest could cover, or is not in the code, is an error before anything is built."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "requirements.txt").write_text(line + "\n")
    problem = resolver(tmp_path).check("uv:requirements.txt", tmp_path / "code")
    assert problem is not None
    assert problem.severity is Severity.ERROR


def test_python_that_is_not_here_is_said(tmp_path: Path) -> None:
    """No Python is downloaded: a version that is not on this machine is an error with the remedy."""
    problem = resolver(tmp_path).check("uv:python=3.99 six")
    assert problem is not None
    assert "no Python 3.99" in problem.message


def test_images_are_listed_and_unused_environments_removed(tmp_path: Path) -> None:
    """What was built can be named again; gc keeps what is in use and removes the read-only rest."""
    for name in ("tiny", "other"):
        make_wheel(tmp_path / "wheels", name, "")
    images = resolver(tmp_path)
    kept, _ = resolved(images, "uv:tiny")
    gone, _ = resolved(images, "uv:other")
    names = {row["name"]: row["ready"] for row in images.images()}
    assert names["uv:tiny"]
    assert names["uv:other"]
    assert images.remove_unused({kept.digest}) > 0
    assert not gone.readonly_paths[0].exists()
    assert resolved(images, "uv:tiny")[1] == []
    assert resolved(images, "uv:other")[1] != []
