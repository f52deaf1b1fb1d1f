"""What the database holds, as a value that tests compare: before and after a call that must change nothing."""

from typing import Any

from sqlalchemy import inspect, text

from factories import Server

# Each call is counted here, a refused one too; and jobs come and go by themselves.
COUNTED = {"api_calls", "request_windows", "jobs"}


def dump(server: Server) -> dict[str, list[Any]]:
    """Every row of every table, but for the counting of calls."""
    with server.node.database.read() as connection:
        tables = sorted(set(inspect(connection).get_table_names()) - COUNTED)
        return {
            table: sorted((tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))), key=repr)  # noqa: S608
            for table in tables
        }
