"""Real clusters for the tests of Backend.AI, and what may go wrong with them.

`cluster` is a cluster of one release: brought up as ``cluster/up.sh`` does when a test first asks for it, or found up
(by hand, for development) and then left so. Which releases: ``--backend-ai 23.9.10,26.9.6``. A test runs on the first
of them; marked ``every_release``, as the few are that tell most about a release, on each (all on all: ``matrix.sh``);
marked ``since(26)`` or ``since(26, 9)`` on such as are that or later.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from backend_ai.fault_proxy import FaultProxy
from backend_ai.real_cluster import Cluster, Clusters, why_not


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All tests that use a cluster carry the marker; to bring it up does not count against a test's time."""
    for item in items:
        if item.get_closest_marker("long_faults") and not config.getoption("--backend-ai-faults"):
            item.add_marker(pytest.mark.skip(reason="takes a minute (--backend-ai-faults)"))
        if item.get_closest_marker("services") and not config.getoption("--backend-ai-services"):
            item.add_marker(pytest.mark.skip(reason="takes minutes (--backend-ai-services)"))
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker("backend_ai")
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(300, func_only=True))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The releases that a test runs on."""
    if "cluster" in metafunc.fixturenames:
        releases = metafunc.config.getoption("--backend-ai").split(",")
        chosen = _chosen(releases, list(metafunc.definition.iter_markers()))
        metafunc.parametrize("cluster", chosen, indirect=True, scope="session")


def _chosen(releases: list[str], marks: list[pytest.Mark]) -> list[object]:
    since = next((mark.args for mark in marks if mark.name == "since"), ())
    fitting = [release for release in releases if tuple(map(int, release.split("."))) >= since]
    if not fitting:
        first = ".".join(map(str, since))
        lacking = pytest.mark.skip(reason=f"needs Backend.AI {first} or later (--backend-ai)")
        return [pytest.param(releases[0], marks=lacking)]
    return list(fitting if any(mark.name == "every_release" for mark in marks) else fitting[:1])


@pytest.fixture(scope="session")
def clusters(request: pytest.FixtureRequest) -> Iterator[Clusters]:
    """All clusters of this test session; those that it brought up are taken down again at its end."""
    wanted = {item.callspec.params["cluster"] for item in request.session.items if _uses_cluster(item)}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # also then they are taken down
    ours = Clusters()
    for release in sorted(wanted):
        if not why_not(release):
            ours.begin(release)  # all at once: much of it is waiting
    yield ours
    ours.leave() if request.config.getoption("--backend-ai-keep") else ours.take_down()


def _uses_cluster(item: pytest.Item) -> bool:
    return "cluster" in getattr(getattr(item, "callspec", None), "params", {})


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, clusters: Clusters) -> Cluster:
    """A real cluster of the release in question, ready."""
    reason = why_not(request.param)
    if reason:
        pytest.skip(reason)
    return clusters.get(request.param)


@pytest.fixture(autouse=True)
def _cluster_is_whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test may stop daemons; the next one finds them running."""
    yield
    if "cluster" in request.fixturenames:
        request.getfixturevalue("cluster").start_all()


@pytest.fixture
def faults(cluster: Cluster) -> Iterator[FaultProxy]:
    """A proxy before the cluster's manager that fails on demand: give its `endpoint` to what is tested."""
    proxy = FaultProxy(cluster.endpoint).start()
    yield proxy
    proxy.stop()
