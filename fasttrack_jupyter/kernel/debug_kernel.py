"""The kernel of a debug notebook, as Jupyter starts it: ``python -m fasttrack_jupyter.kernel.debug_kernel -f FILE``.

No Python of a notebook runs in this process. It makes the job whose session serves the real kernel (see
:mod:`fasttrack_jupyter.notebook.travel.debug_session`), connects that kernel's sockets with the ports that Jupyter
chose, and holds the two together:

- Jupyter ends this process (SIGTERM, or a shutdown that the kernel heard itself): the job is cancelled.
- This process is killed: the session notices that its connection is gone, and ends.
- The job cannot start, is cancelled in the panel, or its kernel is killed: a stand-in takes over the ports and says so
  in the notebook (:mod:`.debug_refusal`). Were this process to end, Jupyter would start another, and with it
  another job, five times over.

Which task is meant stands in the notebook; its path comes from ``$FASTTRACK_DEBUG_NOTEBOOK`` or, as Jupyter's server
tells it, from ``$JPY_SESSION_NAME``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from fasttrack_jupyter.api.client import Client, connect
from fasttrack_jupyter.api.debugging import begin
from fasttrack_jupyter.api.words import job_word
from fasttrack_jupyter.errors import BadRequest, FastTrackError, NotFound
from fasttrack_jupyter.kernel.debug_relay import Control, Relay
from fasttrack_jupyter.model.lifecycle import JOB_ENDED
from fasttrack_jupyter.notebook.debugging import what_is_debugged

Json = dict[str, Any]

_LOOK_SECONDS = 0.3
_END_SECONDS = 15.0
"""Of a session that lets go: until its job must have ended as well."""
_TAIL = 4096
_LARGEST = 256 << 20


class Over(Exception):
    """The kernel cannot be used (any more); the message is for the person at the notebook."""


class Told(Exception):
    """Jupyter, or the kernel because Jupyter asked it to, wants the end."""


class Launcher:
    """One debug notebook's kernel. ``connection`` is the content of Jupyter's connection file."""

    def __init__(self, client: Client, about: Json, connection: Json) -> None:
        self._client, self._about, self._connection = client, about, connection
        self._begun: asyncio.Future[Json] | None = None
        self._job: Json | None = None
        self._waits = ""

    async def run(self) -> None:
        """Until the kernel ends. Raises Over, Told, FastTrackError."""
        try:
            self._begun = asyncio.ensure_future(asyncio.to_thread(begin, self._client, self._about))
            self._job = await asyncio.shield(self._begun)
            _say(f"the session is a job: {self.name}")
            control = await self._control()
            try:
                async with Relay(control.folder, self._connection):
                    await self._watch(control)
            finally:
                await self._cancel()  # before its session hears that nobody is left, and fails by itself
                await control.close()
        finally:
            await self._cancel()

    @property
    def name(self) -> str:
        """What to call the job."""
        return "the job" if self._job is None else job_word(self._job)

    # ------------------------------------------------------------ its beginning

    async def _control(self) -> Control:
        """Wait until the session serves a kernel, however long its turn is in coming."""
        while True:
            view = await self._view()
            self._raise_if_ended(view, await self._last_words(view))
            row = self._row(view)
            if row["status"] == "RUNNING" and row["outputs_dir"]:
                control = await Control.reach(Path(row["outputs_dir"]))
                if control is not None:
                    return await self._greeted(control)
            else:
                self._tell_waiting(row)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _greeted(self, control: Control) -> Control:
        await control.send({key: self._connection[key] for key in ("key", "signature_scheme")})
        answer = await control.hear()
        if answer is None or "ready" not in answer:
            await control.close()
            raise Over(f"the kernel did not start in {self.name}.{await self._last_words(await self._view())}")
        _say("the kernel is there")
        return control

    def _tell_waiting(self, row: Json) -> None:
        waits = f"{row['status'].lower()}{': ' if row['reason'] else ''}{row['reason']}"
        if waits != self._waits:
            self._waits = waits
            _say(f"{self.name} is {waits}")

    # ------------------------------------------------------------ its end

    async def _watch(self, control: Control) -> None:
        """Until one of the two ends. Raises Over, Told."""
        heard = await control.hear()
        if heard is None:
            deadline = asyncio.get_running_loop().time() + _END_SECONDS
            while asyncio.get_running_loop().time() < deadline:
                self._raise_if_ended(await self._view(), "")
                await asyncio.sleep(_LOOK_SECONDS)
            raise Over(f"the session of {self.name} is gone.")
        if heard.get("ended"):
            raise Over(
                f"the kernel in {self.name} was killed (exit {heard['ended']}): out of memory, perhaps."
                f"{await self._last_words(await self._view())}"
            )
        raise Told

    def _raise_if_ended(self, view: Json, words: str) -> None:
        if view["status"] in JOB_ENDED:
            row = self._row(view)
            why = row["reason"] or view["reason"] or row["result"].lower()
            raise Over(f"{self.name} has ended: {why}.{words}")

    async def _last_words(self, view: Json) -> str:
        """The end of the session's log, where it has ended with an error."""
        row = self._row(view)
        if not row["attempts"] or row["status"] == "RUNNING":
            return ""
        try:
            page = await asyncio.to_thread(self._client.logs, view["id"], row["path"], after=-_TAIL, limit=_TAIL)
        except FastTrackError:
            return ""
        text = page["data"].strip()
        return f"\nIt said:\n{text}" if text else ""

    async def _cancel(self) -> None:
        """End the job, also one that is just being made."""
        begun, self._begun = self._begun, None
        try:
            made = await begun if begun is not None else None
            if made is not None:
                await asyncio.to_thread(self._client.cancel, made["id"])
        except FastTrackError as error:
            if self._job is not None:
                _say(f"{self.name} could not be cancelled: {error}")

    async def _view(self) -> Json:
        assert self._job is not None
        return await asyncio.to_thread(self._client.job, self._job["id"])

    def _row(self, view: Json) -> Json:
        row: Json = next(row for row in view["tasks"] if row["task"] == self._about["task"])
        return row


def notebook_meant() -> Json:
    """What the notebook of this kernel says of itself.

    Raises:
        NotFound: nobody tells where it is, or it is not there.
        BadRequest: it is no debug notebook.
    """
    told = os.environ.get("FASTTRACK_DEBUG_NOTEBOOK") or os.environ.get("JPY_SESSION_NAME")
    hint = "Make one: fasttrack debug JOB TASK, and open it in JupyterLab with the kernel that it names."
    if not told:
        raise NotFound("this kernel belongs to debug notebooks, and nobody told which one is open", hint=hint)
    path = Path(told)
    try:
        if path.stat().st_size > _LARGEST:
            raise BadRequest(f"{path.name} is too large for a debug notebook", hint=hint)
        return what_is_debugged(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise NotFound(f"the notebook {told} cannot be read: {error}", hint=hint) from error


def _say(text: str) -> None:
    """For Jupyter's log."""
    print(f"fasttrack: {text}", file=sys.stderr, flush=True)


async def _until_told(launcher: Launcher) -> str:
    """Run it; the words with which it ended, or nothing where Jupyter wanted it to end."""
    work = asyncio.ensure_future(launcher.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except (asyncio.CancelledError, Told):
        return ""
    except (Over, FastTrackError) as error:
        return words_of(error)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
    return ""


def words_of(error: Exception) -> str:
    """An error as the person at the notebook should read it."""
    if not isinstance(error, FastTrackError):
        return str(error)
    tasks = [f"{name}: {why}" for name, why in dict(error.details.get("tasks", {})).items()]
    return "\n".join(text for text in (error.message, *tasks, error.hint) if text)


def main(argv: list[str] | None = None) -> int:
    """Serve as Jupyter's kernel process; the exit status comes back."""
    parser = argparse.ArgumentParser(prog="debug_kernel")
    parser.add_argument("-f", dest="file", required=True)
    connection = json.loads(Path(parser.parse_args(argv).file).read_text("utf-8"))
    try:
        with connect() as client:
            words = asyncio.run(_until_told(Launcher(client, notebook_meant(), connection)))
    except FastTrackError as error:
        words = words_of(error)
    if words:
        from fasttrack_jupyter.kernel.debug_refusal import refuse

        _say(words)
        refuse(connection, words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
