"""Every error that a user can meet, as one tree.

::

    FastTrackError                     what happened, to which named thing, what to do next
    ├── BadRequest                     the call itself makes no sense
    │   ├── SeveralWrong               several things are wrong at once; tells each
    │   ├── EmptyRange                 the part of a file that is asked for lies behind its end: nothing there (yet)
    │   └── ExpressionError            a ``${{ … }}`` that cannot be read, evaluated or inserted (model/expressions)
    ├── InvalidPipeline                the YAML is wrong; carries every problem with its position
    │   └── InvalidNotebook            the notebook cannot become a pipeline; each problem tells its cell and line
    ├── Refused                        the plan refuses to start: something is missing or can never fit
    ├── SignedOut                      an API for others wants a token, or a better one
    ├── NotFound                       no such job, task, folder, file …
    ├── Forbidden                      a path or a name leaves the place where it belongs
    ├── Conflict                       the thing is not in the state that the call needs
    │   ├── IllegalTransition          a status change that the table does not allow; nothing changed
    │   └── HomeInUse                  another engine holds this home
    ├── StoreError                     the database
    │   ├── StoreFull                  no space left; nothing was recorded; jobs pause until there is
    │   └── StoreTooNew                written by a later version of FastTrack
    ├── BackendError                   where sessions run
    │   ├── SessionRejected            this session can never start as asked; final
    │   │   └── ImageUnresolved        the image names nothing that can be had here
    │   └── BackendUnreachable         no answer: nothing is known; ask again
    │       ├── KeysRefused            it does not take these keys; nothing is known until it gets others
    │       └── TooManySessions        it takes no more of this user's just now
    ├── Unreadable                     what a task left cannot be loaded here
    └── EngineUnavailable              the engine process could not be started or reached
        └── OtherVersion               it is of another version than the caller

``code`` is stable and for programs; ``status_hint`` is the HTTP status a face should answer with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from fasttrack_jupyter.model.problems import Problem


class FastTrackError(Exception):
    """Something that the user should hear about.

    ``hint`` says what to do next, in one sentence; ``details`` is JSON-ready data for programs.
    """

    code: ClassVar[str] = "error"
    status_hint: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})

    def to_dict(self) -> dict[str, Any]:
        """``{code, message, hint, details}``: the one shape of an error on every face."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "details": self.details}


class BadRequest(FastTrackError):
    """The call itself makes no sense."""

    code = "bad_request"
    status_hint = 400


class SeveralWrong(BadRequest):
    """Several things are wrong at once; ``each`` has its own words (not where it came over the API)."""

    code = "several_wrong"
    each: tuple[BadRequest, ...] = ()

    @classmethod
    def of(cls, each: tuple[BadRequest, ...]) -> SeveralWrong:
        """The one error that tells all of ``each``."""
        error = cls("\n  ".join(f"{one.message} ({one.hint})" if one.hint else one.message for one in each))
        error.each = each
        return error


class EmptyRange(BadRequest):
    """The part of a file that is asked for lies behind its end; ``details.size`` says where that is just now."""

    code = "empty_range"
    status_hint = 416


class InvalidPipeline(FastTrackError):
    """The pipeline's YAML is wrong; ``problems`` holds all of them, each with its position."""

    code = "invalid_pipeline"
    status_hint = 422

    def __init__(self, message: str, problems: tuple[Problem, ...], *, hint: str = "") -> None:
        super().__init__(message, hint=hint, details={"problems": [p.model_dump(mode="json") for p in problems]})
        self.problems = problems


class InvalidNotebook(InvalidPipeline):
    """The notebook cannot become a pipeline; ``problems`` holds all of them, each tells its cell and line."""

    code = "invalid_notebook"


class Refused(FastTrackError):
    """The plan refuses to start; ``details["tasks"]`` maps each refused task to its reason."""

    code = "refused"
    status_hint = 422


class SignedOut(FastTrackError):
    """No token or signature, or none that is (still) good."""

    code = "signed_out"
    status_hint = 401


class NotFound(FastTrackError):
    """No such thing."""

    code = "not_found"
    status_hint = 404


class Forbidden(FastTrackError):
    """A path or a name leaves the place where it belongs."""

    code = "forbidden"
    status_hint = 403


class Conflict(FastTrackError):
    """The thing is not in the state that the call needs."""

    code = "conflict"
    status_hint = 409


class IllegalTransition(Conflict):
    """A status change that the table does not allow; nothing changed."""

    code = "illegal_transition"


class HomeInUse(Conflict):
    """Another engine holds this home."""

    code = "home_in_use"


class StoreError(FastTrackError):
    """The database could not do what was asked."""

    code = "store_error"


class StoreFull(StoreError):
    """No space left on the disk: nothing was recorded, and nothing is started until there is."""

    code = "store_full"
    status_hint = 507


class StoreTooNew(StoreError):
    """The database was written by a later version of FastTrack."""

    code = "store_too_new"


class BackendError(FastTrackError):
    """The place where sessions run could not do what was asked."""

    code = "backend_error"
    status_hint = 502


class SessionRejected(BackendError):
    """This session can never start as it was asked for; asking again will not help."""

    code = "session_rejected"
    status_hint = 422


class ImageUnresolved(SessionRejected):
    """The image names nothing that can be had here."""

    code = "image_unresolved"


class BackendUnreachable(BackendError):
    """No answer, so nothing is known about the session: ask again, assume nothing."""

    code = "backend_unreachable"
    status_hint = 503


class TooManySessions(BackendUnreachable):
    """The cluster takes no more sessions of this user just now: later it will."""

    code = "too_many_sessions"


class KeysRefused(BackendUnreachable):
    """The cluster does not take these keys (or this password): nothing is known about its sessions until it does."""

    code = "keys_refused"
    status_hint = 502


class Unreadable(FastTrackError):
    """What a task left cannot be loaded here, or is not what was written."""

    code = "unreadable"
    status_hint = 422


class EngineUnavailable(FastTrackError):
    """The engine process could not be started or reached."""

    code = "engine_unavailable"
    status_hint = 503


class OtherVersion(EngineUnavailable):
    """The engine that serves this home is of another version; ``details``: ``engine_version``, ``pid``, ``idle``."""

    code = "other_version"
    status_hint = 409
