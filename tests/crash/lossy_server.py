"""`shortmcp` with a journal that keeps clicks in memory for half a second: what the crash test must find out."""

from pathlib import Path
from typing import Any

from shortmcp.app import web
from shortmcp.cli import main
from shortmcp.clicks.journal import Journal


class BatchingJournal(Journal):
    """Answers first, writes later."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self._batch: list[bytes] = []
        options["sync_interval"] = 0.5
        super().__init__(folder, **options)

    def write(self, payload: bytes) -> bool:
        """Keep one click in memory."""
        self._batch.append(payload)
        return True

    def sync(self) -> None:
        """Write what was kept."""
        batch, self._batch = self._batch, []
        for payload in batch:
            super().write(payload)
        super().sync()


if __name__ == "__main__":
    web.Journal = BatchingJournal
    main()
