"""The page with a link's public statistics: figures, a drawing of the days, and who came from where with what."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from shortmcp.core.analytics.published import PublishedStatistics, Ranking
from shortmcp.faces.pages import texts
from shortmcp.faces.pages.rendering import NO_FORMS, Page, render

# Names of a ranking; what is behind them is one more row.
MOST_NAMES = 5
# The drawing's units: how wide a day is, how much of that its bar, how high the highest.
_DAY, _BAR, _HEIGHT = 10, 7, 100


@dataclass(frozen=True)
class Bar:
    """A row of a ranking; `share` is the percentage of all clicks."""

    name: str
    total: int
    share: float


def statistics_page(statistics: PublishedStatistics) -> Page:
    """200: what everybody may know of a link's clicks."""
    url = urlsplit(statistics.short_url)
    rankings = {
        texts.COUNTRIES: _bars(statistics.countries, texts.UNKNOWN_VALUE),
        texts.REFERRERS: _bars(statistics.referrers, texts.NO_REFERRER),
        texts.DEVICES: _bars(statistics.devices, texts.UNKNOWN_VALUE),
        texts.BROWSERS: _bars(statistics.browsers, texts.UNKNOWN_VALUE),
    }
    values = {
        "statistics": statistics,
        "shown": url.netloc + url.path,
        "rankings": rankings,
        "width": _DAY * len(statistics.days),
        "bars": _draw([total for _, total in statistics.days]),
        "busiest": max(statistics.days, key=lambda day: day[1]),
    }
    return render("statistics.html", 200, values, NO_FORMS)


def _bars(ranking: Ranking, unknown: str) -> list[Bar]:
    whole = sum(total for _, total in ranking)
    rows = [(name or unknown, total) for name, total in ranking[:MOST_NAMES]]
    if rest := sum(total for _, total in ranking[MOST_NAMES:]):
        rows.append((texts.OTHERS, rest))
    return [Bar(name, total, round(100 * total / whole, 1)) for name, total in rows]


def _draw(totals: list[int]) -> str:
    # One path of closed bars; a day with a single click among thousands can still be seen.
    most = max([1, *totals])
    heights = [max(2, round(_HEIGHT * total / most, 1)) if total else 0 for total in totals]
    left = (_DAY - _BAR) / 2
    return "".join(
        f"M{number * _DAY + left} {_HEIGHT}v-{height}h{_BAR}v{height}z"
        for number, height in enumerate(heights)
        if height
    )
