from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from avatarkit.avatars import builtin
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.server.first_start import prepare_store
from avatarkit.server.library.add import remove_avatar
from avatarkit.server.library.assets import AssetFolder
from avatarkit.server.store import migrate
from avatarkit.server.store.database import DATABASE_NAME, Store
from avatarkit.server.store.schema import SCHEMA_VERSION, metadata


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


async def test_migrations_make_exactly_the_tables_of_the_schema(store: Store, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / DATABASE_NAME}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        version = migrate.current_version(connection)
    engine.dispose()

    assert differences == []
    assert version == SCHEMA_VERSION


def test_the_schema_version_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))

    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


async def test_opening_again_migrates_nothing_and_keeps_everything(tmp_path: Path) -> None:
    first = await Store.open(tmp_path)
    app = await first.apps.create("shop", now=5)
    key = await first.signing_keys.valid(now=5)
    await first.close()

    second = await Store.open(tmp_path)
    apps, again = await second.apps.list(), await second.signing_keys.valid(now=6)
    await second.close()

    assert apps == [app]
    assert again == key


async def test_a_database_of_a_newer_release_is_refused_untouched(tmp_path: Path) -> None:
    await (await Store.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / DATABASE_NAME) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(AvatarError, match="9999") as caught:
        await Store.open(tmp_path)

    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


async def test_the_folder_and_the_database_are_for_their_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"
    await (await Store.open(data)).close()

    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / DATABASE_NAME).stat().st_mode) == 0o600


async def test_two_processes_may_hold_the_store(store: Store, tmp_path: Path) -> None:
    other = await Store.open(tmp_path)
    app = await other.apps.create("other", now=1)

    assert await store.apps.exists(app.id)
    await other.close()


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_a_key_is_kept_as_a_hash_only(store: Store, tmp_path: Path) -> None:
    app = await store.apps.create("shop", now=1)
    key = await store.keys.create(app.id, now=1)
    admin = await store.secrets.create_admin_key()
    assert admin is not None

    assert await store.keys.app_of(key.text) == app.id
    assert key.text not in repr(key)
    await store.close()
    stored = everything_in(tmp_path)
    assert key.prefix.encode() in stored
    assert key.text.encode() not in stored
    assert key.text[len(key.prefix) + 1 :].encode() not in stored
    assert admin.encode() not in stored


async def test_a_revoked_key_opens_nothing_and_revoking_twice_says_so(store: Store) -> None:
    app = await store.apps.create("shop", now=1)
    one, two = await store.keys.create(app.id, now=1), await store.keys.create(app.id, now=1)

    assert await store.keys.revoke(one.prefix, now=2)
    assert not await store.keys.revoke(one.prefix, now=3)
    assert await store.keys.app_of(one.text) is None
    assert await store.keys.app_of(two.text) == app.id


async def test_a_key_needs_an_app(store: Store) -> None:
    with pytest.raises(AvatarError, match="nobody") as caught:
        await store.keys.create("nobody", now=1)

    assert caught.value.code is ErrorCode.APP_ID_UNRECOGNIZED


@pytest.mark.parametrize("name", ["", "   ", "x" * 129, "a\nb"])
async def test_an_apps_name_is_checked(store: Store, name: str) -> None:
    with pytest.raises(AvatarError, match="128 printable"):
        await store.apps.create(name, now=1)


async def test_the_admin_key_and_the_signing_key_are_made_once_even_at_the_same_time(store: Store) -> None:
    admin_keys = await asyncio.gather(*(store.secrets.create_admin_key() for _ in range(5)))
    signing_keys = await asyncio.gather(*(store.signing_keys.valid(now=1) for _ in range(5)))

    (admin_key,) = [key for key in admin_keys if key is not None]
    assert await store.secrets.is_admin_key(admin_key)
    assert not await store.secrets.is_admin_key(admin_key + "x")
    assert len({key.value for keys in signing_keys for key in keys}) == 1


async def test_only_the_first_start_makes_credentials(store: Store, tmp_path: Path) -> None:
    assets = AssetFolder(tmp_path / "assets")

    first = await prepare_store(store, assets, now=1)
    second = await prepare_store(store, assets, now=2)

    assert first.credentials is not None
    assert second.credentials is None
    assert first.credentials.api_key not in repr(first)
    assert first.credentials.admin_key not in repr(first)
    assert await store.keys.app_of(first.credentials.api_key) == first.credentials.app_id


async def test_first_start_adds_the_other_characters_and_a_removed_one_stays_away(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (builtin.folder() / "default.glb").is_file():
        pytest.skip("the characters are not built")
    others = {name: builtin.default_path() for name in ("one", "two")}
    monkeypatch.setattr(builtin, "other_paths", lambda: others)
    assets = AssetFolder(tmp_path / "assets")

    await prepare_store(store, assets, now=1)
    assert {avatar.id for avatar in await store.avatars.list()} == {"default", "one", "two"}
    await remove_avatar(store, assets, "one")
    await prepare_store(store, assets, now=2)

    assert {avatar.id for avatar in await store.avatars.list()} == {"default", "two"}


async def test_without_a_built_character_the_start_says_how_to_build_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatarkit.avatars.builtin.default_path", lambda: tmp_path / "missing.glb")

    report = await prepare_store(store, AssetFolder(tmp_path / "assets"), now=1)

    assert "python -m avatarkit.studio.character" in report.notices[0]
    assert await store.avatars.list() == []


def test_an_asset_is_stored_once_under_its_hash_and_never_by_another_name(tmp_path: Path) -> None:
    assets = AssetFolder(tmp_path / "assets")
    source = tmp_path / "source.glb"
    source.write_bytes(b"face")

    sha256, size = assets.add(source)

    assert assets.add(source) == (sha256, size) == (sha256, 4)
    path = assets.path(sha256)
    assert path is not None
    assert path.read_bytes() == b"face"
    assert assets.path("../source") is None
    assert assets.path("0" * 64) is None
    assert list((tmp_path / "assets" / "incoming").iterdir()) == []
