"""The tables. A change here needs a migration beside it; a test compares the two.

Times are Unix seconds where a column ends in ``_at``, Unix milliseconds where it ends in ``_at_ms``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION: Final = "0002"
"""Revision of the newest migration."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

apps = Table(
    "apps",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger, nullable=True),
    Column("tokens_from_ms", BigInteger, nullable=False, server_default="0"),  # older session tokens are void
    Column("max_sessions", Integer, nullable=True),  # quotas: NULL is the server's own limit
    Column("max_session_s", Integer, nullable=True),
    Column("credit_limit_s", BigInteger, nullable=True),
    Column("max_creations", Integer, nullable=True),
    Column("credit_used_ms", BigInteger, nullable=False, server_default="0"),  # of sessions that ended
    Column("creations", Integer, nullable=False, server_default="0"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("prefix", String(16), primary_key=True),
    Column("app_id", String(32), ForeignKey("apps.id"), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=True),
    Column("name", String(128), nullable=False, server_default=""),
    Column("scopes", String(128), nullable=False, server_default="tokens avatars:read avatars:write"),
    Column("last_used_at", BigInteger, nullable=True),
    Index("ix_api_keys_app_id", "app_id"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("retired_at", BigInteger, nullable=True),  # signs nothing new; what it signed stays valid for a day
)

used_tokens = Table(
    "used_tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_used_tokens_expires_at", "expires_at"),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("app_id", String(32), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_revoked_tokens_expires_at", "expires_at"),
)

servers = Table(
    "servers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", String(128), nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("app_id", String(32), ForeignKey("apps.id"), nullable=False),
    Column("server_id", String(32), nullable=False),
    Column("avatar_id", String(64), nullable=False),
    Column("token_id", String(32), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("confirmed_at_ms", BigInteger, nullable=True),
    Column("ended_at_ms", BigInteger, nullable=True),
    Column("charged_ms", BigInteger, nullable=False, server_default="0"),
    Column("end_reason", String(64), nullable=True),
    Column("end_asked", String(32), nullable=True),
    Index("ix_sessions_app_id_ended_at_ms", "app_id", "ended_at_ms"),
    Index("ix_sessions_server_id_ended_at_ms", "server_id", "ended_at_ms"),
    Index("ix_sessions_opened_at_ms", "opened_at_ms"),
)

avatars = Table(
    "avatars",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("version", Integer, nullable=False),  # the one that is shown
    Column("owner", String(32), ForeignKey("apps.id"), nullable=True),
    Column("state", String(16), nullable=False, server_default="published"),
    Column("visibility", String(16), nullable=False, server_default="everyone"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_avatars_owner", "owner"),
)

avatar_versions = Table(
    "avatar_versions",
    metadata,
    Column("avatar_id", String(64), ForeignKey("avatars.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("minimum_sdk", String(32), nullable=False),
    Column("license", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_avatar_versions_sha256", "sha256"),
)

avatar_grants = Table(
    "avatar_grants",
    metadata,
    Column("avatar_id", String(64), ForeignKey("avatars.id"), primary_key=True),
    Column("app_id", String(32), ForeignKey("apps.id"), primary_key=True),
    Index("ix_avatar_grants_app_id", "app_id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("app_id", String(32), ForeignKey("apps.id"), nullable=False),
    Column("avatar_id", String(64), nullable=True),
    Column("name", String(128), nullable=False),
    Column("status", String(16), nullable=False),
    Column("spec", Text, nullable=True),
    Column("error_code", String(64), nullable=True),
    Column("error_message", Text, nullable=True),
    Column("error_retryable", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger, nullable=True),
    Index("ix_jobs_app_id_created_at", "app_id", "created_at"),
    Index("ix_jobs_status", "status"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(128), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_target", "target"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)
