"""Callers are remembered, and forgotten as soon as their tokens or workspaces change, in whatever process."""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from factories import Access, Server
from shortmcp.adapters.changes import EVERYTHING, SqliteVersion, record_changes
from shortmcp.adapters.database import Database
from shortmcp.app.node import make_node
from shortmcp.core.context import CALLERS, OPERATOR, Caller, Context, Scope
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.plans import Plan
from shortmcp.core.tokens import revoke_token
from shortmcp.core.workspaces import set_plan, suspend_workspace
from shortmcp.faces.callers import SECONDS, KnownCallers

SOMEBODY = Caller(1, 1, Scope.READ, Plan())


class Register:
    """Who has which token, and how often that was asked."""

    def __init__(self) -> None:
        self.asked = list[str]()

    def __call__(self, presented: str) -> Caller:
        self.asked.append(presented)
        if presented == "bad":
            raise OperationError(Code.UNAUTHENTICATED, "No.")
        return SOMEBODY


def test_who_is_known_is_not_asked_for_again() -> None:
    known, register = KnownCallers(lambda: 0), Register()
    assert [known.find("a", register) for _ in range(3)] == [SOMEBODY] * 3
    assert register.asked == ["a"]


def test_only_who_is_known_at_this_moment_is_recalled(monkeypatch: pytest.MonkeyPatch) -> None:
    now, version = 100.0, 1
    monkeypatch.setattr(time, "monotonic", lambda: now)
    known = KnownCallers(lambda: version)
    assert known.recall("a") is None
    known.find("a", Register())
    assert known.recall("a") == SOMEBODY
    version = 2
    assert known.recall("a") is None
    version, now = 1, now + SECONDS
    assert known.recall("a") is None


def test_refusals_are_not_remembered() -> None:
    known, register = KnownCallers(lambda: 0), Register()
    for _ in range(2):
        with pytest.raises(OperationError):
            known.find("bad", register)
    assert register.asked == ["bad", "bad"]


def tell_of_callers(known: KnownCallers) -> None:
    known.forget([CALLERS])


@pytest.mark.parametrize("news", [KnownCallers.forget_all, tell_of_callers])
def test_news_make_them_forgotten_even_while_they_are_read(news: Callable[[KnownCallers], None]) -> None:
    known, register = KnownCallers(lambda: 0), Register()

    def slow(presented: str) -> Caller:
        caller = register(presented)
        news(known)
        return caller

    known.find("a", slow)
    known.find("a", register)
    known.find("a", register)
    news(known)
    known.find("a", register)
    known.forget(["some-code"])
    known.find("a", register)
    assert len(register.asked) == 3


def test_another_version_or_none_is_read_anew() -> None:
    versions = iter([1, 1, 2, None, None, 3, 3])
    known, register = KnownCallers(lambda: next(versions)), Register()
    for _ in range(7):
        known.find("a", register)
    assert len(register.asked) == 5


def test_nobody_is_known_for_longer_than_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    known, register = KnownCallers(lambda: 0), Register()
    known.find("a", register)
    now += SECONDS * 0.9
    known.find("a", register)
    assert len(register.asked) == 1
    now += SECONDS * 0.2
    known.find("a", register)
    assert len(register.asked) == 2


def test_the_map_is_bounded_and_the_oldest_goes_first() -> None:
    known, register = KnownCallers(lambda: 0, capacity=2), Register()
    for token in ("a", "b", "c", "c", "b", "a"):
        known.find(token, register)
    assert register.asked == ["a", "b", "c", "a"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_news_of_callers_make_another_version_on_sqlite(database: Database) -> None:
    version = SqliteVersion(database.path)
    try:
        numbers = [version()]
        for codes in ({"a"}, {"b", "c"}, {CALLERS}, {"d"}, {"e", CALLERS}, {EVERYTHING}):
            with database.write() as connection:
                record_changes(connection, codes)
            numbers.append(version())
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'link_changes'")
            record_changes(connection, {"f"})
        # What is gone by now may have been news of callers.
        numbers.append(version())
    finally:
        version.close()
    assert [after != before for before, after in pairwise(numbers)] == [False, False, True, False, True, True, True]


def revoke(ctx: Context, access: Access) -> None:
    revoke_token(ctx, access.token_id)


def suspend(ctx: Context, access: Access) -> None:
    suspend_workspace(ctx, access.slug, suspended=True)


def close_api(ctx: Context, access: Access) -> None:
    set_plan(ctx, access.slug, "free")


@pytest.mark.parametrize("change", [revoke, suspend, close_api])
def test_what_another_process_changes_is_felt(server: Server, change: Callable[[Context, Access], None]) -> None:
    access = server.open_workspace()
    # As the command line does it: its own connections, and nobody to tell in this process.
    other = make_node(server.node.settings)
    with server.client(access) as client:
        assert client.get("/me").status_code == 200
        with other.work().begin(OPERATOR, Scope.WRITE) as ctx:
            change(ctx, access)
        changed = time.monotonic()
        if not other.database.is_sqlite:
            while client.get("/me").status_code == 200:
                assert time.monotonic() < changed + SECONDS + 1
        assert client.get("/me").status_code in {401, 403}
    other.database.close()
