"""What may be asked of secrets and what is answered: the fields that people and agents read about."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shortmcp.core.fields import Flag, IncomingMoment, OptionalLine, OutgoingMoment, Reference, Storable
from shortmcp.core.lists import ListQuery
from shortmcp.core.passwords import MAX_PASSWORD

MAX_CONTENT = 64 << 10


def _not_too_long(content: str) -> str:
    if not content:
        raise ValueError("must not be empty")
    if len(content.encode()) > MAX_CONTENT:
        raise ValueError(f"may be at most {MAX_CONTENT} bytes of UTF-8 long")
    return content


Content = Annotated[str, Storable, AfterValidator(_not_too_long), Field(description="The text; at most 64 KiB.")]
Passphrase = Annotated[str, Storable, Field(min_length=1, max_length=MAX_PASSWORD)]
Slug = Annotated[Reference, Field(description="Slug of the secret.")]


class SecretCreate(BaseModel):
    """What a new secret is made of."""

    model_config = ConfigDict(extra="forbid")

    content: Content
    max_uses: Annotated[Literal[1, 2, 5, 10], Field(description="How often it can be revealed.")] = 1
    slug: (
        Annotated[
            OptionalLine,
            Field(max_length=255, description="Path of its URL; unguessable if left out."),
        ]
        | None
    ) = None
    expires_at: Annotated[IncomingMoment | None, Field(description="ISO 8601; then it is destroyed.")] = None
    passphrase: Annotated[Passphrase | None, Field(description="Must be entered to reveal it.")] = None
    client_encrypted: Annotated[
        bool,
        Field(description="`content` is base64 of nonce + AES-256-GCM; its key goes after # in the URL."),
    ] = False


class SecretList(ListQuery):
    """Which secrets."""

    is_active: Annotated[Flag | None, Field(description="Whether they can be revealed.")] = None


class SecretRef(BaseModel):
    """Which secret."""

    model_config = ConfigDict(extra="forbid")

    slug: Slug


class SecretReveal(SecretRef):
    """Which secret, and what opens it."""

    passphrase: Annotated[Passphrase | None, Field(description="Where it has one.")] = None


class SecretVisit(SecretReveal):
    """Which secret a visitor opens; `visitor` is the address that they come from."""

    visitor: str


class SecretPublic(BaseModel):
    """A secret as its workspace sees it: never its content. `is_active`: neither used up nor expired."""

    slug: str
    short_url: str
    max_uses: int
    remaining_uses: int
    is_active: bool
    has_passphrase: bool
    client_encrypted: bool
    expires_at: OutgoingMoment | None
    last_revealed_at: OutgoingMoment | None
    created_at: OutgoingMoment


class SecretRevealed(BaseModel):
    """A secret's content, shown once for each of its uses."""

    # Shown as it was given, to the last sign: it may be a key.
    verbatim: ClassVar[frozenset[str]] = frozenset({"content"})

    content: str
    slug: str
    remaining_uses: int


class SecretFront(BaseModel):
    """What a visitor may know of a secret before it is opened."""

    has_passphrase: bool
    client_encrypted: bool
