"""What is told of a service, read from what a manager says."""

from __future__ import annotations

from backend_ai.made_up_services import Manager


def test_a_service_needs_the_models_of_all_its_revisions_that_count() -> None:
    """Of the one that serves, and of the one that is being deployed; not of those before."""
    manager = Manager()
    for number in (1, 2):
        manager.make(f"j{number}-0-1", model=f"digits-v{number}")
        manager.serve(f"r{number}")
    manager.make("j3-0-1", model="digits-v3")
    info = manager.services["d1"].info()
    assert (info.model, info.models) == ("digits-v3", ("digits-v2", "digits-v3"))
