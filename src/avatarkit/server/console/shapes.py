"""The shapes of what the admin API takes and gives."""

from __future__ import annotations

from typing import Final

from avatarkit.server.console.claims import MAX_LIFETIME_S, MAX_SECONDS
from avatarkit.server.http.schemas import Schema, choice, flag, items, nullable, record, shown, text, whole

_TIME: Final = whole(0, 2**53)
_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
_QUOTA: Final = nullable(whole(0, 2**31 - 1))
_ANY: Final[Schema] = {"type": "object"}

NAME: Final = text(1, 128)
QUOTAS: Final = record(max_sessions=_QUOTA, max_session_s=_QUOTA, credit_limit_s=_QUOTA, max_creations=_QUOTA)
SCOPES: Final = items(choice("tokens", "avatars:read", "avatars:write"), 3) | {"minItems": 1}
TOKEN_REQUEST: Final = record(
    lifetime_s=whole(1, MAX_LIFETIME_S),
    single_use=flag(),
    avatar_id=text(1, 64),
    max_seconds=whole(1, MAX_SECONDS),
)
STATE: Final = choice("draft", "published", "withdrawn")
VISIBILITY: Final = choice("everyone", "granted")


APP: Final = shown(
    ("id", "name", "created_at", "disabled_at", "quotas"),
    id=text(),
    name=text(),
    created_at=_TIME,
    disabled_at=nullable(_TIME),
    quotas=QUOTAS,
    usage=shown(
        ("open_sessions", "credit_used_s", "creations"),
        open_sessions=whole(0, 2**31),
        credit_used_s=_SECONDS,
        creations=whole(0, 2**31),
    ),
    api_key=text(),
    api_key_prefix=text(),
)
KEY: Final = shown(
    ("prefix", "app_id", "name", "scopes", "created_at", "last_used_at", "revoked_at"),
    prefix=text(),
    app_id=text(),
    name=text(),
    scopes=items(text()),
    created_at=_TIME,
    last_used_at=nullable(_TIME),
    revoked_at=nullable(_TIME),
)
NEW_KEY: Final = shown(("app_id", "api_key", "api_key_prefix"), app_id=text(), api_key=text(), api_key_prefix=text())
TOKEN: Final = shown(
    ("sessionToken", "expireAt", "appId"), sessionToken=text(most=4096), expireAt=_TIME, appId=text()
)
REVOKED: Final = shown(("id", "appId", "expireAt"), id=text(), appId=text(), expireAt=_TIME)
SIGNING_KEYS: Final = shown(
    ("signing_keys",),
    signing_keys=items(
        shown(("id", "created_at", "retired_at"), id=text(), created_at=_TIME, retired_at=nullable(_TIME))
    ),
)
AVATAR: Final = shown(
    ("id", "name", "version", "sha256", "size", "bundleUrl", "coverUrl", "state", "visibility", "owner"),
    id=text(),
    name=text(),
    version=whole(1, 2**31),
    sha256=text(),
    size=whole(0, 2**40),
    bundleUrl=text(),
    coverUrl=text(),
    minimumSdkVersion=text(),
    license=text(most=2000),
    author=text(most=2000),
    camera=_ANY,
    createdAt=_TIME,
    updatedAt=_TIME,
    owner=nullable(text()),
    state=STATE,
    visibility=VISIBILITY,
    versions=items(_ANY, 10_000),
    grants=items(text(), 10_000),
)
SESSION: Final = shown(
    ("id", "app_id", "avatar_id", "server", "opened_at", "confirmed_at", "ended_at", "charged_s", "end_reason"),
    id=text(),
    app_id=text(),
    avatar_id=text(),
    server=text(),
    opened_at=_SECONDS,
    confirmed_at=nullable(_SECONDS),
    ended_at=nullable(_SECONDS),
    charged_s=_SECONDS,
    end_reason=nullable(text()),
)
ENTRY: Final = shown(
    ("id", "at", "actor", "action", "target", "detail"),
    id=whole(1, 2**53),
    at=_TIME,
    actor=text(),
    action=text(),
    target=text(),
    detail=_ANY,
)
PROBLEM: Final = shown(
    ("errors",),
    errors=items(
        shown(
            ("id", "status", "code", "title", "detail"),
            id=text(),
            status=whole(400, 599),
            code=text(),
            title=text(),
            detail=text(most=4000),
        )
    ),
)


def listed(name: str, of: Schema) -> Schema:
    """An object with one list."""
    return shown((name,), **{name: items(of, 1_000_000)})
