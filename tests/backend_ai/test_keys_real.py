"""A new access key of the same user, on real clusters: jobs are seen through, though it is not shown their sessions.

It is the second user's, who has nothing to do in other tests but in those of `test_browser.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from backend_ai.cluster_home import ClusterHome, cluster_home
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.backends.backend_ai import http
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile

pytestmark = pytest.mark.usefixtures("second_user")
MAKE = """mutation($user: String!, $props: KeyPairInput!) {
  create_keypair(user_id: $user, props: $props) { ok msg keypair { access_key secret_key } } }"""
DELETE = "mutation($key: String!) { delete_keypair(access_key: $key) { ok msg } }"


def administer(cluster: Cluster, query: str, variables: dict[str, object]) -> dict[str, object]:
    """What a mutation of an administrator's gave."""

    async def go() -> dict[str, object]:
        keys = Keys(cluster.admin.access_key, cluster.admin.secret_key)
        asked = http.Cluster(Profile("admin", cluster.endpoint), keys)
        try:
            (told,) = (await asked.graphql(query, variables)).values()
            return dict(told)
        finally:
            await asked.aclose()

    return asyncio.run(go())


@contextlib.contextmanager
def another_key(cluster: Cluster) -> Iterator[Keys]:
    """Another access key of the user; on 23.09 and 24.09, where a user has only one that works, instead of his own."""
    props = {"is_active": True, "is_admin": False, "resource_policy": "default", "rate_limit": 30_000}
    made = administer(cluster, MAKE, {"user": cluster.second.email, "props": props})["keypair"]
    assert isinstance(made, dict)
    try:
        yield Keys(made["access_key"], made["secret_key"])
    finally:
        use(cluster, cluster.second.access_key)
        administer(cluster, DELETE, {"key": made["access_key"]})


def use(cluster: Cluster, key: str) -> None:
    """It is the user's main access key from now on."""
    if cluster.year < 25:
        cluster.sql(f"UPDATE users SET main_access_key = '{key}' WHERE email = '{cluster.second.email}';")


@pytest.fixture
def there(cluster: Cluster) -> Iterator[ClusterHome]:
    """A home."""
    with cluster_home(cluster, who="second") as home:
        yield home


def put(home: ClusterHome, keys: Keys) -> None:
    """Store other keys for the profile; the cluster takes them."""
    use(home.cluster, keys.user)
    profile = {"endpoint": home.cluster.endpoint, "user": keys.user, "secret": keys.secret}
    home.client.put_profile("default", profile)


@pytest.mark.every_release
def test_a_job_is_seen_through_with_a_new_key(there: ClusterHome, cluster: Cluster) -> None:
    """Its session, made with the old one, is followed and cannot run twice; the next one is made with the new one."""
    own = Keys(cluster.second.access_key, cluster.second.secret_key)
    command = "echo begun; echo x >>/pipeline/vfroot/begun; sleep 15; echo 7 >/pipeline/outputs/made"
    tasks = [
        {"name": "first", "command": command},
        {"name": "second", "command": "cat /pipeline/input1/made; wc -l </pipeline/vfroot/begun",
         "dependencies": ["first"]},
    ]  # fmt: skip
    with another_key(cluster) as key:
        job = there.start("keys", tasks)
        there.running(job, "first", "begun")
        put(there, key)
        try:
            words = f"made with the access key …{own.user[-4:]}"
            there.until(lambda: words in there.client.job(job)["tasks"][0]["reason"], lambda: there.job_words(job), 60)
            found = there.ended(job)
            assert found["result"] == "SUCCESS", there.job_words(job)
            assert there.log(job, "second").split() == ["7", "1"]
            assert [each["number"] for each in there.client.attempts(job)] == [1, 1]
        finally:
            put(there, own)


def test_a_session_that_a_new_key_is_not_shown_can_be_cancelled(there: ClusterHome, cluster: Cluster) -> None:
    """It is told so by its records, and its container ends."""
    own = Keys(cluster.second.access_key, cluster.second.secret_key)
    with another_key(cluster) as key:
        job = there.start("keys", [{"name": "first", "command": "echo begun; sleep 600"}])
        there.running(job, "first", "begun")
        put(there, key)
        try:
            there.client.cancel(job)
            (task,) = there.ended(job, 60)["tasks"]
            assert (task["status"], task["reason"]) == ("CANCELLED", "cancelled"), task
        finally:
            put(there, own)
        there.until(lambda: not there.sessions(job, live=True), lambda: "its session lives", 60)
