"""Round by round: links that exist are looked at again, in steps, and services are asked about a few of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rows import insert_links
from shortmcp.adapters.database import Database, SqlWork
from shortmcp.adapters.safety import Blocklist
from shortmcp.catalog import CATALOG
from shortmcp.core.context import OPERATOR, Caller, Scope, Site
from shortmcp.core.jobs import Claimed, Failure, Postpone
from shortmcp.core.links import safety
from shortmcp.core.links.checks import Safety, digest_of
from shortmcp.core.links.safety import DestinationChecker, SafetyProvider, Verdict, judge, store_verdict
from shortmcp.core.plans import DEFAULT_PLANS
from shortmcp.core.usage import Meter

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
OWNER = Caller(1, 1, Scope.WRITE, DEFAULT_PLANS["unlimited"])
TURN = Claimed(1, "recheck_destinations", {}, None, NOON, 1)


@dataclass
class Service:
    """A service of which there is no local server to be asked thousands of times; it notes what it is asked."""

    threats: dict[str, str] = field(default_factory=dict[str, str])
    away: bool = False
    asked: list[str] = field(default_factory=list[str])
    name: str = "the service"
    is_local: bool = False

    def is_ready(self) -> bool:
        return True

    def look_up(self, url: str) -> str:
        self.asked.append(url)
        if self.away:
            raise Failure("It is away.")
        return self.threats.get(url, "")


@dataclass
class Rounds:
    """A database with one workspace, and what checks its links at any time."""

    database: Database
    providers: list[SafetyProvider]
    changed: set[str] = field(default_factory=set[str])
    now: datetime = NOON

    @property
    def work(self) -> SqlWork:
        site = Site("https://sho.rt", frozenset(), DEFAULT_PLANS)
        return SqlWork(self.database, site, Meter(), self.changed.update, clock=lambda: self.now)

    @property
    def checker(self) -> DestinationChecker:
        return DestinationChecker(self.providers, self.database.read, self.work, lambda: self.now)

    def add(self, *urls: str, **fields: Any) -> None:
        with self.database.write() as connection:
            links = [{"short_code": f"c{number}", "original_url": url, **fields} for number, url in enumerate(urls)]
            insert_links(connection, links)
            connection.execute(text("INSERT INTO link_checks (link_id, next_check_at) SELECT id, id FROM links"))

    def turn(self) -> None:
        with pytest.raises(Postpone) as again:
            self.checker.recheck(TURN)
        assert again.value.seconds == safety.TURN_SECONDS

    def rows(self, query: str) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(text(query)).scalars())

    def states(self) -> list[Any]:
        return self.rows("SELECT safety FROM links ORDER BY id")

    def mails(self) -> list[Any]:
        return self.rows("SELECT payload FROM jobs WHERE kind = 'mail' ORDER BY id")


@pytest.fixture
def rounds(database: Database) -> Rounds:
    with database.write() as connection:
        for statement in (
            "INSERT INTO workspaces VALUES (1, 'A', 'a', 'unlimited', NULL, 0, 'ann@example.com')",
            "INSERT INTO projects (id, workspace_id, name, slug, created_at, updated_at) VALUES (1, 1, 'P', 'p', 0, 0)",
        ):
            connection.execute(text(statement))
    return Rounds(database, [])


def perform(rounds: Rounds, name: str, given: dict[str, Any]) -> Any:
    return next(operation for operation in CATALOG if operation.name == name).perform(rounds.work, OWNER, given)


URLS = [f"https://{name}.example/" for name in "abcd"]


def test_a_host_that_comes_on_the_list_is_blocked_in_the_next_round_and_freed_when_it_goes(
    rounds: Rounds, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_text("b.example\n")
    rounds.providers = [Blocklist(path)]
    rounds.add(*URLS)
    rounds.turn()
    assert rounds.states() == ["safe", "unsafe", "safe", "safe"]
    assert (rounds.changed, len(rounds.mails())) == ({"c1"}, 1)
    assert rounds.rows("SELECT provider FROM link_checks WHERE link_id = 2") == ["the blocklist of this server"]
    path.write_text("c.example\n")
    rounds.turn()
    assert rounds.states() == ["safe", "unsafe", "safe", "safe"], "their round is not over"
    rounds.now += timedelta(hours=25)
    rounds.turn()
    assert rounds.states() == ["safe", "safe", "unsafe", "safe"]
    assert rounds.rows("SELECT id FROM links WHERE blocked_at IS NOT NULL") == [3]
    assert ["warning was taken back" in mail for mail in rounds.mails()] == [False, True, False]
    path.write_text("")
    rounds.now += timedelta(hours=25)
    rounds.turn()
    assert (rounds.states(), rounds.rows("SELECT id FROM links WHERE blocked_at IS NOT NULL")) == (
        ["unchecked"] * 4,
        [],
    )


def test_a_turn_takes_so_many_links_and_asks_services_about_the_one_that_waited_longest(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "LINKS_A_TURN", 2)
    service = Service()
    rounds.providers = [service]
    rounds.add(*URLS)
    for asked in (URLS[:1], [URLS[0], URLS[2]], [URLS[0], URLS[2]]):
        rounds.turn()
        assert service.asked == asked
    rounds.now += timedelta(hours=25)
    rounds.turn()
    rounds.turn()
    assert service.asked == [URLS[0], URLS[2], URLS[1], URLS[3]]
    assert rounds.states() == ["safe"] * 4


def test_links_that_do_not_work_are_not_looked_at(rounds: Rounds) -> None:
    service = Service()
    rounds.providers = [service]
    rounds.add(URLS[0], is_active=False)
    rounds.turn()
    with rounds.database.write() as connection:
        connection.execute(text("UPDATE links SET is_active = true, expires_at = 1"))
        connection.execute(text("UPDATE link_checks SET next_check_at = 0"))
    rounds.turn()
    assert (service.asked, rounds.states()) == ([], ["unchecked"])


def test_a_service_that_is_away_changes_nothing_and_a_list_alone_cannot_free(rounds: Rounds, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("z.example\n")
    service = Service({URLS[0]: "malware"})
    rounds.providers = [Blocklist(path), service]
    rounds.add(*URLS[:2])
    rounds.turn()
    assert rounds.states() == ["unsafe", "unchecked"]
    service.away = True
    for _ in range(3):
        rounds.now += timedelta(hours=25)
        rounds.turn()
    assert (rounds.states(), len(rounds.mails())) == (["unsafe", "unchecked"], 1)


def test_one_threat_is_enough_and_safe_is_what_everybody_answered_for() -> None:
    knows, away, quiet = Service({URLS[1]: "malware"}), Service(away=True), Service()
    assert judge([away, knows], URLS[:2]) == Verdict(Safety.UNSAFE, "the service", "malware")
    assert judge([away, quiet], URLS) == Verdict(Safety.UNCHECKED, failure="the service: It is away.")
    assert judge([quiet, knows], URLS[:1]) == Verdict(Safety.SAFE)
    assert judge([], URLS) == judge([quiet], []) == Verdict(Safety.UNCHECKED)


def test_a_job_that_was_begun_twice_mails_once_and_one_of_another_destination_does_nothing(rounds: Rounds) -> None:
    service = Service({URLS[0]: "malware"})
    rounds.providers = [service]
    rounds.add(URLS[0])
    job = Claimed(1, "check_destination", {"link": 1, "digest": digest_of(URLS[0], None)}, 1, NOON, 1)
    rounds.checker.check(job)
    rounds.checker.check(job)
    assert (rounds.states(), len(rounds.mails())) == (["unsafe"], 1)
    with rounds.work.begin(OPERATOR, Scope.WRITE) as ctx:
        store_verdict(ctx, 1, digest_of(URLS[1], None), Verdict(Safety.SAFE))
        store_verdict(ctx, 99, digest_of(URLS[1], None), Verdict(Safety.SAFE))
    asked = len(service.asked)
    rounds.checker.check(Claimed(1, "check_destination", {"link": 1, "digest": "another"}, 1, NOON, 1))
    rounds.checker.check(Claimed(1, "check_destination", {"link": 99, "digest": "another"}, 1, NOON, 1))
    assert (rounds.states(), len(service.asked)) == (["unsafe"], asked)


def test_the_last_failed_attempt_leaves_the_link_to_the_rounds(rounds: Rounds) -> None:
    rounds.providers = [Service(away=True)]
    rounds.add(URLS[0])
    attempts: Callable[[int], Claimed] = lambda attempt: Claimed(  # noqa: E731
        1, "check_destination", {"link": 1, "digest": digest_of(URLS[0], None)}, 1, NOON, attempt
    )
    with pytest.raises(Failure, match=r"^the service: It is away\.$"):
        rounds.checker.check(attempts(len(safety.CHECK_DELAYS)))
    rounds.checker.check(attempts(len(safety.CHECK_DELAYS) + 1))
    assert rounds.states() == ["unchecked"]


def test_a_link_asks_to_be_checked_when_it_is_made_and_whenever_it_leads_elsewhere(rounds: Rounds) -> None:
    made = {"original_url": "tel:+49301", "title": "A", "short_code": "one"}
    perform(rounds, "create_short_link", made)
    jobs = "SELECT payload FROM jobs WHERE kind = 'check_destination'"
    assert len(rounds.rows(jobs)) == 1
    for change in ({"title": "B"}, {"original_url": "tel:+49301"}, {"redirect_url": None}, {"is_active": False}):
        perform(rounds, "update_short_link", {"short_code": "one", **change})
    assert len(rounds.rows(jobs)) == 1
    # The last one is what it was before, of which a job may just be ending.
    to_and_fro = (
        ("original_url", URLS[0]),
        ("redirect_url", URLS[1]),
        ("original_url", URLS[2]),
        ("original_url", URLS[0]),
    )
    for number, (field_name, url) in enumerate(to_and_fro):
        rounds.now += timedelta(seconds=1)
        perform(rounds, "update_short_link", {"short_code": "one", field_name: url})
        assert len(rounds.rows(jobs)) == number + 2
    assert not any("example" in payload for payload in rounds.rows(jobs))
    perform(rounds, "delete_short_link", {"short_code": "one"})
    assert rounds.rows("SELECT link_id FROM link_checks") == []
