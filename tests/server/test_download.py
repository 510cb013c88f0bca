"""Pictures are fetched from where a request says, and from nowhere else that it might mean."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from avatarkit.server.library import download
from avatarkit.server.library.download import MOST_BYTES, download_picture, fault_of, media_of
from avatarkit.server.library.job_failure import JobFailure

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


class Site:
    """A web server that gives the answers of its paths, and remembers what it was asked."""

    def __init__(self, port: int, asked: list[str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.asked = asked


@contextlib.asynccontextmanager
async def site(answers: dict[str, bytes | None], tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """``None`` is an answer that never comes."""
    asked: list[str] = []
    silent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        answer = answers[head.split()[1]]
        if answer is None:
            await silent.wait()
        else:
            with contextlib.suppress(ConnectionError):
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield Site(server.sockets[0].getsockname()[1], asked)
    finally:
        silent.set()
        server.close()
        await server.wait_closed()


def found(content: bytes, kind: str = "image/png") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def moved(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n".encode()


async def refusal(url: str, code: str = "source_download_failed", **more: object) -> JobFailure:
    with pytest.raises(JobFailure) as caught:
        await download_picture(url, **more)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert "127.0.0.1" not in caught.value.message
    return caught.value


async def test_a_picture_comes_over_a_redirect_whatever_it_is_called() -> None:
    answers = {"/me?sig=1": moved("/there"), "/there": found(PNG, "text/plain")}
    async with site(answers) as here:
        assert await download_picture(here.url + "/me?sig=1#part", allow_private=True) == PNG
    assert len(here.asked) == 2
    for head in here.asked:
        assert f"host: 127.0.0.1:{here.port}" in head.lower()
        sent = {line.split(":")[0].lower() for line in head.split("\r\n")}
        assert not {"cookie", "authorization", "referer"} & sent


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "2130706433", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fd00::1]",
        "[ff02::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fec0::1]",
    ],
)  # fmt: skip
async def test_addresses_that_are_not_public_are_not_connected_to(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_fetch", None)  # would fail in another way
    failure = await refusal(f"http://{host}/x.png")
    assert not failure.is_retryable
    assert "not public" in failure.message


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"])
async def test_public_addresses_are_connected_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    async def fetch(_url: object, addresses: list[str]) -> bytes:
        seen.append(addresses)
        return PNG

    async def resolve(_host: str, _port: int) -> list[str]:
        return [address]

    monkeypatch.setattr(download, "_fetch", fetch)
    assert await download_picture("https://pictures.test/me.png", resolve=resolve) == PNG
    assert seen == [[address]]


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", "10.0.0.1"]

    assert "not public" in (await refusal("http://mixed.test/", resolve=resolve)).message


async def test_a_name_that_changes_its_mind_is_asked_once_and_the_checked_address_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    monkeypatch.setattr(download, "_is_public", lambda address: address == "127.0.0.1")
    async with site({"/me": found(PNG), "/on": moved("/me")}) as here:
        # The name resolves nowhere but here, so this works only if the address that was checked is connected to.
        assert await download_picture(f"http://rebind.test:{here.port}/me", resolve=rebinding) == PNG
        assert f"host: rebind.test:{here.port}" in here.asked[0].lower()
        assert asked == ["rebind.test"]
        asked.clear()
        failure = await refusal(f"http://rebind.test:{here.port}/on", resolve=rebinding)  # asked anew, checked anew
    assert "not public" in failure.message
    assert len(here.asked) == 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_a_certificate_must_be_the_names_and_not_the_addresss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=pictures"]
    command += ["-addext", "subjectAltName=DNS:pictures.test"]
    await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    monkeypatch.setattr(download, "_certificates", lambda: trust)

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async with site({"/": found(PNG)}, tls) as here:
        for name, is_named in (("pictures.test", True), ("other.test", False)):
            fetched = download_picture(f"https://{name}:{here.port}/", allow_private=True, resolve=resolve)
            if is_named:
                assert await fetched == PNG
            else:
                with pytest.raises(JobFailure, match="connected to"):
                    await fetched


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("http://10.0.0.1/x.png", "not public"),
        ("file:///etc/passwd", "no http or https"),
        ("http://a:b@8.8.8.8/", "password"),
        ("http://a:x/", "no URL"),
        ("/loop", "more than 3 times"),
    ],
)
async def test_redirects_are_checked_like_the_first_url(to: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_is_public", lambda address: address == "127.0.0.1")
    async with site({"/": moved(to), "/loop": moved("/loop")}) as here:
        assert told in (await refusal(here.url + "/")).message


@pytest.mark.parametrize(
    ("answer", "code", "told", "is_retryable"),
    [
        (found(b"<html>hello</html>"), "invalid_image", "no JPEG, PNG or WebP", False),
        (found(b"GIF89a" + bytes(50)), "invalid_image", "no JPEG, PNG or WebP", False),
        (found(PNG + bytes(MOST_BYTES)), "source_download_failed", "more than 5 MiB", False),
        (b"HTTP/1.1 200 OK\r\n\r\n" + PNG + bytes(MOST_BYTES), "source_download_failed", "more than 5 MiB", False),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "source_download_failed", "status 404", False),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "source_download_failed", "status 503", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + PNG, "source_download_failed", "broke off", True),
        (b"SSH-2.0-OpenSSH\r\n", "source_download_failed", "HTTP properly", True),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "source_download_failed", "HTTP properly", True),
    ],
)
async def test_what_comes_is_judged_by_its_bytes(answer: bytes, code: str, told: str, is_retryable: bool) -> None:
    async with site({"/": answer}) as here:
        failure = await refusal(here.url + "/", code, allow_private=True)
    assert told in failure.message
    assert failure.is_retryable is is_retryable


async def test_a_slow_server_is_left() -> None:
    async with site({"/": moved("/never"), "/never": None}) as here:
        failure = await refusal(here.url + "/", allow_private=True, timeout_s=0.2)
        assert len(here.asked) == 2
    assert "within 0.2 s" in failure.message
    assert failure.is_retryable


async def test_no_server_and_no_such_host() -> None:
    async with site({}) as gone:
        pass
    assert "connected to" in (await refusal(gone.url + "/", allow_private=True)).message

    async def resolve(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    assert "cannot be found" in (await refusal("http://nowhere.test/", resolve=resolve)).message


async def test_no_url_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with site({"/me?signature=s3cret": found(PNG)}) as here:
        await download_picture(here.url + "/me?signature=s3cret", allow_private=True)
        await refusal(here.url.replace("127.0.0.1", "localhost") + "/me?signature=s3cret")
    assert caplog.records
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "url",
    ["ftp://a.test/x", "a.test/x", "//a.test", "http://", "file:///etc/passwd", "http://u@a.test/", "http://a:x"],
)
def test_urls_that_cannot_be_meant(url: str) -> None:
    assert fault_of(url)


def test_the_media_type_is_in_the_bytes() -> None:
    assert media_of(PNG) == "image/png"
    assert media_of(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert media_of(b"RIFF\x10\0\0\0WEBPVP8 ") == "image/webp"
    assert media_of(b"RIFF\x10\0\0\0WAVEfmt ") is None
    assert media_of(b"") is None
