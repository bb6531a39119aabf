"""The configuration files of the daemons: templates, filled with the cluster's ports and places."""

from __future__ import annotations

import json
import string
from pathlib import Path

from .settings import NO_PIPELINE, PORTS, Settings

HERE = Path(__file__).parent
SESSION_UID = 1000
"""The user that sessions are, and the storage proxy too: each can write what the other made."""
DATABASE_PASSWORD = "only-on-loopback"
STORAGE_SECRET = "shared-by-manager-and-storage-proxy-of-the-tests"
APP_PROXY_SECRET = "shared-by-manager-and-app-proxy-of-the-tests"
VFOLDER_HOST = "local:volume1"
PERMISSIONS = (
    "create-vfolder", "modify-vfolder", "delete-vfolder", "mount-in-session", "upload-file", "download-file",
    "invite-others", "set-user-specific-permission",
)  # fmt: skip


def values(settings: Settings) -> dict[str, str]:
    """Everything a template may ask for."""
    ports = {name: settings.port(name) for name in PORTS}
    monitors = {f"{name}_web": port + 5 for name, port in ports.items() if name.endswith("_monitor")}
    at = '{ host = "127.0.0.1", port = %d }'
    internal = (
        f"announce-addr = {at % ports['storage_manager']}\n"
        f"internal-addr = {at % ports['storage_internal']}\n"
        f"announce-internal-addr = {at % ports['storage_internal']}"
    )
    plain = {
        "dir": settings.dir,
        "session_uid": SESSION_UID,
        "database_password": DATABASE_PASSWORD,
        "storage_secret": STORAGE_SECRET,
        "app_proxy_secret": APP_PROXY_SECRET,
        "permissions": json.dumps(PERMISSIONS),
        "containers_last": settings.port("containers") + 299,
        "manager_url": settings.url("manager"),
        "coordinator_url": settings.url("coordinator"),
        "pipeline": settings.pipeline,
        "menu": 'menu_blocklist = "pipeline"' if settings.pipeline == NO_PIPELINE else "",
        "brand": "" if settings.release >= 25 else 'brand = "tests"',
        "storage_internal_addresses": internal if settings.release >= 25 else "",
    }
    return {name: str(value) for name, value in {**ports, **monitors, **plain}.items()}


def fill(settings: Settings, name: str, **more: object) -> str:
    """The text of one template."""
    text = (HERE / "templates" / name).read_text()
    return string.Template(text).substitute(values(settings), **more)


def write_all(settings: Settings) -> None:
    """Write every configuration file into ``conf/``."""
    common, etcd, redis = (fill(settings, name) for name in ("common.toml", "etcd.toml", "app-proxy.toml"))
    for daemon in ("manager", "storage-proxy", "agent"):
        _write(settings, f"{daemon}.toml", etcd + fill(settings, f"{daemon}.toml") + common)
    web = common.replace("\n[pyroscope]\nenabled = false\n\n[debug]\nenabled = false\n", "")
    _write(settings, "webserver.toml", fill(settings, "webserver.toml") + web)
    _write(settings, "etcd.json", json.dumps(etcd_content(settings), indent=1))
    for name in ("presets.json", "registry.json"):
        _write(settings, name, (HERE / "templates" / name).read_text())
    _alembic(settings, "alembic.ini", "backend", "ai.backend.manager.models:alembic")
    if settings.app_proxy:
        proxy = redis + web
        _alembic(settings, "alembic-appproxy.ini", "appproxy", "ai.backend.appproxy.coordinator.models:alembic")
        _write(settings, "coordinator.toml", fill(settings, "coordinator.toml") + proxy)
        for protocol, traffics in (("http", '["inference", "interactive"]'), ("tcp", '["interactive"]')):
            _write(settings, f"worker-{protocol}.toml", _worker(settings, protocol, traffics) + proxy)


def _worker(settings: Settings, protocol: str, traffics: str) -> str:
    first = settings.port(f"apps_{protocol}")
    monitor = settings.port(f"worker_{protocol}_monitor")
    return fill(
        settings, "worker.toml", protocol=protocol, traffics=traffics, port=settings.port(f"worker_{protocol}"),
        first=first, last=first + 49, monitor=monitor, monitor_web=monitor + 5,
    )  # fmt: skip


def _alembic(settings: Settings, name: str, database: str, schema: str) -> None:
    _write(settings, name, fill(settings, "alembic.ini", database=database, schema=schema))


def _write(settings: Settings, name: str, text: str) -> None:
    (settings.dir / "conf" / name).write_text(text)


def etcd_content(settings: Settings) -> dict[str, object]:
    """What the daemons read from etcd: where the storage proxy, redis and the image registry are."""
    image: dict[str, object] = {"auto_pull": "none"}
    docker: dict[str, object] = {"image": image}
    if settings.release < 24:  # later the registries are in the database
        docker["registry"] = {"local": {"": "http://localhost", "type": "local"}}
    helper = {"socket_timeout": "5.0", "socket_connect_timeout": "2.0", "reconnect_poll_timeout": "0.3"}
    return {
        "volumes": {
            "_types": {"group": "", "user": ""},
            "default_host": VFOLDER_HOST,
            "proxies": {
                "local": {
                    "client_api": settings.url("storage_client"),
                    "manager_api": settings.url("storage_manager"),
                    "secret": STORAGE_SECRET,
                    "ssl_verify": "false",
                }
            },
            "exposed_volume_info": "percentage",
        },
        "config": {
            "redis": {"addr": f"127.0.0.1:{settings.port('redis')}", "redis_helper_config": helper},
            "docker": docker,
        },
    }
