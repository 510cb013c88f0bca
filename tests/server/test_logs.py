"""The log names connection and request, is one line a record, and holds no secret."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import secrets
from collections.abc import Callable, Iterator

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_kit import Running, Start, tone

from avatarkit.server.observe.logs import configure_logging, log_context, without_secrets

TOKEN = jwt.encode({"sub": "app", "jti": secrets.token_urlsafe(12)}, "k" * 32, algorithm="HS256")
API_KEY = f"ak_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
Configure = Callable[..., io.StringIO]
ADMIN_KEY = f"adm_{secrets.token_urlsafe(32)}"


@pytest.fixture
def log_of() -> Iterator[Configure]:
    root, ours = logging.getLogger(), logging.getLogger("avatarkit")
    before = (root.handlers[:], root.level, ours.level)
    stream = io.StringIO()

    def configure(form: str, level: str = "debug") -> io.StringIO:
        configure_logging(form, level, stream)
        return stream

    yield configure
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


async def test_json_lines_carry_the_ids_of_their_task_and_no_other(log_of: Configure) -> None:
    stream = log_of("json")
    log = logging.getLogger("avatarkit.test")

    async def work(name: str) -> None:
        with log_context(connection=name):
            await asyncio.sleep(0)
            with log_context(request=f"{name}-turn"):
                await asyncio.sleep(0)
                log.info("in %s", name)

    await asyncio.gather(*(work(name) for name in "ab"))
    log.warning("outside")
    try:
        raise ValueError(f"bad {API_KEY}")
    except ValueError:
        log.exception("failed\nwith a forged line")
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(e["message"], e.get("connection"), e.get("request")) for e in entries[:3]] == [
        ("in a", "a", "a-turn"),
        ("in b", "b", "b-turn"),
        ("outside", None, None),
    ]
    assert (entries[3]["level"], entries[3]["logger"]) == ("error", "avatarkit.test")
    assert "ValueError" in entries[3]["exception"]
    assert API_KEY not in stream.getvalue()


def test_foreign_text_cannot_forge_a_line(log_of: Configure) -> None:
    stream = log_of("text")
    with log_context(connection="c1", request="r1"):
        logging.getLogger("avatarkit.test").info("avatar %s", "x\n2026-01-01 INFO all is well\u2028\x1b[2J")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("avatar x\\n2026-01-01 INFO all is well\\u2028\\x1b[2J [connection=c1 request=r1]")


@pytest.mark.parametrize(
    "text",
    [
        f"GET /v2/driveningress/websocket?id=a&appId=b&sessionKey={TOKEN}",
        f"sessionKey={TOKEN[:30]}",
        f"headers: {{'x-session-key': '{TOKEN}', 'x-api-key': '{API_KEY}'}}",
        f"X-Api-Key: {API_KEY}",
        f"Authorization: Bearer {ADMIN_KEY}",
        f"Authorization: Bearer {TOKEN}",
        f"admin_key={ADMIN_KEY}",
        f'{{"sessionToken": "{TOKEN}"}}',
        "postgresql+asyncpg://user:hunter2hunter2@db/avatarkit",
    ],
    ids=lambda text: text[:12],  # the secrets differ from run to run, and every worker must find the same tests
)
def test_whatever_looks_like_a_secret_is_taken_out(text: str) -> None:
    shown = without_secrets(text)
    for secret in (TOKEN, TOKEN[:30], API_KEY, API_KEY[12:], ADMIN_KEY, "hunter2"):
        assert secret not in shown
    assert len(shown) > 10


@given(st.text())
def test_taking_secrets_out_never_fails(text: str) -> None:
    without_secrets(text)


@pytest.mark.parametrize("form", ["text", "json"])
async def test_a_whole_session_and_every_refusal_leave_no_secret_in_the_log(
    start: Start, log_of: Configure, form: str
) -> None:
    stream = log_of(form)
    async with start() as server:
        token = await server.token()
        client = await server.session()
        await client.audio("turn-1", tone(0.2), end=True)
        await client.until_end("turn-1")
        for query in (f"?id=ada&appId={server.credentials.app_id}&sessionKey={token}x", f"?sessionKey={token}"):
            reply = await server.http.get(
                "/websocket" + query,
                headers={
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                },
            )
            assert reply.status_code == 400
        await _ask_everything(server)
        key = server.credentials.api_key
        assert (await server.http.get(f"/no/{key}?api_key={key}")).status_code == 404
        secret_texts = [token, key, server.credentials.admin_key, key.split("_", 2)[2]]
    written = stream.getvalue()
    assert "turn whole: 0.2 s of speech, 5 frames" in written
    assert "turn-1" in written
    for secret in secret_texts:
        assert secret not in written


async def _ask_everything(server: Running) -> None:
    for header in (
        {"X-Api-Key": server.credentials.api_key + "x"},
        {"X-Api-Key": server.credentials.api_key},
        {"Authorization": f"Bearer {server.credentials.admin_key}x"},
    ):
        for path in ("/v1/console/session-tokens", "/v1/admin/apps"):
            await server.http.post(path, headers=header, content=b"{broken")


async def test_a_failure_inside_is_answered_and_logged_with_the_requests_id(
    start: Start, log_of: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = log_of("json")
    async with start() as server:

        def broken() -> int:
            raise RuntimeError("the disk is on fire")

        monkeypatch.setattr(server.services.sessions, "total", broken)
        reply = await server.http.get("/healthz", headers={"X-Request-ID": "my-request-1"})
    assert reply.status_code == 500
    assert reply.headers["x-request-id"] == "my-request-1"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "disk" not in reply.text
    entry = next(e for e in map(json.loads, stream.getvalue().splitlines()) if "exception" in e)
    assert (entry["request"], entry["level"]) == ("my-request-1", "error")
    assert "disk is on fire" in entry["exception"]


async def test_every_answer_has_a_request_id_and_strange_ones_are_not_taken_over(server: Running) -> None:
    first = (await server.http.get("/healthz")).headers["x-request-id"]
    assert first != (await server.http.get("/healthz")).headers["x-request-id"]
    for strange in ("short", "x" * 65, "with spaces in it", "<script>alert(1)</script>"):
        reply: httpx.Response = await server.http.get("/healthz", headers={"X-Request-ID": strange})
        assert reply.headers["x-request-id"] != strange
