"""The manager's database, once: schema, the release's own example users, and our image."""

from __future__ import annotations

import json

from . import accelerators
from .config import HERE, VFOLDER_HOST, fill
from .processes import Processes, call
from .settings import ClusterError, Settings
from .stores import docker_environ, sql

WHO = {
    "": ("user@lablup.com", "AKIANABBDUSEREXAMPLE"),
    "SECOND_": ("user2@lablup.com", "AKIANATWOUSEREXAMPLE"),  # an ordinary user of the same project
    "ADMIN_": ("admin@lablup.com", "AKIAIOSFODNN7EXAMPLE"),
}
"""Who of the example data the tests are: a part of the variables' names → login and access key."""
FIXTURES = (
    "users", "keypairs", "set-user-main-access-keys", "resource-slot-types", "runtime-variants",
    "runtime-variant-presets", "role-presets", "roles",
)  # fmt: skip
"""Example data, in this order, where the release has it. The presets are ours: those of 26.9.6 do not load."""


def seed(settings: Settings) -> None:
    """Fill the database and etcd, unless they were."""
    stamp = settings.dir / "run/seeded"
    if stamp.exists():
        return
    conf, examples = settings.dir / "conf", settings.dir / "seed/ai/backend/install/fixtures"
    _make_keys(settings)
    sql(settings, "DROP DATABASE IF EXISTS backend;\nCREATE DATABASE backend;", "postgres")
    files = [path for name in FIXTURES if (path := examples / f"example-{name}.json").exists()]
    commands = [
        ["etcd", "put-json", "", str(conf / "etcd.json")],
        ["schema", "oneshot", "-f", str(conf / "alembic.ini")],
    ]
    commands += [["fixture", "populate", str(path)] for path in (*files, conf / "presets.json", conf / "registry.json")]
    commands += [["permissions", "provision"]] if (examples / "example-role-presets.json").exists() else []
    commands += [["image", "rescan", "local"]]
    manager_commands(settings, commands)
    sql(settings, fill(settings, "seeded.sql"))
    if not sql(settings, "SELECT name FROM images"):
        raise ClusterError(f"the manager did not find the session image: see {settings.log / 'seed.log'}")
    stamp.touch()


def manager_commands(settings: Settings, commands: list[list[str]]) -> None:
    """Run commands of ``backend.ai mgr``."""
    conf = settings.dir / "conf"
    asked = conf / "seed-commands"
    asked.write_text("\n".join("\t".join(words) for words in commands))
    program = ["sh", "-c", 'exec "$0" "$1" <"$2"', settings.programs / "python", HERE / "inside/seed.py", asked]
    environ = docker_environ(settings) | {"BACKEND_CONFIG_FILE": str(conf / "manager.toml")}
    call(program, settings.log / "seed.log", cwd=conf, env=environ)


def _make_keys(settings: Settings) -> None:
    """The key pair by which manager and agent know each other."""
    if not (settings.dir / "conf/manager.key_secret").exists():
        make = "import sys, zmq.auth; zmq.auth.create_certificates(sys.argv[1], 'manager')"
        call([settings.programs / "python", "-c", make, settings.dir / "conf"], settings.log / "seed.log")


def seed_accelerators(settings: Settings, processes: Processes) -> None:
    """Tell etcd and the database of the slots, also on a cluster made without them; before the agent starts."""
    if not settings.accelerators or processes.is_alive("agent"):
        return
    modes, statements = accelerators.write(settings)
    stamp, wanted = settings.dir / "run/seeded-accelerators", ",".join(settings.accelerators)
    if not stamp.exists() or stamp.read_text() != wanted:
        content = settings.dir / "conf/etcd-plugins.json"
        content.write_text(json.dumps({"config": {"plugins": {"accelerator": modes}}}))
        manager_commands(settings, [["etcd", "put-json", "", str(content)]])
        sql(settings, statements)
        stamp.write_text(wanted)


def seed_app_proxy(settings: Settings) -> None:
    """The app proxy's own database, and its address in the manager's."""
    stamp = settings.dir / "run/seeded-app-proxy"
    if not settings.app_proxy or stamp.exists():
        return
    sql(settings, "DROP DATABASE IF EXISTS appproxy;\nCREATE DATABASE appproxy;", "postgres")
    conf = settings.dir / "conf"
    # The command itself: the group that it is in does not come up in 26.4.16 ("missing … argument: 'args'").
    make = "from ai.backend.appproxy.coordinator.cli.dbschema import oneshot; oneshot()"
    schema = [settings.programs / "python", "-c", make, "-f", conf / "alembic-appproxy.ini"]
    call(schema, settings.log / "seed.log", cwd=conf)
    sql(settings, fill(settings, "app-proxy.sql"))
    stamp.touch()


def environ_lines(settings: Settings) -> list[str]:
    """What `D/env` holds: every address, key and name that a test may need, as ``NAME=value``."""
    image = sql(settings, "SELECT name FROM images WHERE image = 'stable/python' ORDER BY name LIMIT 1")
    plain = {
        "BACKEND_ENDPOINT": settings.url("manager"), "BACKEND_ENDPOINT_TYPE": "api",
        "BACKEND_WEB_ENDPOINT": settings.url("webserver"),
        "BACKEND_DOMAIN": "default", "BACKEND_GROUP": "default", "BACKEND_SCALING_GROUP": "default",
        "BACKEND_VFOLDER_HOST": VFOLDER_HOST, "BACKEND_IMAGE": image, "BACKEND_VERSION": settings.version,
        "BACKEND_LAB_DIR": settings.dir, "BACKEND_ACCELERATORS": ",".join(settings.accelerators),
        "BACKEND_APP_PROXY": settings.url("coordinator") if settings.app_proxy else "",
    }  # fmt: skip
    lines = [f"{name}={value}" for name, value in plain.items()]
    users = {row["email"]: row for row in _example(settings, "users")}
    keys = {row["access_key"]: row["secret_key"] for row in _example(settings, "keypairs")}
    for who, (email, access) in WHO.items():
        lines += [f"BACKEND_{who}ACCESS_KEY={access}", f"BACKEND_{who}SECRET_KEY={keys[access]}"]
        lines += [f"BACKEND_{who}USER_EMAIL={email}", f"BACKEND_{who}USER_PASSWORD={users[email]['password']}"]
    return lines


def _example(settings: Settings, table: str) -> list[dict[str, str]]:
    path = settings.dir / f"seed/ai/backend/install/fixtures/example-{table}.json"
    return json.loads(path.read_text())[table]
