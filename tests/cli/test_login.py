"""``login``, ``logout``, ``profiles``: keys go in by stdin or the environment, and are shown nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fasttrack_jupyter.api.environ import profile_in, use_environ
from fasttrack_jupyter.errors import BackendUnreachable, KeysRefused

ENDPOINT = "https://ai.example.org"
CHECK = {
    "release": "26.9.6", "account": "me@example.org", "role": "user", "projects": ["default", "lab"], "notes": ["mind"],
}  # fmt: skip
VIEW = {
    "name": "default", "backend": "backend.ai", "endpoint": ENDPOINT, "mode": "api", "domain": "default",
    "project": "default", "resource_group": None, "folder_host": None, "verify_tls": True, "proxy": None,
    "account": "me@example.org", "key": "…MPLE", "kept": True, "trouble": "", "checked": CHECK,
}  # fmt: skip
ENVIRON = {
    "BACKEND_ENDPOINT": ENDPOINT, "BACKEND_ACCESS_KEY": "AKIA", "BACKEND_SECRET_KEY": "hunter2", "BACKEND_GROUP": "lab",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _known(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No profile yet, nothing in the environment, and a cluster that says yes."""
    client.answers |= {"profiles": [], "put_profile": VIEW, "delete_profile": None, "check_profile": CHECK}
    for name in (*ENVIRON, "BACKEND_ENDPOINT_TYPE", "BACKEND_DOMAIN"):
        monkeypatch.delenv(name, raising=False)


def put(client: Any) -> Any:
    """What the engine was asked to keep."""
    return client.asked("put_profile")


def test_the_secret_key_comes_by_stdin(cli: Any, client: Any) -> None:
    """It reaches the engine, and no line that is printed."""
    done = cli("login", "--endpoint", ENDPOINT, "--user", "AKIA", stdin="hunter2\n")
    assert done.exit_code == 0
    name, request = put(client)
    assert (name, request["secret"], request["user"], request["mode"]) == ("default", "hunter2", "AKIA", "api")
    assert "hunter2" not in done.output
    assert "Backend.AI 26.9.6; you are me@example.org (user)" in done.stdout
    assert "fasttrack run FILE --backend backend.ai" in done.stdout
    assert "note: mind" in done.stderr


def test_no_option_takes_a_secret(cli: Any) -> None:
    """Anybody on this machine can see a command line."""
    told = cli("login", "--help").stdout
    assert "--secret" not in told
    assert "--password" not in told


def test_the_official_clients_variables_say_what_is_not_said(cli: Any, client: Any, monkeypatch: Any) -> None:
    """All of it, and an option counts more."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    assert cli("login", "--project", "mine").exit_code == 0
    request = put(client)[1]
    assert (request["endpoint"], request["user"], request["secret"]) == (ENDPOINT, "AKIA", "hunter2")
    assert request["project"] == "mine"


def test_the_environments_secret_goes_with_its_own_access_key_only(cli: Any, client: Any, monkeypatch: Any) -> None:
    """Another user's is asked for; a password is not a secret key."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    cli("login", "--user", "OTHER", stdin="another\n")
    assert put(client)[1]["secret"] == "another"
    cli("login", "--mode", "session", "--user", "me@example.org", stdin="a password\n")
    assert put(client)[1]["secret"] == "a password"


def test_a_password_may_end_in_spaces_but_not_in_its_newline(cli: Any, client: Any) -> None:
    """One newline at the end is the shell's."""
    cli("login", "--endpoint", ENDPOINT, "--mode", "session", "--user", "me@example.org", stdin=" pass \r\n")
    assert put(client)[1]["secret"] == " pass "


def test_a_known_profile_keeps_what_is_not_said(cli: Any, client: Any) -> None:
    """Logging in again with new keys changes the keys."""
    client.answers["profiles"] = [{**VIEW, "resource_group": "gpu", "verify_tls": False}]
    cli("login", "--user", "NEW", stdin="hunter2\n")
    request = put(client)[1]
    assert (request["endpoint"], request["resource_group"], request["verify_tls"]) == (ENDPOINT, "gpu", False)


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("--user", "A"), "s", "--endpoint"), (("--endpoint", ENDPOINT), "s", "--user"),
        (("--endpoint", ENDPOINT, "--user", "A"), "", "BACKEND_SECRET_KEY"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_where_nobody_can_be_asked(cli: Any, words: Any, stdin: str, said: str) -> None:
    """Exit status 2, with the option that is wanted."""
    done = cli("login", *words, stdin=stdin)
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize("error", [KeysRefused("the keys are wrong"), BackendUnreachable("it is down")])
def test_a_cluster_that_says_no_is_exit_status_1(cli: Any, client: Any, error: Exception) -> None:
    """In its words, and with ``--json`` as JSON."""
    client.errors["put_profile"] = error
    done = cli("login", "--endpoint", ENDPOINT, "--user", "A", "--json", stdin="s")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["message"] == str(error)


def test_login_in_json_is_the_profile(cli: Any) -> None:
    """As the API shows it."""
    done = cli("login", "--endpoint", ENDPOINT, "--user", "A", "--json", stdin="s")
    assert json.loads(done.stdout) == VIEW


def test_logout_forgets(cli: Any, client: Any) -> None:
    """Jobs that need it are set aside only with ``--force``."""
    assert cli("logout", "--profile", "work").exit_code == 0
    assert client.asked("delete_profile") == ("work", {"set_aside": False})
    cli("logout", "--force")
    assert client.asked("delete_profile") == ("default", {"set_aside": True})


def test_profiles_lists_them(cli: Any, client: Any) -> None:
    """Or says how to make one; in JSON as the API shows them."""
    assert "fasttrack login" in cli("profiles").output
    client.answers["profiles"] = [VIEW, {**VIEW, "name": "tmp", "kept": False}, {**VIEW, "trouble": "no keys"}]
    told = cli("profiles").stdout
    for words in ("backend.ai", "me@example.org", "for this engine's life", "no keys"):
        assert words in told
    assert json.loads(cli("profiles", "--json").stdout) == client.answers["profiles"]


def test_profiles_are_checked_one_by_one(cli: Any, client: Any) -> None:
    """What one cluster says does not keep the next from being asked."""
    client.answers["profiles"] = [VIEW, {**VIEW, "name": "work"}]
    assert "default: Backend.AI 26.9.6, me@example.org" in cli("profiles", "check").stdout
    client.errors["check_profile"] = KeysRefused("the keys are wrong", hint="Log in.")
    done = cli("profiles", "check")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [f"{name}: the keys are wrong. Log in." for name in ("default", "work")]
    told = json.loads(cli("profiles", "check", "work", "--json").stdout)
    assert told["work"]["code"] == "keys_refused"


# ---------------------------------------------------------------- without a login


def test_a_run_on_the_cluster_takes_the_environments_keys(
    cli: Any, client: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    """Where nobody logged in: for this engine's life, not stored."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "x.fasttrack.yaml"
    file.write_text("name: x\n")
    cli("run", str(file), "--backend", "backend.ai", "-d")
    name, request = put(client)
    assert (name, request["keep"], request["check"], request["project"]) == ("default", False, True, "lab")
    client.calls.clear()
    cli("run", str(file), "-d")
    assert all(asked != "put_profile" for asked, _ in client.calls)


PINNED = "name: x\ntasks:\n- {name: a, command: 'true'}\n- {name: b, command: 'true', backend: backend.ai}\n"


@pytest.mark.parametrize("command", [["run", "-d"], ["plan"]], ids=["run", "plan"])
def test_a_task_on_the_cluster_takes_the_environments_keys(
    cli: Any, client: Any, monkeypatch: Any, tmp_path: Any, command: list[str]
) -> None:
    """Also where the job itself is to run here; a task of another profile does not."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "x.fasttrack.yaml"
    file.write_text(PINNED)
    cli(*command, str(file))
    assert put(client)[0] == "default"
    client.calls.clear()
    for text in (
        PINNED.replace("backend.ai", "backend.ai:work"),
        PINNED.replace(", backend:", ", description:"),
        "x: [",
    ):
        file.write_text(text)
        cli(*command, str(file))
    assert all(asked != "put_profile" for asked, _ in client.calls)


@pytest.mark.parametrize("old", ["local", "backend.ai"])
def test_a_rerun_takes_the_environments_keys(cli: Any, client: Any, monkeypatch: Any, old: str) -> None:
    """The engine may be another one than that of the old job."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    client.now["backend"] = old
    client.text = PINNED if old == "local" else "name: x\n"
    cli("rerun", "last", "-d")
    assert put(client)[0] == "default"


@pytest.mark.parametrize(
    ("profiles", "backend", "environ"),
    [
        ([VIEW], "backend.ai", ENVIRON), ([], "backend.ai:work", ENVIRON), ([], "local", ENVIRON),
        ([], "backend.ai", {}),
        ([], "backend.ai", {**ENVIRON, "BACKEND_ENDPOINT_TYPE": "session"}),
    ],
)  # fmt: skip
def test_the_environment_does_not_meddle(client: Any, profiles: Any, backend: str, environ: dict[str, str]) -> None:
    """With a stored profile, another backend, or when it says too little."""
    client.answers["profiles"] = profiles
    use_environ(client, backend, environ)
    assert all(asked != "put_profile" for asked, _ in client.calls)


def test_of_several_endpoints_the_first_counts() -> None:
    """As the official client has it; a mode that nobody knows counts for nothing."""
    told = profile_in({"BACKEND_ENDPOINT": f"{ENDPOINT}, https://b", "BACKEND_ENDPOINT_TYPE": "docker"})
    assert told == {"endpoint": ENDPOINT}
