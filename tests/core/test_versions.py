"""The tag of a thing: what somebody sets is one half of it, what moves by itself the other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shortmcp.adapters.database import Database, SqlWork
from shortmcp.catalog import CATALOG
from shortmcp.core.context import Caller, Scope, Site
from shortmcp.core.errors import OperationError
from shortmcp.core.plans import DEFAULT_PLANS
from shortmcp.core.usage import Meter
from shortmcp.core.versions import tag_of
from shortmcp.core.welcome import set_up
from shortmcp.operation import Operation, Terms

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
OWNER = Caller(1, 1, Scope.WRITE, DEFAULT_PLANS["unlimited"])


def find(name: str) -> Operation:
    return next(operation for operation in CATALOG if operation.name == name)


@pytest.fixture
def at(database: Database) -> Callable[[datetime], SqlWork]:
    """Transactions at any moment, on a database that is set up."""
    site = Site("https://sho.rt", frozenset(), DEFAULT_PLANS)

    def at(now: datetime) -> SqlWork:
        return SqlWork(database, site, Meter(), lambda _: None, clock=lambda: now)

    set_up(at(NOON))
    return at


def test_an_expiry_that_comes_makes_copies_stale_and_is_no_other_version(at: Callable[[datetime], SqlWork]) -> None:
    asked = {"original_url": "https://example.com/", "title": "x", "expires_at": "2030-01-01T13:00:00Z"}
    code = find("create_short_link").perform(at(NOON), OWNER, asked).short_code
    shown = [find("get_short_link").perform(at(NOON + timedelta(hours=h)), OWNER, {"short_code": code}) for h in (0, 2)]
    assert [link.is_effectively_active for link in shown] == [True, False]
    (version, before), (same, after) = (tag_of(link).split(".") for link in shown)
    assert (version == same, before == after) == (True, False)
    change = {"short_code": code, "title": "y"}
    terms = Terms(expected=frozenset({tag_of(shown[0])}))
    assert find("update_short_link").perform_on(terms, at(NOON + timedelta(hours=3)), OWNER, change).output.title == "y"


def test_an_operation_that_looks_at_no_version_refuses_to_be_given_one(at: Callable[[datetime], SqlWork]) -> None:
    with pytest.raises(OperationError, match="`expected_version` is not looked at by `create_project`: leave it out"):
        find("create_project").perform_on(Terms(expected=frozenset()), at(NOON), OWNER, {"name": "x"})
