"""Several web processes of one machine count a token's requests together."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from factories import Server
from nodes.pairs import FACES
from processes import serve
from shortmcp.app.node import make_node
from shortmcp.settings import Settings

LIMIT = 60


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_limit_is_exact_over_two_workers_and_both_faces(database_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(serve(tmp_path, "--workers", "2", "--database-url", database_url))
        node = make_node(Settings(data_dir=tmp_path / "data", database_url=database_url))
        stack.callback(node.database.close)
        server = Server(process.url, node)
        access = server.open_workspace(plan="basic")

        def ask(number: int) -> bool:
            # Over a connection of its own, which either process may take.
            return FACES[number % 2](server, access)

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(ask, range(LIMIT + 20))) == LIMIT
