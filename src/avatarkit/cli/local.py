"""Management through the data folder and the database, whether or not a server is running on them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from avatarkit.cli.management import Done
from avatarkit.server.console.administration import Administration
from avatarkit.server.library.assets import open_assets
from avatarkit.server.settings_sources import load_settings
from avatarkit.server.store.database import Store


async def manage_here(data: Path | None, work: Callable[[Administration], Awaitable[Done]]) -> Done:
    """Do some work with the store that a server with the same environment would open.

    Args:
        data: The server's data folder; default: as the settings say.
        work: What to do.
    """
    settings = load_settings(data=data)
    store = await Store.open(settings.data, settings.database_url)
    try:
        assets = open_assets(settings.data, settings.asset_storage)
        return await work(Administration(store, assets, unix_time=time.time, actor="command"))
    finally:
        await store.close()
