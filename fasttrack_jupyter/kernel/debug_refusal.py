"""A stand-in for a kernel that could not start, or is gone: it answers every cell with the reason.

It speaks Jupyter's protocol just far enough for that
(https://jupyter-client.readthedocs.io/en/latest/messaging.html), until it is shut down or restarted.
"""

from __future__ import annotations

from typing import Any

from fasttrack_jupyter import __version__

Json = dict[str, Any]

_EAR_MILLISECONDS = 3000
_RESTART = "Restart the kernel to try again."
_TITLE = "FastTrack"


def refuse(connection: Json, words: str) -> None:
    """Serve until a shutdown is asked for. ``connection``: the content of the connection file."""
    StandIn(connection, f"{words}\n{_RESTART}").serve()


class StandIn:
    """The five sockets of a kernel, and one answer."""

    def __init__(self, connection: Json, words: str) -> None:
        import zmq
        from jupyter_client.session import Session

        self._words, self._count, self._is_heard = words, 0, False
        self._session = Session(key=connection["key"].encode(), signature_scheme=connection["signature_scheme"])
        self._zmq, self._context = zmq, zmq.Context()
        kinds = {"shell": zmq.ROUTER, "control": zmq.ROUTER, "stdin": zmq.ROUTER, "iopub": zmq.XPUB, "hb": zmq.REP}
        self._sockets = {name: self._bound(connection, name, kind) for name, kind in kinds.items()}

    def _bound(self, connection: Json, name: str, kind: int) -> Any:
        made = self._context.socket(kind)
        made.linger = 500
        joint = "-" if connection["transport"] == "ipc" else ":"
        made.bind(f"{connection['transport']}://{connection['ip']}{joint}{connection[f'{name}_port']}")
        return made

    def serve(self) -> None:
        """Answer until a shutdown is asked for."""
        poller = self._zmq.Poller()
        for name in ("shell", "control", "hb"):
            poller.register(self._sockets[name], self._zmq.POLLIN)
        try:
            while True:
                for found, _ in poller.poll():
                    if found is self._sockets["hb"]:
                        found.send(found.recv())
                        continue
                    self._await_reader()
                    if self._answer(found):
                        return
        finally:
            self._context.destroy(linger=500)

    def _await_reader(self) -> None:
        """Wait until the client's ear for what is published is here too: it comes back on a connection of its own."""
        if not self._is_heard:
            self._is_heard = True
            self._sockets["iopub"].poll(_EAR_MILLISECONDS)

    def _answer(self, channel: Any) -> bool:
        """Answer one message; whether it was the wish that we end."""
        try:
            idents, message = self._session.recv(channel, mode=0)
        except ValueError:
            return False  # not signed with the key
        if message is None:
            return False
        kind = str(message["msg_type"])
        self._tell("status", {"execution_state": "busy"}, message)
        content = self._content(kind, message)
        if content is not None:
            reply = kind.replace("_request", "_reply")
            self._session.send(channel, reply, content, parent=message, ident=idents)
        self._tell("status", {"execution_state": "idle"}, message)
        return kind == "shutdown_request"

    def _content(self, kind: str, message: Json) -> Json | None:
        if kind == "kernel_info_request":
            return _info(self._words)
        if kind == "execute_request":
            return self._failed(message)
        if kind == "shutdown_request":
            return {"status": "ok", "restart": bool(message["content"].get("restart"))}
        return {"status": "error", **self._error()} if kind.endswith("_request") else None

    def _failed(self, message: Json) -> Json:
        self._count += 1
        self._tell("error", self._error(), message)
        return {"status": "error", "execution_count": self._count, **self._error()}

    def _error(self) -> Json:
        return {"ename": _TITLE, "evalue": self._words, "traceback": [f"{_TITLE}: {self._words}"]}

    def _tell(self, kind: str, content: Json, parent: Json) -> None:
        self._session.send(self._sockets["iopub"], kind, content, parent=parent, ident=kind.encode())


def _info(words: str) -> Json:
    return {
        "status": "ok", "protocol_version": "5.3", "implementation": "fasttrack", "implementation_version": __version__,
        "banner": words, "help_links": [],
        "language_info": {"name": "python", "version": "3", "mimetype": "text/x-python", "file_extension": ".py"},
    }  # fmt: skip
