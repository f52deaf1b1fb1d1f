"""What may be asked of webhooks and what is answered: the fields that people and agents read about."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shortmcp.core.destinations import MAX_DESTINATION_LENGTH
from shortmcp.core.events.announcing import Event
from shortmcp.core.fields import Flag, OutgoingMoment, Reference, Storable
from shortmcp.core.lists import ListQuery
from shortmcp.core.versions import Versioned


def _once_each(events: list[Event]) -> list[Event]:
    # In one order, so that the same set is the same version.
    return [event for event in Event if event in events]


WebhookId = Annotated[Reference, Field(description="Id of the webhook.")]
Url = Annotated[
    str, Storable, Field(max_length=MAX_DESTINATION_LENGTH, description="https endpoint that takes the POSTs.")
]
EventTypes = Annotated[
    list[Event],
    Field(min_length=1, max_length=50, description="Events that it is told of."),
    AfterValidator(_once_each),
]
Project = Annotated[Reference | None, Field(description="Id or slug: its events alone.")]
LinkCode = Annotated[Reference | None, Field(description="Code of a link: its events alone.")]
Domain = Annotated[Reference | None, Field(description="Short domain of `link`.")]
Verify = Annotated[
    Flag, Field(description="Begin switched off, until the endpoint answers a `webhook.challenge` with its text.")
]


class WebhookRef(BaseModel):
    """Which webhook."""

    model_config = ConfigDict(extra="forbid")

    webhook: WebhookId


class WebhookCreate(BaseModel):
    """What a new webhook is made of."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    event_types: EventTypes = [Event.LINK_CLICKED]
    project: Project = None
    link: LinkCode = None
    domain: Domain = None
    verify: Verify = False


class WebhookUpdate(WebhookRef):
    """Which webhook, and what to change; fields left out stay, null takes a filter away."""

    url: Url | None = None
    event_types: EventTypes | None = None
    project: Project = None
    link: LinkCode = None
    domain: Domain = None
    is_active: Annotated[Flag | None, Field(description="False stops deliveries; true begins anew.")] = None


class WebhookList(ListQuery):
    """Which webhooks."""

    url: Annotated[
        Annotated[str, Storable, Field(max_length=MAX_DESTINATION_LENGTH)] | None,
        Field(description="This endpoint's alone."),
    ] = None
    event: Annotated[Event | None, Field(description="Those that are told of this event.")] = None


class WebhookPublic(Versioned):
    """A webhook as its workspace sees it."""

    moving = frozenset({"disabled_reason", "failing_since"})

    id: int
    url: str
    event_types: list[str]
    project_id: int | None
    link_id: int | None
    is_active: bool
    disabled_reason: str | None
    failing_since: OutgoingMoment | None
    created_at: OutgoingMoment
    updated_at: OutgoingMoment


class WebhookCreated(WebhookPublic):
    """A new webhook with its secret."""

    # Shown here alone, it must not make another version of the same webhook.
    moving = WebhookPublic.moving | {"secret"}

    secret: Annotated[str, Field(description="Shown only now. Verifies signatures.")]


class NewSecret(BaseModel):
    """A webhook's new secret."""

    secret: Annotated[str, Field(description="Shown only now.")]
    old_secret_until: Annotated[OutgoingMoment, Field(description="Till then the old one signs too.")]


class SampleRef(BaseModel):
    """Which event's sample."""

    model_config = ConfigDict(extra="forbid")

    event: Annotated[Event, Field(description="The event.")]


class SamplePublic(BaseModel):
    """What a delivery of an event looks like: its body."""

    type: str
    timestamp: OutgoingMoment
    data: Annotated[dict[str, Any], Field(description="As in a real delivery.")]


class WebhookTest(WebhookRef):
    """Which webhook, and with what."""

    event: Annotated[Event | None, Field(description="Event to send a sample of; its first one if left out.")] = None


class DeliveryList(WebhookRef, ListQuery):
    """Which webhook's deliveries."""


class DeliveryRef(WebhookRef):
    """Which delivery."""

    delivery: Annotated[Reference, Field(description="Id of the delivery.")]


class DeliveryPublic(BaseModel):
    """A delivery: `attempts` made so far, what the latest one met, and when the next one comes."""

    id: int
    event_id: Annotated[str, Field(description="`webhook-id`, the same at each attempt.")]
    event: str
    is_test: bool
    status: Literal["pending", "succeeded", "failed"]
    attempts: int
    response_status: int | None
    error: str | None
    attempted_at: OutgoingMoment | None
    next_attempt_at: OutgoingMoment | None
    created_at: OutgoingMoment
