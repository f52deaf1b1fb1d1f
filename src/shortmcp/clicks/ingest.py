"""From the journal into the database: clicks, counts and the file's offset in one transaction, exactly once."""

import os
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, text

from shortmcp.clicks.backlog import Batch, backlog_bytes, is_abandoned, journal_files, read_batch
from shortmcp.clicks.counting import StoredClick, count_clicks, insert_clicks, mark_first, number_clicks
from shortmcp.clicks.enrich import Click, Enricher
from shortmcp.clicks.visits import Visit, decode_visit

DAY_MILLISECONDS = 86_400_000
HASH_BYTES = 8
STEP = 50_000
Transaction = Callable[[], AbstractContextManager[Connection]]


class Audience(Protocol):
    """Who is to be told of single clicks, in the transaction that counts them."""

    def choose(self, connection: Connection, link_ids: Collection[int]) -> Collection[int]:
        """Those of the links whose clicks somebody wants to be told of."""
        ...

    def tell(self, connection: Connection, clicks: Sequence[Mapping[str, Any]]) -> None:
        """Tell of clicks on these links: the fields of `Click`, and their `id`."""
        ...


class Fenced(Exception):  # noqa: N818 - it is no error: the other one's count stands
    """Another ingester has moved the file's offset: this one read what is counted already."""


class Ingester:
    """Reads one node's journal folder; `transaction` must be durable when it returns, for files are deleted after it.

    `committed` is told of clicks when they are counted, and must not wait for anything. `ingested` counts clicks,
    `rejected` unreadable lines, `orphaned` clicks of links that were deleted meanwhile.
    """

    def __init__(
        self,
        folder: Path,
        enricher: Enricher,
        transaction: Transaction,
        clock: Callable[[], int],
        audience: Audience | None = None,
        committed: Callable[[Sequence[Click]], object] = lambda _: None,
    ) -> None:
        self.ingested = self.rejected = self.orphaned = 0
        self._folder = folder
        self._enricher = enricher
        self._transaction = transaction
        self._clock = clock
        self._audience = audience
        self._committed = committed
        self._positions: dict[str, int] = {}

    def run(self) -> int:
        """Read every file to its present end; returns the number of bytes that were read."""
        return sum(self._try_file(path) for path in journal_files(self._folder))

    def backlog(self) -> int:
        """Bytes that wait to be read."""
        return backlog_bytes(self._folder, self._positions)

    def _try_file(self, path: Path) -> int:
        try:
            return self._read_file(path)
        except FileNotFoundError:
            # Another ingester has finished and deleted it since the folder was listed.
            self._positions.pop(path.name, None)
            return 0

    def _read_file(self, path: Path) -> int:
        begin = position = self._position(path)
        # Asked before reading: what an abandoned file holds now is all that it will ever hold.
        final = is_abandoned(path)
        # Not further than this: whoever writes faster than this reads would keep the other files waiting for ever.
        end = path.stat().st_size
        while position < end:
            batch = read_batch(path, position, final=final)
            if batch.next_offset == position:
                break
            self._store(path, position, batch)
            position = self._positions[path.name] = batch.next_offset
        if final and path.stat().st_size <= position:
            self._remove(path)
        return position - begin

    def _position(self, path: Path) -> int:
        known = self._positions.get(path.name)
        if known is None:
            with self._transaction() as connection:
                known = read_position(connection, path.name)
            self._positions[path.name] = known
        return known

    def _store(self, path: Path, position: int, batch: Batch) -> None:
        visits, unreadable = _decode(batch.payloads)
        try:
            with self._transaction() as connection:
                move_position(connection, path, position, batch.next_offset)
                self._reject(connection, path.name, [*batch.bad, *unreadable])
                stored = self._insert(connection, visits)
        except Fenced:
            # Read on from where the other one stopped.
            self._positions.pop(path.name, None)
            raise
        self.rejected += len(batch.bad) + len(unreadable)
        self.orphaned += len(visits) - len(stored)
        self.ingested += len(stored)
        self._committed(stored)

    def _insert(self, connection: Connection, visits: list[Visit]) -> list[Click]:
        alive = _existing_links(connection, {visit.link_id for visit in visits})
        salts = {day: _salt(connection, day) for day in sorted({visit.at // DAY_MILLISECONDS for visit in visits})}
        clicks = [
            StoredClick(self._enricher.enrich(visit), _hash(salts[visit.at // DAY_MILLISECONDS], visit))
            for visit in visits
            if visit.link_id in alive
        ]
        mark_first(connection, clicks)
        told = self._choose(connection, clicks)
        number_clicks(connection, told)
        insert_clicks(connection, clicks)
        count_clicks(connection, clicks)
        if told and self._audience is not None:
            self._audience.tell(connection, [{**asdict(stored.click), "id": stored.id} for stored in told])
        return [stored.click for stored in clicks]

    def _choose(self, connection: Connection, clicks: list[StoredClick]) -> list[StoredClick]:
        if self._audience is None or not clicks:
            return []
        chosen = self._audience.choose(connection, {stored.click.link_id for stored in clicks})
        return [stored for stored in clicks if stored.click.link_id in chosen] if chosen else []

    def _reject(self, connection: Connection, file: str, lines: Iterable[bytes]) -> None:
        rows = [{"file": file, "line": line[:4096], "now": self._clock()} for line in lines]
        if rows:
            connection.execute(
                text("INSERT INTO journal_rejects (file, line, found_at) VALUES (:file, :line, :now)"), rows
            )

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        # Only now: had the file come back after a power cut without its offset, it would be counted again.
        with self._transaction() as connection:
            connection.execute(text("DELETE FROM journal_offsets WHERE file = :file"), {"file": path.name})
        self._positions.pop(path.name, None)


def read_position(connection: Connection, file: str) -> int:
    """How many bytes of a journal file are counted."""
    row = connection.execute(text("SELECT position FROM journal_offsets WHERE file = :file"), {"file": file})
    return row.scalar() or 0


def move_position(connection: Connection, path: Path, old: int, new: int) -> None:
    """Move a file's offset; Fenced where it is not at `old` any more."""
    values: dict[str, Any] = {"file": path.name, "old": old, "new": new}
    connection.execute(
        text("INSERT INTO journal_offsets (file, position) VALUES (:file, 0) ON CONFLICT (file) DO NOTHING"), values
    )
    moved = connection.execute(
        text("UPDATE journal_offsets SET position = :new WHERE file = :file AND position = :old"), values
    )
    # Without a file its offset may have been deleted as well, after all was counted: a new one must not begin at 0.
    if moved.rowcount != 1 or not path.exists():
        raise Fenced(path.name)


def forget_visitors(connection: Connection, now: int) -> int:
    """Throw away the salts and visitor hashes of days that have ended long enough ago for the journal to be empty.

    Unreadable lines of the journal, which may hold an address, go after as long.

    Of the hashes, which say nothing without their salt, one step's number; returns how many went, 0 when none is left.
    """
    values = {"ended": now // DAY_MILLISECONDS - 1, "step": STEP}
    connection.execute(text("DELETE FROM visitor_salts WHERE day < :ended"), values)
    connection.execute(
        text("DELETE FROM journal_rejects WHERE found_at < :before"), {"before": values["ended"] * DAY_MILLISECONDS}
    )
    old = "SELECT link_id, day, visitor FROM visitors WHERE day < :ended LIMIT :step"
    return connection.execute(text(f"DELETE FROM visitors WHERE (link_id, day, visitor) IN ({old})"), values).rowcount  # noqa: S608


def _decode(payloads: list[bytes]) -> tuple[list[Visit], list[bytes]]:
    visits, unreadable = list[Visit](), list[bytes]()
    for payload in payloads:
        try:
            visits.append(decode_visit(payload))
        except ValueError:
            unreadable.append(payload)
    return visits, unreadable


def _existing_links(connection: Connection, wanted: set[int]) -> set[int]:
    if not wanted:
        return set()
    # Whoever deletes a link meanwhile waits for its last clicks, or they would stay. On SQLite all wait anyway.
    lock = "" if connection.dialect.name == "sqlite" else " ORDER BY id FOR KEY SHARE"
    query = text(f"SELECT id FROM links WHERE id IN :wanted{lock}")  # noqa: S608 - one of the two above
    query = query.bindparams(bindparam("wanted", expanding=True))
    return set(connection.execute(query, {"wanted": sorted(wanted)}).scalars())


def _salt(connection: Connection, day: int) -> bytes:
    connection.execute(
        text("INSERT INTO visitor_salts (day, salt) VALUES (:day, :salt) ON CONFLICT (day) DO NOTHING"),
        {"day": day, "salt": secrets.token_bytes(32)},
    )
    return connection.execute(text("SELECT salt FROM visitor_salts WHERE day = :day"), {"day": day}).scalar_one()


def _hash(salt: bytes, visit: Visit) -> int:
    who = f"{visit.address}\0{visit.user_agent}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(who, key=salt, digest_size=HASH_BYTES).digest(), signed=True)
