"""Real clusters for the tests of Backend.AI, and what may go wrong with them.

`cluster` is a cluster of one release: brought up as ``cluster/up.sh`` does when a test first asks for it, or found up
(by hand, for development) and then left so. Which releases: ``--backend-ai 23.9.10,26.9.6``. A test runs on the first
of them; marked ``every_release``, as the few are that tell most about a release, on each (all on all: ``matrix.sh``);
marked ``since(26)`` or ``since(26, 9)`` on such as are that or later.

Sessions mostly wait, so several workers use the same clusters at the same time (``-n 2 --dist loadgroup``): one takes
the tests of a file for one release (``tests/conftest.py``). A test that must have the clusters for itself is marked
``alone``, and is best in a file of such tests: they come last.
"""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator

import pytest
from backend_ai.fault_proxy import FaultProxy
from backend_ai.real_cluster import Cluster, Clusters, sharing, why_not

FIRST = ("test_digits_cluster", "test_semantics", "test_semantics_live", "test_keys_real", "test_faults")
"""Files that take a minute and more: the last one to be taken up shall be a short one."""
LAST = ("test_by_themselves", "test_in_jupyterlab")
"""Files whose tests want to be alone: they come when the others are done, lest these wait for them."""


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
    items.sort(key=_turn)  # stable: without clusters as they were


def _turn(item: pytest.Item) -> int:
    if not _release(item):
        return 0
    if item.path.stem in LAST:
        return len(FIRST) + 2
    return 1 + (FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


def _release(item: pytest.Item) -> str:
    return str(getattr(getattr(item, "callspec", None), "params", {}).get("cluster", ""))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that wants to be alone waits for those of other workers, and they for it."""
    release = "" if item.get_closest_marker("skip") else _release(item)
    if not release or why_not(release):
        return (yield)
    with sharing("sharing", by_oneself=item.get_closest_marker("alone") is not None):
        return (yield)


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
    wanted = {_release(item) for item in request.session.items} - {""}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # also then they are taken down
    ours = Clusters()
    for release in sorted(wanted):
        if not why_not(release):
            ours.begin(release)  # all at once: much of it is waiting
    yield ours
    is_worker = hasattr(request.config, "workerinput")  # the others may need them still: tests/conftest.py
    ours.leave() if is_worker or request.config.getoption("--backend-ai-keep") else ours.take_down()


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, clusters: Clusters) -> Cluster:
    """A real cluster of the release in question, ready."""
    reason = why_not(request.param)
    if reason:
        pytest.skip(reason)
    return clusters.get(request.param)


@pytest.fixture
def second_user() -> Iterator[None]:
    """The second user is at this test's disposal only."""
    with sharing("second-user", by_oneself=True):
        yield


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
