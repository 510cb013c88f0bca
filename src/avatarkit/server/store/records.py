"""Rows as plain dataclasses, so that nobody outside the store sees a database type."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from avatarkit.types import Camera


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What an app may use. ``None`` is the server's own limit, or none."""

    max_sessions: int | None = None
    """Open at the same time."""
    max_session_s: int | None = None
    """Longest session, in seconds."""
    credit_limit_s: int | None = None
    """Seconds of confirmed sessions in all."""
    max_creations: int | None = None
    """Avatars that the app may make in all."""


@dataclass(frozen=True, slots=True)
class App:
    """A program that uses the server; keys, tokens and sessions belong to one."""

    id: str
    name: str
    created_at: int
    """Unix seconds."""
    disabled_at: int | None = None
    """Unix seconds; a disabled app gets no token and opens no session."""
    quotas: Quotas = field(default_factory=Quotas)


@dataclass(frozen=True, slots=True)
class Usage:
    """What an app has used."""

    open_sessions: int
    credit_used_s: float
    """Seconds of confirmed sessions, the open ones included."""
    creations: int


class Scope(StrEnum):
    """What an API key may be used for."""

    TOKENS = "tokens"
    """Session tokens."""
    AVATARS_READ = "avatars:read"
    """Listing and reading avatars by the Open API."""
    AVATARS_WRITE = "avatars:write"
    """Making and deleting avatars by the Open API."""


ALL_SCOPES = tuple(Scope)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What is kept of an API key."""

    prefix: str
    app_id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: int
    """Unix seconds."""
    last_used_at: int | None
    """Unix seconds, up to a minute old."""
    revoked_at: int | None
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``text`` exists nowhere else: the store keeps its hash."""

    app_id: str
    prefix: str
    text: str

    def __repr__(self) -> str:
        return f"NewKey(app_id={self.app_id!r}, prefix={self.prefix!r}, text=...)"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs session tokens, or did."""

    id: str
    value: bytes
    created_at: int
    """Unix seconds."""
    retired_at: int | None
    """Unix seconds; ``None`` for the one that signs."""

    def __repr__(self) -> str:
        return f"SigningKey(id={self.id!r}, ...)"


class AvatarState(StrEnum):
    """Whether an avatar is shown."""

    DRAFT = "draft"
    """To its owner only."""
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    """To nobody; its bundle stays."""


class Visibility(StrEnum):
    """Which apps see a published avatar."""

    EVERYONE = "everyone"
    GRANTED = "granted"
    """Its owner, and the apps that it was granted to."""


@dataclass(frozen=True, slots=True)
class AvatarRecord:
    """A version of an avatar in the library."""

    id: str
    name: str
    version: int
    """1 at first, one more each time other content is added."""
    sha256: str
    """Content hash of the bundle."""
    size: int
    """Bytes of the bundle."""
    minimum_sdk: str
    license: str
    author: str
    camera: Camera
    created_at: int
    """Unix seconds."""
    updated_at: int
    """Unix seconds."""
    owner: str | None = None
    """The app that made it; ``None`` for the operator."""
    state: AvatarState = AvatarState.PUBLISHED
    visibility: Visibility = Visibility.EVERYONE
    visitor: str | None = None
    """The visitor of the page who made it: SHA-256 of what the visitor's browser holds. It is on no list; whoever
    knows its id sees it."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session, open or ended. Times are Unix seconds."""

    id: str
    app_id: str
    avatar_id: str
    server: str
    """Host that holds or held it; empty when that is not known any more."""
    opened_at: float
    confirmed_at: float | None
    ended_at: float | None
    charged_s: float
    """Up to now for an open session."""
    end_reason: str | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who changed what."""

    id: int
    at: int
    """Unix seconds."""
    actor: str
    """``admin``, ``command``, ``server``, ``key:`` and the prefix of an API key, or ``visitor:`` and the beginning of
    :attr:`AvatarRecord.visitor`."""
    action: str
    """Such as ``app.create``."""
    target: str
    detail: dict[str, object]


class JobStatus(StrEnum):
    """How far the making of an avatar is."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """The making of an avatar. Times are Unix seconds."""

    id: str
    app_id: str
    avatar_id: str | None
    name: str
    status: JobStatus
    spec: str | None
    """What to build, JSON, until it is built; ``None`` for an upload."""
    error_code: str | None
    error_message: str | None
    error_retryable: bool
    attempts: int
    """How often it was taken to be built."""
    created_at: int
    updated_at: int
    completed_at: int | None
    visitor: str | None = None
    """As in :class:`AvatarRecord`."""
    percent: int = 0
    """How much is done, as the last stage said that began."""
    stage: str = ""
    """What is being done, in a few words."""
