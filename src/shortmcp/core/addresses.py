"""E-mail addresses: what counts as one."""

from email_validator import EmailNotValidError, validate_email


def check_address(address: str) -> str:
    """`address` as mail servers take it; ValueError where it is none, or could break out of a mail's header."""
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError("is not an e-mail address") from error
    # Every server knows domains in ASCII; few know letters outside of it before the @.
    return found.ascii_email or found.normalized


def hint_address(address: str) -> str:
    """So much of an address that its owner knows it, and nobody else: a…@example.com."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
