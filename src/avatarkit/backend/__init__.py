"""Backend Mode: the app's backend opens the connection to the Motion Server and passes audio and motion on.

::

    async with BackendClient("https://avatars.example", app_id, api_key) as backend:
        callbacks = Callbacks(on_audio=forward_audio, on_motion=forward_motion)
        async with backend.session("ada", callbacks) as session:
            async for pcm in speech:
                await session.send_audio(pcm)
            await session.wait_motion(await session.send_audio(b"", end=True))
"""

from avatarkit.backend.audio import OggOpusUplink, OpusUplink, PcmUplink, Uplink
from avatarkit.backend.client import BackendClient, Prewarmed
from avatarkit.backend.egress import AgoraEgress, Egress, LiveKitEgress
from avatarkit.backend.messages import motion_request_id
from avatarkit.backend.payloads import AudioPayload, Callbacks, MotionPayload
from avatarkit.backend.session import MotionSession

__all__ = [
    "AgoraEgress",
    "AudioPayload",
    "BackendClient",
    "Callbacks",
    "Egress",
    "LiveKitEgress",
    "MotionPayload",
    "MotionSession",
    "OggOpusUplink",
    "OpusUplink",
    "PcmUplink",
    "Prewarmed",
    "Uplink",
    "motion_request_id",
]
