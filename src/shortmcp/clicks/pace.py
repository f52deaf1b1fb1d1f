"""How much to write at once: much where much waits, and never so much that other writers wait for long."""

# A transaction writes so long, about. On SQLite nobody else writes meanwhile.
HOLD_SECONDS = 0.1
# The same while so much waits that it would take several transactions: large ones cost far less for each click, and a
# backlog that grows would help nobody.
CATCH_UP_SECONDS = 0.25
FEWEST_BYTES = 150_000
# What a batch takes in memory is some ten times as much.
MOST_BYTES = 8_000_000


class Pace:
    """Finds the number of journal bytes that a transaction writes within its time."""

    def __init__(self) -> None:
        self.limit = FEWEST_BYTES

    def note(self, size: int, seconds: float, waiting: int) -> None:
        """A transaction has written `size` bytes of the journal in so many seconds; `waiting` ones are left."""
        hold = CATCH_UP_SECONDS if waiting > 2 * self.limit else HOLD_SECONDS
        if seconds > hold:
            self.limit = max(int(self.limit * max(hold / seconds, 0.5)), FEWEST_BYTES)
        elif size > self.limit // 2:
            # Not at once to where the quotient points: small batches cost more for each click than large ones.
            self.limit = min(int(self.limit * min(hold / max(seconds, 0.001), 1.5)), MOST_BYTES)
