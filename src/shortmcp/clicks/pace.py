"""How much to write at once: much where much waits, and never so much that other writers wait for long."""

# A transaction writes so long, about. On SQLite nobody else writes meanwhile.
HOLD_SECONDS = 0.1
FEWEST_BYTES = 150_000
# What a batch takes in memory is some ten times as much.
MOST_BYTES = 8_000_000


class Pace:
    """Finds the number of journal bytes that a transaction writes within its time."""

    def __init__(self) -> None:
        self.limit = FEWEST_BYTES

    def note(self, size: int, seconds: float) -> None:
        """A transaction has written `size` bytes of the journal in so many seconds."""
        if seconds > HOLD_SECONDS:
            self.limit = max(int(self.limit * max(HOLD_SECONDS / seconds, 0.5)), FEWEST_BYTES)
        elif size > self.limit // 2:
            # Not at once to where the quotient points: small batches cost more for each click than large ones.
            self.limit = min(int(self.limit * min(HOLD_SECONDS / max(seconds, 0.001), 1.5)), MOST_BYTES)
