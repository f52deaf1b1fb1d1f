"""A server whose wall clock jumps while it runs, by libfaketime."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from processes import SHORTMCP

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
NOON = 12 * 3600
HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True)
class Clock:
    """The wall clock of the processes that `command` starts; monotonic clocks and files' times stay as they are."""

    file: Path

    @property
    def command(self) -> list[str]:
        """Instead of `shortmcp`: the same under this clock."""
        if not LIBRARIES:
            pytest.skip("jumps of the clock were NOT tested: libfaketime is missing (apt-get install libfaketime)")
        options = {
            "LD_PRELOAD": LIBRARIES[0],
            "FAKETIME_TIMESTAMP_FILE": self.file,
            "FAKETIME_NO_CACHE": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
            "NO_FAKE_STAT": 1,
        }
        return ["env", *(f"{name}={value}" for name, value in options.items()), str(SHORTMCP)]

    def set(self, jump: int) -> None:
        """So many seconds from noon (UTC) of today, when the test began; time goes on from there."""
        new = self.file.with_name("next")
        new.write_text(f"{self._noon() + jump:+d}")
        new.rename(self.file)

    def _noon(self) -> int:
        # Of one day: midnight may be near where the test runs.
        began = datetime.fromtimestamp(self.file.parent.stat().st_ctime, UTC)
        return NOON - (began.hour * HOUR + began.minute * 60 + began.second)
