"""The HTTP proxy that this machine's environment asks for."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

from yarl import URL


def proxy_for(url: URL) -> str | None:
    """``HTTPS_PROXY`` or ``HTTP_PROXY`` (or the system's settings), unless ``NO_PROXY`` names the host."""
    found = getproxies()
    proxy = found.get(url.scheme) or found.get("all")
    if not proxy or proxy_bypass(url.host_port_subcomponent or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
