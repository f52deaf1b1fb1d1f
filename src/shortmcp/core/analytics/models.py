"""What analytics are asked and what they answer."""

from typing import Annotated

from pydantic import BaseModel, WithJsonSchema
from pydantic import Field as Described

from shortmcp.core.fields import OutgoingMoment
from shortmcp.core.links.models import LinkRef

AskedDay = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Share = Annotated[float, Described(description="Percentage of the period's total, one decimal.")]
Clicks = Annotated[int, Described(description="Clicks; bots are left out.")]


class LinkAnalyticsQuery(LinkRef):
    """Which link, which days, and in which time zone days and hours are meant."""

    date_from: Annotated[
        AskedDay | None,
        Described(
            alias="dateFrom",
            description="First day, YYYY-MM-DD; the first of `dateTo`'s month if left out. Moved to where the plan's"
            " history, or the ten years up to `dateTo`, begins if it lies before.",
        ),
    ] = None
    date_to: Annotated[
        AskedDay | None,
        Described(alias="dateTo", description="Last day, included, YYYY-MM-DD; today if left out or in the future."),
    ] = None
    timezone: Annotated[str, Described(description="IANA name, such as Europe/Vienna: where days and hours begin.")] = (
        "UTC"
    )


class ClickStats(BaseModel):
    """Clicks of this month and the last, in UTC and within the plan's history. Bots are left out."""

    current_month: Annotated[int, Described(description="Clicks from the 1st of this month to today.")]
    previous_month: Annotated[int, Described(description="Clicks in the whole month before.")]
    mom_change: Annotated[
        float | None,
        Described(description="Change in % against the 1st to the same day of last month; null without clicks then."),
    ]
    yoy_change: Annotated[
        float | None,
        Described(
            description="Change in % against the same days a year ago; null without clicks then, or where the plan's"
            " history has less than 24 months."
        ),
    ]


class ProjectStats(BaseModel):
    """One project's clicks."""

    id: int
    name: str
    slug: str
    stats: ClickStats


class LinkStats(BaseModel):
    """One link's clicks."""

    id: int
    short_code: str
    title: str
    original_url: str
    stats: ClickStats


class AnalyzedProject(BaseModel):
    """The project that the numbers are about."""

    id: int
    name: str
    slug: str


class AnalyzedLink(BaseModel):
    """The link that the numbers are about."""

    id: int
    short_code: str
    title: str
    original_url: str


class WorkspaceAnalytics(BaseModel):
    """Every project's clicks."""

    generated_at: OutgoingMoment
    projects: list[ProjectStats]


class ProjectAnalytics(BaseModel):
    """The clicks of every link of a project."""

    generated_at: OutgoingMoment
    project: AnalyzedProject
    links: list[LinkStats]


class PeriodStats(BaseModel):
    """The period's clicks, compared with the same days a month and a year before."""

    total: Clicks
    unique_clicks: Annotated[
        int, Described(description="Sum of each UTC day's different visitors: a visitor counts once a UTC day.")
    ]
    bots: Annotated[int, Described(description="Visits by bots and link previews; they count nowhere else.")]
    previous_total: Annotated[
        int | None, Described(description="Clicks in the same days of the month before; null if out of range.")
    ]
    mom_change: Annotated[
        float | None, Described(description="Change against `previous_total` in %; null if that is 0 or null.")
    ]
    previous_out_of_range: Annotated[bool, Described(description="Whether those days begin before the plan's history.")]
    yoy_total: Annotated[
        int | None,
        Described(
            description="Clicks in the same days a year before; null if out of range or if the plan compares no years."
        ),
    ]
    yoy_change: Annotated[
        float | None, Described(description="Change against `yoy_total` in %; null if that is 0 or null.")
    ]
    yoy_out_of_range: Annotated[
        bool | None,
        Described(
            description="Whether those days begin before the plan's history; null if the plan compares no years."
        ),
    ]


class DayClicks(BaseModel):
    """One day's clicks."""

    date: Annotated[str, Described(description="YYYY-MM-DD in the asked time zone.")]
    total: Clicks


class ReferrerClicks(BaseModel):
    """Clicks that came from one page."""

    referrer: Annotated[str, Described(description="Where the visitors came from, or `unverified`.")]
    total: Clicks


class ValueClicks(BaseModel):
    """Clicks that have one value in common."""

    code: Annotated[str, Described(description="ISO code or lower-case word; `unverified` for the unknown.")]
    label: Annotated[str, Described(description="English name of the value.")]
    total: Clicks
    pct: Share


class WeekdayClicks(BaseModel):
    """Clicks on one day of the week."""

    day: Annotated[str, Described(description="Mon to Sun, in the asked time zone.")]
    total: Clicks
    pct: Share


class HourClicks(BaseModel):
    """Clicks within one hour of the day."""

    hour: Annotated[str, Described(description="When the hour begins, 00:00 to 23:00, in the asked time zone.")]
    total: Clicks
    pct: Share


class LinkAnalytics(BaseModel):
    """A link's clicks in a period.

    `days` has every day in order; all other lists begin with the largest total, hold no zeros, and each adds up to
    the period's total.
    """

    generated_at: OutgoingMoment
    link: AnalyzedLink
    date_from: Annotated[str, Described(description="First day that is counted, YYYY-MM-DD.")]
    date_to: Annotated[str, Described(description="Last day that is counted, YYYY-MM-DD.")]
    timezone: Annotated[str, Described(description="Time zone of all days and hours here.")]
    period_stats: PeriodStats
    days: list[DayClicks]
    referrers: list[ReferrerClicks]
    countries: list[ValueClicks]
    languages: list[ValueClicks]
    devices: list[ValueClicks]
    operating_systems: list[ValueClicks]
    browsers: list[ValueClicks]
    day_of_week: list[WeekdayClicks]
    hours: list[HourClicks]
