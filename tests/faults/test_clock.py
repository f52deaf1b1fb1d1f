"""The wall clock of a running server jumps by an hour or a day: nothing comes back to life, and nothing is stuck."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2
import pytest

from crash.harness import Instance, ask, call, kill, make_link, wait_until
from factories import CHROME, TLS
from faults.clocks import DAY, HOUR, Clock
from faults.commands import run
from processes import Process

JUMPS = [HOUR, -HOUR, DAY, -DAY]
LINK = {"original_url": "https://example.com/x", "title": "X"}


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    clock = Clock(tmp_path / "clock")
    clock.set(0)
    return clock


@pytest.fixture
def instance(clock: Clock, tmp_path: Path) -> Instance:
    return Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/shortmcp.db", command=clock.command)


def test_what_has_ended_stays_so_and_what_has_not_goes_on_when_the_clock_is_right_again(
    clock: Clock, instance: Instance
) -> None:
    with instance.run() as process:
        soon = server_time(process) + timedelta(minutes=30)
        link, ending = make_link(process), make_link(process, expires_at=soon.isoformat())
        expiring, used = [
            call(process, "/secrets", content="hush", **fields)["slug"]
            for fields in ({"expires_at": soon.isoformat()}, {})
        ]
        assert reveal(process, used) == 200
        revoked = revoke_a_token(instance, process)
        assert [visit(process, code) for code in (link, ending)] == [302, 302]
        clock.set(HOUR)
        wait_until(lambda: visit(process, ending) == 410)
        assert (visit(process, link), reveal(process, expiring), reveal(process, used)) == (302, 410, 410)
        # It is destroyed, not only hidden.
        wait_until(lambda: read(instance, "SELECT count(*) FROM sealed_contents") == 0)
        for jump in (0, *JUMPS, 0):
            clock.set(jump)
            assert visit(process, ending) == (302 if jump <= 0 else 410)
            assert visit(process, link) == 302
            assert (reveal(process, expiring), reveal(process, used)) == (410, 410)
            assert answers_to(process, revoked) == 401


def test_things_made_and_clicks_counted_around_jumps_are_each_one_of_their_own(
    clock: Clock, instance: Instance
) -> None:
    with instance.run() as process:
        made = [call(process, "/links", **LINK)]
        code = made[0]["short_code"]
        for jump in (0, *JUMPS, 0):
            clock.set(jump)
            made += [call(process, "/links", **LINK) for _ in range(2)]
            assert [visit(process, code) for _ in range(3)] == [302] * 3
        ids = [link["id"] for link in made]
        assert ids == sorted(set(ids))
        assert len({link["short_code"] for link in made}) == len(made)
        wait_until(lambda: instance.clicks().total() == 18)
        kill(process)
    # A file whose name is older than those before it is counted like others.
    clock.set(-DAY)
    with instance.run() as process:
        assert [visit(process, code) for _ in range(3)] == [302] * 3
        wait_until(lambda: instance.clicks().total() == 21)
        clock.set(DAY)
        link = ask(process, "GET", f"/links/{code}").json()["data"]
        assert {one["id"] for one in ask(process, "GET", "/links").json()["data"]} == set(ids)
    # One visitor, on each of three days.
    assert (link["analytics"]["total_clicks"], link["analytics"]["unique_clicks"]) == (21, 3)


def test_a_limit_that_is_used_up_is_free_again_after_a_jump_and_holds_again(
    clock: Clock, instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text("[few]\nrequests_per_minute = 3\n")
    monkeypatch.setenv("SHORTMCP_PLANS", str(plans))
    with instance.run() as process:
        token = make_token(instance, "few")
        for jump in (0, *JUMPS, 0):
            clock.set(jump)
            assert [answers_to(process, token) for _ in range(4)] == [200] * 3 + [429]


def server_time(process: Process) -> datetime:
    """The time by the server's clock."""
    date = httpx2.get(f"{process.url}/healthz", timeout=30, trust_env=False, verify=TLS).headers["date"]
    return parsedate_to_datetime(date)


def visit(process: Process, code: str) -> int:
    headers = {"User-Agent": CHROME}
    return httpx2.get(f"{process.url}/{code}", headers=headers, timeout=30, trust_env=False, verify=TLS).status_code


def reveal(process: Process, slug: str) -> int:
    return ask(process, "POST", f"/secrets/{slug}/reveal").status_code


def answers_to(process: Process, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{process.url}/api/v1/projects"
    return httpx2.get(url, headers=headers, timeout=30, trust_env=False, verify=TLS).status_code


def read(instance: Instance, query: str) -> object:
    with closing(sqlite3.connect(instance.database_url.removeprefix("sqlite:///"))) as connection:
        return connection.execute(query).fetchone()[0]


def revoke_a_token(instance: Instance, process: Process) -> str:
    """A token that has been of use and is so no more."""
    made = run(instance, "token", "create", "--workspace", "default", "--name", "x", "--scope", "read")
    assert answers_to(process, made["token"]) == 200
    run(instance, "token", "revoke", str(made["id"]))
    wait_until(lambda: answers_to(process, made["token"]) == 401)
    return made["token"]


def make_token(instance: Instance, plan: str) -> str:
    run(instance, "workspace", "create", "Other", "--plan", plan)
    return run(instance, "token", "create", "--workspace", "other", "--name", "x", "--scope", "read")["token"]
