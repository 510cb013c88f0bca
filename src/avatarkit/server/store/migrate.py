"""Bring a database to the newest schema. Alembic loads only when there is something to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from avatarkit.errors import ErrorCode, error
from avatarkit.server.store.schema import SCHEMA_VERSION


def current_version(connection: Connection) -> str | None:
    """Revision of the database, or ``None`` for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if version is None else str(version)


def migrate(connection: Connection) -> bool:
    """Upgrade if needed; return whether it was.

    Raises:
        AvatarError: ``configurationInvalid`` when the database was written by a newer release.
    """
    version = current_version(connection)
    if version == SCHEMA_VERSION:
        return False
    if version is not None and version > SCHEMA_VERSION:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            f"The database has schema {version}; this release knows {SCHEMA_VERSION} at most.",
            hint="Upgrade pyavatarkit, or name another data folder.",
        )
    _run(connection, "upgrade", "head")
    return True


def downgrade(connection: Connection, version: str) -> None:
    """Go back to an older schema; what only the newer one can hold is lost. ``base`` is no table at all."""
    _run(connection, "downgrade", version)


def _run(connection: Connection, command: str, version: str) -> None:
    from alembic import command as commands  # noqa: PLC0415 - a second to load, needed once
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    getattr(commands, command)(config, version)
