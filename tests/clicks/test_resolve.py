"""What is remembered of links, and that news of a change is never overtaken by what was read before it."""

from typing import Any

import pytest

from shortmcp.clicks.resolve import GONE, Resolver, Target

OLD = (None, 7, "https://old.example/", None, 1, None)
NEW = (None, 7, "https://new.example/", "https://later.example/", 1, 5_000_000)
NEW_TARGET = Target(7, b"https://new.example/", b"https://later.example/", is_active=True, expires_at=5_000_000)


class Rows:
    """A database of codes that counts how often it is read."""

    def __init__(self, **rows: tuple[Any, ...]) -> None:
        self.rows = rows
        self.reads = 0

    def read(self, code: str) -> tuple[Any, ...] | None:
        self.reads += 1
        return self.rows.get(code)


def test_a_code_is_read_once_and_then_remembered() -> None:
    rows = Rows(launch=NEW)
    resolver = Resolver(rows.read)
    assert (resolver.find("launch"), resolver.find("launch"), rows.reads) == (NEW_TARGET, NEW_TARGET, 1)


def test_a_code_that_nobody_has_is_not_remembered() -> None:
    rows = Rows()
    resolver = Resolver(rows.read)
    assert resolver.find("launch") is None
    rows.rows["launch"] = NEW
    assert resolver.find("launch") == NEW_TARGET


def test_a_code_whose_link_was_deleted_leads_nowhere() -> None:
    resolver = Resolver(Rows(launch=(1, None, None, None, None, None)).read)
    assert resolver.find("launch") is GONE
    assert not GONE.works(0)


def test_a_changed_code_is_read_anew() -> None:
    rows = Rows(launch=OLD, other=OLD)
    resolver = Resolver(rows.read)
    for code in ("launch", "other"):
        resolver.find(code)
    rows.rows["launch"] = NEW
    resolver.forget(["launch", "never-seen"])
    assert resolver.find("launch") == NEW_TARGET
    resolver.find("other")
    assert rows.reads == 3
    resolver.forget_all()
    resolver.find("other")
    assert rows.reads == 4


@pytest.mark.parametrize("everything", [False, True])
def test_what_was_read_before_a_change_is_not_remembered_after_it(everything: bool) -> None:
    rows = Rows(launch=OLD)

    def read_slowly(code: str) -> tuple[Any, ...] | None:
        row = rows.read(code)
        if rows.reads == 1:
            # The change is committed and told between the read and its return.
            rows.rows["launch"] = NEW
            resolver.forget_all() if everything else resolver.forget(["launch"])
        return row

    resolver: Resolver = Resolver(read_slowly)
    assert resolver.find("launch") != NEW_TARGET
    assert resolver.find("launch") == NEW_TARGET


def test_no_more_codes_are_remembered_than_there_is_room_for() -> None:
    rows = Rows(a=OLD, b=OLD, c=NEW)
    resolver = Resolver(rows.read, capacity=2)
    for code in "abcc":
        resolver.find(code)
    assert list(resolver.known) == ["b", "c"]


def test_a_target_works_until_the_microsecond_before_its_expiry() -> None:
    assert [NEW_TARGET.works(now) for now in (4_999_999, 5_000_000)] == [True, False]
    assert [Target(1, b"", None, active, None).works(0) for active in (True, False)] == [True, False]
