"""The addresses in mails by which a recipient says yes or no: signed, so that nobody can make one up."""

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# As many hexadecimal digits of the signature as stand in an address: 128 bits.
SIGNATURE_LENGTH: Final = 32
_TOKEN = re.compile(rf"([1-9][0-9]{{0,9}})\.([1-9][0-9]{{0,9}})\.([0-9a-f]{{{SIGNATURE_LENGTH}}})")


class Purpose(StrEnum):
    """What an address in a mail is for; also the word in its path."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whom and which project's reports an address is about."""

    contact_id: int
    project_id: int


@dataclass(frozen=True)
class ReportLinks:
    """Makes and reads them; `key` is the instance's for this purpose alone."""

    base_url: str
    key: bytes

    def make(self, purpose: Purpose, subscription: Subscription) -> str:
        """The address; it names people by number alone."""
        numbers = f"{subscription.contact_id}.{subscription.project_id}"
        return f"{self.base_url}/reports/{purpose.value}/{numbers}.{self._sign(purpose, numbers)}"

    def read(self, purpose: Purpose, token: str) -> Subscription | None:
        """What the last part of an address is about; None for whatever was not made here."""
        found = _TOKEN.fullmatch(token)
        if found is None or not hmac.compare_digest(found[3], self._sign(purpose, f"{found[1]}.{found[2]}")):
            return None
        return Subscription(int(found[1]), int(found[2]))

    def _sign(self, purpose: Purpose, numbers: str) -> str:
        return hmac.digest(self.key, f"{purpose.value} {numbers}".encode(), "sha256").hex()[:SIGNATURE_LENGTH]
