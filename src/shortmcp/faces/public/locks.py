"""Links that ask for a password: the form, the try, and the cookie that spares asking again."""

from anyio import CapacityLimiter, to_thread

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.guesses import UNLOCKED_SECONDS
from shortmcp.core.passwords import MAX_PASSWORD
from shortmcp.faces.pages import Page, TooManyTries, WrongPassword, password_page
from shortmcp.faces.public.forms import read_field
from shortmcp.faces.public.requests import Request, Services
from shortmcp.faces.public.sending import Header

COOKIE = "unlocked"
# As many as may hash at once: the others wait as what they are, requests, and take no thread.
THREADS = 2


class Locks:
    """Asks for passwords; a `subject` such as `link:7` is what a password and its cookie are good for."""

    def __init__(self, services: Services) -> None:
        self._doorkeeper = services.doorkeeper
        self._trusted = services.trusted
        self._short_url = services.short_url
        self._threads = CapacityLimiter(THREADS)

    def is_open(self, request: Request, subject: str, hashed: str) -> bool:
        """Whether the visitor has shown before that the password is known."""
        cookies = b";".join(value for name, value in request.scope["headers"] if name == b"cookie").decode("latin-1")
        given = (part.strip().partition("=") for part in cookies.split(";"))
        return any(self._doorkeeper.is_pass(value, subject, hashed) for name, _, value in given if name == COOKIE)

    async def try_password(self, request: Request, subject: str, hashed: str) -> Page | None:
        """None if the posted password is right, else the form with what is wrong."""
        password = await read_field(request, "password")
        if not 0 < len(password) <= MAX_PASSWORD:
            return password_page(request.target, WrongPassword())
        visitor = request.address(self._trusted)
        try:
            right = await to_thread.run_sync(
                self._doorkeeper.check, subject, visitor, password, hashed, limiter=self._threads
            )
        except OperationError as error:
            if error.code is not Code.RATE_LIMITED:
                raise
            return password_page(request.target, TooManyTries(error.retry_after or 1))
        return None if right else password_page(request.target, WrongPassword())

    def make_cookie(self, request: Request, subject: str, hashed: str) -> Header:
        """The header that lets the visitor in again for twelve hours, at this address alone."""
        secure = "; Secure" if self._short_url(request.code, request.domain).startswith("https:") else ""
        value = self._doorkeeper.make_pass(subject, hashed)
        path = request.scope["path"]
        cookie = f"{COOKIE}={value}; Path={path}; Max-Age={UNLOCKED_SECONDS}; HttpOnly; SameSite=Lax{secure}"
        return (b"set-cookie", cookie.encode("ascii"))
