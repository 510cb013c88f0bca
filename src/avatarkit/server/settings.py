"""The server's settings: one frozen record, each field with its help, range and group.

Everything else is made from this list: the flags of ``avatarkit serve``, the environment variables, the keys of
the settings file, and the table in ``docs/operations.md``. A new setting is one :func:`setting` here.
"""

# ruff: noqa: RUF009 - setting() is dataclasses.field() with more to say

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, NamedTuple, get_type_hints

from avatarkit.errors import AvatarError, ErrorCode, error

PREFIX: Final = "AVATARKIT_"
"""Environment variables are named ``AVATARKIT_`` and the field in capitals, such as ``AVATARKIT_PORT``."""


class SettingInfo(NamedTuple):
    """What is known of a setting besides its value."""

    help: str
    group: str
    least: float | None = None
    most: float | None = None
    above_zero: bool = False
    choices: tuple[str, ...] = ()
    secret: bool = False
    """Never shown, logged or given as a flag: other processes may read command lines."""


def setting(
    default: Any,
    help_text: str,
    *,
    group: str,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """A field of :class:`Settings`. ``least`` and ``most`` are the inclusive range of a number."""
    info = SettingInfo(help_text, group, least, most, choices=choices, secret=secret)
    return field(default=default, metadata={"info": info}, repr=not secret)


def above_zero(default: float, help_text: str, *, group: str) -> Any:
    """A duration or size that must be positive."""
    return field(default=default, metadata={"info": SettingInfo(help_text, group, above_zero=True)})


_MIB: Final = 1024 * 1024
_PLACE: Final = "Place"
_MOTION: Final = "Motion"
_SESSIONS: Final = "Sessions"
_CONSOLE: Final = "Console and library"
_WEB: Final = "Web"
_WATCH: Final = "Observation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Durations are in seconds, sizes in bytes."""

    data: Path = setting(
        MISSING,
        "Folder of the database and the assets; made when missing, readable by its owner only. Default: the user's "
        "data folder.",
        group=_PLACE,
    )
    database_url: str = setting(
        "",
        "PostgreSQL database, as postgresql://user:password@host/name; empty is SQLite in the data folder.",
        group=_PLACE,
        secret=True,
    )
    asset_storage: str = setting(
        "",
        "Storage of avatar files that servers share, as an fsspec URL such as s3://bucket/avatars; empty is the data "
        "folder alone.",
        group=_PLACE,
    )
    host: str = setting("127.0.0.1", "Address to listen on.", group=_PLACE)
    port: int = setting(8700, "TCP port; 0 takes a free one.", group=_PLACE, least=0, most=65535)
    tls_certificate: Path | None = setting(
        None, "Certificate chain, PEM: serve https and wss. Needs tls_key.", group=_PLACE
    )
    tls_key: Path | None = setting(None, "Private key of the certificate, PEM.", group=_PLACE)

    engine: str = setting("articulatory", "Name of the motion engine.", group=_MOTION)
    engine_threads: int = setting(
        1,
        "Threads that infer motion, among which sessions are spread; 0 is one for each processor. One makes the "
        "largest batches.",
        group=_MOTION,
        least=0,
        most=1024,
    )
    queued_audio_limit: int = above_zero(
        16 * _MIB,
        "Bytes of audio waiting to be inferred, for each session, above which reading from its socket pauses.",
        group=_MOTION,
    )

    handshake_timeout_s: float = above_zero(
        10.0, "A connection that has not configured its session by then is closed.", group=_SESSIONS
    )
    idle_timeout_s: float = above_zero(
        300.0, "A session without any message from its client for that long is closed.", group=_SESSIONS
    )
    session_limit_s: float = above_zero(7200.0, "Longest session.", group=_SESSIONS)
    slow_reader_timeout_s: float = above_zero(
        10.0, "A client that leaves motion unread for that long is closed.", group=_SESSIONS
    )
    drain_timeout_s: float = above_zero(
        30.0, "On SIGTERM, time for running rounds to finish before they are cut off.", group=_SESSIONS
    )
    connection_limit: int = setting(
        0, "Most connections in all; further ones are refused with 503. 0 is no limit.", group=_SESSIONS, least=0
    )
    overload_lateness_s: float = setting(
        0.1,
        "Mean lateness of motion above which further connections are refused with 503, as they are when a core's "
        "time is nearly used up. 0 never refuses.",
        group=_SESSIONS,
        least=0,
    )
    messages_per_second: int = setting(
        1000,
        "Messages of one session, on average, above which it is closed; 0 is no limit.",
        group=_SESSIONS,
        least=0,
    )
    message_burst: int = above_zero(
        20_000, "Messages that a session may send at once beyond its rate.", group=_SESSIONS
    )
    sessions_per_app: int = above_zero(200, "Most sessions that one app may have open.", group=_SESSIONS)

    token_lifetime_s: int = above_zero(
        3600, "Lifetime of a session token whose request names no expiry.", group=_CONSOLE
    )
    audit_days: int = setting(
        0, "Days that the audit log is kept; 0 keeps it for ever.", group=_CONSOLE, least=0, most=36_500
    )
    upload_limit: int = above_zero(64 * _MIB, "Largest avatar bundle that may be uploaded.", group=_CONSOLE)
    photo_consent: bool = setting(
        True,
        "Whether each request for an avatar of a picture must state that the person shown agrees. Turn it off only "
        "where all users agreed elsewhere: then you state it.",
        group=_CONSOLE,
    )
    photo_private_sources: bool = setting(
        False,
        "Whether pictures may be fetched from private addresses, such as an intranet's. Requests can then make the "
        "server connect to anything that it reaches.",
        group=_CONSOLE,
    )

    cors_origins: tuple[str, ...] = setting(
        ("*",),
        "Origins whose web pages may use the client routes and open sessions, such as https://example.org; * is any.",
        group=_WEB,
    )
    page_demo: str = setting(
        "local",
        "Who may use the page at / without signing in, in the name of the demo app: visitors from this machine, "
        "everyone, or nobody.",
        group=_WEB,
        choices=("local", "everyone", "nobody"),
    )
    page_photos: int = setting(
        20,
        "Most avatars of photos that visitors of the demo may have at a time, all together; 0 offers none.",
        group=_WEB,
        least=0,
        most=10_000,
    )
    page_photo_hours: int = setting(
        168, "Hours after which such an avatar is removed.", group=_WEB, least=1, most=24 * 3650
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), "Addresses or networks of reverse proxies whose X-Forwarded-For is believed.", group=_WEB
    )
    requests_per_minute: int = setting(
        3000, "Most requests and connections of one address; 0 is no limit.", group=_WEB, least=0
    )
    refusals_per_minute: int = setting(
        120,
        "Most requests of one address that may fail for a wrong key or token before it has to wait; 0 is no limit.",
        group=_WEB,
        least=0,
    )

    metrics_key: str = setting(
        "",
        "Bearer key for /metrics. Without one, /metrics answers to this machine only.",
        group=_WATCH,
        secret=True,
    )
    log_format: str = setting(
        "text", "Form of the log on the standard error.", group=_WATCH, choices=("text", "json")
    )
    log_level: str = setting(
        "info", "Least severity that is logged.", group=_WATCH, choices=("debug", "info", "warning", "error")
    )
    otlp_endpoint: str = setting(
        "",
        "Base URL of an OpenTelemetry collector (OTLP over HTTP) that gets a trace of each turn; empty is off.",
        group=_WATCH,
    )

    def __post_init__(self) -> None:
        for name, info in catalogue().items():
            _check(name, getattr(self, name), info)
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise _invalid("tls_certificate and tls_key are given together")


def catalogue() -> dict[str, SettingInfo]:
    """Every setting by name, in the order in which it is documented."""
    return {item.name: item.metadata["info"] for item in fields(Settings)}


def kinds() -> dict[str, Any]:
    """The type of every setting: ``str``, ``int``, ``float``, ``bool``, ``Path``, ``Path | None`` or
    ``tuple[str, ...]``."""
    return get_type_hints(Settings)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _check(name: str, value: object, info: SettingInfo) -> None:
    if info.choices and value not in info.choices:
        raise _invalid(f"{name} must be one of {', '.join(info.choices)}, not '{value}'")
    if not isinstance(value, int | float):
        return
    # Written so that NaN fails too.
    if info.above_zero and not value > 0:
        raise _invalid(f"{name} must be above zero, not {value}")
    if info.least is not None and not value >= info.least:
        raise _invalid(f"{name} must be at least {info.least:g}, not {value}")
    if info.most is not None and not value <= info.most:
        raise _invalid(f"{name} must be at most {info.most:g}, not {value}")


def _invalid(reason: str) -> AvatarError:
    return error(ErrorCode.CONFIGURATION_INVALID, f"{reason}.")
