"""Other engines from the package index, on the same fan, in an environment of their own.

parsl writes a checkpoint at every task's end and DBOS records every step: these two lose nothing.
doit writes its database at the end, and is here for its speed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKAGES = ("doit", "parsl", "dbos")

DOIT = """
def task_all():
    width = {width}
    yield {{"name": "first", "actions": ["true"]}}
    for number in range(width):
        yield {{"name": f"t{{number}}", "actions": ["true"], "task_dep": ["all:first"]}}
    yield {{"name": "last", "actions": ["true"], "task_dep": [f"all:t{{n}}" for n in range(width)]}}
"""

PARSL = """
import os, time
import parsl
from parsl.config import Config
from parsl.dataflow.memoization import BasicMemoizer
from parsl.executors import ThreadPoolExecutor

def spawn():
    pid = os.posix_spawnp("true", ["true"], os.environ)
    assert os.waitpid(pid, 0)[1] == 0

@parsl.python_app(cache=True)
def task(number, inputs=()):
    spawn()
    return number

parsl.load(Config(
    executors=[ThreadPoolExecutor(max_threads=2)], memoizer=BasicMemoizer(checkpoint_mode="task_exit"),
    initialize_logging=False,
))
task.func.__globals__["spawn"] = spawn
began = time.perf_counter()
first = task(-1)
middle = [task(number, inputs=[first]) for number in range({width})]
task(-2, inputs=middle).result()
print(time.perf_counter() - began, flush=True)
os._exit(0)
"""

DBOS = """
import asyncio, os, time
from dbos import DBOS

DBOS(config={{"name": "bench", "system_database_url": "sqlite:///bench.sqlite", "log_level": "ERROR"}})

def spawn():
    pid = os.posix_spawnp("true", ["true"], os.environ)
    assert os.waitpid(pid, 0)[1] == 0

@DBOS.step()
async def task(number):
    await asyncio.to_thread(spawn)
    return number

@DBOS.workflow()
async def fan(width):
    two = asyncio.Semaphore(2)

    async def one(number):
        async with two:
            return await task(number)

    await task(-1)
    await asyncio.gather(*(one(number) for number in range(width)))
    await task(-2)

async def main():
    began = time.perf_counter()
    await fan({width})
    print(time.perf_counter() - began, flush=True)

DBOS.launch()
asyncio.run(main())
os._exit(0)
"""


def install(folder: Path) -> Path:
    """An environment with the peers in it; its interpreter."""
    from uv import find_uv_bin

    uv = find_uv_bin()
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), *PACKAGES], check=True)
    return python


def fan_seconds(python: Path, peer: str, width: int) -> float:
    """Seconds for 1 → width → 1; doit's as a whole process, the others' without their start."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if peer == "doit":
            Path(folder, "dodo.py").write_text(DOIT.format(width=width))
            began = time.perf_counter()
            subprocess.run(
                [python, "-m", "doit", "-n2", "-P", "thread", "-v0"], cwd=folder, check=True, stdout=subprocess.DEVNULL
            )
            return time.perf_counter() - began
        script = Path(folder, "bench.py")
        script.write_text({"parsl": PARSL, "dbos": DBOS}[peer].format(width=width))
        done = subprocess.run([python, str(script)], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{peer} failed: {done.stderr.strip()[-500:]}")
        return float(done.stdout.split()[-1])
