"""The page's own routes: files, guests, speech. The page itself is tested in a browser: web/page/test."""

from __future__ import annotations

import asyncio
import gzip
import io
import wave
from pathlib import Path
from typing import Any

import pytest
from server_kit import Running, Start

from avatarkit.clock import VirtualClock
from avatarkit.server.page import files
from avatarkit.server.page.speech import SpeechFailedError, Synthesisers

PROXY = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture
def unbuilt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(files, "BUILT", tmp_path / "nothing")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "built"
    (folder / "page").mkdir(parents=True)
    (folder / "index.html").write_text("<title>page</title>")
    (folder / "console.html").write_text("<title>console</title>")
    (folder / "page" / "index-abc.js").write_text("let a = 1;")
    (folder / "page" / "index-abc.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    (folder / "page" / "notes.txt").write_text("not for visitors")
    monkeypatch.setattr(files, "BUILT", folder)
    return folder


@pytest.mark.usefixtures("unbuilt")
async def test_without_a_build_a_plain_page_says_how_to_connect_and_how_to_build(server: Running) -> None:
    for path in ("/", "/console"):
        reply = await server.http.get(path)
        assert reply.status_code == 200
        assert "AvatarKit server" in reply.text
        assert "make page" in reply.text
        assert server.url in reply.text
        assert "{{" not in reply.text
        for attribute in ('src="http', 'href="http', "<script", "style="):
            assert attribute not in reply.text
    assert (await server.http.get("/style.css")).headers["content-type"].startswith("text/css")
    reply = await server.http.get("/", headers={"Host": 'x"><script>alert(1)</script>'})
    assert "<script" not in reply.text


@pytest.mark.usefixtures("built")
async def test_the_built_page_is_under_a_policy_without_exceptions(server: Running) -> None:
    for path, title in (("/", "page"), ("/console", "console")):
        reply = await server.http.get(path)
        assert title in reply.text
        assert reply.headers["cache-control"] == "no-cache"
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "data:" not in policy
        assert f"connect-src 'self' {server.url.replace('http', 'ws')}" in policy
    odd = (await server.http.get("/", headers={"Host": "x; script-src *"})).headers["content-security-policy"]
    assert "*" not in odd
    assert "connect-src 'self';" in odd


@pytest.mark.usefixtures("built")
async def test_files_of_the_page_never_change_and_come_compressed(server: Running) -> None:
    reply = await server.http.get("/page/index-abc.js")
    assert reply.text == "let a = 1;"
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in reply.headers["cache-control"]
    plain = await server.http.get("/page/index-abc.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, "content-encoding" in plain.headers) == ("let a = 1;", False)
    for name in ("notes.txt", "absent.js", "..%2findex.html", ".hidden.js", "%00.js"):
        assert (await server.http.get(f"/page/{name}")).status_code == 404, name


async def test_a_visitor_of_this_machine_gets_a_session_of_the_demo_app(server: Running) -> None:
    reply = await server.http.post("/v1/page/session")
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    answer = reply.json()
    assert answer["appId"] == server.credentials.app_id
    assert [avatar["id"] for avatar in answer["avatars"]] == ["ada", "default"]
    query = {"id": "ada", "appId": answer["appId"], "sessionKey": answer["sessionToken"]}
    assert (await server.http.get("/v1/client/session", params=query)).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        PROXY,
        {"Forwarded": "for=203.0.113.9"},
        {"Host": "rebound.example:8700"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_others_get_nothing(server: Running, headers: dict[str, str]) -> None:
    body = {"text": "hello", "voice": "flite/slt"}
    for path, sent in (("/v1/page/session", None), ("/v1/page/speech", body)):
        reply = await server.http.post(path, headers=headers, json=sent)
        assert reply.status_code == 403, path
        assert "sessionToken" not in reply.text


async def test_the_setting_opens_the_demo_to_everyone_or_nobody(start: Start) -> None:
    async with start(page_demo="everyone") as server:
        assert (await server.http.post("/v1/page/session", headers=PROXY)).status_code == 200
        origin = {"Origin": "https://elsewhere.example"}
        assert (await server.http.post("/v1/page/session", headers=origin)).status_code == 403


async def test_nobody_and_a_missing_demo_app_mean_signing_in(start: Start) -> None:
    async with start(page_demo="nobody") as server:
        reply = await server.http.post("/v1/page/session")
        assert (reply.status_code, reply.json()["errors"][0]["code"]) == (403, "signInNeeded")
    async with start() as server:
        await (await server.services.store()).apps.set_disabled(server.credentials.app_id, at=1)
        reply = await server.http.post("/v1/page/session")
        assert (reply.status_code, reply.json()["errors"][0]["code"]) == (403, "signInNeeded")


async def test_sessions_of_one_address_are_limited(start: Start) -> None:
    async with start(clock=VirtualClock()) as server:
        replies = [(await server.http.post("/v1/page/session")).status_code for _ in range(31)]
        assert replies == [200] * 30 + [429]


def fake_synthesiser(folder: Path, body: str) -> Synthesisers:
    """A synthesiser named flite that is a shell script: ``$4`` is the text file, ``$6`` the output."""
    program = folder / "flite"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o700)
    return Synthesisers({"flite": str(program)})


def wav(seconds: float = 0.1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(2 * int(16000 * seconds)))
    return out.getvalue()


async def test_text_becomes_speech_and_reaches_the_synthesiser_as_data_only(tmp_path: Path) -> None:
    (tmp_path / "said.wav").write_bytes(wav())
    script = f'cp "$4" {tmp_path}/got; echo "$@" > {tmp_path}/arguments; cp {tmp_path}/said.wav "$6"'
    text = "-o /etc/passwd $(reboot) `id`; hello"
    assert await fake_synthesiser(tmp_path, script).speak(text, "flite/slt") == wav()
    assert (tmp_path / "got").read_text() == text
    assert "reboot" not in (tmp_path / "arguments").read_text()


@pytest.mark.parametrize("script", ["exit 1", "exit 0", 'echo nothing > "$6"'])
async def test_a_synthesiser_that_fails_is_told(tmp_path: Path, script: str) -> None:
    with pytest.raises(SpeechFailedError):
        await fake_synthesiser(tmp_path, script).speak("hello", "flite/slt")


async def test_a_crowd_is_turned_away_instead_of_queued_without_end(tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    crowd = fake_synthesiser(tmp_path, f"while [ ! -e {fifo} ]; do sleep 0.02; done; exit 1")
    waiting = [asyncio.create_task(crowd.speak("hello", "flite/slt")) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(SpeechFailedError, match="Too many"):
        await crowd.speak("hello", "flite/slt")
    fifo.touch()
    assert {type(result) for result in await asyncio.gather(*waiting, return_exceptions=True)} == {SpeechFailedError}


@pytest.mark.parametrize(
    "body",
    [
        {"text": "hello"},
        {"text": "", "voice": "flite/slt"},
        {"text": "x" * 401, "voice": "flite/slt"},
        {"text": "\n\t", "voice": "flite/slt"},
        {"text": "hello", "voice": "flite/../../bin/sh"},
        {"text": "hello", "voice": "flite/slt", "more": 1},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_unfit_speech_is_refused(server: Running, tmp_path: Path, body: dict[str, Any]) -> None:
    server.server.config.app.state.page.synthesisers = fake_synthesiser(tmp_path, "exit 1")  # type: ignore[union-attr]
    assert (await server.http.post("/v1/page/speech", json=body)).status_code == 400


async def test_whoever_holds_a_session_token_may_have_speech(start: Start, tmp_path: Path) -> None:
    (tmp_path / "said.wav").write_bytes(wav())
    async with start(page_demo="nobody") as server:
        desk = server.server.config.app.state.page  # type: ignore[union-attr]
        desk.synthesisers = fake_synthesiser(tmp_path, f'cp {tmp_path}/said.wav "$6"')
        voices = (await server.http.get("/v1/page/voices")).json()["voices"]
        assert [voice["id"] for voice in voices] == ["flite/slt", "flite/rms"]
        body = {"text": "hello", "voice": "flite/slt"}
        assert (await server.http.post("/v1/page/speech", json=body)).status_code == 403
        headers = {"X-App-ID": server.credentials.app_id, "X-Session-Key": await server.token()}
        reply = await server.http.post("/v1/page/speech", json=body, headers=headers)
        assert (reply.status_code, reply.headers["content-type"], reply.content) == (200, "audio/wav", wav())
        other = headers | {"X-App-ID": "app_other"}
        assert (await server.http.post("/v1/page/speech", json=body, headers=other)).status_code == 403


async def test_without_a_synthesiser_there_are_no_voices(server: Running) -> None:
    server.server.config.app.state.page.synthesisers = Synthesisers({})  # type: ignore[union-attr]
    assert (await server.http.get("/v1/page/voices")).json()["voices"] == []
    reply = await server.http.post("/v1/page/speech", json={"text": "hello", "voice": "flite/slt"})
    assert reply.status_code == 400
