"""A desk with a mailbox."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from desks import EARLY, Desk, open_desk
from mailboxes import Mailbox, open_mailbox
from shortmcp.app.node import make_node
from shortmcp.settings import Settings


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Where every mail arrives."""
    with open_mailbox() as opened:
        yield opened


@pytest.fixture
def desk(database_url: str, tmp_path: Path, mailbox: Mailbox) -> Iterator[Desk]:
    """A workspace without projects, on Sunday noon, a day before reports are due."""
    node = make_node(Settings(data_dir=tmp_path, database_url=database_url, base_url="https://sho.example"))
    with open_desk(node, mailbox) as opened:
        opened.now = EARLY - timedelta(hours=18)
        yield opened
