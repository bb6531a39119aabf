"""A manager that is made up, for the tests of rollouts: what there is, and what was asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fasttrack_jupyter.backends.backend_ai.services_telling import Deployment, Mark, Replica, Revision, Seen
from fasttrack_jupyter.errors import NotFound


class Manager:
    """Stands for :class:`Deployments`: what there is, and what was asked for."""

    def __init__(self) -> None:
        self.services: dict[str, Seen] = {}
        self.asked: list[str] = []
        self.token_asked = 0
        self.answer = 200
        self.now = time.time
        self.words = "ModuleNotFoundError: sklearn\n"
        """The end of every log."""

    async def mine(self, name: str | None = None) -> list[Deployment]:
        return [seen.deployment for seen in self.services.values()]

    async def see(self, deployment: Deployment | str, *, with_sessions: bool = False) -> Seen:
        which = deployment if isinstance(deployment, str) else deployment.id
        if which not in self.services:
            raise NotFound("no such deployment")
        return self.services[which]

    async def log(self, session: str) -> str:
        return f"log of {session}\n{self.words}"

    async def token(self, deployment: str, seconds: float) -> str:
        self.token_asked += 1
        return "token"

    async def answers(self, url: str, token: str) -> int:
        self.asked.append(f"GET {url}")
        return self.answer

    async def remove(self, deployment: str) -> None:
        self.asked.append(f"remove {deployment}")
        self.services.pop(deployment)

    async def activate(self, deployment: str, revision: str) -> None:
        self.asked.append(f"activate {revision}")

    async def set_options(self, deployment: str, body: Mapping[str, Any]) -> None:
        hurries = [each for each in body["options"]["handler_options"]["by_handler"] if each["timeout_sec"]]
        self.asked.append("hurry" if hurries else "no hurry")
        if hurries:
            self.change(deployment, status="READY", deploying=None)

    # ------------------------------------------------------------ what happens there

    def make(self, attempt: str, which: str = "d1", model: str = "model") -> None:
        """A service, or its next revision, begins to be deployed."""
        old = self.services.get(which)
        number = len(old.revisions) + 1 if old else 1
        before = (old.deployment.current if old else None) or ""
        mark = Mark(attempt, "serve", "pipeline", model, "img", before=before)
        revision = Revision(f"r{number}", number, mark, self.now(), ("/ok", 200))
        if old is None:
            deployment = Deployment(
                which, "digits", "DEPLOYING", True, "http://proxy/", True, 1, None, "r1", 1.0 + len(self.services), 1.0
            )
            self.services[which] = Seen(deployment, (revision,), ())
        else:
            self.services[which] = replace(old, revisions=(revision, *old.revisions))
            self.change(which, status="DEPLOYING", deploying=revision.id)

    def change(self, which: str = "d1", **what: Any) -> None:
        """Something of the deployment."""
        seen = self.services[which]
        self.services[which] = replace(seen, deployment=replace(seen.deployment, **what))

    def replica(self, revision: str, status: str, which: str = "d1") -> None:
        """One more replica."""
        seen = self.services[which]
        number = len(seen.replicas)
        is_active = status == "running"
        health = "healthy" if is_active else "not_checked"
        fresh = Replica(f"replica-{number}", revision, f"session-{number}", status, is_active, health, float(number))
        self.services[which] = replace(seen, replicas=(*seen.replicas, fresh))

    def serve(self, revision: str, which: str = "d1") -> None:
        """A revision is deployed, and nothing else serves."""
        seen = self.services[which]
        self.services[which] = replace(seen, replicas=tuple(e for e in seen.replicas if e.revision == revision))
        self.replica(revision, "running", which)
        self.change(which, status="READY", current=revision, deploying=None)


class Forgetful(Manager):
    """Removes services, and not their sessions."""

    async def remove(self, deployment: str) -> None:
        self.change(deployment, status="STOPPED")

    async def end_session(self, session: str) -> None:
        self.asked.append(f"end {session}")
