"""What is told of a service, read from what a manager says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from backend_ai.made_up_services import Manager

from fasttrack_jupyter.backends.backend_ai.deployments import FIRST_THAT_SERVES
from fasttrack_jupyter.backends.backend_ai.services import Services
from fasttrack_jupyter.errors import BadRequest


def test_a_service_needs_the_models_of_all_its_revisions_that_count() -> None:
    """Of the one that serves, and of the one that is being deployed; not of those before."""
    manager = Manager()
    for number in (1, 2):
        manager.make(f"j{number}-0-1", model=f"digits-v{number}")
        manager.serve(f"r{number}")
    manager.make("j3-0-1", model="digits-v3")
    info = manager.services["d1"].info()
    assert (info.model, info.models) == ("digits-v3", ("digits-v2", "digits-v3"))


class Cluster:
    """Of a release that serves."""

    async def release(self) -> Any:
        return FIRST_THAT_SERVES


def test_a_token_for_longer_than_it_would_live_is_refused() -> None:
    """Instead of one that ends sooner than its holder thinks."""
    manager = Manager()
    manager.make("j1-0-1")
    manager.change(is_public=False)
    services = Services(Cluster(), manager, manager)  # type: ignore[arg-type]
    assert asyncio.run(services.token("digits", 30 * 86_400.0)) == "token"
    with pytest.raises(BadRequest, match="lives 30d at most"):
        asyncio.run(services.token("digits", 90 * 86_400.0))
    assert manager.token_asked == 1
