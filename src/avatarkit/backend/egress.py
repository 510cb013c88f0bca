"""Where the server shall deliver audio and motion instead of this connection: a room of an RTC service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from avatarkit.errors import ErrorCode, error
from avatarkit.protocol import avatarkit_pb2 as pb

_MAX_TEXT: Final = 8192
_MAX_ATTRIBUTES: Final = 64


@dataclass(frozen=True, slots=True)
class LiveKitEgress:
    """A LiveKit room that the server joins as ``publisher_id``.

    Raises:
        AvatarError: ``invalidEgressConfig`` without address, room, publisher or token, or for a text that is too
            long.
    """

    url: str
    """Address of the LiveKit server, ``ws`` or ``wss``."""
    room_name: str
    publisher_id: str
    api_token: str = field(repr=False)
    """An access token of LiveKit that lets ``publisher_id`` join and publish."""
    extra_attributes: Mapping[str, str] = field(default_factory=dict)
    """Participant attributes, such as ``lk.publish_on_behalf``."""
    idle_timeout_s: int = 0
    """Seconds without audio after which the server leaves the room; 0 is its default."""

    def __post_init__(self) -> None:
        for name in ("url", "room_name", "publisher_id", "api_token"):
            _check_text(f"LiveKit egress: {name}", getattr(self, name))
        if len(self.extra_attributes) > _MAX_ATTRIBUTES:
            raise _invalid(f"LiveKit egress: more than {_MAX_ATTRIBUTES} attributes")
        if not 0 <= self.idle_timeout_s < 2**31:
            raise _invalid("LiveKit egress: idle_timeout_s is out of range")


@dataclass(frozen=True, slots=True)
class AgoraEgress:
    """An Agora channel that the server joins as ``uid``.

    Raises:
        AvatarError: ``invalidEgressConfig`` without channel, publisher or token, or for a user id that is no
            32-bit number.
    """

    channel_name: str
    publisher_id: str
    uid: int
    token: str = field(repr=False)
    """A token of Agora for this channel and user."""

    def __post_init__(self) -> None:
        for name in ("channel_name", "publisher_id", "token"):
            _check_text(f"Agora egress: {name}", getattr(self, name))
        if not 0 <= self.uid < 2**32:
            raise _invalid("Agora egress: uid is no 32-bit number")


Egress = LiveKitEgress | AgoraEgress
"""Either."""


def fill_egress(configuration: pb.ClientConfigureSession, egress: Egress | None) -> None:
    """Write the egress into the first message of a session."""
    if isinstance(egress, LiveKitEgress):
        configuration.egress_type = pb.EGRESS_TYPE_LIVEKIT
        configuration.livekit_egress.CopyFrom(
            pb.LiveKitEgressConfig(
                url=egress.url,
                room_name=egress.room_name,
                publisher_id=egress.publisher_id,
                api_token=egress.api_token,
                extra_attributes=dict(egress.extra_attributes),
                idle_timeout=egress.idle_timeout_s,
            )
        )
    elif isinstance(egress, AgoraEgress):
        configuration.egress_type = pb.EGRESS_TYPE_AGORA
        configuration.agora_egress.CopyFrom(
            pb.AgoraEgressConfig(
                channel_name=egress.channel_name,
                token=egress.token,
                uid=egress.uid,
                publisher_id=egress.publisher_id,
            )
        )


def _check_text(name: str, value: str) -> None:
    if not value or len(value) > _MAX_TEXT:
        raise _invalid(f"{name} has 1 to {_MAX_TEXT} characters")


def _invalid(reason: str) -> Exception:
    return error(ErrorCode.INVALID_EGRESS_CONFIG, f"{reason}.")
