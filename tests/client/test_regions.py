"""Choosing a server without an endpoint."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from avatarkit import AvatarError, AvatarSDK, Configuration, ErrorCode
from avatarkit._regions import RegionMemory
from avatarkit._sdk import settings

REGIONS: dict[str, Any] = {
    "default": "home",
    "regions": {"home": "https://home.test", "abroad": "https://abroad.test/"},
    "bootstrap": "https://boot.test/bootstrap",
}


class Bootstrap:
    def __init__(self, reply: Any = None) -> None:
        self.reply = reply
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        if self.reply is None:
            raise httpx.ConnectError("unreachable")
        return httpx.Response(200, json=self.reply)


@pytest.fixture
def regions_file(tmp_path: Path) -> Path:
    path = tmp_path / "regions.json"
    path.write_text(json.dumps(REGIONS))
    return path


async def begin(path: Path, bootstrap: Bootstrap, **fields: Any) -> str:
    await AvatarSDK.cleanup()
    configuration = Configuration(regions_file=path, cache_dir=path.parent / "cache", **fields)
    await AvatarSDK.initialize("app", configuration, http_transport=httpx.MockTransport(bootstrap))
    return settings().endpoint


async def test_a_named_region_contacts_nobody(regions_file: Path) -> None:
    bootstrap = Bootstrap()
    assert await begin(regions_file, bootstrap, region="abroad") == "https://abroad.test"
    assert bootstrap.asked == []


async def test_an_endpoint_comes_first(regions_file: Path) -> None:
    assert await begin(regions_file, Bootstrap(), region="abroad", endpoint="http://mine.test") == "http://mine.test"


async def test_the_first_launch_asks_and_the_next_remembers(regions_file: Path) -> None:
    bootstrap = Bootstrap({"region": {"current": "abroad", "candidates": ["abroad", "home"]}})
    assert await begin(regions_file, bootstrap) == "https://abroad.test"
    assert bootstrap.asked[0]["app_id"] == "app"
    assert bootstrap.asked[0]["region"] == "auto"
    assert await begin(regions_file, Bootstrap()) == "https://abroad.test"


async def test_a_remembered_choice_is_renewed_for_the_next_launch(regions_file: Path) -> None:
    await begin(regions_file, Bootstrap({"region": {"current": "abroad"}}))
    bootstrap = Bootstrap({"region": {"current": "home"}})
    assert await begin(regions_file, bootstrap) == "https://abroad.test"
    probe = AvatarSDK._probe
    assert probe is not None
    await probe
    assert settings().endpoint == "https://abroad.test"
    assert await begin(regions_file, Bootstrap()) == "https://home.test"


async def test_apps_on_one_machine_keep_their_choices(regions_file: Path) -> None:
    memory = RegionMemory(regions_file.parent / "cache")
    for number in range(100):
        memory.remember(f"app-{number}", "home" if number % 2 else "abroad")
    memory.remember("app-50", "home")
    assert [memory.recall(f"app-{number}") for number in (99, 98, 50, 40)] == ["home", "abroad", "home", "abroad"]
    assert memory.recall("app-20") is None
    for text in ("", "[]", '{"app-99": 7}'):
        (regions_file.parent / "cache" / "region.json").write_text(text)
        assert memory.recall("app-99") is None


@pytest.mark.parametrize("reply", [None, {}, {"region": {"current": "elsewhere"}}, {"region": []}, [1]])
async def test_without_advice_the_default_serves(regions_file: Path, reply: Any) -> None:
    assert await begin(regions_file, Bootstrap(reply)) == "https://home.test"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"regions": {}}',
        '{"regions": {"a": 1}}',
        '{"regions": {"a": "x"}, "default": "b"}',
    ],
)
async def test_a_file_that_is_none(regions_file: Path, text: str) -> None:
    regions_file.write_text(text)  # noqa: ASYNC240 - a test may wait for its disk
    with pytest.raises(AvatarError, match=r"regions\.json") as caught:
        await begin(regions_file, Bootstrap())
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


async def test_an_unknown_region_names_the_known(regions_file: Path) -> None:
    with pytest.raises(AvatarError, match="abroad, home"):
        await begin(regions_file, Bootstrap(), region="nowhere")


async def test_cleanup_ends_the_probe(regions_file: Path) -> None:
    await begin(regions_file, Bootstrap({"region": {"current": "abroad"}}))

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    await AvatarSDK.cleanup()
    configuration = Configuration(regions_file=regions_file, cache_dir=regions_file.parent / "cache")
    await AvatarSDK.initialize("app", configuration, http_transport=httpx.MockTransport(never))
    await asyncio.sleep(0)
    await AvatarSDK.cleanup()
    assert not [task for task in asyncio.all_tasks() if "probe" in task.get_name()]
