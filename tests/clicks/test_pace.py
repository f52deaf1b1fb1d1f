"""How much is written at once: more where it is quick, less where others wait."""

from collections.abc import Generator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from clicks.test_ingest import ENRICHER, NOW, recorded, visit, write_file
from rows import insert_links
from shortmcp.adapters.database import Database
from shortmcp.clicks.ingest import Ingester
from shortmcp.clicks.pace import CATCH_UP_SECONDS, FEWEST_BYTES, HOLD_SECONDS, MOST_BYTES, Pace


def test_quick_transactions_grow_to_a_bound_and_slow_ones_shrink_to_another() -> None:
    pace = Pace()
    for _ in range(100):
        pace.note(pace.limit, HOLD_SECONDS / 10, 0)
    assert pace.limit == MOST_BYTES
    for _ in range(100):
        pace.note(pace.limit, HOLD_SECONDS * 10, 0)
    assert pace.limit == FEWEST_BYTES


@pytest.mark.parametrize(("waiting", "hold"), [(0, HOLD_SECONDS), (100_000_000, CATCH_UP_SECONDS)])
def test_it_settles_where_a_transaction_takes_its_time(waiting: int, hold: float) -> None:
    pace = Pace()
    for _ in range(100):
        pace.note(pace.limit, pace.limit / 10_000_000, waiting)
    assert abs(pace.limit - hold * 10_000_000) < 1000


def test_small_batches_are_no_sign_that_large_ones_would_be_quick() -> None:
    pace = Pace()
    for _ in range(100):
        pace.note(1_000, 0.001, 0)
    assert pace.limit == FEWEST_BYTES


def sizes_of_transactions(database: Database, folder: Path, seconds: float) -> list[int]:
    """How many clicks each transaction counts of 20,000 that wait, where each takes so long."""
    folder.mkdir()
    with database.write() as connection:
        connection.execute(
            text("INSERT INTO workspaces (id, name, slug, plan, created_at) VALUES (1, 'A', 'a', 'unlimited', 0)")
        )
        connection.execute(text("INSERT INTO projects VALUES (1, 1, 'A', 'a', NULL, NULL, NULL, 0, 0)"))
        insert_links(connection, [{"id": 1, "short_code": "code"}])
    write_file(folder, *(visit(1, number) for number in range(20_000)))
    now = 0.0
    counted = [0]

    @contextmanager
    def transaction() -> Generator[Connection]:
        nonlocal now
        with database.write() as connection:
            yield connection
            counted.append(connection.execute(text("SELECT count(*) FROM clicks")).scalar_one())
        now += seconds

    Ingester(folder, ENRICHER, transaction, lambda: NOW, timer=lambda: now).run()
    assert recorded(database).total() == 20_000
    return [size for size in (after - before for before, after in pairwise(counted)) if size]


def test_a_backlog_is_counted_in_ever_larger_batches(database: Database, tmp_path: Path) -> None:
    sizes = sizes_of_transactions(database, tmp_path / "clicks", seconds=HOLD_SECONDS / 4)
    assert sizes[:-1] == sorted(sizes[:-1])
    assert max(sizes) > 4 * sizes[0]


def test_where_others_wait_too_long_batches_stay_small(database: Database, tmp_path: Path) -> None:
    sizes = sizes_of_transactions(database, tmp_path / "clicks", seconds=CATCH_UP_SECONDS * 2)
    assert max(sizes) - sizes[0] <= 1
