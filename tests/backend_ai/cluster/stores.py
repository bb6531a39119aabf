"""What Backend.AI stands on: etcd, redis, PostgreSQL, and a Docker daemon of the cluster's own.

Nothing of it needs to survive a power cut, so nobody waits for the disk. The Docker daemon has a bridge of its own,
without forwarding and without any rule in the firewall: containers see each other and this host, and published ports
come through Docker's userland proxy on 127.0.0.1.
"""

from __future__ import annotations

import json
import os
import pwd
import resource
import shutil
import signal
import subprocess
from pathlib import Path

from .config import DATABASE_PASSWORD, HERE
from .packages import postgres_programs
from .processes import Processes, call, clean_environ
from .settings import ClusterError, Settings

FILES = 1 << 20
"""Open files that agents up to 24.09 ask for each container."""
POSTGRES_OPTIONS = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300"


def start_etcd(settings: Settings, processes: Processes) -> None:
    """Keys and values; the daemons find each other by it."""
    url, peer = settings.url("etcd"), settings.url("etcd_peer")
    addresses = [f"--listen-client-urls={url}", f"--advertise-client-urls={url}", f"--listen-peer-urls={peer}"]
    cluster = [f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=tests={peer}", "--unsafe-no-fsync"]
    processes.start("etcd", ["etcd", "--name=tests", f"--data-dir={settings.dir / 'etcd'}", *addresses, *cluster])
    processes.until("etcd", lambda: _answers(["etcdctl", f"--endpoints={url}", "endpoint", "health"]), 30)


def start_redis(settings: Settings, processes: Processes) -> None:
    """Events and live statistics; kept in memory only."""
    port = str(settings.port("redis"))
    no_disk = ["--dir", settings.dir / "redis", "--save", "", "--appendonly", "no"]
    processes.start("redis", ["redis-server", "--bind", "127.0.0.1", "--port", port, *no_disk])
    processes.until("redis", lambda: _answers(["redis-cli", "-h", "127.0.0.1", "-p", port, "ping"]), 30)


def start_postgres(settings: Settings, processes: Processes) -> None:
    """The manager's database. PostgreSQL refuses to be root, so it is Debian's user postgres."""
    programs, data, log = postgres_programs(), settings.dir / "pg", settings.log / "postgres.log"
    log.touch()
    shutil.chown(log, "postgres")
    if not (data / "PG_VERSION").exists():
        _init_database(programs, data, log)
    if not processes.is_alive("postgres"):
        listens = f"-c listen_addresses=127.0.0.1 -p {settings.port('postgres')} -c unix_socket_directories=''"
        (data / "postmaster.pid").unlink(missing_ok=True)  # of before a reboot
        start = [programs / "pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", f"{listens} {POSTGRES_OPTIONS}"]
        call(["runuser", "-u", "postgres", "--", *start, "start"], settings.log / "pg_ctl.log", cwd="/")
        processes.record("postgres", int((data / "postmaster.pid").read_text().split()[0]))


def _init_database(programs: Path, data: Path, log: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    user = pwd.getpwnam("postgres")
    os.chown(data, user.pw_uid, user.pw_gid)
    password = data.with_name("pg.password")
    password.write_text(DATABASE_PASSWORD)
    make = [programs / "initdb", "-D", data, "-U", "postgres", f"--pwfile={password}", "-A", "scram-sha-256"]
    call(["runuser", "-u", "postgres", "--", *make, "-E", "UTF8", "--no-sync"], log, cwd="/")


def stop_postgres(processes: Processes) -> None:
    """PostgreSQL ends by SIGINT without waiting for its clients."""
    processes.stop("postgres", signal.SIGINT, 15)


def sql(settings: Settings, statements: str, database: str = "backend") -> str:
    """Run statements in one of the cluster's databases; rows come as lines, columns with ``|`` between.

    Raises:
        ClusterError: the database refused, in its words.
    """
    where = ["-h", "127.0.0.1", "-p", str(settings.port("postgres")), "-U", "postgres", "-d", database]
    done = subprocess.run(
        [postgres_programs() / "psql", *where, "-v", "ON_ERROR_STOP=1", "-qtA"],
        env=os.environ | {"PGPASSWORD": DATABASE_PASSWORD, "PGOPTIONS": "-c client_min_messages=warning"},
        input=statements, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ClusterError(f"the database refused: {done.stderr.strip()}")
    return done.stdout.strip()


def docker_environ(settings: Settings) -> dict[str, str]:
    """The environment in which `docker` speaks to the cluster's own daemon."""
    return clean_environ() | {"DOCKER_HOST": f"unix://{settings.dir}/run/docker.sock"}


def start_docker(settings: Settings, processes: Processes) -> None:
    """The containers of the sessions."""
    _make_bridge(settings)
    conf, folder = settings.dir / "conf/dockerd.json", settings.dir
    conf.write_text(json.dumps(_runtime(settings)))
    places = [f"--config-file={conf}", f"--data-root={folder}/docker", f"--exec-root={folder}/run/docker"]
    places += [f"--pidfile={folder}/run/dockerd-own", f"--host=unix://{folder}/run/docker.sock"]
    apart = [f"--bridge={settings.bridge}", "--ip=127.0.0.1", "--iptables=false", "--ip6tables=false"]
    apart += ["--ip-forward=false", "--ip-masq=false"]
    processes.start("dockerd", ["dockerd", *places, *apart], before=_raise_files if _may_raise_files() else None)
    processes.until("dockerd", lambda: _answers(["docker", "info"], docker_environ(settings)), 60)


def _make_bridge(settings: Settings) -> None:
    log = settings.log / "ip.log"
    if not Path(f"/sys/class/net/{settings.bridge}").exists():
        call(["ip", "link", "add", "name", settings.bridge, "type", "bridge"], log)
        call(["ip", "addr", "add", settings.bridge_address, "dev", settings.bridge], log)
    call(["ip", "link", "set", settings.bridge, "up"], log)


def remove_bridge(settings: Settings) -> None:
    """Take the network interface away again."""
    if Path(f"/sys/class/net/{settings.bridge}").exists():
        call(["ip", "link", "del", settings.bridge], settings.log / "ip.log")


def _may_raise_files() -> bool:
    """Whether containers can have as many open files as old agents ask for."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= FILES:
        return True
    probe = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))"
    return _answers(["python3", "-c", probe])


def _raise_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))


def _runtime(settings: Settings) -> dict[str, object]:
    """Where they can't, runc is wrapped to lower what a container asks for to what there is."""
    if _may_raise_files():
        return {}
    wrapper = settings.dir / "conf/runc"
    shutil.copy(HERE / "inside/runc.py", wrapper)
    wrapper.chmod(0o755)
    return {"runtimes": {"lowered": {"path": str(wrapper)}}, "default-runtime": "lowered"}


def _answers(argv: list[str], environ: dict[str, str] | None = None) -> bool:
    return subprocess.run(argv, env=environ, capture_output=True, check=False).returncode == 0
