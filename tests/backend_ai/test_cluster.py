"""The cluster that the other tests stand on is one: it answers, and Backend.AI's own client works with it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from backend_ai.fault_proxy import FaultProxy
from backend_ai.looking import version_of
from backend_ai.real_cluster import Cluster, Who

pytestmark = pytest.mark.every_release
ASK = """
import json
from ai.backend.client.session import Session
with Session() as session:
    print(json.dumps(session.Admin.query("QUERY")))
"""


def test_the_manager_says_itsversion_of(cluster: Cluster) -> None:
    """The manager is of the release that was asked for."""
    assert version_of(cluster.endpoint) == cluster.version


@pytest.mark.parametrize("who", ["user", "second", "admin"])
def test_the_official_client_logs_in(cluster: Cluster, who: Who) -> None:
    """Each of the three users has working keys, and is who they say."""
    program = ASK.replace("QUERY", "query { user { email } }")
    assert json.loads(cluster.sdk(program, who=who)) == {"user": {"email": cluster.keys(who).email}}


def test_the_official_client_sees_the_session_image(cluster: Cluster) -> None:
    """The image that sessions are started from is known to the manager, and installed."""
    images = json.loads(cluster.sdk(ASK.replace("QUERY", "query { images { registry name tag installed } }")))["images"]
    installed = [f"{image['registry']}/{image['name']}:{image['tag']}" for image in images if image["installed"]]
    assert installed == [cluster.image]


def test_the_session_image_has_what_examples_use(cluster: Cluster) -> None:
    """NumPy, pandas and scikit-learn can be imported in the session image."""
    program = "import sklearn.ensemble, pandas, numpy; print('all there')"
    words = ["run", "--rm", "--network=none", "stable/python:3.11-debian12", "python3", "-c", program]
    assert cluster.docker(*words).strip() == "all there"


def test_faults_come_and_go(cluster: Cluster, faults: FaultProxy) -> None:
    """Before the manager a proxy can answer 503, lose an answer, refuse connections, and pass everything again."""
    faults.answer(503, "GET /", times=1)
    faults.reset("GET /", times=1, when="after")
    with pytest.raises(urllib.error.HTTPError, match="503"):
        version_of(faults.endpoint)
    with pytest.raises(ConnectionError):
        version_of(faults.endpoint)
    faults.down()
    with pytest.raises(urllib.error.URLError, match="refused"):
        version_of(faults.endpoint)
    faults.heal()
    assert version_of(faults.endpoint) == cluster.version
    assert (len(faults.seen), len(faults.passed)) == (3, 2)
