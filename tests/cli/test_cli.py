import json
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from calls import make_secret
from factories import TLS, Server, free_port
from redises import run_redis
from shortmcp.adapters.schema import newest_revision

SHORTMCP = Path(sys.executable).with_name("shortmcp")


def run(*arguments: str, database_url: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHORTMCP, *arguments, "--data-dir", str(data_dir), "--database-url", database_url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_json(*arguments: str, database_url: str, data_dir: Path) -> dict[str, object]:
    done = run(*arguments, "--json", database_url=database_url, data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def get_projects(server: Server, token: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.get(f"{server.url}/api/v1/projects", headers=headers, timeout=30, trust_env=False, verify=TLS)


def test_workspaces_and_tokens_made_beside_a_running_server_work_there(
    server: Server, database_url: str, tmp_path: Path
) -> None:
    made = run_json(
        "workspace", "create", "Field Office", "--plan", "basic", database_url=database_url, data_dir=tmp_path
    )
    assert made == {
        "id": made["id"],
        "slug": "field-office",
        "name": "Field Office",
        "plan": "basic",
        "suspended": False,
        "owner_email": None,
    }
    token = run_json(
        *("token", "create", "--workspace", "field-office", "--name", "ci", "--scope", "read"),
        database_url=database_url,
        data_dir=tmp_path,
    )
    assert token == {"id": token["id"], "token": token["token"], "scope": "read", "name": "ci"}
    assert get_projects(server, str(token["token"])).status_code == 200


def test_a_token_revoked_on_the_command_line_is_dead_on_the_next_request(
    server: Server, database_url: str, tmp_path: Path
) -> None:
    access = server.open_workspace()
    assert get_projects(server, access.token).status_code == 200
    gone = run_json("token", "revoke", str(access.token_id), database_url=database_url, data_dir=tmp_path)
    assert gone == {"id": access.token_id, "revoked": True}
    assert get_projects(server, access.token).status_code == 401


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_plans_and_suspension_set_on_the_command_line_are_felt_at_once(
    server: Server, database_url: str, tmp_path: Path
) -> None:
    access = server.open_workspace()
    steps = [
        (("workspace", "set-plan", access.slug, "free"), 403),
        (("workspace", "set-plan", access.slug, "pro"), 200),
        (("workspace", "suspend", access.slug), 403),
        (("workspace", "resume", access.slug), 200),
    ]
    for command, status in steps:
        run_json(*command, database_url=database_url, data_dir=tmp_path)
        assert get_projects(server, access.token).status_code == status, command


def test_an_owner_s_address_is_set_with_the_workspace_or_later_and_can_be_taken_away(
    database_url: str, tmp_path: Path
) -> None:
    steps = [
        (("workspace", "create", "Main", "--email", "Ann@EXAMPLE.com"), "Ann@example.com"),
        (("workspace", "set-email", "main", "bob@example.com"), "bob@example.com"),
        (("workspace", "set-email", "main", ""), None),
    ]
    for command, address in steps:
        assert run_json(*command, database_url=database_url, data_dir=tmp_path)["owner_email"] == address


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("workspace", "create", "X", "--plan", "golden"), "There is no such plan: choose one of free, basic"),
        (("workspace", "create", "日本"), "must hold a letter from a to z"),
        (("workspace", "set-plan", "nobody", "pro"), "There is no workspace with that slug"),
        (("workspace", "create", "X", "--email", "ann@a.example\r\nBcc: b@b.example"), "`EMAIL` must be one e-mail"),
        (("workspace", "set-email", "default", "ann,bob@example.com"), "`EMAIL` must be one e-mail address"),
        (("token", "revoke", "999"), "There is no token with that id"),
        (("token", "create", "--workspace", "nobody", "--name", "n", "--scope", "read"), "There is no workspace"),
        (("doctor", "--base-url", "ftp://x"), "--base-url (SHORTMCP_BASE_URL): must be an address"),
        (("doctor", "--plans", "/no/such/file"), "The plans file /no/such/file cannot be read"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(
    arguments: tuple[str, ...], sentence: str, database_url: str, tmp_path: Path
) -> None:
    done = run(*arguments, database_url=database_url, data_dir=tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


BLOCKLIST_ASKED = "Destinations are checked with the blocklist of this server."


def test_doctor_finds_a_healthy_instance_healthy(database_url: str, tmp_path: Path) -> None:
    done = run("doctor", "--json", database_url=database_url, data_dir=tmp_path)
    found = {finding["subject"]: finding["state"] for finding in json.loads(done.stdout)}
    assert (done.returncode, found) == (
        0,
        {
            "database": "ok",
            "instance key": "ok",
            "data dir": "ok",
            "base url": "warning",
            "countries": "ok",
            "mail": "warning",
            "safety": "warning",
        },
    )
    (tmp_path / "blocklist.txt").write_text("bad.example\n")
    said = json.loads(run("doctor", "--json", database_url=database_url, data_dir=tmp_path).stdout)
    assert {"state": "ok", "subject": "safety", "sentence": BLOCKLIST_ASKED} in said


def test_doctor_says_where_the_instance_s_key_is_and_what_losing_it_means(server: Server, tmp_path: Path) -> None:
    key, database_url = tmp_path / "secret.key", server.node.settings.database_url

    def ask() -> tuple[int, str, str]:
        done = run("doctor", "--json", database_url=database_url, data_dir=tmp_path)
        (finding,) = [found for found in json.loads(done.stdout) if found["subject"] == "instance key"]
        return done.returncode, finding["state"], finding["sentence"]

    with server.client(server.open_workspace()) as client:
        make_secret(client)
    assert ask()[:2] == (0, "ok")
    assert f"{key}. Keep a copy: without it no secret that is there can be read any more" in ask()[2]
    key.chmod(0o644)
    assert ask() == (1, "error", f"Others may read {key}: run `chmod 600` on it.")
    held = key.read_text()
    key.write_text("short")
    key.chmod(0o600)
    assert (ask()[:2], held.strip() in ask()[2]) == ((1, "error"), False)
    key.unlink()
    assert ask() == (1, "error", f"{key} does not exist: restore it, or the secrets that are kept (1) stay unread.")
    assert not key.exists()


def test_doctor_finds_a_data_dir_that_is_not_there_and_makes_none(tmp_path: Path) -> None:
    missing = tmp_path / "typo"
    done = subprocess.run(
        [SHORTMCP, "doctor", "--json", "--data-dir", str(missing)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = json.loads(done.stdout)
    assert (done.returncode, found[0]["state"], found[0]["subject"]) == (1, "error", "data dir")
    assert not missing.exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_doctor_says_whether_redis_counts_requests_and_not_its_password(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_redis("--requirepass", "open-sesame") as redis:
        place = f"127.0.0.1:{redis.port}, database 1"

        def ask(password: str) -> tuple[int, dict[str, str]]:
            monkeypatch.setenv("SHORTMCP_REDIS_URL", f"redis://:{password}@127.0.0.1:{redis.port}/1")
            done = run("doctor", "--json", database_url=database_url, data_dir=tmp_path)
            assert password not in done.stdout + done.stderr
            (finding,) = [found for found in json.loads(done.stdout) if found["subject"] == "redis"]
            return done.returncode, finding

        def counts_nothing(reason: str) -> str:
            meanwhile = "the database does its work meanwhile"
            return f"{place} counts no requests ({reason}): check SHORTMCP_REDIS_URL; {meanwhile}."

        good = {"state": "ok", "subject": "redis", "sentence": f"{place} answers and counts requests."}
        assert ask("open-sesame") == (0, good)
        bad = {"state": "error", "subject": "redis", "sentence": counts_nothing("AuthenticationError")}
        assert ask("wrong-sesame") == (1, bad)
        redis.kill()
        assert ask("open-sesame") == (1, bad | {"sentence": counts_nothing("ConnectionError")})


def test_doctor_says_that_the_database_is_away(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    done = run("doctor", "--json", database_url=url, data_dir=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["state"] == "error"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_migrate_says_that_there_is_nothing_to_do(database_url: str, tmp_path: Path) -> None:
    done = run("migrate", database_url=database_url, data_dir=tmp_path)
    assert done.stdout == f"The schema is up to date (revision {newest_revision()}).\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from shortmcp.cli import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"mcp", "sqlmodel", "sqlalchemy", "pydantic", "starlette", "uvicorn", "babel", "jinja2"}
    assert not [name for name in heavy if f"'{name}'" in done.stdout]
