"""What a server's refusal, error or close means to the user."""

from __future__ import annotations

import pytest

from avatarkit.errors import AuthenticationError, AvatarError, ErrorCode, QuotaError, TransportError
from avatarkit.transport.errors import close_error, rejection_error, server_error

E = ErrorCode


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"message":"Invalid session token"}\n', E.SESSION_TOKEN_INVALID),
        (400, '{"message":"app id mismatch"}', E.APP_ID_UNRECOGNIZED),
        (400, "something else", E.WEBSOCKET_ERROR),
        (401, "", E.SESSION_TOKEN_EXPIRED),
        (402, "", E.INSUFFICIENT_BALANCE),
        (403, "", E.WEBSOCKET_ERROR),
        (404, '{"message":"Avatar not found"}', E.AVATAR_ID_UNRECOGNIZED),
        (404, "", E.APP_ID_UNRECOGNIZED),
        (429, "", E.CONCURRENT_LIMIT_EXCEEDED),
        (301, "", E.WEBSOCKET_ERROR),
        (500, "", E.SERVER_ERROR),
        (503, "<html>", E.SERVER_ERROR),
    ],
)
def test_upgrade_rejections(status: int, body: str, code: ErrorCode) -> None:
    assert rejection_error(status, body).code is code


@pytest.mark.parametrize(
    ("number", "text", "code"),
    [
        (0, "Session denied: no funds", E.INSUFFICIENT_BALANCE),
        (0, "credits exhausted", E.INSUFFICIENT_BALANCE),
        (4001, "", E.INSUFFICIENT_BALANCE),
        (0, "session time limit reached", E.SESSION_TIMEOUT),
        (4002, "", E.SESSION_TIMEOUT),
        (0, "No audio input for 60 s", E.SESSION_TIMEOUT),
        (4003, "", E.CONCURRENT_LIMIT_EXCEEDED),
        (4010, "", E.SESSION_TOKEN_INVALID),
        (4010, "session denied: the app is disabled", E.SESSION_TOKEN_INVALID),
        (16, "token is expired", E.SESSION_TOKEN_EXPIRED),
        (4503, "driven server request failed", E.SERVER_ERROR),
        (3, "unsupported sample rate 11025", E.INVALID_AUDIO_INPUT),
        (3, "avatar not found", E.AVATAR_ID_UNRECOGNIZED),
        (12345, "never heard of", E.SERVER_ERROR),
    ],
)
def test_server_errors(number: int, text: str, code: ErrorCode) -> None:
    assert server_error(number, text).code is code


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (1006, E.WEBSOCKET_CLOSED_ABNORMALLY),
        (1008, E.WEBSOCKET_CLOSED_UNEXPECTED),
        (1011, E.WEBSOCKET_CLOSED_UNEXPECTED),
        (4001, E.INSUFFICIENT_BALANCE),
        (4002, E.SESSION_TIMEOUT),
        (4010, E.SESSION_TOKEN_INVALID),
        (4999, E.WEBSOCKET_CLOSED_UNEXPECTED),
    ],
)
def test_closes(number: int, code: ErrorCode) -> None:
    reason = close_error(number, "")
    assert isinstance(reason, AvatarError)
    assert reason.code is code


@pytest.mark.parametrize("number", [1000, 1001])
def test_clean_closes_are_no_errors(number: int) -> None:
    assert close_error(number, "bye") is None


def test_classes_say_what_to_do() -> None:
    assert isinstance(rejection_error(401, ""), AuthenticationError)
    assert isinstance(rejection_error(402, ""), QuotaError)
    assert isinstance(rejection_error(502, ""), TransportError)
    assert rejection_error(502, "").retryable
    assert not rejection_error(403, "").retryable


def test_a_servers_words_are_short_and_hold_no_secret() -> None:
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJhcHAiOiJhIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
    text = str(server_error(4010, f"the token {secret}\nwas\rrefused " + "very " * 500))
    assert secret not in text
    assert "\n" not in text
    assert len(text) < 500
