"""Vfolders shared between users, and those of a project.

One's own vfolder is shared by invitation, which the other accepts or not. A vfolder of a project is everybody's
in it, and only administrators (of the project's domain, at least) may make one. A project's vfolder is shared by its
administrators without asking anybody: that changes what a member may do with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fasttrack_jupyter.backends.backend_ai.alongside import both
from fasttrack_jupyter.backends.backend_ai.catalogue import Catalogue, Vfolder
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.survey import ProjectInfo
from fasttrack_jupyter.engine.clusters import FolderInvitation, FolderShare
from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound

_MAIL = re.compile(r"[^\s@,]+@[^\s@,]+")
_PENDING = "pending"
PERMISSIONS = ("ro", "rw", "wd")


class Sharing:
    """What one user shares on one cluster, and what others share with him."""

    def __init__(self, cluster: Cluster, catalogue: Catalogue) -> None:
        self._cluster, self._catalogue = cluster, catalogue

    async def shares(self, folder: str) -> list[FolderShare]:
        """Whom a vfolder is shared with, those who have not answered yet as well. Raises NotFound."""
        found = await self._catalogue.get(folder)
        accepted, sent = await both(
            self._cluster.call("GET", "/folders/_/shared", query={"vfolder_id": found.id}),
            self._cluster.call("GET", "/folders/invitations/list-sent"),
        )
        return sorted(
            [FolderShare(user=_who(each), permission=_perm(each), is_accepted=True) for each in accepted["shared"]]
            + [
                FolderShare(user=each["invitee"], permission=_perm(each), is_accepted=False)
                for each in sent["invitations"]
                if _is_of(each, found) and str(each.get("state", _PENDING)).lower() == _PENDING
            ],
            key=lambda share: share.user,
        )

    async def share(self, folder: str, users: Sequence[str], permission: str) -> list[FolderShare]:
        """Invite users; who has the vfolder already gets the permission. All shares, then.

        Raises:
            BadRequest: what is no e-mail address.
            NotFound: no such vfolder, or the cluster knows none of the users.
        """
        found = await self._catalogue.get(folder)
        for user in users:
            if not _MAIL.fullmatch(user):
                raise BadRequest(f"{user!r} is no e-mail address", hint="name users as they log in")
        where = await self._catalogue.path(folder)
        if found.project is not None:
            body = {"permission": permission, "emails": list(users)}
            await self._cluster.call("POST", f"{where}/share", body=body, repeat=True)
            return await self.shares(folder)
        known = {each["shared_to"]["email"]: each["shared_to"]["uuid"] for each in await self._accepted(found)}
        for user in users:
            if user in known:
                await self._set(found, known[user], permission)
        if fresh := [user for user in users if user not in known]:
            await self._invite(where, folder, fresh, permission)
        return await self.shares(folder)

    async def unshare(self, folder: str, user: str) -> None:
        """Take it back, accepted or not. Raises NotFound."""
        found = await self._catalogue.get(folder)
        if found.project is not None:
            where = await self._catalogue.path(folder)
            await self._cluster.call("DELETE", f"{where}/unshare", body={"emails": [user]})
            return
        uuids = [each["shared_to"]["uuid"] for each in await self._accepted(found) if _who(each) == user]
        for uuid in uuids:
            await self._set(found, uuid, None)
        sent = (await self._cluster.call("GET", "/folders/invitations/list-sent"))["invitations"]
        waiting = [each["id"] for each in sent if _is_of(each, found) and each["invitee"] == user]
        for invitation in waiting:
            await self.decline(invitation)
        if not uuids and not waiting:
            raise NotFound(f"vfolder {folder!r} is not shared with {user}", hint="fasttrack cluster folders shares")

    async def invitations(self) -> list[FolderInvitation]:
        """What others share, not answered yet."""
        told = await self._cluster.call("GET", "/folders/invitations/list")
        return [
            FolderInvitation(
                id=str(each["id"]),
                folder=each["vfolder_name"],
                inviter=str(each.get("inviter_user_email") or each["inviter"]),
                permission=_perm(each),
            )
            for each in told["invitations"]
        ]

    async def accept(self, invitation: str) -> None:
        """The vfolder is one's own to use then.

        Raises:
            NotFound: no such invitation.
            Conflict: one has a vfolder of that name already.
        """
        body = {"inv_id": invitation}
        try:
            await self._cluster.call("POST", "/folders/invitations/accept", body=body, repeat=False)
        except BadRequest as error:
            if "already" in f"{error.details.get('type')} {error.message}".lower():
                hint = "Rename or remove your own, then accept again."
                raise Conflict("you have a vfolder of that name already", hint=hint) from error
            raise
        self._catalogue.forget()

    async def decline(self, invitation: str) -> None:
        """Turn it down, or (one's own) take it back. Raises NotFound."""
        await self._cluster.call("DELETE", "/folders/invitations/delete", body={"inv_id": invitation})

    async def make_of_project(self, name: str, usage_mode: str, project: ProjectInfo, host: str | None) -> None:
        """A vfolder of a project's. Raises Forbidden for who may not, BadRequest."""
        is_by_name = (await self._cluster.release()).year == 24  # which takes an id for a name
        group = project.name if is_by_name else project.id
        body: dict[str, Any] = {"name": name, "usage_mode": usage_mode, "group": group}
        if host:
            body["host"] = host
        await self._cluster.call("POST", "/folders", body=body, repeat=False)
        self._catalogue.forget()

    async def _invite(self, where: str, folder: str, users: Sequence[str], permission: str) -> None:
        body = {"perm": permission, "emails": list(users)}
        try:
            await self._cluster.call("POST", f"{where}/invite", body=body, repeat=True)
        except NotFound as error:
            who = ", ".join(users)
            raise NotFound(f"the cluster knows no {who}", hint="Are they users of this cluster, and active?") from error
        there = {share.user for share in await self.shares(folder) if share.permission in PERMISSIONS}
        if lost := [user for user in users if user not in there]:
            sent = (await self._cluster.call("GET", "/folders/invitations/list-sent"))["invitations"]
            for each in sent:  # 26.9 invites whoever is named, with no permission at all
                if each["invitee"] in lost and each.get("perm") not in PERMISSIONS:
                    await self.decline(each["id"])
            hint = "The others were invited." if len(lost) < len(users) else "Are they users of this cluster?"
            raise NotFound(f"the cluster knows no {', '.join(lost)}", hint=hint)

    async def _accepted(self, found: Vfolder) -> list[Mapping[str, Any]]:
        told = await self._cluster.call("GET", "/folders/_/shared", query={"vfolder_id": found.id})
        return [each for each in told["shared"] if isinstance(each.get("shared_to"), Mapping)]

    async def _set(self, found: Vfolder, user: str, permission: str | None) -> None:
        body = {"vfolder": found.id, "user": user, "perm": permission}
        await self._cluster.call("POST", "/folders/_/shared", body=body, repeat=True)


def _who(told: Mapping[str, Any]) -> str:
    return str(told["shared_to"]["email"])


def _perm(told: Mapping[str, Any]) -> str:
    return str(told.get("perm") or told.get("mount_permission") or "ro")


def _is_of(told: Mapping[str, Any], found: Vfolder) -> bool:
    return str(told.get("vfolder_id", "")).replace("-", "") == found.id.replace("-", "")
