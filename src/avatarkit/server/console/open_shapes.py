"""The shapes of what apps' backends send and get: session tokens, and the Open API."""

from __future__ import annotations

from typing import Final

from avatarkit.server.console.claims import MAX_SECONDS
from avatarkit.server.http.schemas import Schema, choice, flag, items, nullable, record, shown, text, whole
from avatarkit.server.library.build import FIELDS
from avatarkit.server.store.records import JobStatus

MAX_PAGE: Final = 100
PAGE: Final = 20
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_STATUS: Final = choice(*(status.value for status in JobStatus))
_MAX_AVATAR_ID: Final = 64

_APP_ID: Final = nullable(text(0, 64))
_EXPIRY: Final = nullable(whole(0, 2**53))
_SINGLE_USE: Final = nullable(flag())
_AVATAR_ID: Final = nullable(text(1, _MAX_AVATAR_ID))
_MAX_SECONDS: Final = nullable(whole(1, MAX_SECONDS))
TOKEN_REQUEST: Final[Schema] = {
    "type": "object",
    # Each in both spellings of the published clients; they send more, such as modelVersion, which does not matter.
    "properties": {
        "appId": _APP_ID,
        "app_id": _APP_ID,
        "expireAt": _EXPIRY,
        "expire_at": _EXPIRY,
        "singleUse": _SINGLE_USE,
        "single_use": _SINGLE_USE,
        "avatarId": _AVATAR_ID,
        "avatar_id": _AVATAR_ID,
        "maxSeconds": _MAX_SECONDS,
        "max_seconds": _MAX_SECONDS,
    },
}
TOKEN: Final = shown(
    sessionToken=text(1, 4096), session_token=text(1, 4096), expireAt=whole(0, 2**53), appId=text(1, 64)
)

_SPEC: Final[Schema] = {"type": "object", "description": f"A character: {', '.join(FIELDS)}; all are optional."}
_CONSENT: Final = "The person shown agrees that an avatar is made of the picture; needed for pictures."
CONSENT: Final = flag(description=_CONSENT)
CREATION: Final = record(name=text(1, 128), imageUrl=text(1, 2048), consent=CONSENT, spec=_SPEC)
CREATED: Final = shown(
    ("jobId", "status", "createdAt"), jobId=text(), status=_STATUS, avatarId=text(), createdAt=_TIME
)
PAGE_QUERY: Final = {
    "pagination.pageSize": whole(
        1, 99_999, default=PAGE, description=f"Most entries of a page; more than {MAX_PAGE} count as {MAX_PAGE}."
    ),
    "pagination.pageToken": text(0, 256, description="nextPageToken of the page before."),
}
STATUSES: Final = items(_STATUS, 16)
AVATAR: Final = shown(
    id=text(), name=text(), coverUrl=text(), backgroundImageUrl=text(), createdAt=_TIME, updatedAt=_TIME
)
JOB: Final = shown(
    id=text(),
    name=text(),
    avatarId=nullable(text()),
    status=_STATUS,
    error=nullable(shown(code=text(), message=text(), retryable=flag())),
    createdAt=_TIME,
    updatedAt=_TIME,
    completedAt=nullable(_TIME),
)
DELETED: Final = record()
PROBLEM: Final = shown(error=shown(code=text(1), message=text(1), request_id=text(1)))


def one(name: str, of: Schema) -> Schema:
    """An object that holds one thing."""
    return shown(**{name: of})


def page(name: str, of: Schema) -> Schema:
    """One page of a list."""
    pagination = shown(nextPageToken=text(), totalCount=whole(0, 2**53))
    return shown(**{name: items(of, MAX_PAGE)}, pagination=pagination)
