"""From the journal into the database: clicks, counts and the file's offset in one transaction, exactly once."""

import gc
import os
import time
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, text

from shortmcp.clicks.backlog import Batch, backlog_bytes, is_abandoned, journal_files, read_batch
from shortmcp.clicks.counting import ClickBatch, ClickColumns
from shortmcp.clicks.enrich import Click, Enricher
from shortmcp.clicks.pace import Pace
from shortmcp.clicks.salts import Salts, days_of, hash_visitors, read_salts
from shortmcp.clicks.storing import Store, open_store
from shortmcp.clicks.visits import Visit, decode_visit

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

    def __init__(  # noqa: PLR0913 - what it works with, named where it is made
        self,
        folder: Path,
        enricher: Enricher,
        transaction: Transaction,
        clock: Callable[[], int],
        audience: Audience | None = None,
        *,
        committed: Callable[[Sequence[Click]], object] = lambda _: None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ingested = self.rejected = self.orphaned = 0
        self._folder = folder
        self._enricher = enricher
        self._transaction = transaction
        self._clock = clock
        self._audience = audience
        self._committed = committed
        self._timer = timer
        self._pace = Pace()
        self._positions: dict[str, int] = {}
        # Of the days of the last batch alone: they must not outlive their time.
        self._salts: Salts = {}

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
            batch = read_batch(path, position, self._pace.limit, final=final)
            if batch.next_offset == position:
                break
            with _uncollected():
                seconds = self._store(path, position, batch)
            self._pace.note(batch.next_offset - position, seconds, end - batch.next_offset)
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

    def _store(self, path: Path, position: int, batch: Batch) -> float:
        """Count a batch; how many seconds others had to wait for it."""
        visits, unreadable = _decode(batch.payloads)
        days = days_of(visits)
        salts = {day: self._salts[day] for day in days if day in self._salts}
        clicks = [self._enricher.enrich(visit) for visit in visits]
        # Whatever can be done before the transaction is: others wait for its end.
        prepared = _prepare(visits, clicks, salts) if days == set(salts) else None
        try:
            with self._transaction() as connection:
                begin = self._timer()
                move_position(connection, path, position, batch.next_offset)
                self._reject(connection, path.name, [*batch.bad, *unreadable])
                self._salts = read_salts(connection, days)
                if prepared is None or self._salts != salts:
                    prepared = _prepare(visits, clicks, self._salts)
                stored = self._insert(connection, prepared)
        except Fenced:
            # Read on from where the other one stopped.
            self._positions.pop(path.name, None)
            raise
        seconds = self._timer() - begin
        self.rejected += len(batch.bad) + len(unreadable)
        self.orphaned += len(visits) - len(stored)
        self.ingested += len(stored)
        self._committed(stored)
        return seconds

    def _insert(self, connection: Connection, batch: ClickBatch) -> Sequence[Click]:
        """Count the clicks whose links there are; returns these."""
        store = open_store(connection)
        wanted = batch.link_ids
        alive = store.existing_links(wanted)
        if len(alive) < len(wanted):
            batch = batch.only(alive)
        firsts = [batch.first_places[visitor] for visitor in store.add_visitors(batch.first_places.keys())]
        rows = list(batch.rows(firsts))
        places = self._choose(connection, batch)
        if places:
            self._add_told(connection, store, batch, rows, places)
            chosen = set(places)
            rows = [row for place, row in enumerate(rows) if place not in chosen]
        store.add_clicks(rows)
        store.add_counts(batch.count(firsts))
        return batch.clicks

    def _choose(self, connection: Connection, batch: ClickBatch) -> list[int]:
        """The places of the clicks that somebody wants to be told of."""
        if self._audience is None or not batch.clicks:
            return []
        chosen = self._audience.choose(connection, batch.link_ids)
        return [place for place, click in enumerate(batch.clicks) if click.link_id in chosen] if chosen else []

    def _add_told(
        self,
        connection: Connection,
        store: Store,
        batch: ClickBatch,
        rows: Sequence[ClickColumns],
        places: Sequence[int],
    ) -> None:
        """Add the clicks at these places with ids, and tell of them."""
        assert self._audience is not None  # noqa: S101 - who else has chosen them
        ids = store.take_ids(len(places))
        store.add_clicks([rows[place] for place in places], ids)
        told = [{**batch.clicks[place]._asdict(), "id": id_} for place, id_ in zip(places, ids, strict=True)]
        self._audience.tell(connection, told)

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


def _decode(payloads: list[bytes]) -> tuple[list[Visit], list[bytes]]:
    visits, unreadable = list[Visit](), list[bytes]()
    for payload in payloads:
        try:
            visits.append(decode_visit(payload))
        except ValueError:
            unreadable.append(payload)
    # Neighbours in the indexes are written one after the other; on each link by arrival.
    visits.sort(key=itemgetter(0))
    return visits, unreadable


@contextmanager
def _uncollected() -> Generator[None]:
    """Without the search for cycles: a batch is a hundred thousand tuples, which would be walked over and over."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _prepare(visits: Sequence[Visit], clicks: Sequence[Click], salts: Salts) -> ClickBatch:
    batch = ClickBatch(clicks, hash_visitors(visits, salts))
    batch.prepare()
    return batch
