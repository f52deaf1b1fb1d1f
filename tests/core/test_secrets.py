"""What secrets are made of: keys, passphrases, the end of their time, and what is left of them."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from shortmcp.adapters.database import Database, SqlWork
from shortmcp.catalog import CATALOG, OPENED_SECRET, PUBLIC_SECRET
from shortmcp.core.context import RECIPIENT, VISITOR, Caller, Scope, Site
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.fields import to_microseconds
from shortmcp.core.guesses import Doorkeeper
from shortmcp.core.plans import DEFAULT_PLANS
from shortmcp.core.secrets.purging import destroy_expired, forget_ended, has_expired
from shortmcp.core.secrets.sealing import Keys, seal, unseal
from shortmcp.core.usage import Meter
from shortmcp.core.workspaces import create_workspace

NOW = datetime(2026, 6, 7, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BY_NAME = {operation.name: operation for operation in CATALOG}


class Desk:
    """A workspace whose clock tests set, and whose instance has the key that they give it."""

    def __init__(self, database: Database) -> None:
        self.now, self.secret, self.database = NOW, b"one key", database
        site = Site("https://sho.rt", frozenset(), DEFAULT_PLANS, key=self._key)
        self.work = SqlWork(
            database, site, Meter(), lambda _: None, clock=lambda: self.now, make_doors=lambda: self._doors(site)
        )
        with self.work.begin(RECIPIENT, Scope.WRITE) as ctx:
            owner = create_workspace(ctx, "Own", "unlimited").id or 0
        self.caller = Caller(owner, 1, Scope.WRITE, DEFAULT_PLANS["unlimited"])

    def _key(self, purpose: str) -> bytes:
        return self.secret + purpose.encode()

    def _doors(self, site: Site) -> Doorkeeper:
        return Doorkeeper(self.database.write, site.key("doors"), lambda: to_microseconds(self.now) // 1000)

    def do(self, name: str, **given: Any) -> Any:
        return BY_NAME[name].perform(self.work, self.caller, given)

    def open(self, slug: str, passphrase: str | None = None, visitor: str = "198.51.100.7") -> str:
        given = {"slug": slug, "passphrase": passphrase, "visitor": visitor}
        return OPENED_SECRET.perform(self.work, RECIPIENT, given).content

    def count(self, table: str) -> int:
        with self.database.read() as connection:
            return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


@contextmanager
def refused(code: Code) -> Generator[None]:
    with pytest.raises(OperationError) as caught:
        yield
    assert caught.value.code is code


def test_one_content_is_never_sealed_alike_and_all_short_ones_are_as_long() -> None:
    keys = Keys(b"instance", b"", "1/a")
    sealed = [seal(content, keys, bytes([at] * 32), bytes(12)) for at, content in enumerate(["", "a", "a", "x" * 4092])]
    assert len(set(sealed)) == 4
    assert {len(one) for one in sealed} == {12 + 4096 + 16}
    assert [unseal(one, keys, bytes([at] * 32)) for at, one in enumerate(sealed)] == ["", "a", "a", "x" * 4092]


@pytest.mark.parametrize(
    ("keys", "seed"),
    [
        (Keys(b"other", b"", "1/a"), b"s" * 32),
        (Keys(b"instance", b"p", "1/a"), b"s" * 32),
        (Keys(b"instance", b"", "1/b"), b"s" * 32),
        (Keys(b"instance", b"", "1/a"), b"t" * 32),
    ],
)
def test_a_content_opens_with_its_own_keys_seed_and_name_alone(keys: Keys, seed: bytes) -> None:
    sealed = seal("hush", Keys(b"instance", b"", "1/a"), b"s" * 32, bytes(12))
    with refused(Code.UNAVAILABLE):
        unseal(sealed, keys, seed)


def test_keys_do_not_show_where_values_are_printed() -> None:
    assert "abc" not in repr(Keys(b"abc", b"abc", "1/a"))


def test_with_another_instance_s_key_nothing_is_used_up(desk: Desk) -> None:
    desk.do("create_secret", content="hush", slug="kept")
    desk.secret = b"another key"
    with refused(Code.UNAVAILABLE):
        desk.do("reveal_secret", slug="kept")
    desk.secret = b"one key"
    assert desk.do("reveal_secret", slug="kept").content == "hush"


def test_a_passphrase_is_kept_nowhere_and_part_of_the_key(desk: Desk) -> None:
    desk.do("create_secret", content="hush", slug="kept", passphrase="open sesame")
    with desk.database.write() as connection:
        kept = connection.execute(text("SELECT * FROM sealed_contents")).one()
        assert b"sesame" not in b"".join(bytes(value) for value in kept if not isinstance(value, int))
        # Whoever can write into the database takes the question for the passphrase away, and is no wiser.
        connection.execute(text("UPDATE sealed_contents SET salt = NULL, proof = NULL"))
    with refused(Code.UNAVAILABLE):
        desk.do("reveal_secret", slug="kept")


def test_wrong_passphrases_are_counted_for_each_who_guesses(desk: Desk) -> None:
    desk.do("create_secret", content="hush", slug="kept", passphrase="open sesame")
    for _ in range(10):
        with refused(Code.FORBIDDEN):
            desk.open("kept", "wrong")
    with refused(Code.RATE_LIMITED):
        desk.open("kept", "open sesame")
    with refused(Code.INVALID):
        desk.open("kept")
    assert desk.open("kept", "open sesame", visitor="203.0.113.9") == "hush"


def test_an_expired_secret_is_destroyed_and_its_slug_its_workspace_s_again(desk: Desk) -> None:
    for slug in ("one", "two"):
        desk.do("create_secret", content="hush", slug=slug, expires_at=LATER.isoformat())
    desk.do("create_secret", content="hush", slug="lasting")
    before, after = to_microseconds(LATER) - 1, to_microseconds(LATER)
    with desk.database.read() as connection:
        assert (has_expired(connection, before), has_expired(connection, after)) == (False, True)
    desk.now = LATER
    for name, caller in ((OPENED_SECRET, RECIPIENT), (PUBLIC_SECRET, VISITOR)):
        with refused(Code.GONE):
            name.perform(desk.work, caller, {"slug": "one", **({"visitor": "x"} if caller is RECIPIENT else {})})
    with desk.database.write() as connection:
        assert [destroy_expired(connection, moment) for moment in (before, after, after)] == [0, 2, 0]
    assert desk.count("sealed_contents") == 1
    # A clock that is set back brings nothing back.
    desk.now = NOW
    with refused(Code.GONE):
        desk.open("one")
    assert desk.do("create_secret", content="again", slug="one").remaining_uses == 1
    assert desk.open("one") == "again"


def test_what_ended_is_forgotten_after_thirty_days(desk: Desk) -> None:
    for slug in ("burnt", "kept"):
        desk.do("create_secret", content="hush", slug=slug)
    desk.do("reveal_secret", slug="burnt")
    month = timedelta(days=30)
    with desk.database.write() as connection:
        moments = [to_microseconds(NOW + month) + step for step in (-1, 0, 1)]
        assert [forget_ended(connection, moment) for moment in moments] == [0, 1, 0]
    assert [secret.slug for secret in desk.do("list_secrets").data] == ["kept"]
    with refused(Code.NOT_FOUND):
        desk.do("get_secret", slug="burnt")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_use_is_on_disk_before_anybody_reads_what_it_was(desk: Desk) -> None:
    desk.do("create_secret", content="hush", slug="kept", max_uses=2)
    levels = list[int]()

    def note(connection: Any) -> None:
        levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    event.listen(desk.database.writer, "commit", note)
    desk.do("create_secret", content="hush")
    desk.do("reveal_secret", slug="kept")
    desk.open("kept")
    desk.do("create_secret", content="hush", slug="another")
    desk.do("delete_secret", slug="another")
    # 1 is NORMAL, 2 is FULL.
    assert levels == [1, 2, 2, 1, 2]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_log_is_erased_as_soon_as_nobody_reads_it(desk: Desk) -> None:
    log = desk.database.path.with_name(desk.database.path.name + "-wal")
    for slug in ("one", "two"):
        desk.do("create_secret", content="hush", slug=slug)
    with desk.database.read() as connection:
        connection.execute(text("SELECT count(*) FROM secrets")).scalar_one()
        desk.do("reveal_secret", slug="one")
        assert (desk.database.is_erasing_due, log.stat().st_size > 0) == (True, True)
    desk.database.erase_if_due()
    assert (desk.database.is_erasing_due, log.stat().st_size) == (False, 0)
    desk.do("reveal_secret", slug="two")
    assert (desk.database.is_erasing_due, log.stat().st_size) == (False, 0)
