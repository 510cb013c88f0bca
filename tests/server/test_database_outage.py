"""A PostgreSQL that goes and comes back: sessions speak on, new requests are told, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres_kit import running_cluster
from published_kit import Family
from server_kit import frames_of, make_template, running, tone, until


async def test_sessions_speak_on_and_new_requests_get_503_until_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_cluster() as cluster:
        template = await make_template(tmp_path / "template", cluster.new_database())
        async with running(template, tmp_path / "data") as server:
            session = await server.session()
            token = await server.token()
            cluster.stop()
            await until(lambda: "this server lives: The database does not answer." in caplog.text)
            reply = await server.http.post(
                "/v1/console/session-tokens", headers={"X-Api-Key": server.credentials.api_key}, json={}
            )
            assert (reply.status_code, reply.json()["errors"][0]["code"]) == (503, "serverError")
            refused = await Family("spatius").start_error(server, token)
            assert (refused.code.value, refused.http_status) == ("serverError", 503)
            await session.audio("r", tone(1.0), end=True)
            assert frames_of(await session.until_end("r")) == 25
            caplog.clear()

            cluster.launch()
            while (await server.http.get("/v1/client/avatars", headers={"X-App-ID": "app_0"})).status_code != 403:
                pass
            await server.token()
            await session.audio("s", tone(1.0), end=True)
            assert frames_of(await session.until_end("s")) == 25
            server_sessions = await (await server.services.store()).session_log.newest(now_ms=0, count=2)
            assert [one.end_reason for one in server_sessions] == [None]
        assert "Traceback" not in caplog.text
