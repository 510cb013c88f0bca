"""The tables. A change here needs a migration beside it; a test compares the two.

Times are Unix seconds where a column ends in ``_at``, Unix milliseconds where it ends in ``_at_ms``.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

SCHEMA_VERSION: Final = "0004"
"""Revision of the newest migration."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _text(name: str, length: int | None = None, *, nullable: bool = False, **more: Any) -> Column[str]:
    """Text of at most that many characters, or of any length."""
    return Column(name, Text if length is None else String(length), nullable=nullable, **more)


def _whole(name: str, *, nullable: bool = False, **more: Any) -> Column[int]:
    """A whole number of 64 bits, as times need."""
    return Column(name, BigInteger, nullable=nullable, **more)


def _small(name: str, *, nullable: bool = False, **more: Any) -> Column[int]:
    """A whole number of 32 bits."""
    return Column(name, Integer, nullable=nullable, **more)


def _id(name: str, length: int) -> Column[str]:
    """The primary key."""
    return Column(name, String(length), primary_key=True)


def _of(table: str, name: str, length: int, **more: Any) -> Column[str]:
    """The id of a row of another table."""
    return Column(name, String(length), ForeignKey(f"{table}.id"), **more)


apps = Table(
    "apps",
    metadata,
    _id("id", 32),
    _text("name", 128),
    _whole("created_at"),
    _whole("disabled_at", nullable=True),
    _whole("tokens_from_ms", server_default="0"),  # older session tokens are void
    _small("max_sessions", nullable=True),  # quotas: NULL is the server's own limit
    _small("max_session_s", nullable=True),
    _whole("credit_limit_s", nullable=True),
    _small("max_creations", nullable=True),
    _whole("credit_used_ms", server_default="0"),  # of sessions that ended
    _small("creations", server_default="0"),
)

api_keys = Table(
    "api_keys",
    metadata,
    _id("prefix", 16),
    _of("apps", "app_id", 32, nullable=False),
    _text("hash", 64),
    _whole("created_at"),
    _whole("revoked_at", nullable=True),
    _text("name", 128, server_default=""),
    _text("scopes", 128, server_default="tokens avatars:read avatars:write"),
    _whole("last_used_at", nullable=True),
    Index("ix_api_keys_app_id", "app_id"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    _id("id", 16),
    _text("value"),
    _whole("created_at"),
    _whole("retired_at", nullable=True),  # signs nothing new; what it signed stays valid for a day
)

used_tokens = Table(
    "used_tokens",
    metadata,
    _id("id", 32),
    _whole("expires_at"),
    Index("ix_used_tokens_expires_at", "expires_at"),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    _id("id", 32),
    _text("app_id", 32),
    _whole("expires_at"),
    Index("ix_revoked_tokens_expires_at", "expires_at"),
)

servers = Table(
    "servers",
    metadata,
    _id("id", 32),
    _text("host", 128),
    _whole("started_at_ms"),
    _whole("seen_at_ms"),
)

sessions = Table(
    "sessions",
    metadata,
    _id("id", 64),
    _of("apps", "app_id", 32, nullable=False),
    _text("server_id", 32),
    _text("avatar_id", 64),
    _text("token_id", 32),
    _whole("opened_at_ms"),
    _whole("confirmed_at_ms", nullable=True),
    _whole("ended_at_ms", nullable=True),
    _whole("charged_ms", server_default="0"),
    _text("end_reason", 64, nullable=True),
    _text("end_asked", 32, nullable=True),
    Index("ix_sessions_app_id_ended_at_ms", "app_id", "ended_at_ms"),
    Index("ix_sessions_server_id_ended_at_ms", "server_id", "ended_at_ms"),
    Index("ix_sessions_opened_at_ms", "opened_at_ms"),
)

avatars = Table(
    "avatars",
    metadata,
    _id("id", 64),
    _text("name", 128),
    _small("version"),  # the one that is shown
    _of("apps", "owner", 32, nullable=True),
    _text("state", 16, server_default="published"),
    _text("visibility", 16, server_default="everyone"),
    _whole("created_at"),
    _whole("updated_at"),
    _text("visitor", 64, nullable=True),  # of the page: SHA-256 of what the visitor's browser holds
    Index("ix_avatars_owner", "owner"),
    Index("ix_avatars_visitor", "visitor"),
)

avatar_versions = Table(
    "avatar_versions",
    metadata,
    _of("avatars", "avatar_id", 64, primary_key=True),
    Column("version", Integer, primary_key=True),
    _text("sha256", 64),
    _whole("size"),
    _text("minimum_sdk", 32),
    _text("license"),
    _text("author"),
    _text("camera"),
    _whole("created_at"),
    Index("ix_avatar_versions_sha256", "sha256"),
)

avatar_grants = Table(
    "avatar_grants",
    metadata,
    _of("avatars", "avatar_id", 64, primary_key=True),
    _of("apps", "app_id", 32, primary_key=True),
    Index("ix_avatar_grants_app_id", "app_id"),
)

jobs = Table(
    "jobs",
    metadata,
    _id("id", 32),
    _of("apps", "app_id", 32, nullable=False),
    _text("avatar_id", 64, nullable=True),
    _text("name", 128),
    _text("status", 16),
    _text("spec", nullable=True),
    Column("picture", LargeBinary, nullable=True),
    _text("error_code", 64, nullable=True),
    _text("error_message", nullable=True),
    _small("error_retryable", server_default="0"),
    _small("attempts", server_default="0"),
    _text("visitor", 64, nullable=True),  # as in avatars
    _small("percent", server_default="0"),
    _text("stage", 64, server_default=""),
    _whole("created_at"),
    _whole("updated_at"),
    _whole("completed_at", nullable=True),
    Index("ix_jobs_app_id_created_at", "app_id", "created_at"),
    Index("ix_jobs_status", "status"),
    Index("ix_jobs_visitor", "visitor"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _whole("at"),
    _text("actor", 64),
    _text("action", 64),
    _text("target", 128),
    _text("detail"),
    Index("ix_audit_target", "target"),
)

secrets = Table(
    "secrets",
    metadata,
    _id("name", 32),
    _text("value"),
)
