"""Who is let in, and the exact words for those who are not."""

from __future__ import annotations

import time

import pytest
from server_kit import RawClient, Running
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from avatarkit.protocol import avatarkit_pb2 as pb


async def refused(
    server: Running, *, token: str, app_id: str | None = None, avatar: str = "?id=ada"
) -> tuple[int, bytes]:
    headers = {"X-App-ID": server.credentials.app_id if app_id is None else app_id, "X-Session-Key": token}
    with pytest.raises(InvalidStatus) as caught:
        await connect(server.ws_url + avatar, additional_headers=headers)
    return caught.value.response.status_code, bytes(caught.value.response.body)


async def test_a_bogus_token(server: Running) -> None:
    assert await refused(server, token="bogus") == (400, b'{"message":"Invalid session token"}\n')


async def test_a_rejection_is_no_error_in_the_log(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    await refused(server, token="bogus")

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_no_token_at_all(server: Running) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(server.ws_url)
    assert caught.value.response.status_code == 400
    assert caught.value.response.body == b'{"message":"Invalid session token"}\n'


async def test_bogus_credentials_of_every_kind_read_as_a_bogus_token(server: Running) -> None:
    assert (await refused(server, token="bogus", app_id="bogus", avatar="?id=bogus"))[0] == 400


async def test_an_expired_token(server: Running) -> None:
    now = int(time.time())
    token = await server.signed(server.credentials.app_id, now=now - 100, expires_at=now - 1)

    assert await refused(server, token=token) == (401, b'{"message":"Session token expired"}\n')


async def test_the_token_of_another_app(server: Running) -> None:
    assert await refused(server, token=await server.token(), app_id="app_other") == (
        400,
        b'{"message":"App ID mismatch"}\n',
    )


async def test_an_app_that_is_gone(server: Running) -> None:
    now = int(time.time())
    token = await server.signed("app_gone", now=now, expires_at=now + 60)

    assert await refused(server, token=token, app_id="app_gone") == (404, b'{"message":"App ID unrecognized"}\n')


@pytest.mark.parametrize("avatar", ["?id=nobody", "", "?id=", "?id=" + "x" * 500, "?id=a+b"])
async def test_an_avatar_that_is_missing(server: Running, avatar: str) -> None:
    assert await refused(server, token=await server.token(), avatar=avatar) == (
        404,
        b'{"message":"Avatar not found"}\n',
    )


async def test_another_path_is_no_websocket(server: Running) -> None:
    with pytest.raises(InvalidStatus):
        await connect(server.url.replace("http", "ws", 1) + "/elsewhere")


async def test_header_and_query_credentials_and_the_short_path_all_open(server: Running) -> None:
    short = server.url.replace("http", "ws", 1) + "/websocket"
    query = f"?id=ada&appId={server.credentials.app_id}&sessionKey={await server.token()}"

    for client in (
        await server.open(),
        await server.open(path=short),
        RawClient(await connect(server.ws_url + query)),
    ):
        await client.configure()
        assert (await client.next()).type == pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION
        await client.socket.close()


async def test_one_token_opens_several_sessions(server: Running) -> None:
    token = await server.token()
    headers = {"X-App-ID": server.credentials.app_id, "X-Session-Key": token}

    for _ in range(3):
        async with connect(server.ws_url + "?id=ada", additional_headers=headers):
            pass
