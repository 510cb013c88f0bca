"""Every scenario, against the Python client."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_draw import InlineDraw
from scenario_file import LACKING, Scenario, read_scenarios
from scenario_stage import inline
from scenario_world import NOWHERE, World

import avatarkit._session
import avatarkit._sound
import avatarkit._view
from avatarkit import AvatarSDK
from avatarkit.avatars import Bundle, BundleInfo, read_bundle

SCENARIOS = [scenario for scenario in read_scenarios() if not LACKING & set(scenario.needs)]


def read(path: Path) -> Bundle:
    """The bundles of scenarios are no glTF; whether they are there counts."""
    if path != NOWHERE and not path.exists():
        return read_bundle(path)
    return Bundle(BundleInfo("Someone", "CC0-1.0", "nobody"), ())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
async def test_scenario(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVATARKIT_ENDPOINT", raising=False)
    await AvatarSDK.cleanup()
    world = World(scenario, tmp_path)
    monkeypatch.setattr(avatarkit._session, "open_websocket", world.server.connect)
    monkeypatch.setattr(avatarkit._view, "DrawThread", InlineDraw)
    monkeypatch.setattr(avatarkit._sound, "in_a_thread", inline)
    monkeypatch.setattr(avatarkit._view, "read_bundle", read)
    try:
        await world.play()
    finally:
        await world.end()
