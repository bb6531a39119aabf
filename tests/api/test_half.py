"""aiohttp's server half: without the client until somebody wants it."""

from __future__ import annotations

import subprocess
import sys

_HALF = "from fasttrack_jupyter.api.half import prefer_half; import sys; print(prefer_half(), end=' ');"


def said(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_the_server_comes_without_the_client() -> None:
    """Its TLS contexts take longer to make than the whole server."""
    code = f"{_HALF} from fasttrack_jupyter.api import server; print('aiohttp.connector' in sys.modules)"
    assert said(code) == "True False"


def test_the_client_is_there_for_who_asks() -> None:
    """A backend that speaks to a cluster, in the same process."""
    code = f"{_HALF} from aiohttp import web; import aiohttp; print(aiohttp.ClientSession.__name__, aiohttp.web is web)"
    assert said(code) == "True ClientSession True"


def test_what_nobody_has_is_an_attribute_error_as_ever() -> None:
    """Also once the whole package is there."""
    code = f"{_HALF} import aiohttp; print([hasattr(aiohttp, 'Nonsense'), hasattr(aiohttp, '__nonsense__')])"
    assert said(code) == "True [False, False]"


def test_the_version_is_the_packages() -> None:
    """The server's own headers tell it."""
    code = (
        f"{_HALF} import aiohttp; half = aiohttp.__version__; aiohttp.ClientSession; print(half == aiohttp.__version__)"
    )
    assert said(code) == "True True"


def test_a_package_that_is_imported_already_stays_whole() -> None:
    """In tests, and in a Jupyter server."""
    assert said(f"import aiohttp.client; {_HALF} print(aiohttp.ClientSession.__name__)") == "False ClientSession"
