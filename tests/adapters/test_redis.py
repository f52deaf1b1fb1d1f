"""Redis as it is used: exact counts while it answers, and a fast no whatever has happened to it."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event, Thread

import pytest
from redis import RedisError

from adapters.test_changes import Notes
from journals import eventually
from redises import RedisServer, run_redis
from shortmcp.adapters.changes import EVERYTHING, MANY
from shortmcp.adapters.redis import ClickStream, Line, Publisher, RedisMinutes, check_redis, watch_redis
from shortmcp.adapters.redis.line import Away
from shortmcp.core.limits import UNSEEN, WINDOW_MILLISECONDS, Minute


@pytest.fixture
def redis() -> Generator[RedisServer]:
    with run_redis() as server:
        yield server


# Seconds: on a machine that is busy, a Redis that works may take its time.
PATIENT = 10.0


@contextmanager
def counting(redis: RedisServer, patience: float = PATIENT) -> Generator[tuple[Line, RedisMinutes]]:
    with closing(Line(redis.url, patience)) as line:
        minutes = RedisMinutes(line)
        line.start()
        yield line, minutes


def key(token: int) -> str:
    return f"shortmcp:minute:{token}"


def test_a_minute_is_counted_from_its_first_request_to_its_end(redis: RedisServer) -> None:
    with counting(redis) as (_, minutes):
        counted = [minutes.add(1, UNSEEN) for _ in range(3)]
        assert [minute and minute.requests for minute in counted] == [1, 2, 3]
        lefts = [minute.left for minute in counted if minute]
        assert lefts == sorted(lefts, reverse=True)
        assert WINDOW_MILLISECONDS - 20_000 < lefts[-1] <= lefts[0] == WINDOW_MILLISECONDS
        assert 0 < int(redis.ask("PTTL", key(1))) <= WINDOW_MILLISECONDS
        redis.ask("HINCRBY", key(1), "started_at", str(-WINDOW_MILLISECONDS))
        assert minutes.add(1, UNSEEN) == Minute(1, WINDOW_MILLISECONDS)
        assert minutes.add(2, UNSEEN) == Minute(1, WINDOW_MILLISECONDS)


def test_a_clock_of_redis_that_was_set_back_does_not_keep_a_caller_out(redis: RedisServer) -> None:
    with counting(redis) as (_, minutes):
        minutes.add(1, UNSEEN)
        redis.ask("HINCRBY", key(1), "started_at", str(3_600_000))
        assert minutes.add(1, UNSEEN) == Minute(1, WINDOW_MILLISECONDS)
        redis.ask("HINCRBY", key(1), "started_at", "5000")
        minute = minutes.add(1, UNSEEN)
        assert minute is not None
        assert (minute.requests, 60_000 < minute.left <= 65_000) == (2, True)


def test_a_minute_goes_on_from_what_was_seen_of_it_elsewhere(redis: RedisServer) -> None:
    with counting(redis) as (_, minutes):
        minute = minutes.add(1, Minute(40, 20_000))
        assert minute == Minute(41, 20_000)
        again = minutes.add(1, Minute(30, 60_000))
        assert again is not None
        assert (again.requests, again.left <= 20_000) == (42, True)


def test_many_who_count_at_once_are_counted_one_by_one(redis: RedisServer) -> None:
    with counting(redis) as (_, one), counting(redis) as (_, other), ThreadPoolExecutor(8) as pool:

        def count(number: int) -> int:
            minute = (one, other)[number % 2].add(1, UNSEEN)
            return minute.requests if minute else 0

        assert sorted(pool.map(count, range(400))) == list(range(1, 401))


def stop_writes(redis: RedisServer) -> None:
    redis.ask("REPLICAOF", "127.0.0.1", "1")


def fill_memory(redis: RedisServer) -> None:
    redis.ask("CONFIG", "SET", "maxmemory", "1")


def change_password(redis: RedisServer) -> None:
    redis.ask("CONFIG", "SET", "requirepass", "another")
    redis.ask("-a", "another", "CLIENT", "KILL", "TYPE", "normal")


def flush(redis: RedisServer) -> None:
    redis.ask("SCRIPT", "FLUSH")
    redis.ask("FLUSHALL")


FAILURES = [RedisServer.kill, RedisServer.freeze, stop_writes, fill_memory, change_password]


@pytest.mark.parametrize("fail", FAILURES)
def test_a_redis_that_fails_costs_one_short_wait_and_is_then_left_alone(
    redis: RedisServer, fail: Callable[[RedisServer], None]
) -> None:
    with counting(redis, 0.5) as (line, minutes):
        assert minutes.add(1, UNSEEN) == Minute(1, WINDOW_MILLISECONDS)
        fail(redis)
        assert minutes.add(1, UNSEEN) is None
        assert not line.is_open
        assert line.failures
        with pytest.raises(Away):
            line.ask("PING")
        # Nor is it asked by anybody who comes now.
        with counting(redis, 0.5) as (other, _):
            assert not other.is_open
        assert check_redis(redis.url) in {
            "ConnectionError",
            "TimeoutError",
            "ReadOnlyError",
            "OutOfMemoryError",
            "AuthenticationError",
            "ResponseError",
        }


def test_a_redis_that_lost_everything_counts_on(redis: RedisServer) -> None:
    with counting(redis) as (line, minutes):
        minutes.add(1, UNSEEN)
        flush(redis)
        assert minutes.add(1, Minute(1, 50_000)) == Minute(2, 50_000)
        assert (line.is_open, line.failures) == (True, 0)


def test_a_redis_that_is_back_is_asked_again(redis: RedisServer) -> None:
    with counting(redis, 0.5) as (line, minutes):
        redis.kill()
        assert minutes.add(1, UNSEEN) is None
        redis.start()
        eventually(lambda: line.is_open)
        assert minutes.add(1, UNSEEN) == Minute(1, WINDOW_MILLISECONDS)
        redis.freeze()
        assert minutes.add(1, UNSEEN) is None
        redis.thaw()
        eventually(lambda: line.is_open)
        # The question that nobody waited for was answered all the same.
        minute = minutes.add(1, UNSEEN)
        assert minute is not None
        assert minute.requests == 3


def test_a_redis_that_was_never_there_is_asked_when_it_comes(redis: RedisServer) -> None:
    redis.kill()
    with counting(redis) as (line, minutes):
        assert minutes.add(1, UNSEEN) is None
        redis.start()
        eventually(lambda: line.is_open)
        assert minutes.add(1, UNSEEN) == Minute(1, WINDOW_MILLISECONDS)


@contextmanager
def watching(redis: RedisServer, notes: Notes, is_ready: Callable[[], bool] = lambda: True) -> Generator[None]:
    stop = Event()
    thread = Thread(target=watch_redis, args=(redis.url, 1, notes, stop, is_ready), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_what_is_published_is_heard_and_very_much_is_told_as_everything(redis: RedisServer) -> None:
    notes = Notes()
    with watching(redis, notes), closing(Line(redis.url)) as line:
        eventually(lambda: notes.told == [EVERYTHING])
        publisher = Publisher(line, 1)
        publisher.publish({"b", "a"})
        Publisher(line, 2).publish({"another instance's"})
        publisher.publish({str(number) for number in range(MANY + 1)})
        eventually(lambda: len(notes.told) == 4)
    assert notes.told == [EVERYTHING, "a", "b", EVERYTHING]


def test_a_gap_makes_everything_forgotten_but_not_before_it_can_be_read_anew(redis: RedisServer) -> None:
    notes, ready = Notes(), Event()
    ready.set()
    with watching(redis, notes, ready.is_set), closing(Line(redis.url)) as line:
        eventually(lambda: notes.told == [EVERYTHING])
        ready.clear()
        redis.kill()
        redis.start()
        publisher = Publisher(line, 1)
        # Heard: so it listens again, and keeps what it has as long as nobody can read.
        eventually(lambda: publisher.publish({"a"}) or "a" in notes.told)
        assert notes.told[:2] == [EVERYTHING, "a"]
        ready.set()
        eventually(lambda: notes.told[-1] == EVERYTHING)


def test_a_listener_notices_that_redis_is_silent(redis: RedisServer) -> None:
    notes, failures = Notes(), list[Exception]()
    stop = Event()
    thread = Thread(target=watch_redis, args=(redis.url, 1, notes, stop, lambda: True, failures.append), daemon=True)
    thread.start()
    eventually(lambda: notes.told == [EVERYTHING])
    redis.freeze()
    eventually(lambda: bool(failures))
    redis.thaw()
    eventually(lambda: notes.told == [EVERYTHING, EVERYTHING])
    stop.set()
    thread.join(10)


def test_what_could_not_be_published_is_made_up_for(redis: RedisServer) -> None:
    notes = Notes()
    with watching(redis, notes), closing(Line(redis.url)) as line:
        eventually(lambda: notes.told == [EVERYTHING])
        publisher = Publisher(line, 1)
        line.start()
        # Those who listen stay connected.
        change_password(redis)
        publisher.publish({"a"})
        redis.ask("-a", "another", "CONFIG", "SET", "requirepass", "")
        eventually(lambda: line.is_open)
        eventually(lambda: notes.told == [EVERYTHING, EVERYTHING])


def test_streams_are_capped_and_end_with_their_last_click(redis: RedisServer) -> None:
    stream = ClickStream(redis.url)
    for start in range(0, 12_000, 500):
        stream.add([(7, b"%d" % number) for number in range(start, start + 500)])
    stream.add([(8, b"last")])
    assert 10_000 <= int(redis.ask("XLEN", "shortmcp:clicks:7")) < 10_500
    assert redis.ask("XREVRANGE", "shortmcp:clicks:7", "+", "-", "COUNT", "1").split()[1:] == ["click", "11999"]
    assert redis.ask("XRANGE", "shortmcp:clicks:8", "-", "+").split()[1:] == ["click", "last"]
    assert 86_000 < int(redis.ask("TTL", "shortmcp:clicks:7")) <= 86_400


def test_a_stream_connects_anew_after_a_failure(redis: RedisServer) -> None:
    stream = ClickStream(redis.url)
    stream.add([(7, b"one")])
    redis.kill()
    with pytest.raises(RedisError):
        stream.add([(7, b"two")])
    redis.start()
    stream.add([(7, b"three")])
    assert redis.ask("XRANGE", "shortmcp:clicks:7", "-", "+").split()[1:] == ["click", "three"]


def test_a_request_that_comes_while_redis_hangs_waits_for_no_other_one(redis: RedisServer) -> None:
    with counting(redis, 0.5) as (line, minutes), ThreadPoolExecutor(20) as pool:
        redis.freeze()

        def count(_: int) -> Minute | None:
            return minutes.add(1, UNSEEN)

        # One after the other they would take minutes.
        assert set(pool.map(count, range(1000))) == {None}
        assert not line.is_open
