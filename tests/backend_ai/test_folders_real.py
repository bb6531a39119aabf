"""Vfolders of real clusters: files in and out, what a session sees mounted, others' folders, code that is brought."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from backend_ai.real_cluster import Cluster as RealCluster
from backend_ai.real_cluster import Keys as RealKeys

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.mounts import Bind, MountForm, binds_of, config_of, form_of
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.sharing import Sharing
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import BadRequest, Forbidden, NotFound, SessionRejected
from fasttrack_jupyter.model.resources import Mount, ResourceSlots

pytestmark = pytest.mark.every_release
_SLOTS = {"cpu": "1", "mem": "268435456"}
_END = """query($id: UUID!) { compute_session(id: $id) { status result } }"""
_IMAGE = """query($name: String!) { image(reference: $name, architecture: "x86_64") { id } }"""


@dataclass
class Bench:
    """A client, its vfolders, and vfolders made for the test, which are removed after it."""

    real: RealCluster
    client: Cluster
    folders: Vfolders
    made: list[str]

    async def folder(self, mode: str = "general") -> str:
        """A new vfolder."""
        name = f"p3-{uuid4().hex[:12]}"
        await self.folders.make(name, mode)
        self.made.append(name)
        return name

    async def session(self, binds: Sequence[Bind], command: str) -> None:
        """Run a command in a session that mounts ``binds``, to its end."""
        release = await self.client.release()
        form = form_of(release, binds)
        config = config_of(form, binds, await self.folders.ids_of(binds))
        told = await (self._enqueue if form is MountForm.V2 else self._create)(config, command)
        for _ in range(150):
            found = (await self.client.graphql(_END, {"id": told}))["compute_session"]
            if found["status"] in ("TERMINATED", "CANCELLED", "ERROR"):
                assert found["result"] == "SUCCESS", found
                return
            if found["result"] == "SUCCESS" and release.year == 23:  # it may know that and never end the session
                with contextlib.suppress(NotFound):
                    await self.client.call("DELETE", f"/session/{told}", query={"forced": "true"})
            await asyncio.sleep(1)
        raise AssertionError(f"it did not end: {found}")

    async def _create(self, config: dict[str, Any], command: str) -> str:
        body = {
            "name": f"p3-{uuid4().hex[:12]}", "image": self.real.image, "architecture": "x86_64", "type": "batch",
            "group": self.real.project, "domain": self.real.domain, "enqueueOnly": True, "startupCommand": command,
            "config": {**config, "resources": _SLOTS, "scaling_group": self.real.resource_group},
        }  # fmt: skip
        return str((await self.client.call("POST", "/session", body=body))["sessionId"])

    async def _enqueue(self, config: dict[str, Any], command: str) -> str:
        image = (await self.client.graphql(_IMAGE, {"name": self.real.image}))["image"]["id"]
        body = {
            "session_name": f"p3-{uuid4().hex[:12]}", "session_type": "batch", "image_id": image,
            "project_id": await self.folders.catalogue.project(), "resource_group": self.real.resource_group,
            "resource_entries": [{"resource_type": slot, "quantity": amount} for slot, amount in _SLOTS.items()],
            "batch": {"startup_command": command}, **config,
        }  # fmt: skip
        return str((await self.client.call("POST", "/v2/sessions/enqueue", body=body))["session"]["id"])


def play(
    cluster: RealCluster,
    story: Callable[[Bench], Awaitable[None]],
    home: Path | None = None,
    who: RealKeys | None = None,
) -> None:
    """Run a story with an ordinary user's vfolders."""

    async def main() -> None:
        keys = who or cluster.user
        profile = Profile("real", cluster.endpoint, folder_host=cluster.vfolder_host)
        client = Cluster(profile, Keys(keys.access_key, keys.secret_key))
        snapshots = Snapshots(home / "code") if home else None
        bench = Bench(cluster, client, Vfolders(client, tickets=home and home / "tickets", snapshots=snapshots), [])
        try:
            await asyncio.wait_for(story(bench), 280)
        finally:
            for name in bench.made:
                await bench.folders.remove(name)
            await client.aclose()

    asyncio.run(main())


def spec_of(folder: str, **more: Any) -> SessionSpec:
    """One attempt."""
    about: dict[str, Any] = {
        "attempt_id": f"a{uuid4().hex[:8]}", "job_id": "j", "job_index": 1, "pipeline": "p", "folder": folder,
        "path": "train", "number": 1, "command": "", "image": None, "slots": ResourceSlots.parse({"cpu": 1}),
        "environ": {}, "outputs": "jobs/1/train",
    }  # fmt: skip
    return SessionSpec(**{**about, **more})


def test_files_go_in_and_come_out(cluster: RealCluster) -> None:
    """Whatever they are called; whole, in parts, as an archive; and what is not there is not."""

    async def story(bench: Bench) -> None:
        folders, name = bench.folders, await bench.folder()
        await folders.mkdirs(name, ["jobs/1/가 나.x", "jobs/1/b", "jobs/1/..c"])
        await folders.write(name, "jobs/1/b/한 글 #%?&.txt", "안녕".encode())
        await folders.write(name, "jobs/1/b/empty", b"")
        large = os.urandom(3_000_000)
        await folders.write(name, "deep/er/x.bin", large)
        assert [entry.path for entry in await folders.files(name, "jobs/1")] == [
            "..c", "b", "b/empty", "b/한 글 #%?&.txt", "가 나.x",
        ]  # fmt: skip
        assert await folders.missing(name, ["jobs/1/b", "jobs/1/zz", "jobs/9/x"]) == {"jobs/1/zz", "jobs/9/x"}
        assert await folders.read(name, "jobs/1/b/한 글 #%?&.txt", 3, 3) == "녕".encode()
        assert await folders.read(name, "jobs/1/b/한 글 #%?&.txt", 100, 3) == b""
        assert await folders.read(name, "jobs/1/b/empty") == b""
        sizes = [await folders.size(name, path) for path in ("deep/er/x.bin", "jobs/1/b/empty", "none")]
        assert sizes == [3_000_000, 0, None]
        assert b"".join([piece async for piece in folders.downloads.stream(name, "deep/er/x.bin", 10)]) == large[10:]
        zipped = b"".join([piece async for piece in folders.downloads.archive(name, "jobs/1")])
        assert "b/empty" in zipfile.ZipFile(io.BytesIO(zipped)).namelist()
        assert await folders.remove_paths(name, ["jobs/1/b", "deep/er/x.bin", "none"]) == 3_000_006
        assert [entry.path for entry in await folders.files(name, "jobs/1")] == ["..c", "가 나.x"]

    play(cluster, story)


def test_what_leaves_a_vfolder_or_is_not_there_is_refused(cluster: RealCluster) -> None:
    """In our words, each in its own."""

    async def story(bench: Bench) -> None:
        folders, name = bench.folders, await bench.folder()
        await folders.mkdirs(name, ["a"])
        for path, error in (("../x", Forbidden), ("/etc/passwd", Forbidden), ("none", NotFound), ("a", BadRequest)):
            with pytest.raises(error):
                await folders.read(name, path)
        with pytest.raises(Forbidden):
            await folders.remove_paths(name, ["."])
        with pytest.raises(NotFound, match="no vfolder"):
            await folders.write(f"{name}-other", "x", b"")
        assert await folders.files(name, "none") == []

    play(cluster, story)


def test_a_session_sees_just_what_it_was_to_mount(cluster: RealCluster, tmp_path: Path) -> None:
    """Several places of one vfolder, whole ones, any names, read-only where the release can; links out stay shut."""

    async def story(bench: Bench) -> None:
        folders, name, data, sets = (
            bench.folders,
            await bench.folder("data"),
            await bench.folder(),
            await bench.folder(),
        )
        await folders.mkdirs(name, ["jobs/1/prep"])
        await folders.write(name, "jobs/1/prep/데이터 1.csv", b"1,2")
        await folders.write(data, "top.txt", b"top")
        await folders.write(sets, "a b/한.글/f", b"f")
        digest = folders.snapshots.put({"train.py": b"1", "src/모듈.py": b"2"}) if folders.snapshots else ""
        mounts = (Mount.parse(data), Mount.parse(f"{sets}/a b/한.글:/mnt/x y"))
        spec = spec_of(name, code=digest, inputs=("jobs/1/prep", None, None), input_values={"lr": "1"}, mounts=mounts)
        await folders.prepare(spec, lambda fraction, text: None)
        release = await bench.client.release()
        binds = binds_of(spec, release)
        await bench.session(binds, SEEN.replace("DATA", data))
        found = (await folders.read(name, "jobs/1/train/seen")).decode().splitlines()
        seen = _mounts(found)
        for bind in binds:
            root, how = seen[bind.target]
            assert root.endswith(bind.subpath or root), (bind, root)
            assert (how == "ro") is (bind.read_only and release.year > 23), (bind, how)
        for said in ("1,2", "top", "f", "code 1 2", "empty"):
            assert said in found, (said, found)
        assert ("wrote input" in found) is (release.year == 23)
        assert ("second name" in found) is (release.year < 25)
        assert await folders.read(data, "new 이") == b"new\n"
        for path in ("leak", "leakdir/passwd", "up/secret"):
            with pytest.raises(Forbidden):
                await folders.read(name, f"jobs/1/train/{path}")
        with pytest.raises(Forbidden):
            await folders.files(name, "jobs/1/train/leakdir")

    play(cluster, story, tmp_path)


SEEN = textwrap.dedent("""\
    exec >/pipeline/outputs/seen
    awk '{print "mount", $4, $5, substr($6, 1, 2)}' /proc/self/mountinfo
    cat "/pipeline/input1/데이터 1.csv"; echo; cat /home/work/DATA/top.txt; echo; cat "/mnt/x y/f"; echo
    echo code $(cat /pipeline/code/train.py) $(cat /pipeline/code/src/모듈.py)
    [ "$(ls -A /pipeline/input2)" ] || echo empty
    touch /pipeline/input1/hack 2>/dev/null && echo wrote input
    echo new >"/home/work/DATA/new 이"
    echo 1 >/pipeline/outputs/one
    [ -e /pipeline/output/one ] && echo second name
    ln -s /etc/passwd /pipeline/outputs/leak; ln -s /etc /pipeline/outputs/leakdir
    ln -s ../../../.. /pipeline/outputs/up
    true
    """)


def _mounts(found: list[str]) -> dict[str, tuple[str, str]]:
    """``{target: (root, ro or rw)}`` of lines ``mount ROOT TARGET ro``, in which a space is ``\\040``."""
    lines = [line.split(" ") for line in found if line.startswith("mount ")]
    plain = [[part.replace("\\040", " ") for part in line] for line in lines]
    return {target: (root, how) for _, root, target, how in plain}


def test_what_is_not_there_is_said_before_a_session_is_asked_for(cluster: RealCluster) -> None:
    """A session with it would die without a word."""

    async def story(bench: Bench) -> None:
        name = await bench.folder("data")
        for spec in (spec_of(name, inputs=("jobs/0/gone",)), spec_of(name, mounts=(Mount.parse("p3-nobodys"),))):
            with pytest.raises(SessionRejected, match=r"gone|p3-nobodys"):
                await bench.folders.prepare(spec, lambda fraction, text: None)

    play(cluster, story)


def test_anothers_folder_is_read_and_mounted_as_its_owner_allows(cluster: RealCluster) -> None:
    """Two users: invited, accepted, read-only in the session of the second, gone when taken back."""

    async def owner(bench: Bench) -> None:
        theirs = await bench.folder()
        await bench.folders.write(theirs, "f.txt", b"shared")
        await Sharing(bench.client, bench.folders.catalogue).share(theirs, [cluster.second.email], "ro")

        async def guest(mine: Bench) -> None:
            sharing = Sharing(mine.client, mine.folders.catalogue)
            invited = next(each for each in await sharing.invitations() if each.folder == theirs)
            await sharing.accept(invited.id)
            assert await mine.folders.read(theirs, "f.txt") == b"shared"
            with pytest.raises((Forbidden, NotFound)):
                await mine.folders.write(theirs, "g.txt", b"")
            name = await mine.folder("data")
            spec = spec_of(name, mounts=(Mount.parse(f"{theirs}:in"),))
            await mine.folders.prepare(spec, lambda fraction, text: None)
            command = (
                "cat in/f.txt >/pipeline/outputs/seen; touch in/x 2>/dev/null && echo W >>/pipeline/outputs/seen; true"
            )
            await mine.session(binds_of(spec), f"cd /home/work; {command}")
            assert await mine.folders.read(name, "jobs/1/train/seen") == b"shared"

        await asyncio.to_thread(play, cluster, guest, None, cluster.second)

    play(cluster, owner)


def test_a_vfolder_that_goes_leaves_its_name_to_a_new_one(cluster: RealCluster) -> None:
    """23.09 holds the name until all is removed; making waits for that."""

    async def story(bench: Bench) -> None:
        name = await bench.folder()
        first = await bench.folders.id_of(name)
        await bench.folders.write(name, "x", b"x")
        await bench.folders.remove(name)
        await bench.folders.make(name, "data")
        assert await bench.folders.id_of(name) != first
        assert await bench.folders.files(name) == []

    play(cluster, story)


_BRING = """
import asyncio, sys
from pathlib import Path
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.files.snapshots import Snapshots
endpoint, access, secret, home, folder, digest = sys.argv[1:]
def progress(fraction, text):
    print(f"{fraction:.2f}", flush=True)
async def main():
    client = Cluster(Profile("real", endpoint), Keys(access, secret))
    home_ = Path(home)
    folders = Vfolders(client, tickets=home_ / "tickets", snapshots=Snapshots(home_ / "code"))
    await folders.bring_code(folder, digest, progress)
    await client.aclose()
asyncio.run(main())
"""


def test_code_is_brought_in_spite_of_kill_9(cluster: RealCluster, tmp_path: Path) -> None:
    """Killed in the middle of the large file, then among the small ones; nothing that is there is sent again."""
    files: dict[str, str | bytes] = {f"part{n % 7}/파일 {n}.txt": os.urandom(700) for n in range(SMALL)}
    (large := tmp_path / "large").write_bytes(os.urandom(LARGE))
    digest = Snapshots(tmp_path / "code").put({**files, "model.bin": str(large)})

    async def story(bench: Bench) -> None:
        name = await bench.folder("data")
        argv = [cluster.endpoint, cluster.user.access_key, cluster.user.secret_key, str(tmp_path), name, digest]
        for until in (0.3, 0.9999):
            await asyncio.to_thread(_kill_at, until, argv)
            marked = await bench.folders.lister.entry(name, places.code_marker(digest))
            assert marked is None
        await bench.folders.bring_code(name, digest, lambda fraction, text: None)
        found = {entry.path: entry.size for entry in await bench.folders.files(name, places.code(digest))}
        wanted = {path: len(content) for path, content in files.items()} | {"model.bin": LARGE}
        assert {path: size for path, size in found.items() if path in wanted} == wanted
        brought = b"".join([part async for part in bench.folders.downloads.stream(name, f".code/{digest}/model.bin")])
        assert brought == large.read_bytes()
        assert await bench.folders.lister.entry(name, places.code_marker(digest)) is not None

    play(cluster, story, tmp_path)


SMALL, LARGE = (int(each) for each in os.environ.get("FASTTRACK_CODE_SIZES", "60,24000000").split(","))


def _kill_at(fraction: float, argv: list[str]) -> None:
    process = subprocess.Popen([sys.executable, "-c", _BRING, *argv], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            if float(line) >= fraction:
                process.send_signal(signal.SIGKILL)
                break
    assert process.wait(60) == -signal.SIGKILL
