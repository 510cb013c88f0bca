"""Every scenario, against the Python client."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenario_file import Scenario, read_scenarios
from scenario_world import InlineDraw, World

import avatarkit._session
import avatarkit._view
from avatarkit import AvatarSDK
from avatarkit.avatars import Bundle, BundleInfo

SCENARIOS = read_scenarios()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
async def test_scenario(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await AvatarSDK.cleanup()
    world = World(scenario, tmp_path)
    monkeypatch.setattr(avatarkit._session, "open_websocket", world.server.connect)
    monkeypatch.setattr(avatarkit._view, "DrawThread", InlineDraw)
    monkeypatch.setattr(
        avatarkit._view, "read_bundle", lambda path: Bundle(BundleInfo("Someone", "CC0-1.0", "nobody"), ())
    )
    try:
        await world.play()
    finally:
        await world.end()
