"""Every migration up and down, with rows, on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import OpenStore
from postgres_kit import Cluster
from sqlalchemy import Connection, inspect, text

from avatarkit.server.store import migrate
from avatarkit.server.store.database import Store
from avatarkit.server.store.records import AvatarRecord
from avatarkit.server.store.schema import metadata
from avatarkit.types import Camera


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def run(store: Store, what: object) -> object:
    async with store._engine.begin() as connection:
        return await connection.run_sync(what)  # type: ignore[arg-type]


async def test_migrations_make_exactly_the_tables_of_the_schema(any_store: Store) -> None:
    assert await run(any_store, differences) == []


async def test_down_and_up_again_keeps_apps_keys_avatars_and_tokens(open_store: OpenStore) -> None:
    store = await open_store()
    app = await store.apps.create("shop", now=5)
    key = await store.keys.create(app.id, now=5)
    signing = (await store.signing_keys.valid(now=5))[0]
    avatar = AvatarRecord("ada", "Ada", 1, "0" * 64, 9, "0.1.0", "CC0-1.0", "Us", Camera(), 6, 7)
    await store.avatars.put(avatar)

    await run(store, lambda connection: migrate.downgrade(connection, "0001"))
    assert "sessions" not in await run(store, lambda connection: inspect(connection).get_table_names())  # type: ignore[operator]
    await store.close()
    again = await open_store()

    assert await run(again, differences) == []
    assert await again.apps.get(app.id) == app
    assert await again.keys.app_of(key.text) == app.id
    assert await again.avatars.get("ada") == avatar
    assert (await again.signing_keys.valid(now=5))[0].value == signing.value


async def test_all_the_way_down_leaves_no_table(any_store: Store) -> None:
    await any_store.apps.create("shop", now=5)

    await run(any_store, lambda connection: migrate.downgrade(connection, "base"))

    assert await run(any_store, lambda connection: inspect(connection).get_table_names()) == ["alembic_version"]


async def test_servers_that_start_together_migrate_once(cluster: Cluster, tmp_path: Path) -> None:
    import asyncio

    url = cluster.new_database()

    stores = await asyncio.gather(*(Store.open(tmp_path, url) for _ in range(3)))

    app = await stores[0].apps.create("shop", now=1)
    assert [await store.apps.exists(app.id) for store in stores] == [True] * 3
    for store in stores:
        await store.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u:secret@h/d", "must be like postgresql://"),
        ("nonsense", "must be like postgresql://"),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot be used"),
    ],
)
async def test_a_database_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, url: str, told: str
) -> None:
    from avatarkit.errors import AvatarError

    with pytest.raises(AvatarError, match=told) as caught:
        await Store.open(tmp_path, url)

    assert "secret" not in str(caught.value)


async def test_numbers_of_a_newer_release_are_refused(any_store: Store, open_store: OpenStore) -> None:
    from avatarkit.errors import AvatarError

    async with any_store._engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(AvatarError, match="9999"):
        await open_store()
