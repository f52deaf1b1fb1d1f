"""Jobs are run, again where they fail, side by side, and not behind one that hangs."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event

import pytest
from sqlalchemy import text

from journals import eventually
from shortmcp.adapters.database import Database
from shortmcp.core.jobs import Claimed, Failure, GiveUp, Postpone, claim, enqueue
from shortmcp.worker import Duty, JobRunner, runner

NOW = datetime(2026, 6, 7, 14, 30, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Handler:
    """Raises what it is told to, attempt by attempt, and then nothing more."""

    errors: list[Exception] = field(default_factory=list[Exception])
    seen: list[int] = field(default_factory=list[int])

    def __call__(self, job: Claimed) -> None:
        self.seen.append(job.attempt)
        if self.errors:
            raise self.errors.pop(0)


@contextmanager
def running(
    database: Database, duties: Mapping[str, Duty], clock: Callable[[], datetime] = lambda: NOW, threads: int = 8
) -> Generator[JobRunner]:
    made = JobRunner(database.read, database.write, duties, clock, threads, settle_seconds=0)
    made.start()
    yield made
    made.stop(10)


def put(database: Database, *kinds: str) -> None:
    with database.write() as connection:
        for kind in kinds:
            enqueue(connection, kind, {}, NOW)


def rows(database: Database) -> list[tuple[str, int, str | None, float]]:
    """State, attempts, error and seconds until the next run."""
    with database.read() as connection:
        found = connection.execute(text("SELECT state, attempts, last_error, run_at FROM jobs ORDER BY id")).all()
    epoch = NOW.timestamp()
    return [(row.state, row.attempts, row.last_error, round(row.run_at / 1e6 - epoch, 3)) for row in found]


def test_a_job_is_done_once_and_then_forgotten(database: Database) -> None:
    handler = Handler()
    with running(database, {"a": Duty(handler)}):
        put(database, "a")
        eventually(lambda: rows(database) == [])
    assert handler.seen == [1]


def test_a_job_that_fails_is_tried_again_after_each_delay_and_then_dead(database: Database) -> None:
    handler, clock = Handler([Failure("Not now."), ValueError("a secret"), Failure("Never.")]), Clock()
    put(database, "a")
    with running(database, {"a": Duty(handler, delays=(10, 100))}, clock):
        eventually(lambda: rows(database)[0][:3] == ("queued", 1, "Not now."))
        assert 10 <= rows(database)[0][3] <= 12
        clock.now += timedelta(seconds=12)
        # What a foreign exception says is not kept.
        eventually(lambda: rows(database)[0][:3] == ("queued", 2, "ValueError"))
        assert 112 <= rows(database)[0][3] <= 132
        clock.now += timedelta(seconds=120)
        eventually(lambda: rows(database)[0][:3] == ("dead", 3, "Never."))
        clock.now += timedelta(days=365)
        put(database, "a")
        eventually(lambda: len(rows(database)) == 1)
    assert handler.seen == [1, 2, 3, 1]


def test_a_handler_may_give_up_at_once_and_may_ask_to_be_called_later(database: Database) -> None:
    given_up, postponed, clock = Handler([GiveUp("Refused.")]), Handler([Postpone(5), Postpone(5)]), Clock()
    put(database, "a", "b")
    with running(database, {"a": Duty(given_up), "b": Duty(postponed, delays=())}, clock):
        eventually(lambda: [row[:3] for row in rows(database)] == [("dead", 1, "Refused."), ("queued", 0, None)])
        assert rows(database)[1][3] == 5
        clock.now += timedelta(seconds=5)
        eventually(lambda: rows(database)[1] == ("queued", 0, None, 10.0))
        clock.now += timedelta(seconds=5)
        eventually(lambda: len(rows(database)) == 1)
    assert postponed.seen == [1, 1, 1]


def test_one_that_hangs_delays_no_other(database: Database) -> None:
    hangs, handler = Event(), Handler()
    with running(database, {"slow": Duty(lambda _: hangs.wait()), "a": Duty(handler)}, threads=2):
        put(database, "slow", *"aaaaa")
        eventually(lambda: len(handler.seen) == 5 and len(rows(database)) == 1)
        hangs.set()
        eventually(lambda: rows(database) == [])


def test_no_more_run_at_once_than_there_are_threads(database: Database) -> None:
    begun, go_on = [0], Event()

    def run(job: Claimed) -> None:
        begun[0] += 1
        go_on.wait()

    put(database, *"aaaa")
    with running(database, {"a": Duty(run)}, threads=3):
        eventually(lambda: begun[0] == 3)
        assert sorted(row[0] for row in rows(database)) == ["queued", "running", "running", "running"]
        go_on.set()
        eventually(lambda: rows(database) == [])


def test_a_job_that_runs_long_keeps_its_lease(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "HEARTBEAT_SECONDS", 0)
    hangs, clock = Event(), Clock()
    put(database, "a")
    with running(database, {"a": Duty(lambda _: hangs.wait())}, clock):
        eventually(lambda: rows(database) == [("running", 1, None, 60.0)])
        clock.now += timedelta(seconds=50)
        eventually(lambda: rows(database) == [("running", 1, None, 110.0)])
        hangs.set()
        eventually(lambda: rows(database) == [])


def test_a_clock_that_jumps_starts_no_second_run_of_what_this_runner_runs(database: Database) -> None:
    hangs, clock, begun = Event(), Clock(), list[int]()

    def run(job: Claimed) -> None:
        begun.append(job.attempt)
        hangs.wait()

    put(database, "a")
    with running(database, {"a": Duty(run)}, clock):
        eventually(lambda: len(begun) == 1)
        clock.now += timedelta(hours=1)
        # It keeps up its own lease before it looks for work.
        eventually(lambda: rows(database) == [("running", 1, None, 3660.0)])
        hangs.set()
        eventually(lambda: rows(database) == [])
    assert begun == [1]


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1), -timedelta(hours=1)])
def test_a_clock_that_is_set_takes_no_lease_from_another_runner(database: Database, jump: timedelta) -> None:
    hangs, clock, begun = Event(), Clock(), list[int]()

    def run(job: Claimed) -> None:
        begun.append(job.attempt)
        hangs.wait()

    put(database, "a")
    with ExitStack() as stack:
        for _ in range(2):
            made = JobRunner(database.read, database.write, {"a": Duty(run)}, clock, settle_seconds=30)
            made.start()
            stack.callback(made.stop, 10)
            eventually(lambda: begun == [1])
        clock.now += jump
        eventually(lambda: rows(database) == [("running", 1, None, jump.total_seconds() + 60)])
        hangs.set()
        eventually(lambda: rows(database) == [])
    assert begun == [1]


def test_a_job_whose_runner_is_gone_is_run_by_another_and_dead_after_too_many_of_these(database: Database) -> None:
    put(database, "a", "b")
    with database.write() as connection:
        for second in range(2):
            at = NOW - timedelta(seconds=100 - second)
            connection.execute(text("UPDATE jobs SET run_at = 0"))
            assert len(claim(connection, ["a", "b"], at, at, 9)) == 2
    patient, hasty = Handler(), Handler()
    with running(database, {"a": Duty(patient, delays=(1, 1)), "b": Duty(hasty, delays=(1,))}):
        eventually(lambda: [row[:3] for row in rows(database)] == [("dead", 3, "Its process ended while it ran.")])
    assert (patient.seen, hasty.seen) == ([3], [])


def test_two_runners_share_the_work(database: Database) -> None:
    together = Barrier(2, timeout=20)
    with (
        running(database, {"a": Duty(lambda _: together.wait())}, threads=1),
        running(database, {"a": Duty(lambda _: together.wait())}, threads=1),
    ):
        put(database, *"aaaaaa")
        eventually(lambda: rows(database) == [])


def test_a_runner_goes_on_when_the_database_is_back(database: Database) -> None:
    handler, away = Handler(), Event()
    away.set()

    def check() -> None:
        if away.is_set():
            raise OSError("away")

    def write() -> object:
        check()
        return database.write()

    made = JobRunner(database.read, write, {"a": Duty(handler)}, Clock())  # pyright: ignore[reportArgumentType]
    put(database, "a")
    made.start()
    away.clear()
    eventually(lambda: rows(database) == [])
    made.stop(10)
    assert handler.seen == [1]


def test_stopping_waits_for_what_is_being_run_and_takes_nothing_new(database: Database) -> None:
    begun, go_on = Event(), Event()

    def run(job: Claimed) -> None:
        begun.set()
        go_on.wait()

    put(database, "a", "a")
    with running(database, {"a": Duty(run)}, threads=1) as made:
        begun.wait(20)
        made.stop(0)
        go_on.set()
        made.stop(10)
    assert [row[0] for row in rows(database)] in (["queued"], ["running", "queued"])
