"""Links with a limit of clicks: each click is granted by the database, so that the limit is exact."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, text

Transaction = Callable[[], AbstractContextManager[Connection]]
_LEFT = text("SELECT 1 FROM links WHERE id = :link AND (max_clicks IS NULL OR used_clicks < max_clicks)")
_USE = text(
    "UPDATE links SET used_clicks = used_clicks + 1 "
    "WHERE id = :link AND (max_clicks IS NULL OR used_clicks < max_clicks) RETURNING used_clicks, max_clicks"
)
# Its end is due to be told, as `core/links/expiry.py` does.
_END = text(
    "INSERT INTO link_expiries (link_id, due_at) VALUES (:link, 0) ON CONFLICT (link_id) DO UPDATE SET due_at = 0"
)


def use_click(read: Transaction, write: Transaction, link_id: int) -> bool:
    """Use one of a link's clicks up; False where none is left, or where the link was deleted meanwhile."""
    # Without this every visit of a used-up link would wait for its turn to write.
    with read() as connection:
        if connection.execute(_LEFT, {"link": link_id}).first() is None:
            return False
    with write() as connection:
        used = connection.execute(_USE, {"link": link_id}).first()
        if used is not None and used.used_clicks == used.max_clicks:
            connection.execute(_END, {"link": link_id})
        return used is not None
