"""The database: there, whole, of a schema that this release knows. Nothing is changed, not even migrated."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from avatarkit.cli.doctor.finding import Finding, failed, ok
from avatarkit.server.settings import Settings
from avatarkit.server.store.database import DATABASE_NAME
from avatarkit.server.store.migrate import current_version
from avatarkit.server.store.schema import SCHEMA_VERSION


def check_database(settings: Settings) -> Iterator[Finding]:
    """Open it read-only and compare its schema."""
    path = settings.data / DATABASE_NAME
    if not path.exists():
        yield ok("Database", "none yet; the first start makes it")
        return
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            version = current_version(connection)
            damage = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    except SQLAlchemyError as exc:
        cause = getattr(exc, "orig", None) or exc
        yield failed("Database", f"{path} cannot be read: {cause}", "Restore it from a backup.")
        return
    finally:
        engine.dispose()
    if damage != "ok":
        yield failed("Database", f"{path} is damaged: {damage}", "Restore it from a backup.")
    elif version is not None and version > SCHEMA_VERSION:
        yield failed(
            "Database",
            f"its schema {version} is newer than {SCHEMA_VERSION}",
            "Upgrade pyavatarkit, or name another folder.",
        )
    elif version != SCHEMA_VERSION:
        yield ok("Database", f"schema {version or 'none'}; the next start brings it to {SCHEMA_VERSION}")
    else:
        yield ok("Database", f"schema {SCHEMA_VERSION}, undamaged")
