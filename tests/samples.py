"""Reports with everything that one may have to show."""

from dataclasses import replace
from datetime import date, timedelta

from shortmcp.core.reports.numbers import Report, TopLink
from shortmcp.core.reports.periods import Cadence, Period

_DAYS = [
    *(412, 380, 455, 0, 512, 190, 120, 610, 655, 702, 580, 540, 230, 1, 720, 1204, 890, 760, 690, 310, 205),
    *(640, 610, 580, 555, 530, 240, 180, 495, 470),
]
_FIRST = date(2026, 6, 1)
HOSTILE = "\"'><script>alert(1)</script>{{ 7*7 }}&amp;\r\nBcc: eve@example.com \u202e"
MONTH = Report(
    project="Summer programme",
    period=Period(Cadence.MONTHLY, _FIRST, date(2026, 6, 30)),
    first=_FIRST,
    timezone="Europe/Vienna",
    total=sum(_DAYS),
    previous=12_480,
    change=round((sum(_DAYS) - 12_480) / 124.8, 1),
    days=[(_FIRST + timedelta(number), total) for number, total in enumerate(_DAYS)],
    links=[
        TopLink("All concerts in July and August", "s.example/summer", 6210),
        TopLink("Tickets", "s.example/tickets", 3980),
        TopLink("How to get there, by train, by boat and on foot", "s.example/way", 2105),
        TopLink("Newsletter of the friends of the garden theatre", f"s.example/{'friends-' * 6}2026", 1044),
        TopLink("Press", "s.example/press", 126),
    ],
    active_links=9,
    countries=[
        *(("Austria", 7010), ("Germany", 4544), ("Switzerland", 1540), (None, 401), ("Bosnia & Herzegovina", 301)),
        *(("Italy", 200), ("Poland", 125), ("France", 44)),
    ],
    referrers=[(None, 9000), ("news.example.com", 3200), ("t.co", 1700), ("search.example.org", 265)],
)
WEEK = replace(
    MONTH,
    period=Period(Cadence.WEEKLY, _FIRST, _FIRST + timedelta(6)),
    timezone="UTC",
    total=sum(_DAYS[:7]),
    previous=2069,
    change=0.0,
    days=MONTH.days[:7],
    links=[
        TopLink("All concerts in July and August", "s.example/summer", 2068),
        TopLink("Press", "s.example/press", 1),
    ],
    active_links=2,
    countries=[("Austria", 2068), (None, 1)],
    referrers=[("t.co", 2069)],
)
NOTHING = replace(
    WEEK,
    total=0,
    previous=None,
    change=None,
    days=[(day, 0) for day, _ in WEEK.days],
    links=[],
    active_links=0,
    countries=[],
    referrers=[],
)
SAMPLES = {"month": MONTH, "week": WEEK, "nothing": NOTHING}
