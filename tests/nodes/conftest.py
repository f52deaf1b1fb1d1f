"""Nodes that the tests of a file share: starting them takes longer than any one test."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from nodes.pairs import Pair, run_pair
from redises import run_redis


@pytest.fixture(scope="module", params=["redis", "without redis"])
def pair(
    request: pytest.FixtureRequest, shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two nodes on one database, with a Redis and without."""
    with ExitStack() as stack:
        redis = stack.enter_context(run_redis()) if request.param == "redis" else None
        yield stack.enter_context(run_pair(tmp_path_factory.mktemp("nodes"), shared_database_url, redis))
