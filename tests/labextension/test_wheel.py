"""The wheel: built from a plain checkout without node, it brings a working extension into a fresh environment."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = "share/jupyter/labextensions/fasttrack-jupyter"


@pytest.fixture(scope="module")
def path_without_node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with everything that the system's has, but node and its friends."""
    folder = tmp_path_factory.mktemp("bin")
    for place in ("/bin", "/usr/bin"):
        for program in Path(place).iterdir():
            if program.name not in {"node", "nodejs", "npm", "npx", "corepack", "yarn"}:
                folder.joinpath(program.name).unlink(missing_ok=True)
                folder.joinpath(program.name).symlink_to(program)
    return str(folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, path_without_node: str) -> Path:
    """What ``pip wheel`` makes of the files that git knows."""
    folder = tmp_path_factory.mktemp("wheel")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, files.decode().split("\0")):
        if (source := ROOT / name).is_file():
            target = folder / "checkout" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), "./checkout"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path_without_node}, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_the_extension_once(wheel: Path) -> None:
    """Built files under share/jupyter, the server's configuration under etc/jupyter, and nothing twice."""
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(f"{DATA}/package.json") for name in names)
    assert any(f"{DATA}/static/remoteEntry." in name for name in names)
    assert any(name.endswith(f"{DATA}/install.json") for name in names)
    assert any(name.endswith("etc/jupyter/jupyter_server_config.d/fasttrack_jupyter.json") for name in names)
    assert any(name.endswith("share/jupyter/kernels/fasttrack-debug/kernel.json") for name in names)
    assert [name for name in names if name.startswith(("fasttrack_jupyter/labextension/", "labextension/"))] == []


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    """Every module and data file that git knows, and the licence."""
    listed = subprocess.run(
        ["git", "ls-files", "fasttrack_jupyter"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".data/" not in name]
    packed = {name for name in names if ".dist-info/" not in name}
    elsewhere = {"fasttrack_jupyter/server/fasttrack_jupyter.json", "fasttrack_jupyter/kernel/spec/kernel.json"}
    assert packed == set(listed.stdout.split()) - elsewhere
    assert [name for name in packed if "/migrations/" in name and name.endswith(".sql")]
    assert [name for name in packed if name.endswith(".schema.json")]
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_a_fresh_environment_without_node_has_both_extensions_enabled(
    wheel: Path, tmp_path: Path, path_without_node: str
) -> None:
    """Jupyter finds them by themselves; the dependencies are lent by this environment."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "venv")}))
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    environ = {"PATH": path_without_node, "HOME": str(tmp_path)}

    def ask(*words: str) -> str:
        done = subprocess.run([python, "-m", *words], env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    lab = ask("jupyterlab.labextensions", "list")
    assert "fasttrack-jupyter" in lab
    assert any("fasttrack-jupyter" in line and "enabled" in line and "OK" in line for line in lab.splitlines())
    server = ask("jupyter_server.extension.serverextension", "list")
    assert any("fasttrack_jupyter" in line and "enabled" in line for line in server.splitlines())
