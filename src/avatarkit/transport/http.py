"""The avatar library over HTTP: descriptions and bundles."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import BinaryIO, Final
from urllib.parse import quote, urlsplit

import httpx

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.transport.metadata import AvatarMetadata, check_avatar_id, parse_metadata

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_MAX_METADATA_BYTES: Final = 1024 * 1024


class WrongContentError(Exception):
    """A downloaded file is not the one that was announced."""


class AvatarLibrary:
    """A server's avatars, as one app sees them. An async context manager.

    No redirect is followed, and the App ID goes to the endpoint alone.
    """

    def __init__(self, endpoint: str, app_id: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._app_id = app_id
        self._client = httpx.AsyncClient(transport=transport, timeout=_TIMEOUT)

    async def __aenter__(self) -> AvatarLibrary:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.aclose()

    async def metadata(self, avatar_id: str) -> AvatarMetadata:
        """Describe an avatar.

        Raises:
            AvatarError: ``avatarIDUnrecognized``, ``appIDUnrecognized``, ``invalidAvatarMetadata``, or
                ``failedToFetchAvatarMetadata`` (retryable unless the server called the request wrong).
        """
        check_avatar_id(avatar_id)
        url = f"{self._endpoint}/v1/client/avatars/{quote(avatar_id, safe='')}"
        try:
            async with self._client.stream("GET", url, headers={"X-App-ID": self._app_id}) as reply:
                body = await _read_limited(reply, _MAX_METADATA_BYTES)
                if reply.status_code != httpx.codes.OK:
                    raise _refusal(reply.status_code, body, avatar_id)
                document = httpx.Response(200, content=body).json()
        except httpx.HTTPError as exc:
            raise error(
                ErrorCode.FAILED_TO_FETCH_AVATAR_METADATA,
                f"The server could not be asked about avatar {avatar_id!r}: {type(exc).__name__}.",
            ) from exc
        except (ValueError, RecursionError) as exc:
            raise error(
                ErrorCode.INVALID_AVATAR_METADATA, f"The description of avatar {avatar_id!r} is no JSON."
            ) from exc
        return parse_metadata(avatar_id, document, base_url=self._endpoint)

    async def download(self, bundle: AvatarMetadata, sink: BinaryIO, on_share: Callable[[float], None]) -> None:
        """Write what is missing of a bundle to ``sink``; ``on_share`` gets 0..1.

        What ``sink`` holds already is kept and asked for no more (``Range``); a server that sends everything
        nevertheless is listened to from the start. After a failure ``sink`` holds what has arrived, so that calling
        this again goes on from there. A file that is not what was announced leaves ``sink`` empty.

        Args:
            bundle: Where it is, its size and its SHA-256.
            sink: Open for reading and writing.
            on_share: Told how much there is.

        Raises:
            AvatarError: ``failedToDownloadAvatarAssets``; retryable unless the server called the request wrong.
                Its ``__cause__`` is :class:`WrongContentError` when the content was the fault.
        """
        arrived = min(sink.seek(0, os.SEEK_END), bundle.size)
        headers = self._headers(bundle.bundle_url)
        if 0 < arrived < bundle.size:
            headers["Range"] = f"bytes={arrived}-"
            headers["Accept-Encoding"] = "identity"  # a range of the file, not of its compressed form
        try:
            if arrived < bundle.size:
                await self._receive(bundle, sink, arrived, headers, on_share)
            _check(bundle, sink)
        except httpx.HTTPError as exc:
            raise _failed(type(exc).__name__) from exc
        except WrongContentError as exc:
            sink.truncate(0)
            raise _failed(str(exc)) from exc

    async def _receive(
        self,
        bundle: AvatarMetadata,
        sink: BinaryIO,
        arrived: int,
        headers: dict[str, str],
        on_share: Callable[[float], None],
    ) -> None:
        async with self._client.stream("GET", bundle.bundle_url, headers=headers) as reply:
            status = reply.status_code
            if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise WrongContentError("the server has another size of it")
            if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                raise _failed(f"status {status}", retryable=_may_pass(status))
            if status == httpx.codes.OK or not _continues(reply, arrived):
                arrived = 0
            sink.seek(arrived)
            sink.truncate()
            async for piece in reply.aiter_bytes():
                arrived += len(piece)
                if arrived > bundle.size:
                    raise WrongContentError("it is larger than announced")
                sink.write(piece)
                on_share(arrived / bundle.size)
        if arrived != bundle.size:
            raise WrongContentError("it is shorter than announced")

    def _headers(self, url: str) -> dict[str, str]:
        here, there = urlsplit(self._endpoint), urlsplit(url)
        same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
        return {"X-App-ID": self._app_id} if same else {}


def _continues(reply: httpx.Response, arrived: int) -> bool:
    """Whether a partial answer begins where it was asked to; one that does not is of no use."""
    if reply.status_code != httpx.codes.PARTIAL_CONTENT:
        return False
    if reply.headers.get("content-range", "").startswith(f"bytes {arrived}-"):
        return True
    raise WrongContentError("the server sent another part of it")


def _check(bundle: AvatarMetadata, sink: BinaryIO) -> None:
    sink.flush()
    sink.seek(0)
    digest = hashlib.sha256()
    while piece := sink.read(1024 * 1024):
        digest.update(piece)
    if digest.hexdigest() != bundle.sha256:
        raise WrongContentError("its content does not match its hash")


async def _read_limited(reply: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for piece in reply.aiter_bytes():
        body += piece
        if len(body) > limit:
            raise error(ErrorCode.INVALID_AVATAR_METADATA, f"The avatar's description is over {limit} bytes.")
    return bytes(body)


def _refusal(status: int, body: bytes, avatar_id: str) -> AvatarError:
    text = body[:2000].decode("utf-8", "replace").lower()
    if status in (401, 403) or (status in (400, 404) and "app id" in text):
        return error(ErrorCode.APP_ID_UNRECOGNIZED, "The server does not know this App ID.")
    if status == httpx.codes.NOT_FOUND:
        return error(ErrorCode.AVATAR_ID_UNRECOGNIZED, f"There is no avatar {avatar_id!r} for this app.")
    return error(
        ErrorCode.FAILED_TO_FETCH_AVATAR_METADATA,
        f"The server answered {status} when asked about avatar {avatar_id!r}.",
        retryable=_may_pass(status),
    )


def _may_pass(status: int) -> bool:
    return status >= 500 or status in (408, 429)


def _failed(reason: str, *, retryable: bool | None = None) -> AvatarError:
    return error(
        ErrorCode.FAILED_TO_DOWNLOAD_AVATAR_ASSETS,
        f"The avatar's bundle could not be downloaded: {reason}.",
        retryable=retryable,
    )
