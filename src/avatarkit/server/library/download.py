"""Fetching a picture that a request names, without letting the request choose where the server connects to.

Names are resolved here, every address is checked, and the connection goes to the checked address: what a name says
a moment later does not matter. Redirects are followed by hand and checked anew. Nothing is sent along but the request
itself: no cookies, no credentials, no proxy of the environment.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final, NoReturn

import httpx

from avatarkit.server.library.job_failure import JobFailure

TIMEOUT_S: Final = 3.0
"""For everything: names, redirects and the picture."""
MOST_BYTES: Final = 5 * 1024 * 1024
MOST_REDIRECTS: Final = 3
_MOST_ADDRESSES: Final = 4
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_WEBP_HEAD: Final = 12

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host name, as text."""


def media_of(data: bytes) -> str | None:
    """The media type of a picture that avatars can be made of, told from its first bytes; ``None`` for others."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if len(data) >= _WEBP_HEAD and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def fault_of(url: str) -> str | None:
    """Why a URL cannot be fetched from, as far as its text tells, as the end of a sentence; ``None`` when it can."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "is no URL"
    if parsed.scheme not in ("http", "https") or not parsed.host:
        return "is no http or https URL"
    return "holds a user name or password" if parsed.userinfo else None


async def download_picture(
    url: str,
    *,
    allow_private: bool = False,
    timeout_s: float = TIMEOUT_S,
    resolve: Resolve | None = None,
) -> bytes:
    """The picture at a URL: JPEG, PNG or WebP, of at most :data:`MOST_BYTES`.

    Args:
        url: http or https.
        allow_private: Addresses inside private networks, and this machine's own, are allowed too.
        timeout_s: For everything.
        resolve: How names become addresses; default: as the system does it.

    Raises:
        JobFailure: ``source_download_failed``, or ``invalid_image`` when what is there is no such picture.
    """
    try:
        async with asyncio.timeout(timeout_s):
            data = await _follow(url, allow_private, resolve or _resolve)
    except TimeoutError:
        _fail(f"could not be fetched within {timeout_s:g} s", is_retryable=True)
    if media_of(data) is None:
        raise JobFailure("invalid_image", "What the picture's URL leads to is no JPEG, PNG or WebP.")
    return data


async def _follow(url: str, allow_private: bool, resolve: Resolve) -> bytes:
    place = url
    for _ in range(MOST_REDIRECTS + 1):
        fault = fault_of(place)
        if fault is not None:
            _fail(fault)
        here = httpx.URL(place)
        port = here.port or (443 if here.scheme == "https" else 80)
        found = await _fetch(here, await _checked(here.host, port, allow_private, resolve))
        if isinstance(found, bytes):
            return found
        try:
            place = str(here.join(found))
        except httpx.InvalidURL:
            _fail("redirects to what is no URL")
    _fail(f"redirects more than {MOST_REDIRECTS} times")


async def _checked(host: str, port: int, allow_private: bool, resolve: Resolve) -> list[str]:
    """Addresses that may be connected to. One that may not spoils them all."""
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError):
        _fail("names a host that cannot be found", is_retryable=True)
    if not allow_private and not all(map(_is_public, addresses)):
        _fail("leads to an address that is not public")
    return addresses[:_MOST_ADDRESSES]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(str(address.ipv4_mapped))
        if address.sixtofour is not None or address.teredo is not None or address.is_site_local:
            return False  # tunnels lead to IPv4 addresses, of any kind
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )


async def _fetch(url: httpx.URL, addresses: list[str]) -> bytes | str:
    """The content, or where it redirects to."""
    # The transport alone: a client would log the URL, whose query may hold a signature, and keep cookies.
    async with httpx.AsyncHTTPTransport(verify=_certificates(), trust_env=False) as transport:
        for address in addresses:
            request = httpx.Request(
                "GET",
                url.copy_with(host=address, fragment=None),
                headers={
                    "Host": url.netloc.decode("ascii"),
                    "Accept": "image/jpeg, image/png, image/webp",
                    "Accept-Encoding": "identity",
                    "User-Agent": "AvatarKit",
                },
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
            try:
                response = await transport.handle_async_request(request)
            except httpx.ConnectError:
                continue
            except httpx.HTTPError:
                _fail("leads to a server that does not speak HTTP properly", is_retryable=True)
            try:
                return await _read(response)
            finally:
                await response.aclose()
    _fail("leads to a server that cannot be connected to", is_retryable=True)


async def _read(response: httpx.Response) -> bytes | str:
    if response.status_code in _REDIRECTS and "location" in response.headers:
        return response.headers["location"]
    if response.status_code != 200:
        _fail(f"is answered with status {response.status_code}", is_retryable=response.status_code >= 500)
    data = bytearray()
    try:
        async for piece in response.aiter_raw():  # as sent: nothing is unpacked
            data += piece
            if len(data) > MOST_BYTES:
                _fail(f"leads to more than {MOST_BYTES // 2**20} MiB")
    except httpx.HTTPError:
        _fail("leads to a server that broke off", is_retryable=True)
    return bytes(data)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Those that the system trusts; loading them takes a moment."""
    return httpx.create_ssl_context(trust_env=False)


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(place[4][0]) for place in found)
    return [address for address in addresses if "%" not in address]  # of one link only: no URL can name them


def _fail(reason: str, *, is_retryable: bool = False) -> NoReturn:
    raise JobFailure("source_download_failed", f"The picture's URL {reason}.", is_retryable=is_retryable)
