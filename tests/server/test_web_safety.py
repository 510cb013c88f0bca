"""TLS, origins and security headers, on real sockets."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from server_kit import Running, Start
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.server.run import check_tls
from avatarkit.server.settings import Settings


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


async def test_a_certificate_makes_https_and_wss(start: Start, certificate: tuple[Path, Path]) -> None:
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    async with start(tls_certificate=certificate[0], tls_key=certificate[1]) as server:
        address = server.url.replace("http://", "https://")
        async with httpx.AsyncClient(base_url=address, verify=trust) as http:
            reply = await http.get("/healthz")
            assert reply.status_code == 200
            assert reply.headers["strict-transport-security"] == "max-age=31536000"
            token = await http.post(
                "/v1/console/session-tokens", headers={"X-Api-Key": server.credentials.api_key}, json={}
            )
        headers = {"X-App-ID": server.credentials.app_id, "X-Session-Key": token.json()["sessionToken"]}
        url = address.replace("https", "wss") + "/websocket?id=ada"
        async with connect(url, additional_headers=headers, ssl=trust):
            pass


def test_files_that_are_no_pair_are_refused_before_the_start(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for pair in ((certificate[0], certificate[0]), (broken, certificate[1]), (tmp_path / "no.pem", certificate[1])):
        with pytest.raises(AvatarError) as caught:
            check_tls(Settings(data=tmp_path, tls_certificate=pair[0], tls_key=pair[1]))
        assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


async def test_pages_of_other_origins_may_neither_read_nor_open_sessions(start: Start) -> None:
    async with start(cors_origins=("https://ours.test",)) as server:
        allowed = {}
        for origin in ("https://ours.test", "https://theirs.test"):
            headers = {"Origin": origin, "X-App-ID": server.credentials.app_id}
            reply = await server.http.get("/v1/client/avatars/ada", headers=headers)
            assert "Origin" in reply.headers["vary"].split(", ")
            allowed[origin] = reply.headers.get("access-control-allow-origin")
        assert allowed == {"https://ours.test": "https://ours.test", "https://theirs.test": None}

        session = {"X-App-ID": server.credentials.app_id, "X-Session-Key": await server.token()}
        with pytest.raises(InvalidStatus) as caught:
            await connect(server.ws_url + "?id=ada", additional_headers=session | {"Origin": "https://theirs.test"})
        assert caught.value.response.status_code == 403
        for origin in ({"Origin": "https://ours.test"}, {}):
            async with connect(server.ws_url + "?id=ada", additional_headers=session | origin):
                pass


async def test_answers_carry_security_headers_and_only_client_routes_are_shared(server: Running) -> None:
    for path in ("/healthz", "/", "/no-such-path", "/v1/client/avatars/ada"):
        headers = (await server.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert ("access-control-allow-origin" in headers) is path.startswith("/v1/client/")
        assert "strict-transport-security" not in headers
        assert "server" not in headers


async def test_a_rate_limit_is_told_on_a_real_upgrade(start: Start) -> None:
    # Behind a trusted proxy the forwarded address counts, so the limit can be reached from this machine.
    async with start(requests_per_minute=1, trusted_proxies=("127.0.0.1",)) as server:
        headers = {"X-Forwarded-For": "203.0.113.9"}
        assert (await server.http.get("/", headers=headers)).status_code == 200
        reply = await server.http.get("/", headers=headers)
        assert (reply.status_code, reply.headers["retry-after"]) == (429, "60")
        assert reply.json()["errors"][0]["code"] == "rateLimited"
        with pytest.raises(InvalidStatus) as caught:
            await connect(server.ws_url + "?id=ada", additional_headers=headers)
        assert caught.value.response.status_code == 429
        assert (await server.http.get("/", headers={"X-Forwarded-For": "203.0.113.10"})).status_code == 200
