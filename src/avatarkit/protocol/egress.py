"""Delivery into a room: what a client's wish for it must say."""

from __future__ import annotations

from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol.codes import ServerErrorCode


def egress_problem(wanted: pb.ClientConfigureSession) -> tuple[ServerErrorCode, str] | None:
    """Why a session with this configuration cannot be opened; ``None`` when it asks for no egress.

    A wish that could not be met anywhere is told apart from one that only this server cannot meet.
    """
    has_egress = wanted.HasField("livekit_egress") or wanted.HasField("agora_egress")
    if wanted.egress_type == pb.EGRESS_TYPE_UNSPECIFIED and not has_egress:
        return None
    if wanted.egress_type == pb.EGRESS_TYPE_UNSPECIFIED:
        is_agora = wanted.HasField("agora_egress")
    else:
        is_agora = wanted.egress_type == pb.EGRESS_TYPE_AGORA
    fault = _agora_fault(wanted) if is_agora else _livekit_fault(wanted)
    if fault:
        return ServerErrorCode.INVALID_EGRESS_CONFIG, fault
    return ServerErrorCode.EGRESS_UNAVAILABLE, "egress client is not configured on server"


def _livekit_fault(wanted: pb.ClientConfigureSession) -> str:
    room = wanted.livekit_egress
    if not wanted.HasField("livekit_egress") or not room.url or not room.room_name:
        return "livekit_egress must name a url and a room_name"
    if not room.api_token and not (room.api_key and room.api_secret):
        return "missing livekit credentials: provide api_token or both api_key and api_secret"
    return ""


def _agora_fault(wanted: pb.ClientConfigureSession) -> str:
    if not wanted.HasField("agora_egress") or not wanted.agora_egress.channel_name:
        return "agora_egress must name a channel_name"
    return ""
