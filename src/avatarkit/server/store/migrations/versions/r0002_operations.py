"""Quotas, metered sessions, signing keys, avatar versions and visibility, jobs, audit log."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _app_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("disabled_at", sa.BigInteger, nullable=True),
        sa.Column("tokens_from_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("max_sessions", sa.Integer, nullable=True),
        sa.Column("max_session_s", sa.Integer, nullable=True),
        sa.Column("credit_limit_s", sa.BigInteger, nullable=True),
        sa.Column("max_creations", sa.Integer, nullable=True),
        sa.Column("credit_used_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("creations", sa.Integer, nullable=False, server_default="0"),
    )


def _key_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("name", sa.String(128), nullable=False, server_default=""),
        sa.Column("scopes", sa.String(128), nullable=False, server_default="tokens avatars:read avatars:write"),
        sa.Column("last_used_at", sa.BigInteger, nullable=True),
    )


_VERSIONED = ("sha256", "size", "minimum_sdk", "license", "author", "camera")


def upgrade() -> None:
    """Apply."""
    for column in _app_columns():
        op.add_column("apps", column)
    for column in _key_columns():
        op.add_column("api_keys", column)
    _create_tokens()
    _create_sessions()
    _create_jobs_and_audit()
    _split_avatars()
    _move_signing_key_out()


def downgrade() -> None:
    """Undo. Only the newest signing key and the shown version of each avatar are kept."""
    _move_signing_key_back()
    _join_avatars()
    for table in ("audit", "jobs", "sessions", "servers", "revoked_tokens", "used_tokens", "signing_keys"):
        op.drop_table(table)
    for column in _key_columns():
        op.drop_column("api_keys", column.name)
    for column in _app_columns():
        op.drop_column("apps", column.name)


def _create_tokens() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("retired_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
    )
    op.create_table(
        "used_tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_used_tokens"),
    )
    op.create_index("ix_used_tokens_expires_at", "used_tokens", ["expires_at"])
    op.create_table(
        "revoked_tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("app_id", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revoked_tokens"),
    )
    op.create_index("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"])


def _create_sessions() -> None:
    op.create_table(
        "servers",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("host", sa.String(128), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_servers"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("app_id", sa.String(32), nullable=False),
        sa.Column("server_id", sa.String(32), nullable=False),
        sa.Column("avatar_id", sa.String(64), nullable=False),
        sa.Column("token_id", sa.String(32), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger, nullable=False),
        sa.Column("confirmed_at_ms", sa.BigInteger, nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger, nullable=True),
        sa.Column("charged_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("end_reason", sa.String(64), nullable=True),
        sa.Column("end_asked", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_sessions_app_id"),
    )
    op.create_index("ix_sessions_app_id_ended_at_ms", "sessions", ["app_id", "ended_at_ms"])
    op.create_index("ix_sessions_server_id_ended_at_ms", "sessions", ["server_id", "ended_at_ms"])
    op.create_index("ix_sessions_opened_at_ms", "sessions", ["opened_at_ms"])


def _create_jobs_and_audit() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("app_id", sa.String(32), nullable=False),
        sa.Column("avatar_id", sa.String(64), nullable=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("spec", sa.Text, nullable=True),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_message", sa.Text, nullable=True),
        sa.Column("error_retryable", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("completed_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_jobs_app_id"),
    )
    op.create_index("ix_jobs_app_id_created_at", "jobs", ["app_id", "created_at"])
    op.create_index("ix_jobs_status", "jobs", ["status"])
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(128), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_target", "audit", ["target"])


def _split_avatars() -> None:
    rows = _all("avatars")
    op.drop_table("avatars")
    avatars = op.create_table(
        "avatars",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(32), nullable=True),
        sa.Column("state", sa.String(16), nullable=False, server_default="published"),
        sa.Column("visibility", sa.String(16), nullable=False, server_default="everyone"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_avatars"),
        sa.ForeignKeyConstraint(["owner"], ["apps.id"], name="fk_avatars_owner"),
    )
    op.create_index("ix_avatars_owner", "avatars", ["owner"])
    versions = op.create_table(
        "avatar_versions",
        sa.Column("avatar_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("minimum_sdk", sa.String(32), nullable=False),
        sa.Column("license", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("avatar_id", "version", name="pk_avatar_versions"),
        sa.ForeignKeyConstraint(["avatar_id"], ["avatars.id"], name="fk_avatar_versions_avatar_id"),
    )
    op.create_index("ix_avatar_versions_sha256", "avatar_versions", ["sha256"])
    op.create_table(
        "avatar_grants",
        sa.Column("avatar_id", sa.String(64), nullable=False),
        sa.Column("app_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("avatar_id", "app_id", name="pk_avatar_grants"),
        sa.ForeignKeyConstraint(["avatar_id"], ["avatars.id"], name="fk_avatar_grants_avatar_id"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_avatar_grants_app_id"),
    )
    op.create_index("ix_avatar_grants_app_id", "avatar_grants", ["app_id"])
    for row in rows:
        shown = {name: row[name] for name in ("id", "name", "version", "created_at", "updated_at")}
        op.bulk_insert(avatars, [shown])
        content = {name: row[name] for name in (*_VERSIONED, "version")}
        op.bulk_insert(versions, [content | {"avatar_id": row["id"], "created_at": row["updated_at"]}])


def _join_avatars() -> None:
    versions = {(row["avatar_id"], row["version"]): row for row in _all("avatar_versions")}
    rows = _all("avatars")
    for table in ("avatar_grants", "avatar_versions", "avatars"):
        op.drop_table(table)
    avatars = op.create_table(
        "avatars",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("minimum_sdk", sa.String(32), nullable=False),
        sa.Column("license", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_avatars"),
    )
    op.create_index("ix_avatars_sha256", "avatars", ["sha256"])
    for row in rows:
        content = versions[row["id"], row["version"]]
        shown = {name: row[name] for name in ("id", "name", "version", "created_at", "updated_at")}
        op.bulk_insert(avatars, [shown | {name: content[name] for name in _VERSIONED}])


def _move_signing_key_out() -> None:
    values = [row["value"] for row in _all("secrets") if row["name"] == "signing_key"]
    keys = sa.table("signing_keys", sa.column("id"), sa.column("value"), sa.column("created_at"))
    for value in values:
        name = hashlib.sha256(value.encode()).hexdigest()[:8]
        op.bulk_insert(keys, [{"id": name, "value": value, "created_at": 0}])
    op.execute(sa.text("DELETE FROM secrets WHERE name = 'signing_key'"))


def _move_signing_key_back() -> None:
    newest = sorted(_all("signing_keys"), key=lambda row: (row["retired_at"] is None, row["created_at"]))[-1:]
    secrets = sa.table("secrets", sa.column("name"), sa.column("value"))
    op.bulk_insert(secrets, [{"name": "signing_key", "value": row["value"]} for row in newest])


def _all(table: str) -> list[dict[str, Any]]:
    columns = sa.text(f"SELECT * FROM {table}")  # noqa: S608 - our own names
    return [dict(row) for row in op.get_bind().execute(columns).mappings()]
