from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from postgres_kit import Cluster, running_cluster
from server_kit import Running, Start, Template, make_template, running

from avatarkit.server.store.database import Store

OpenStore = Callable[[], Awaitable[Store]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("template")))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a PostgreSQL database with all tables, to copy."""
    url = cluster.new_database()

    async def migrate() -> None:
        await (await Store.open(tmp_path_factory.mktemp("none"), url)).close()

    asyncio.run(migrate())
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """For ``Store.open``: a database of either kind, with all tables and nothing in them."""
    if request.param == "sqlite":
        return ""
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database(like=request.getfixturevalue("migrated"))


@pytest.fixture
async def open_store(database_url: str, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Open the store of this test; each call as another process would."""
    opened: list[Store] = []

    async def open_it() -> Store:
        opened.append(await Store.open(tmp_path, database_url))
        return opened[-1]

    yield open_it
    for store in opened:
        await store.close()


@pytest.fixture
async def any_store(open_store: OpenStore) -> Store:
    """A store on SQLite, and the same test again on PostgreSQL."""
    return await open_store()


@pytest.fixture(scope="session")
def postgresql_template(cluster: Cluster, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The same in a PostgreSQL database, to copy."""
    folder = tmp_path_factory.mktemp("template")
    return asyncio.run(make_template(folder, cluster.new_database(like=migrated)))


@pytest.fixture
def store_kind() -> str:
    """What the servers of a test keep their records in; see :func:`pytest_generate_tests`."""
    return "sqlite"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the mark ``stores("sqlite", "postgresql")`` once on each; without it runs on SQLite."""
    mark = metafunc.definition.get_closest_marker("stores")
    if mark is not None:
        metafunc.fixturenames.append("store_kind")
        metafunc.parametrize("store_kind", mark.args)


@pytest.fixture
def start(store_kind: str, template: Template, request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Start a server with settings of one's own: ``async with start(idle_timeout_s=30) as server``."""
    if store_kind == "sqlite":
        return partial(running, template, tmp_path)
    ready: Template = request.getfixturevalue("postgresql_template")
    cluster: Cluster = request.getfixturevalue("cluster")
    copy = replace(ready, database_url=cluster.new_database(like=ready.database_url))
    return partial(running, copy, tmp_path)


@pytest.fixture
async def server(start: Start) -> AsyncIterator[Running]:
    async with start() as run:
        yield run
