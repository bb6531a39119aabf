"""Who one is on which cluster: the handlers of these operations; see :mod:`fasttrack_jupyter.api.routes`."""

from __future__ import annotations

from fasttrack_jupyter.api import requests as ask
from fasttrack_jupyter.engine.profiles import ProfileCheck, ProfileRequest, ProfileView, SignedBy, SignedRequest
from fasttrack_jupyter.engine.service import FastTrack


async def profiles(engine: FastTrack) -> list[ProfileView]:
    """Who one is on which cluster; never a key."""
    return await engine.profiles()


async def put_profile(engine: FastTrack, name: str, body: ProfileRequest) -> ProfileView:
    """Make or change a profile, which is a backend from then on; the cluster is asked first."""
    return await engine.put_profile(name, body)


async def delete_profile(engine: FastTrack, name: str, query: ask.LeaveQuery) -> None:
    """Forget a profile and its keys."""
    await engine.delete_profile(name, set_aside=query.set_aside)


async def check_profile(engine: FastTrack, name: str) -> ProfileCheck:
    """Ask a profile's cluster who one is there."""
    return await engine.check_profile(name)


async def verify_signed(engine: FastTrack, name: str, body: SignedRequest) -> SignedBy:
    """Whether a request that came in was just signed with a profile's keys."""
    return await engine.verify_signed(name, body)


HANDLERS = (profiles, put_profile, delete_profile, check_profile, verify_signed)
