"""The messages that a backend's session sends, and the little that it reads of motion. Bytes only, no sockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from google.protobuf.message import DecodeError

from avatarkit.backend.audio import OpusUplink, PcmUplink, Uplink, wire_sample_rate
from avatarkit.backend.egress import Egress, fill_egress
from avatarkit.errors import ErrorCode, error
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol.limits import MAX_TEXT_CHARACTERS

_MAX_PARAMS: Final = 64


def configuration(uplink: Uplink, egress: Egress | None, extra_params: Mapping[str, str]) -> bytes:
    """The first message of a session.

    Raises:
        AvatarError: ``configurationInvalid`` for more than 64 parameters or one of over 2000 characters.
    """
    if len(extra_params) > _MAX_PARAMS or any(
        len(text) > MAX_TEXT_CHARACTERS for pair in extra_params.items() for text in pair
    ):
        raise error(ErrorCode.CONFIGURATION_INVALID, "extra_params holds too many or too long texts.")
    is_pcm = isinstance(uplink, PcmUplink)
    message = pb.ClientConfigureSession(
        sample_rate=wire_sample_rate(uplink),
        bitrate=uplink.bitrate if isinstance(uplink, OpusUplink) else 0,
        audio_format=pb.AUDIO_FORMAT_PCM_S16LE if is_pcm else pb.AUDIO_FORMAT_OGG_OPUS,
        extra_params=dict(extra_params),
    )
    fill_egress(message, egress)
    return pb.Message(
        type=pb.MESSAGE_TYPE_CLIENT_CONFIGURE_SESSION, client_configure_session=message
    ).SerializeToString()


def audio(request_id: str, data: bytes, *, end: bool, trace: tuple[str, str] | None = None) -> bytes:
    """One piece of a round's audio; ``trace`` is a W3C ``traceparent`` and ``tracestate``."""
    message = pb.ClientAudioInput(req_id=request_id, audio=data, end=end)
    if trace is not None:
        message.trace_context.traceparent, message.trace_context.tracestate = trace
    return pb.Message(type=pb.MESSAGE_TYPE_CLIENT_AUDIO_INPUT, client_audio_input=message).SerializeToString()


def playback(request_id: str, *, paused: bool) -> bytes:
    """Pause or resume what an egress plays."""
    if paused:
        return pb.Message(
            type=pb.MESSAGE_TYPE_CLIENT_PAUSE, client_pause=pb.ClientPause(req_id=request_id)
        ).SerializeToString()
    return pb.Message(
        type=pb.MESSAGE_TYPE_CLIENT_RESUME, client_resume=pb.ClientResume(req_id=request_id)
    ).SerializeToString()


def motion_request_id(message: bytes) -> str | None:
    """The round that a raw motion message belongs to, for relays that get nothing but its bytes; ``None`` for
    any other bytes."""
    try:
        parsed = pb.Message.FromString(message)
    except DecodeError:
        return None
    if parsed.type != pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION:
        return None
    return parsed.server_response_animation.req_id or None
