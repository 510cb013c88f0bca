"""Session tokens from the Console, in exchange for the API key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from avatarkit.errors import AvatarError, ErrorCode, Phase, error

_PATH: Final = "/v1/console/session-tokens"
_TIMEOUT: Final = httpx.Timeout(10.0)
_MAX_BODY_BYTES: Final = 64 * 1024
_MAX_TOKEN_CHARACTERS: Final = 8192
_SPARE_S: Final = 60.0
_MAX_LIFETIME_S: Final = 24 * 3600 - 60


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    expires_at: float


class SessionTokens:
    """Fetches tokens, and keeps one until a minute before it expires.

    Args:
        endpoint: Base URL of the Console, ``http`` or ``https``.
        api_key: Goes to the endpoint alone; no redirect is followed.
        lifetime_s: Seconds for which a token shall be good, at most just under a day.
        unix_time: Source of calendar time, in Unix seconds.
        transport: Replaces the network, for tests.

    Raises:
        AvatarError: ``configurationInvalid`` for a bad endpoint, an empty key or an impossible lifetime.
    """

    def __init__(
        self,
        endpoint: str,
        api_key: str,
        *,
        lifetime_s: int = 3600,
        unix_time: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise _misconfigured("The Console's endpoint must look like https://host, without a query.")
        if not api_key.strip() or not api_key.isprintable() or not api_key.isascii():
            raise _misconfigured("The API key is empty or holds characters that no key has.")
        if not _SPARE_S < lifetime_s <= _MAX_LIFETIME_S:
            raise _misconfigured(f"lifetime_s must be above {_SPARE_S:g} and at most {_MAX_LIFETIME_S}.")
        self._url = endpoint.rstrip("/") + _PATH
        self._api_key = api_key
        self._lifetime_s = lifetime_s
        self._unix_time = unix_time
        self._http = httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, follow_redirects=False)
        self._kept: _Token | None = None
        self._fetching: asyncio.Task[_Token] | None = None

    async def get(self) -> str:
        """The kept token, or a new one. Calls that overlap share one request; a failure is not kept.

        Raises:
            AvatarError: ``apiKeyInvalid``, ``appIDUnrecognized``, ``insufficientBalance``,
                ``concurrentLimitExceeded``, ``configurationInvalid`` or ``tokenRequestFailed``, all in the
                phase ``authenticate``.
        """
        if self._kept is not None and self._unix_time() < self._kept.expires_at - _SPARE_S:
            return self._kept.text
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        return (await asyncio.shield(self._fetching)).text

    def forget(self, token: str) -> None:
        """Do not hand this token out again: a server refused it."""
        if self._kept is not None and self._kept.text == token:
            self._kept = None

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        await self._http.aclose()

    def _fetched(self, task: asyncio.Task[_Token]) -> None:
        self._fetching = None
        if not task.cancelled() and task.exception() is None:
            self._kept = task.result()

    async def _fetch(self) -> _Token:
        expires_at = int(self._unix_time()) + self._lifetime_s
        headers = {"X-Api-Key": self._api_key}
        try:
            async with self._http.stream("POST", self._url, json={"expireAt": expires_at}, headers=headers) as reply:
                body = await _read_limited(reply)
        except httpx.HTTPError as exc:
            # The exception may quote the request, so only its kind is told.
            raise _failed(f"could not be reached ({type(exc).__name__})") from None
        if reply.status_code != httpx.codes.OK:
            raise _refusal(reply.status_code)
        return _Token(_token_of(body), expires_at)


async def _read_limited(reply: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in reply.aiter_bytes():
        body += piece
        if len(body) > _MAX_BODY_BYTES:
            raise _failed(f"answered with more than {_MAX_BODY_BYTES} bytes")
    return bytes(body)


def _token_of(body: bytes) -> str:
    try:
        document = httpx.Response(200, content=body).json()
    except (ValueError, RecursionError):
        raise _failed("answered with something other than JSON") from None
    token = document.get("sessionToken") if isinstance(document, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= _MAX_TOKEN_CHARACTERS:
        raise _failed("answered without a session token")
    if not token.isascii() or not token.isprintable():
        raise _failed("answered with a session token that no header can carry")
    return token


_REFUSALS: Final[dict[int, tuple[ErrorCode, str]]] = {
    401: (ErrorCode.API_KEY_INVALID, "The Console does not know this API key."),
    402: (ErrorCode.INSUFFICIENT_BALANCE, "The app has no credits left."),
    403: (ErrorCode.APP_ID_UNRECOGNIZED, "The API key may not issue session tokens for this app."),
    429: (ErrorCode.CONCURRENT_LIMIT_EXCEEDED, "The Console is asked too often."),
}


def _refusal(status: int) -> AvatarError:
    if status in _REFUSALS:
        code, message = _REFUSALS[status]
        return error(code, message, phase=Phase.AUTHENTICATE)
    if status >= 500 or status == httpx.codes.REQUEST_TIMEOUT:
        return _failed(f"answered {status}")
    hint = "Check the endpoint: it is the server's base URL."
    return _misconfigured(f"The Console refused to issue a session token with status {status}.", hint)


def _failed(what: str) -> AvatarError:
    return error(ErrorCode.TOKEN_REQUEST_FAILED, f"The Console {what}.")


def _misconfigured(message: str, hint: str = "") -> AvatarError:
    return error(ErrorCode.CONFIGURATION_INVALID, message, phase=Phase.AUTHENTICATE, hint=hint)
