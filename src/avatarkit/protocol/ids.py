"""Request and connection ids: ``20260131235959_`` (UTC) and twelve random URL-safe characters."""

from __future__ import annotations

import base64
import re
import secrets
from datetime import UTC, datetime
from typing import Final

from avatarkit.protocol.errors import InvalidFieldError
from avatarkit.protocol.limits import MAX_ID_CHARACTERS

ENTROPY_BYTES: Final = 9
"""Nine bytes are exactly twelve base64 characters."""

_PATTERN: Final = re.compile(r"\d{14}_[A-Za-z0-9_-]{12}")


def new_id(*, at: datetime | None = None, entropy: bytes | None = None) -> str:
    """A fresh id.

    Args:
        at: The moment it names, aware of its time zone. Default: now.
        entropy: Nine random bytes. Default: from the operating system.

    Raises:
        ValueError: ``at`` is naive, or ``entropy`` has another length.
    """
    moment = datetime.now(UTC) if at is None else at
    if moment.tzinfo is None:
        raise ValueError("the time of an id must know its time zone")
    random = secrets.token_bytes(ENTROPY_BYTES) if entropy is None else entropy
    if len(random) != ENTROPY_BYTES:
        raise ValueError(f"an id takes {ENTROPY_BYTES} random bytes, not {len(random)}")
    suffix = base64.urlsafe_b64encode(random).decode("ascii")
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%S}_{suffix}"


def is_id(text: str) -> bool:
    """Whether the text has the form that :func:`new_id` makes."""
    return _PATTERN.fullmatch(text) is not None


def check_id(text: str, *, name: str = "req_id") -> str:
    """Return an id of the other side unchanged.

    Other programs may shape ids as they like, so only length and printability are checked.

    Raises:
        InvalidFieldError: It is empty, longer than 128 characters, or holds control characters.
    """
    if not text:
        raise InvalidFieldError(f"{name} is empty")
    if len(text) > MAX_ID_CHARACTERS:
        raise InvalidFieldError(f"{name} is longer than {MAX_ID_CHARACTERS} characters")
    if not text.isprintable():
        raise InvalidFieldError(f"{name} holds characters that cannot be printed")
    return text
