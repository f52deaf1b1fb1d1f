"""PostgreSQL that stops, falls silent, has no room or is another one: what is waited for, and what is said."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

import psycopg
import pytest
from sqlalchemy import Connection, event, text

from adapters.test_changes import Notes
from clusters import Cluster, run_postgres
from journals import eventually
from shortmcp.adapters.changes import EVERYTHING, record_changes, watch_postgres
from shortmcp.adapters.database import Database
from shortmcp.adapters.lookup import PostgresReader
from shortmcp.adapters.schema import migrate
from shortmcp.core.errors import Code, OperationError


@pytest.fixture(scope="module")
def cluster() -> Generator[Cluster]:
    with run_postgres("-c", "max_connections=20", "-c", "superuser_reserved_connections=2") as running:
        yield running


@pytest.fixture
def database(cluster: Cluster) -> Generator[Database]:
    with cluster.connect() as admin:
        admin.execute("DROP DATABASE IF EXISTS shortmcp WITH (FORCE)")
    opened = Database(cluster.create("shortmcp"))
    migrate(opened)
    yield opened
    opened.close()


@contextmanager
def beating(database: Database) -> Generator[None]:
    """With somebody who feels the server's pulse, as a running process has."""
    stop = Event()
    thread = Thread(target=database.pulse.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def ask(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(text("SELECT 1")).scalar_one()


def add(database: Database, number: int) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO link_purges (link_id) VALUES (:id)"), {"id": number})


def is_unavailable(act: Callable[[], object]) -> bool:
    with pytest.raises(OperationError) as refusal:
        act()
    return (refusal.value.code, refusal.value.retry_after) == (Code.UNAVAILABLE, 5)


def test_whoever_waits_for_a_server_that_falls_silent_is_told_so_and_nobody_waits_after_them(
    cluster: Cluster, database: Database
) -> None:
    with beating(database), ExitStack() as stack:
        reader = PostgresReader(database.conninfo, database.pulse)
        stack.callback(reader.close)
        assert (ask(database), reader.read("none")) == (1, None)
        cluster.freeze()
        stack.callback(cluster.thaw)
        # Each of these waits for an answer that does not come, or is refused because another one has.
        for act in (lambda: ask(database), lambda: reader.read("none"), lambda: add(database, 1)):
            assert is_unavailable(act)
        assert database.pulse.is_lost
        cluster.thaw()
        eventually(lambda: not database.pulse.is_lost)
        add(database, 2)
        assert (ask(database), reader.read("none")) == (1, None)


def test_whoever_cannot_know_whether_it_was_stored_is_told_so(cluster: Cluster, database: Database) -> None:
    with beating(database), ExitStack() as stack:
        add(database, 1)

        def freeze(_: Connection) -> None:
            cluster.freeze()

        event.listen(database.writer, "commit", freeze)
        stack.callback(cluster.thaw)
        with pytest.raises(OperationError, match="may have stored it or not") as refusal:
            add(database, 2)
        assert refusal.value.code is Code.UNAVAILABLE


def test_a_long_question_to_a_server_that_lives_is_waited_for(database: Database) -> None:
    with beating(database), database.read() as connection:
        # Longer than silence may be.
        connection.execute(text("SELECT pg_sleep(2.5)"))
        assert not database.pulse.is_lost


def test_a_server_that_is_started_again_is_asked_again(cluster: Cluster, database: Database) -> None:
    with beating(database):
        reader = PostgresReader(database.conninfo, database.pulse)
        add(database, 1)
        cluster.stop()
        for act in (lambda: ask(database), lambda: reader.read("none"), lambda: add(database, 2)):
            assert is_unavailable(act)
        cluster.start()
        add(database, 3)
        assert reader.read("none") is None
        with database.read() as connection:
            assert connection.execute(text("SELECT link_id FROM link_purges ORDER BY 1")).scalars().all() == [1, 3]
        reader.close()


def test_a_server_without_room_for_another_connection_says_so(cluster: Cluster, database: Database) -> None:
    with ExitStack() as stack:
        # The server has not yet seen the end of every connection that was closed here.
        held = 0
        while held < 30:
            try:
                stack.enter_context(cluster.connect())
            except psycopg.OperationalError:
                break
            held += 1
        fresh = Database(database.conninfo)
        stack.callback(fresh.close)
        assert is_unavailable(lambda: ask(fresh))
        stack.close()
        eventually(lambda: can(lambda: ask(database)))


def can(act: Callable[[], object]) -> bool:
    try:
        act()
    except OperationError:
        return False
    return True


def empty(cluster: Cluster) -> None:
    """As a failover to a replica that has nothing: the same name, and no tables behind it."""
    with cluster.connect() as admin:
        admin.execute("ALTER DATABASE shortmcp ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shortmcp'")
        admin.execute("ALTER DATABASE shortmcp RENAME TO elsewhere")
        admin.execute("CREATE DATABASE shortmcp")


def restore(cluster: Cluster) -> None:
    with cluster.connect() as admin:
        admin.execute("DROP DATABASE shortmcp WITH (FORCE)")
        admin.execute("ALTER DATABASE elsewhere RENAME TO shortmcp")
        admin.execute("ALTER DATABASE shortmcp ALLOW_CONNECTIONS true")


def test_a_database_without_our_tables_knows_nothing_rather_than_that_there_is_nothing(
    cluster: Cluster, database: Database
) -> None:
    reader, notes, stop, failures = PostgresReader(database.conninfo), Notes(), Event(), list[Exception]()
    watch = Thread(target=watch_postgres, args=(database.conninfo, notes, stop, failures.append), daemon=True)
    watch.start()
    eventually(lambda: notes.told == [EVERYTHING])
    assert (ask(database), reader.read("none")) == (1, None)
    empty(cluster)
    for act in (lambda: reader.read("none"), lambda: add(database, 1)):
        assert is_unavailable(act)
    # It has connected again, and seen what there is.
    eventually(lambda: any(isinstance(failure, psycopg.errors.UndefinedTable) for failure in failures))
    restore(cluster)
    # Heard again, and only now forgotten: there it could not have been read anew.
    eventually(lambda: len(notes.told) > 1)
    assert notes.told == [EVERYTHING, EVERYTHING]
    with database.write() as connection:
        record_changes(connection, {"a"})
    eventually(lambda: notes.told[-1] == "a")
    stop.set()
    watch.join(10)
    assert reader.read("none") is None
    reader.close()


def test_a_database_that_may_only_be_read_is_said_to_be_away_for_writes(cluster: Cluster, database: Database) -> None:
    add(database, 1)
    cluster.restart(standby=True)
    assert ask(database) == 1
    for number in (2, 3):
        assert is_unavailable(lambda number=number: add(database, number))
    cluster.restart(standby=False)
    add(database, 4)
