from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from server_kit import Running, Start, Template, make_template, running


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("template")))


@pytest.fixture
def start(template: Template, tmp_path: Path) -> Start:
    """Start a server with settings of one's own: ``async with start(idle_timeout_s=30) as server``."""
    return partial(running, template, tmp_path)


@pytest.fixture
async def server(start: Start) -> AsyncIterator[Running]:
    async with start() as run:
        yield run
