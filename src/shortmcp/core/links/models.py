"""What may be asked of links and what is answered: the fields that people and agents read about."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shortmcp.core.destinations import MAX_DESTINATION_LENGTH
from shortmcp.core.fields import (
    Flag,
    IncomingMoment,
    Line,
    OptionalLine,
    OutgoingMoment,
    Paragraphs,
    Reference,
    Storable,
    Verbatim,
)
from shortmcp.core.lists import ListQuery
from shortmcp.core.passwords import MAX_PASSWORD
from shortmcp.core.versions import Versioned

MOST_CLICKS = 10**9

Destination = Annotated[
    str,
    Storable,
    Field(max_length=MAX_DESTINATION_LENGTH, description="Where the link leads: https, http, mailto or tel."),
]
Fallback = Annotated[
    str,
    Storable,
    Field(max_length=MAX_DESTINATION_LENGTH, description="Where visitors go while the link does not work."),
]
Title = Annotated[Line, Field(max_length=255, description="Label for your own reference.")]
ChosenCode = Annotated[
    OptionalLine,
    Field(max_length=255, description="Path of the short URL: a-z, 0-9, dashes; generated (6 characters) if left out."),
]
Expiry = Annotated[
    IncomingMoment | None, Field(description="ISO 8601; from then on the link does not work. UTC if no offset.")
]
Active = Annotated[bool, Field(description="Whether the link works.")]
KnownUrl = Annotated[str, Storable, Field(max_length=MAX_DESTINATION_LENGTH)]
Domain = Annotated[Reference | None, Field(description="Short domain of the link, where there are several.")]
Password = Annotated[str, Storable, Field(min_length=1, max_length=MAX_PASSWORD, description="Visitors must enter it.")]
MaxClicks = Annotated[int, Field(ge=1, le=MOST_CLICKS, description="After so many clicks the link does not work.")]
Notes = Annotated[Paragraphs, Field(max_length=1000, description="Notes for your own reference.")]
SharedTitle = Annotated[Line, Field(max_length=255, description="Title in previews where the link is shared.")]
SharedText = Annotated[Line, Field(max_length=1000, description="Text in these previews.")]
SharedImage = Annotated[
    str, Storable, Field(max_length=MAX_DESTINATION_LENGTH, description="Image in these previews: https or http.")
]
Mask = Annotated[bool, Field(description="Keep the short URL in the address bar and show the page in a frame.")]
MaskAlarm = Annotated[bool, Field(description="Mail the owner when the masked page begins to forbid frames.")]
PublicNumbers = Annotated[bool, Field(description="Show statistics to everybody at the short URL + /stats.")]
ForwardQuery = Annotated[bool, Field(description="Add the visitor's query to the destination's, replacing nothing.")]


class LinkRef(BaseModel):
    """Which link: by its code, or by its destination where just one link has it."""

    model_config = ConfigDict(extra="forbid")

    short_code: Annotated[Reference | None, Field(description="Code of the link.")] = None
    original_url: Annotated[
        KnownUrl | None, Field(description="Instead of the code: the link's exact destination.")
    ] = None
    domain: Domain = None


class LinkList(ListQuery):
    """Which links."""

    project: Annotated[Reference | None, Field(description="Id or slug of a project: its links alone.")] = None
    search: Annotated[
        Verbatim | None,
        Field(description="Text in the destination, code or title; taken literally, case aside."),
    ] = None
    is_active: Annotated[
        Flag | None,
        Field(description="Whether links are switched on; those that have expired or are used up still are."),
    ] = None
    domain: Annotated[Reference | None, Field(description="Short domain: its links alone.")] = None
    sort: Annotated[
        Literal["-created_at", "created_at"], Field(description="Newest first, or `created_at`: oldest first.")
    ] = "-created_at"


class LinkCreate(BaseModel):
    """What a new link is made of."""

    model_config = ConfigDict(extra="forbid")

    project: Annotated[
        Reference | None,
        Field(description="Id or slug of the owning project; may be left out where there is just one."),
    ] = None
    original_url: Destination
    title: Title
    short_code: ChosenCode | None = None
    domain: Domain = None
    description: Notes | None = None
    expires_at: Expiry = None
    is_active: Active = True
    redirect_url: Fallback | None = None
    password: Password | None = None
    max_clicks: MaxClicks | None = None
    og_title: SharedTitle | None = None
    og_description: SharedText | None = None
    og_image: SharedImage | None = None
    mask: Mask = False
    notify_on_mask_break: MaskAlarm = False
    analytics_public: PublicNumbers = False
    forward_query: ForwardQuery = False


class LinkUpdate(BaseModel):
    """Which link, and what to change; fields left out stay, null clears."""

    model_config = ConfigDict(extra="forbid")

    short_code: Annotated[Reference | None, Field(description="Present code of the link.")] = None
    current_original_url: Annotated[
        KnownUrl | None, Field(description="Instead of the code: the link's exact present destination.")
    ] = None
    domain: Domain = None
    original_url: Destination | None = None
    title: Title | None = None
    new_short_code: (
        Annotated[OptionalLine, Field(max_length=255, description="New code; the old short URL stops working.")] | None
    ) = None
    description: Notes | None = None
    expires_at: Expiry = None
    is_active: Active | None = None
    redirect_url: Fallback | None = None
    password: Password | None = None
    max_clicks: MaxClicks | None = None
    og_title: SharedTitle | None = None
    og_description: SharedText | None = None
    og_image: SharedImage | None = None
    mask: Mask | None = None
    notify_on_mask_break: MaskAlarm | None = None
    analytics_public: PublicNumbers | None = None
    forward_query: ForwardQuery | None = None


class LinkPublic(Versioned):
    """A link as its workspace sees it.

    `is_effectively_active`: not disabled, expired, used up or `unsafe`. `clicks_count`: of people; robots are left
    out, but use `max_clicks` up.
    """

    moving = frozenset({"is_effectively_active", "clicks_count", "safety"})

    id: int
    project_id: int
    short_code: str
    domain: str
    short_url: str
    original_url: str
    title: str
    description: str | None
    is_active: bool
    is_effectively_active: bool
    safety: Literal["unchecked", "safe", "unsafe"]
    redirect_url: str | None
    expires_at: OutgoingMoment | None
    has_password: bool
    max_clicks: int | None
    clicks_count: int
    og_title: str | None
    og_description: str | None
    og_image: str | None
    mask: bool
    notify_on_mask_break: bool
    analytics_public: bool
    forward_query: bool
    created_at: OutgoingMoment
    updated_at: OutgoingMoment


class LinkNumbers(BaseModel):
    """A link's clicks; robots are left out."""

    total_clicks: int
    unique_clicks: Annotated[int, Field(description="Different visitors of each UTC day, added up.")]
    clicks_today: Annotated[int, Field(description="UTC.")]
    clicks_this_week: Annotated[int, Field(description="From Monday, UTC.")]
    clicks_this_month: Annotated[int, Field(description="UTC.")]


class LinkDetails(LinkPublic):
    """A link with its clicks."""

    moving = LinkPublic.moving | {"analytics"}

    analytics: LinkNumbers
