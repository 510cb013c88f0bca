"""The server's log: text for people or JSON for programs, with the ids of connection and request, never a secret."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

connection_id: ContextVar[str] = ContextVar("connection_id", default="")
"""Of the Motion Server connection that the running task belongs to."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the HTTP request, or the round of speech, that is being worked on."""

_SECRETS: Final = (
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"), "[token]"),
    (re.compile(r"\b(ak_[0-9a-f]{8})_[\w-]{20,}"), r"\1_[hidden]"),
    (re.compile(r"\badm_[\w-]{20,}"), "adm_[hidden]"),
    (re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]{8,}"), r"\1 [hidden]"),
    (
        re.compile(r"(?i)\b(session_?key|session_?token|api_?key|admin_?key|password|secret)(['\"]?\s*[=:]\s*)[^\s&,'\"]+"),
        r"\1\2[hidden]",
    ),
    (re.compile(r"(://[^/\s:@]+):[^/\s@]+@"), r"\1:[hidden]@"),
)  # fmt: skip
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u2028\u2029]")


def without_secrets(text: str) -> str:
    """The text with everything taken out that looks like a token, a key or a password. A second line of defence:
    nothing of the sort is logged on purpose."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


@contextlib.contextmanager
def log_context(*, connection: str | None = None, request: str | None = None) -> Iterator[None]:
    """Name the connection or the request in every log line of this block and of the tasks that it starts."""
    tokens = [
        (variable, variable.set(value))
        for variable, value in ((connection_id, connection), (request_id, request))
        if value is not None
    ]
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)


class TextFormatter(logging.Formatter):
    """One line for each record, its ids in brackets; control characters of foreign texts are shown as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback below it."""
        ids = " ".join(f"{name}={value}" for name, value in _ids().items())
        message = _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), record.getMessage())
        line = f"{_moment(record)} {record.levelname} {record.name}: {message}{f' [{ids}]' if ids else ''}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return without_secrets(line)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message`` and, where there are such,
    ``connection``, ``request`` and ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **_ids(),
        }
        if record.exc_info:
            entry["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def configure_logging(form: str, level: str, stream: TextIO | None = None) -> None:
    """Send the log to ``stream``, default the standard error.

    Args:
        form: ``text`` or ``json``.
        level: Least severity of our own records; those of libraries begin at ``warning``.
        stream: Where lines go.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("avatarkit").setLevel(level.upper())


def _ids() -> dict[str, str]:
    both = {"connection": connection_id.get(), "request": request_id.get()}
    return {name: value for name, value in both.items() if value}


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
