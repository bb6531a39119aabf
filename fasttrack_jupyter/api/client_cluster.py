"""The client's calls about a cluster: images, resources, vfolders, sessions, as its user sees them.

Results are shaped as in :mod:`fasttrack_jupyter.engine.clusters`. ``backend`` is the cluster's (``backend.ai``,
``backend.ai:work``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fasttrack_jupyter.api.caller import Caller, Json, quoted
from fasttrack_jupyter.errors import EngineUnavailable

_CLUSTER_SECONDS = 120.0
"""A cluster that is asked meanwhile may take so long."""
_SILENCE = 120.0
"""Seconds without a byte of a file, after which it counts as broken off."""


class ClusterCalls(Caller):
    """Raises NotFound for an unknown backend, Conflict for one that is no cluster, BackendUnreachable, KeysRefused."""

    def cluster(self, backend: str, project: str | None = None, *, fresh: bool = False) -> Json:
        """A cluster and what it offers in one project: ClusterView."""
        query = {"project": project, "fresh": "true" if fresh else None}
        return self._ask("GET", _cluster(backend), query=query, timeout=_CLUSTER_SECONDS)

    def cluster_images(
        self, backend: str, text: str = "", *, accelerator: str | None = None, installed: bool = False
    ) -> list[Json]:
        """ClusterImage each, that have every word of ``text``."""
        query = {"text": text or None, "accelerator": accelerator, "installed": "true" if installed else None}
        return self._list("GET", f"{_cluster(backend)}/images", query=query, timeout=_CLUSTER_SECONDS)

    def cluster_quotas(self, backend: str) -> list[Json]:
        """ClusterQuota each."""
        return self._list("GET", f"{_cluster(backend)}/quotas", timeout=_CLUSTER_SECONDS)

    # ------------------------------------------------------------ vfolders

    def cluster_folders(self, backend: str) -> list[Json]:
        """ClusterFolder each, by name."""
        return self._list("GET", f"{_cluster(backend)}/folders", timeout=_CLUSTER_SECONDS)

    def make_cluster_folder(
        self, backend: str, name: str, usage_mode: str = "general", project: str | None = None
    ) -> Json:
        """Make a vfolder: ClusterFolder. Raises Conflict where there is one of that name."""
        request = {"name": name, "usage_mode": usage_mode, "project": project}
        return self._ask("POST", f"{_cluster(backend)}/folders", request, timeout=_CLUSTER_SECONDS)

    def remove_cluster_folder(self, backend: str, folder: str) -> None:
        """Remove a vfolder for good, with all that is in it."""
        self._read("DELETE", _folder(backend, folder), timeout=_CLUSTER_SECONDS)

    def cluster_files(self, backend: str, folder: str, path: str = "") -> list[Json]:
        """ClusterFile each: what is in one folder of a vfolder."""
        query = {"path": path or None}
        return self._list("GET", f"{_folder(backend, folder)}/files", query=query, timeout=_CLUSTER_SECONDS)

    def make_cluster_path(self, backend: str, folder: str, path: str) -> None:
        """Make a folder inside a vfolder, and those on the way."""
        self._read("POST", f"{_folder(backend, folder)}/files", {}, query={"path": path}, timeout=_CLUSTER_SECONDS)

    def remove_cluster_path(self, backend: str, folder: str, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        self._read("DELETE", f"{_folder(backend, folder)}/files/{quoted(path)}", timeout=600.0)

    def upload_cluster_file(self, backend: str, folder: str, path: str, source: Path) -> Iterator[Json]:
        """Bring a file of this machine into a vfolder: UploadProgress each, the last one ``done``.

        Raises:
            EngineUnavailable: the engine went away in the middle; asked again, the upload goes on where it was.
        """
        body = {"path": path, "source": str(source.absolute())}
        for line in self._posted_lines(f"{_folder(backend, folder)}/uploads", body):
            yield line
            if line["done"]:
                return
        raise EngineUnavailable(f"the upload of {source} broke off", hint="Ask again: it goes on where it was.")

    def download_cluster_file(self, backend: str, folder: str, path: str, *, archive: bool = False) -> Iterator[bytes]:
        """A file's bytes, part by part; with ``archive`` a folder's, as a zip.

        Raises:
            EngineUnavailable: the engine went away in the middle; what came until then is right, but not all.
        """
        target = f"{_folder(backend, folder)}/files/{quoted(path)}"
        query = {"archive": "true" if archive else None}
        connection, answer, _ = self._exchange("GET", target, query=query, timeout=_SILENCE, stream=True)
        try:
            yield from answer.parts()
        except (ConnectionError, TimeoutError) as error:
            raise EngineUnavailable(f"reading {path!r} broke off: {error}", hint="Read it again.") from error
        finally:
            connection.close()

    # ------------------------------------------------------------ sharing

    def folder_shares(self, backend: str, folder: str) -> list[Json]:
        """FolderShare each: whom it is shared with."""
        return self._list("GET", f"{_folder(backend, folder)}/shares", timeout=_CLUSTER_SECONDS)

    def share_folder(self, backend: str, folder: str, users: Sequence[str], permission: str = "ro") -> list[Json]:
        """Invite users (e-mail addresses) to a vfolder; FolderShare each, of all."""
        request = {"users": list(users), "permission": permission}
        return self._list("POST", f"{_folder(backend, folder)}/shares", body=request, timeout=_CLUSTER_SECONDS)

    def unshare_folder(self, backend: str, folder: str, user: str) -> None:
        """Share it with somebody no longer."""
        self._read("DELETE", f"{_folder(backend, folder)}/shares/{quoted(user)}", timeout=_CLUSTER_SECONDS)

    def cluster_invitations(self, backend: str) -> list[Json]:
        """FolderInvitation each, not answered yet."""
        return self._list("GET", f"{_cluster(backend)}/invitations", timeout=_CLUSTER_SECONDS)

    def answer_invitation(self, backend: str, invitation: str, *, accept: bool) -> None:
        """Accept an invitation, or turn it down."""
        target = f"{_cluster(backend)}/invitations/{quoted(invitation)}"
        self._read("POST", target, {"accept": accept}, timeout=_CLUSTER_SECONDS)

    # ------------------------------------------------------------ sessions

    def cluster_sessions(
        self, backend: str, *, live: bool = True, text: str = "", limit: int = 50, offset: int = 0
    ) -> Json:
        """One's sessions, newest first: SessionsPage."""
        query = {"live": str(live).lower(), "text": text or None, "limit": limit, "offset": offset}
        return self._ask("GET", f"{_cluster(backend)}/sessions", query=query, timeout=_CLUSTER_SECONDS)

    def terminate_session(self, backend: str, session: str, *, forced: bool = False) -> None:
        """End a session."""
        query = {"forced": "true" if forced else None}
        self._read("DELETE", _session(backend, session), query=query, timeout=_CLUSTER_SECONDS)

    def cluster_session_log(self, backend: str, session: str) -> str:
        """What a session wrote."""
        found = self._ask("GET", f"{_session(backend, session)}/log", timeout=_CLUSTER_SECONDS)
        return str(found["text"])

    def start_app(self, backend: str, session: str, app: str) -> Json:
        """Start a service of a running session: AppAddress."""
        return self._ask("POST", f"{_session(backend, session)}/apps/{quoted(app)}", {}, timeout=_CLUSTER_SECONDS)


def _cluster(backend: str) -> str:
    return f"/clusters/{quoted(backend)}"


def _folder(backend: str, folder: str) -> str:
    return f"{_cluster(backend)}/folders/{quoted(folder)}"


def _session(backend: str, session: str) -> str:
    return f"{_cluster(backend)}/sessions/{quoted(session)}"
