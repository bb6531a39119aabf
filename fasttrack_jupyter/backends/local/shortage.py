"""What an error of the system means for a session: shortage passes, everything else does not."""

from __future__ import annotations

import errno

from fasttrack_jupyter.errors import BackendUnreachable, SessionRejected

SCARCE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})


def trouble(error: OSError, path: str) -> BackendUnreachable | SessionRejected:
    """What an error of the system means for a session: shortage passes, everything else does not."""
    words = f"the session of {path!r} could not be started: {error.strerror} ({error.filename or 'this machine'})"
    if error.errno in SCARCE:
        return BackendUnreachable(words, hint="It is tried again; free some space or end something.")
    return SessionRejected(words, hint="Check the permissions and the disk of FastTrack's home.")
