"""What is remembered of links, and that news of a change is never overtaken by what was read before it."""

from typing import Any

import pytest

from shortmcp.clicks.resolve import GONE, Powers, Resolver, Shared, State, Target

NO_POWERS = (None, None, 0, 0, None, None, None)
OLD = ("link", 7, "https://old.example/", None, 1, None, None, *NO_POWERS)
NEW = ("link", 7, "https://new.example/", "https://later.example/", 1, 5_000_000, None, *NO_POWERS)
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
    resolver = Resolver(Rows(launch=("link", *[None] * 13)).read)
    assert resolver.find("launch") is GONE
    assert (GONE.is_plain(0), GONE.state(0)) == (False, State.DELETED)


def test_a_code_that_is_only_reserved_leads_nowhere_and_is_not_remembered() -> None:
    resolver = Resolver(Rows(launch=("reserved", *[None] * 13)).read)
    assert (resolver.find("launch"), resolver.known) == (None, {})


@pytest.mark.parametrize(
    ("powers", "expected"),
    [
        (("$argon2id$", None, 0, 0, None, None, None), Powers(password_hash="$argon2id$")),
        ((None, 5, 0, 0, None, None, None), Powers(is_capped=True)),
        ((None, None, 1, 0, None, None, None), Powers(is_masked=True)),
        ((None, None, 0, 1, None, None, None), Powers(forwards_query=True)),
        ((None, None, 0, 0, None, "Text", None), Powers(shared=Shared(None, "Text", None))),
    ],
)
def test_a_link_with_a_power_is_no_plain_redirect(powers: tuple[Any, ...], expected: Powers) -> None:
    target = Resolver(Rows(launch=(*OLD[:7], *powers)).read).find("launch")
    assert target is not None
    assert (target.powers, target.is_plain(0), target.state(0)) == (expected, False, State.WORKS)


def test_a_blocked_link_is_blocked_whatever_else_it_is() -> None:
    target = Resolver(Rows(launch=(*NEW[:4], 0, 1, 3, *NO_POWERS)).read).find("launch")
    assert target is not None
    assert (target.is_plain(0), target.state(5_000_000)) == (False, State.BLOCKED)


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
    assert [NEW_TARGET.is_plain(now) for now in (4_999_999, 5_000_000)] == [True, False]
    assert [NEW_TARGET.state(now) for now in (4_999_999, 5_000_000)] == [State.WORKS, State.EXPIRED]
    assert [Target(1, b"", None, active, None).state(0) for active in (True, False)] == [State.WORKS, State.DISABLED]
