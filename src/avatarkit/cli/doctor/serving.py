"""Will the server start with these settings, and is it safe to show it to the network?"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import socket
import ssl
import stat
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from avatarkit.cli.doctor.finding import Finding, advice, failed, ok
from avatarkit.cli.setting_flags import flag
from avatarkit.errors import AvatarError
from avatarkit.server.run import bind, check_tls
from avatarkit.server.settings import Settings

_LEAST_DISK_BYTES: Final = 1 << 30
_LEAST_FILES: Final = 4096
_MOST_ANSWER_BYTES: Final = 65_536
_SPARE_DAYS: Final = 21


def check_data(settings: Settings) -> Iterator[Finding]:
    """The data folder: there, writable, private, with room."""
    folder = settings.data
    if not folder.exists():
        yield ok("Data folder", f"{folder} is not there yet; the first start makes it")
        folder = next(parent for parent in folder.absolute().parents if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        yield failed(
            "Data folder",
            f"{folder} cannot be written: {exc.strerror}",
            f"Give it to your user, or use {flag('data')}.",
        )
        return
    if folder == settings.data:
        if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            yield advice("Data folder", f"{folder} is open to other users of this machine", f"chmod 700 {folder}")
        else:
            yield ok("Data folder", str(folder))
    free = shutil.disk_usage(folder).free
    if free < _LEAST_DISK_BYTES:
        yield advice("Disk", f"{free / 1e9:.1f} GB free", "Make room: the database and every avatar lie there.")
    else:
        yield ok("Disk", f"{free / 1e9:.0f} GB free")


def check_asset_storage(settings: Settings) -> Iterator[Finding]:
    """The storage that servers share answers."""
    if not settings.asset_storage:
        return
    try:
        from avatarkit.server.library.remote import RemoteAssets  # noqa: PLC0415 - optional

        RemoteAssets(settings.asset_storage).check()
    except ModuleNotFoundError as exc:
        yield failed("Asset storage", f"it needs '{exc.name}'", "pip install 'pyavatarkit[storage]'")
    except AvatarError as exc:
        todo = "Is the bucket there, and are the credentials right? For s3:// also: pip install s3fs"
        yield failed("Asset storage", f"{settings.asset_storage}: {exc.message}", todo)
    else:
        yield ok("Asset storage", f"{settings.asset_storage} answers")


def check_address(settings: Settings) -> Iterator[Finding]:
    """The address can be bound, or our own server is already there."""
    where = f"{settings.host} port {settings.port}"
    try:
        bind(settings.host, settings.port).close()
    except AvatarError as exc:
        if _answers(settings):
            yield ok("Address", f"a server answers on {where}")
        else:
            yield failed("Address", exc.message, f"Stop what is there, or choose another with {flag('port')}.")
        return
    yield ok("Address", f"{where} is free" if settings.port else f"the start takes a free port of {settings.host}")


def check_tls_files(settings: Settings) -> Iterator[Finding]:
    """Certificate and key fit, and the certificate is good for some weeks."""
    if settings.tls_certificate is None:
        return
    try:
        check_tls(settings)
    except AvatarError as exc:
        yield failed("TLS", exc.message, exc.hint)
        return
    days = _days_left(settings.tls_certificate)
    if days is not None and days < _SPARE_DAYS:
        tell = failed if days < 0 else advice
        yield tell(
            "TLS",
            f"the certificate ends in {days:.0f} days" if days >= 0 else "the certificate has expired",
            "Renew it and restart.",
        )
    else:
        yield ok("TLS", "certificate and key fit" + ("" if days is None else f", good for {days:.0f} days"))


def check_exposure(settings: Settings) -> Iterator[Finding]:
    """What others on the network would see."""
    if _is_local(settings.host):
        yield ok("Network", "only this machine can reach the server")
    elif settings.tls_certificate is None:
        todo = f"Put a reverse proxy with TLS before it, or set {flag('tls-certificate')} and {flag('tls-key')}."
        yield advice("Network", f"listening on {settings.host} without TLS: keys and tokens travel readable", todo)
    else:
        yield ok("Network", f"TLS on {settings.host}")
    if not _is_local(settings.host) and "*" in settings.cors_origins:
        yield advice(
            "Origins", "web pages of any origin may open sessions", f"Name yours with {flag('cors-origins')}."
        )


def check_observation(settings: Settings) -> Iterator[Finding]:
    """Metrics and traces."""
    if find_spec("prometheus_client") is None:
        yield advice(
            "Metrics", "prometheus-client is missing, so /metrics is off", "pip install 'pyavatarkit[server]'"
        )
    elif not settings.metrics_key and not _is_local(settings.host):
        yield advice(
            "Metrics", "/metrics answers to this machine only", "Set AVATARKIT_METRICS_KEY to read it from elsewhere."
        )
    else:
        yield ok("Metrics", "on")
    if settings.otlp_endpoint and find_spec("opentelemetry.exporter") is None:
        yield failed(
            "Traces", "a collector is named, but the exporter is missing", "pip install 'pyavatarkit[telemetry]'"
        )
    elif settings.otlp_endpoint:
        yield ok("Traces", f"go to {settings.otlp_endpoint}")


def check_limits() -> Iterator[Finding]:
    """Enough file descriptors for many connections."""
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _LEAST_FILES:
        yield advice(
            "Open files", f"at most {soft}, one for each connection", "ulimit -n 65536, or LimitNOFILE= in the unit."
        )
    else:
        yield ok("Open files", f"up to {soft}")


def _answers(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "") else settings.host  # noqa: S104 - compared, not bound
    with contextlib.suppress(OSError), socket.create_connection((host, settings.port), timeout=2) as plain:
        context = ssl._create_unverified_context()  # noqa: S323 - nothing is sent or believed but that it answers
        connection = context.wrap_socket(plain) if settings.tls_certificate else plain
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = b""
        while len(answer) < _MOST_ANSWER_BYTES and (piece := connection.recv(4096)):
            answer += piece
        return b'"sessions"' in answer
    return False


def _is_local(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _days_left(certificate: Path) -> float | None:
    """Days until the certificate ends; ``None`` where this Python cannot tell."""
    decode = getattr(ssl, "_ssl", None)
    try:
        ends = decode._test_decode_cert(str(certificate))["notAfter"]  # type: ignore[union-attr]
        return (ssl.cert_time_to_seconds(ends) - time.time()) / 86_400
    except (AttributeError, KeyError, OSError, ValueError):
        return None
