"""Copies of a PostgreSQL database, made ahead and dropped behind the tests' backs: both wait for the disk."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Composed, Identifier


class Copies:
    """One copy of `template` is always ready or being made. `connect` opens a connection that may make databases."""

    def __init__(self, connect: Callable[[], psycopg.Connection], template: str) -> None:
        # One thread: its connection is nobody else's.
        self._thread = ThreadPoolExecutor(1, "databases")
        self._connection = connect()
        self._template = template
        self._dropped: list[Future[None]] = []
        self._next = self._thread.submit(self._make)

    def take(self) -> str:
        """The name of a copy that nobody else has."""
        name = self._next.result()
        self._next = self._thread.submit(self._make)
        return name

    def drop(self, name: str) -> None:
        """Drop a copy, soon."""
        self._dropped.append(self._thread.submit(self._drop, name))

    def close(self) -> None:
        """Drop everything that is left; raises what went wrong meanwhile."""
        self.drop(self._next.result())
        self._thread.shutdown()
        self._connection.close()
        for dropped in self._dropped:
            dropped.result()

    def _make(self) -> str:
        name = f"shortmcp_test_{uuid4().hex}"
        self._run(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(self._template)))
        return name

    def _drop(self, name: str) -> None:
        self._run(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

    def _run(self, command: Composed) -> None:
        self._connection.execute(command)
