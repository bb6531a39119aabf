"""Environments that uv really builds.

One build takes a tiny package from the package index as this machine is configured; where pip does not reach
an index either, it is skipped and says so. Everything that is about failing and waiting uses a folder as index.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local import environments_uv as uv
from fasttrack_jupyter.backends.local.environments import ResolvedImage
from fasttrack_jupyter.backends.local.environments_pip import uv_environ
from fasttrack_jupyter.errors import BackendUnreachable, ImageUnresolved
from fasttrack_jupyter.model.problems import Severity

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


def test_environment_is_built_from_the_configured_index(machine: Any, tmp_path: Path) -> None:
    """A real package from the real index; its progress is said."""
    images = machine.resolver(environ=dict(os.environ))
    try:
        image, said = machine.resolved(images, "uv:six")
    except (BackendUnreachable, ImageUnresolved) as error:
        reached = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "-d", str(tmp_path / "pip"), "six"],
            capture_output=True, check=False,
        )  # fmt: skip
        if reached.returncode:
            pytest.skip(f"pip reaches no package index either: {error}")
        raise
    assert image.kind == "uv"
    assert machine.python_of(image, "import six; print(six.__name__)") == "six"
    assert any("six" in words for words in said)


def test_environment_is_whole_compiled_and_read_only(machine: Any) -> None:
    """Its modules are compiled, nothing in it can be written, and its folder is named for gc."""
    machine.make_wheel("tiny", "X = 41\n")
    image, _ = machine.resolved(machine.resolver(), "uv:tiny")
    root = image.readonly_paths[0]
    assert image.digest == root.name
    assert list(root.rglob("tiny.*.pyc"))
    assert not [path for path in (root, *root.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o222]


def test_environment_that_is_there_costs_next_to_nothing(machine: Any) -> None:
    """The median of a hit is below 0.2 ms, also in a resolver that has seen it before only on the disk."""
    machine.make_wheel("tiny", "")
    first, _ = machine.resolved(machine.resolver(), "uv:tiny")
    images = machine.resolver()

    async def timed() -> list[float]:
        taken = []
        for _ in range(101):
            began = time.perf_counter()
            await images.resolve("uv:tiny", lambda words: pytest.fail(words))
            taken.append(time.perf_counter() - began)
        return sorted(taken)

    assert asyncio.run(timed())[50] < 0.0002
    assert machine.resolved(images, "uv:tiny")[0].digest == first.digest


def test_many_builders_at_once_build_once(machine: Any) -> None:
    """Two engines with three sessions each: one of them builds, the others wait for it."""
    machine.make_wheel("tiny", "")
    engines = [machine.resolver(), machine.resolver()]
    said: list[str] = []

    async def all_at_once() -> list[ResolvedImage]:
        return await asyncio.gather(*(images.resolve("uv:tiny", said.append) for images in engines for _ in range(3)))

    assert len({image.digest for image in asyncio.run(all_at_once())}) == 1
    assert sum(words.startswith("building") for words in said) == 1
    assert any(words.startswith("waiting") for words in said)


def test_what_uv_complains_of_is_one_line() -> None:
    """What it said before is left out, and so is its own word for an error."""
    words = "Using Python 3.11 environment at: .\nerror: No solution found\n  cause: Because x was not found."
    assert str(uv._failure(1, words)) == (
        "uv could not build the environment: No solution found cause: Because x was not found"
    )


def test_failing_requirement_says_what_uv_says(machine: Any) -> None:
    """uv's own words, a remedy, no environment left that could be taken for one."""
    images = machine.resolver()
    with pytest.raises(ImageUnresolved, match="no-such-package") as caught:
        machine.resolved(images, "uv:no-such-package")
    assert "requirements" in caught.value.hint
    assert images.check("uv:no-such-package") is None
    assert not list(images.store.glob(f"*/{uv.OK}"))


def test_index_that_is_away_is_no_refusal(machine: Any) -> None:
    """Nobody listening there: nothing is known about the image."""
    environ = machine.offline(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_INDEX="")
    with pytest.raises(BackendUnreachable, match=r"127\.0\.0\.1"):
        machine.resolved(machine.resolver(environ=environ), "uv:tiny")


def test_passwords_of_indexes_are_not_repeated(machine: Any, tmp_path: Path) -> None:
    """Neither in the error, nor in what is said, nor among the arguments, nor in the list of images."""
    machine.make_wheel("tiny", "")
    images = machine.resolver()
    said: list[str] = []
    image = "uv:'tiny @ http://kim:s3cret@127.0.0.1:9/tiny-1.0-py3-none-any.whl'"
    with pytest.raises((BackendUnreachable, ImageUnresolved)) as caught:
        asyncio.run(images.resolve(image, said.append))
    assert "s3cret" not in str([caught.value.to_dict(), said, images.images()])


def test_killed_engine_leaves_no_half_environment(machine: Any, tmp_path: Path) -> None:
    """Killed in the middle of a build: the next engine waits until uv has ended too, clears the ruin, builds anew."""
    machine.make_wheel("tiny", "")
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
    with subprocess.Popen([sys.executable, "-c", program], env=machine.offline()) as engine:
        deadline = time.monotonic() + 30
        while not reached.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        engine.send_signal(signal.SIGKILL)
    images = machine.resolver()
    assert not list(images.store.glob(f"*/{uv.OK}"))
    image, said = machine.resolved(images, "uv:tiny")
    assert said[0].startswith("waiting")
    assert machine.python_of(image, "import tiny; print('whole')") == "whole"


def test_cancelled_build_ends_uv(machine: Any) -> None:
    """Cancelling a session that waits for its environment leaves no process and no lock behind."""
    machine.make_wheel("tiny", "")
    images = machine.resolver()

    async def cancelled() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(images.resolve("uv:tiny", lambda words: started.set()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    words = machine.resolved(images, "uv:tiny")[1]  # it may still have to wait for the last breath of the killed
    assert any(word.startswith("building") for word in words)


def test_requirement_files_of_the_code_decide_by_content(machine: Any, tmp_path: Path) -> None:
    """The same text in another snapshot is the same environment; another text is another, also where included."""
    for name in ("tiny", "other"):
        machine.make_wheel(name, "")
    digests = []
    for number, included in enumerate(["tiny", "tiny", "other"]):
        code = tmp_path / f"code{number}"
        (code / "req").mkdir(parents=True)
        (code / "requirements.txt").write_text("-r req/base.txt\n")
        (code / "req" / "base.txt").write_text(f"{included}\n")
        digests.append(machine.resolved(machine.resolver(), "uv:requirements.txt", code)[0].digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("line", ["-e .", "./lib", "-r ../../etc/passwd", "-r nope.txt"])
def test_requirement_file_that_leads_elsewhere_is_refused(machine: Any, tmp_path: Path, line: str) -> None:
    """What no digest could cover, or is not in the code, is an error before anything is built."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "requirements.txt").write_text(line + "\n")
    problem = machine.resolver().check("uv:requirements.txt", tmp_path / "code")
    assert problem is not None
    assert problem.severity is Severity.ERROR


def test_python_that_is_not_here_is_said(machine: Any) -> None:
    """No Python is downloaded: a version that is not on this machine is an error with the remedy."""
    problem = machine.resolver().check("uv:python=3.99 six")
    assert problem is not None
    assert "no Python 3.99" in problem.message


def test_images_are_listed_and_unused_environments_removed(machine: Any) -> None:
    """What was built can be named again; gc keeps what is in use and removes the read-only rest."""
    for name in ("tiny", "other"):
        machine.make_wheel(name, "")
    images = machine.resolver()
    kept, _ = machine.resolved(images, "uv:tiny")
    gone, _ = machine.resolved(images, "uv:other")
    names = {row["name"]: row["ready"] for row in images.images()}
    assert names["uv:tiny"]
    assert names["uv:other"]
    assert images.remove_unused({kept.digest}) > 0
    assert not gone.readonly_paths[0].exists()
    assert machine.resolved(images, "uv:tiny")[1] == []
    assert machine.resolved(images, "uv:other")[1] != []
