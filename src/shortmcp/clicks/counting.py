"""A batch of clicks, and what it adds to the counts. Knows no database."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, groupby, repeat
from operator import itemgetter
from typing import Any

from shortmcp.clicks.enrich import Click

DAY_MILLISECONDS = 86_400_000
QUARTER_MILLISECONDS = 900_000
# In the order of their numbers in `link_values`.
DIMENSIONS = ("referrer", "country", "language", "device", "os", "browser")

# What makes a visitor of a link on a day: link, day (since 1970 in UTC), hash.
Visitor = tuple[int, int, int]
# Link, moment, 1 for a robot, 1 for a visitor's first one of the day, visitor, and the facts as `Click` has them.
ClickColumns = tuple[int | str, ...]
# Link, clicks, first ones of visitors, robots' clicks.
TotalRow = tuple[int, int, int, int]
# The same of a day or a quarter-hour, which comes second.
PeriodRow = tuple[int, int, int, int, int]
# Link, day, number of the dimension, value, clicks.
ValueRow = tuple[int, int, int, str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """What to add to the counts: one row for a key, in the order of the keys."""

    totals: Sequence[TotalRow]
    days: Sequence[PeriodRow]
    quarters: Sequence[PeriodRow]
    values: Sequence[ValueRow]


class ClickBatch:
    """Clicks with their visitors' hashes; worked on column by column, which takes a fraction of a loop's time."""

    def __init__(self, clicks: Sequence[Click], visitors: Sequence[int]) -> None:
        self.clicks = clicks
        self.visitors = visitors
        self._columns: Sequence[Sequence[Any]] = list(zip(*clicks, strict=True)) or [()] * len(Click._fields)
        self._links, moments, self._robots = self._columns[:3]
        self._days = [at // DAY_MILLISECONDS for at in moments]
        self._quarters = [at // QUARTER_MILLISECONDS for at in moments]

    @cached_property
    def link_ids(self) -> list[int]:
        """The links, each once, in order."""
        return sorted(set(self._links))

    @cached_property
    def first_places(self) -> Mapping[Visitor, int]:
        """Where in the batch each person's first click of a day on a link stands, in order of the keys.

        Robots are no visitors.
        """
        keys = list(zip(self._links, self._days, self.visitors, strict=True))
        # Backwards: the first one stands.
        places = {keys[place]: place for place in reversed(range(len(keys))) if not self._robots[place]}
        return {key: places[key] for key in sorted(places)}

    @cached_property
    def values(self) -> Sequence[ValueRow]:
        """People's clicks by value."""
        people = [not robot for robot in self._robots]
        links, days = list(compress(self._links, people)), list(compress(self._days, people))
        counter = Counter[tuple[int, int, int, str]]()
        for number, name in enumerate(DIMENSIONS):
            facts = compress(self._columns[Click._fields.index(name)], people)
            counter.update(zip(links, days, repeat(number), facts))
        return sorted((*key, total) for key, total in counter.items())

    def prepare(self) -> None:
        """Work out all that does not depend on the database, before a transaction keeps others waiting."""
        _ = self.first_places, self.values, self._periods

    def only(self, links: Collection[int]) -> "ClickBatch":
        """The clicks on these links alone."""
        kept = [click.link_id in links for click in self.clicks]
        return ClickBatch(list(compress(self.clicks, kept)), list(compress(self.visitors, kept)))

    def rows(self, firsts: Iterable[int]) -> Iterable[ClickColumns]:
        """The rows of the clicks; those at the places `firsts` are their visitors' first ones of the day."""
        is_first = bytearray(len(self.clicks))
        for place in firsts:
            is_first[place] = 1
        _, moments, robots, *facts = self._columns
        return zip(self._links, moments, map(int, robots), is_first, self.visitors, *facts, strict=True)

    def count(self, firsts: Sequence[int]) -> Counts:
        """What the batch adds to the counts."""
        days, quarters = self._periods
        day_rows = days.rows(Counter((self._links[place], self._days[place]) for place in firsts))
        quarter_rows = quarters.rows(Counter((self._links[place], self._quarters[place]) for place in firsts))
        return Counts(_sum_by_link(day_rows), day_rows, quarter_rows, self.values)

    @cached_property
    def _periods(self) -> tuple["_Periods", "_Periods"]:
        return _Periods(self._links, self._days, self._robots), _Periods(self._links, self._quarters, self._robots)


class _Periods:
    def __init__(self, links: Sequence[int], periods: Sequence[int], robots: Sequence[bool]) -> None:
        self._counter = Counter(zip(links, periods, robots, strict=True))
        self._keys = sorted({(link, period) for link, period, _ in self._counter})

    def rows(self, firsts: Mapping[tuple[int, int], int]) -> Sequence[PeriodRow]:
        counter = self._counter
        return [(*key, counter[*key, False], firsts[key], counter[*key, True]) for key in self._keys]


def _sum_by_link(days: Sequence[PeriodRow]) -> Sequence[TotalRow]:
    totals: list[TotalRow] = []
    for link, rows in groupby(days, itemgetter(0)):
        _, _, clicks, firsts, robots = zip(*rows, strict=True)
        totals.append((link, sum(clicks), sum(firsts), sum(robots)))
    return totals
