"""Serves a Jupyter kernel in a session that is like that of a failed task: ``python3 debug_session.py [ARGUMENTS]``.

Whoever opens the notebook (the launcher, :mod:`fasttrack_jupyter.kernel.debug_kernel`) may stand outside of the
container or namespace that this runs in. The one place that both see is the folder of the outputs, so they meet there,
at sockets in ``.debug/``::

    control     the launcher connects once, sends the connection's key on one line of JSON, and stays connected:
                when it is gone, however it went, the kernel ends. It hears {"ready": true}, then {"ended": exit code}.
    k-1 … k-5   the kernel's own (shell, iopub, stdin, control, heartbeat)

Nothing runs before somebody runs a cell. The exit status is never 0: a session for debugging is no success of its
task, whose outputs a later job could take. 2: this image cannot serve a kernel; 129: the launcher or the kernel is
gone; 143: told to end.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
from typing import Any, Dict, List, Optional, Sequence

if not __package__:  # as a script: see execute.py
    __package__ = "fasttrack_travel"
    _package = types.ModuleType(__package__)
    _package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[__package__] = _package

from .refusals import Stopped

FOLDER, PORTS = ".debug", ("shell", "iopub", "stdin", "control", "hb")
GONE = 129
_PATIENCE, _GRACE = 120.0, 5.0
"""Seconds: until the launcher must have come, or the kernel be there; until one that is told to end is killed."""
_LONGEST = 80
"""Bytes of a folder in which a socket can still lie."""
_NO_KERNEL = """\
fasttrack: this image has no ipykernel, which a notebook needs to talk to it.
  What to do: add it to the image (for a `uv:` image that is done by itself), map the image to an environment that has
  it, or look around with: fasttrack shell
"""


class Serving:
    """One kernel for one launcher. ``words`` say what the kernel finds; see :mod:`.debug_shell`."""

    def __init__(self, outputs: str, words: Sequence[str]) -> None:
        self._folder, self._words = os.path.join(outputs, FOLDER), list(words)
        self._private = tempfile.mkdtemp(prefix="ft-")
        self._kernel: Optional["subprocess.Popen[bytes]"] = None

    def run(self) -> int:
        """Everything; the exit status comes back."""
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            launcher = self._await_launcher(self._place())
            if launcher is None:
                sys.stderr.write("fasttrack: nobody came to debug\n")
                return GONE
            with launcher:
                self._serve(launcher)
            return GONE
        finally:
            self._stop()
            shutil.rmtree(self._folder, ignore_errors=True)
            shutil.rmtree(self._private, ignore_errors=True)

    def _place(self) -> str:
        """The folder of the sockets, under a name that is short enough for them."""
        if len(os.fsencode(self._folder)) <= _LONGEST:
            return self._folder
        short = os.path.join(self._private, "at")
        os.symlink(self._folder, short)
        return short

    def _await_launcher(self, place: str) -> Optional[socket.socket]:
        self._at = place
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(os.path.join(place, "control"))
            listener.listen(1)
            listener.settimeout(_PATIENCE)
            try:
                return listener.accept()[0]
            except OSError:  # socket.timeout, which is no TimeoutError before Python 3.10
                return None

    def _serve(self, launcher: socket.socket) -> None:
        launcher.settimeout(_PATIENCE)
        try:
            line = launcher.makefile("rb").readline(1 << 16)
            if not line.endswith(b"\n"):
                return
            kernel = self._start(json.loads(line.decode()))
            if self._is_there(kernel):
                launcher.sendall(b'{"ready": true}\n')
                print("fasttrack: the kernel is there", flush=True)
            self._watch(kernel, launcher)
        except OSError:
            return  # the launcher is gone

    def _start(self, info: Dict[str, Any]) -> "subprocess.Popen[bytes]":
        """The kernel's process; its connection file, which holds the key, is this user's alone."""
        ports = {f"{name}_port": number for number, name in enumerate(PORTS, 1)}
        known = {key: info[key] for key in ("key", "signature_scheme")}
        content = {"transport": "ipc", "ip": os.path.join(self._at, "k"), **known, **ports}
        path = os.path.join(self._private, "connection.json")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
        shell = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debug_shell.py")
        self._kernel = subprocess.Popen([sys.executable, shell, path, *self._words])
        return self._kernel

    def _is_there(self, kernel: "subprocess.Popen[bytes]") -> bool:
        """Wait until the kernel listens; false when it ends instead."""
        deadline = time.monotonic() + _PATIENCE
        sockets = [os.path.join(self._at, f"k-{number}") for number in range(1, len(PORTS) + 1)]
        while kernel.poll() is None and time.monotonic() < deadline:
            if all(map(os.path.exists, sockets)):
                return True
            time.sleep(0.05)
        return False

    def _watch(self, kernel: "subprocess.Popen[bytes]", launcher: socket.socket) -> None:
        """Until the launcher is gone; an end of the kernel is told to it first."""
        told = False
        deadline = float("inf")
        while time.monotonic() < deadline:
            if select.select([launcher], [], [], 0.2)[0] and not launcher.recv(4096):
                return
            if kernel.poll() is not None and not told:
                told, deadline = True, time.monotonic() + 2 * _GRACE
                launcher.sendall(json.dumps({"ended": kernel.returncode}).encode() + b"\n")

    def _stop(self) -> None:
        if self._kernel is None or self._kernel.poll() is not None:
            return
        self._kernel.terminate()
        try:
            self._kernel.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._kernel.kill()
            self._kernel.wait()


def main(argv: List[str]) -> int:
    """Serve; the exit status comes back."""
    if importlib.util.find_spec("ipykernel") is None:
        sys.stderr.write(_NO_KERNEL)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    try:
        return Serving(os.path.abspath(os.environ.get("PIPELINE_OUTPUTS", "/pipeline/outputs")), argv).run()
    except Stopped as stop:
        return 128 + stop.number


def _stop(number: int, _: Optional[types.FrameType]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # who insists ends it at once
    raise Stopped(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
