"""The scenarios cover what they are there for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from scenario_file import read_scenarios

COVERED = {row for scenario in read_scenarios() for row in scenario.covers}
PLATFORM_EDGES = {14, 17, 20}  # tests of each client, as README.md says
CONNECTION = [
    "disconnected -> connecting",
    "connecting -> connected",
    "connecting -> failed",
    "connecting -> failed by a rejection",
    "connecting -> connecting by start",
    "connected -> failed",
    "connected -> failed by a server error",
    "connected -> disconnected",
    "connected -> disconnected by the server",
    "connected -> disconnected by a format",
    "failed -> connecting",
]
CONVERSATION = [
    "idle -> playing",
    "playing -> idle",
    "playing -> paused",
    "paused -> playing",
    "playing -> idle by interrupt",
    "paused -> idle by interrupt",
    "playing -> playing by a new round",
    "paused -> playing by a new round",
    "playing -> idle by close",
    "playing -> idle by dispose",
    "playing -> idle by a format",
]
ERRORS = [
    "appIDUnrecognized",
    "sessionTokenInvalid",
    "sessionTokenExpired",
    "insufficientBalance",
    "concurrentLimitExceeded",
    "avatarIDUnrecognized",
    "failedToFetchAvatarMetadata",
    "failedToDownloadAvatarAssets",
    "invalidAvatarMetadata",
    "unsupportedAvatarAsset",
    "invalidAnimationData",
    "websocketError",
    "websocketClosedAbnormally",
    "websocketClosedUnexpected",
    "sessionTimeout",
    "connectionInProgress",
    "networkLayerNotAvailable",
    "noAudio",
    "invalidAudioInput",
    "serverError",
]


@pytest.mark.parametrize("number", sorted(set(range(1, 21)) - PLATFORM_EDGES))
def test_every_edge_case_has_a_scenario(number: int) -> None:
    assert f"edge {number}" in COVERED


@pytest.mark.parametrize("row", CONNECTION)
def test_every_change_of_the_connection_has_a_scenario(row: str) -> None:
    assert f"connection {row}" in COVERED


@pytest.mark.parametrize("row", CONVERSATION)
def test_every_change_of_the_conversation_has_a_scenario(row: str) -> None:
    assert f"conversation {row}" in COVERED


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_has_a_scenario(code: str) -> None:
    assert f"error {code}" in COVERED


@pytest.mark.parametrize("path", sorted((Path(__file__).parent / "scenarios").glob("*.json")), ids=lambda p: p.stem)
def test_scenarios_speak_no_language(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["about"].endswith(".")
    assert not re.search(r"AvatarError|asyncio|Promise|undefined", path.read_text(encoding="utf-8"))
