"""The session image, made without any image registry: Debian 12 with the Python packages that examples use."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from .processes import alone, call, clean_environ
from .settings import Settings

SUITE = "bookworm"
PACKAGES = ("python3-sklearn", "python3-matplotlib", "python3-pandas", "python-is-python3", "procps")
NAME = "stable/python:3.11-debian12"
LABELS = {
    "ai.backend.kernelspec": "1",
    "ai.backend.features": "batch query uid-match user-input",
    "ai.backend.role": "COMPUTE",
    "ai.backend.base-distro": "ubuntu22.04",  # what it puts into containers is built for this or Alpine
    "ai.backend.runtime-type": "python",
    "ai.backend.runtime-path": "/usr/bin/python3",
    "ai.backend.resource.min.cpu": "1",
    "ai.backend.resource.min.mem": "64m",
    "ai.backend.envs.corecount": "OPENBLAS_NUM_THREADS,OMP_NUM_THREADS",
}
NOT_NEEDED = ("usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*")
STAND_IN = """\
Package: python3-pythran
Version: 99
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: stands in for a compiler that Debian's SciPy was built with
 It would bring a C++ compiler, Boost and 500 MB, and nothing of it is used when a program runs.
"""


def root_filesystem(cache: Path) -> Path:
    """Where the image's root filesystem is kept, as a tarball. Another content is another name."""
    return cache / f"rootfs-{SUITE}-sklearn-3.tar"


def make_root_filesystem(cache: Path, log: Path) -> Path:
    """The tarball; made, by one at a time, if it is not there yet."""
    made = root_filesystem(cache)
    with alone(cache / "rootfs.lock"):
        if not made.exists():
            _make(made, log)
    return made


def _make(made: Path, log: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="ftbai-") as scratch:
        part = Path(scratch) / "rootfs.tar"
        stand_in = _stand_in(Path(scratch), log)
        hooks = [
            f'--setup-hook=dpkg --root="$1" --force-depends --force-script-chrootless --log=/dev/null -i {stand_in}',
            '--customize-hook=find "$1"/usr/lib/python3 -depth -type d -name tests -exec rm -r {} +',
            '--customize-hook=rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*',
        ]
        excluded = [f"--dpkgopt=path-exclude=/{path}" for path in NOT_NEEDED]
        excluded.append("--dpkgopt=force-unsafe-io")  # nobody needs the half of it after a power cut
        what = ["--variant=minbase", f"--include={','.join(PACKAGES)}"]
        call(["mmdebstrap", *what, *hooks, *excluded, SUITE, part], log, env=clean_environ() | {"TMPDIR": scratch})
        waiting = made.with_suffix(".part")
        call(["cp", part, waiting], log)  # /var/tmp and the cache may be two disks
        waiting.replace(made)


def _stand_in(scratch: Path, log: Path) -> Path:
    control = scratch / "stand-in/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(STAND_IN)
    call(["dpkg-deb", "--build", scratch / "stand-in", scratch / "stand-in.deb"], log)
    return scratch / "stand-in.deb"


def import_image(settings: Settings, tarball: Path, environ: dict[str, str]) -> None:
    """Give the image to the cluster's own Docker, under both names that the releases know it by."""
    log = settings.log / "image.log"
    known = subprocess.run(["docker", "image", "inspect", NAME], env=environ, capture_output=True, check=False)
    if known.returncode:
        words = [f'LABEL {name}="{value}"' for name, value in LABELS.items()]
        words.append("ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        changes = [option for word in words for option in ("--change", word)]
        call(["docker", "import", *changes, tarball, NAME], log, env=environ)
    if settings.release >= 24:  # their registry "local" calls it local/stable/…, but they run and check it under both
        call(["docker", "tag", NAME, f"local/{NAME}"], log, env=environ)
