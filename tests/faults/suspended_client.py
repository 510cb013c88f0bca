"""A client as a process of its own: says one round, and writes down every frame that it showed.

``python suspended_client.py PORT SECONDS``; lines of JSON. The motion tells its position in ``tongueOut``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import avatarkit._view
from avatarkit import (
    Avatar,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConnectionStateChanged,
    ConversationStateChanged,
    ErrorRaised,
    PlaybackFinished,
)
from avatarkit.avatars import Bundle, BundleInfo
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.render import OffscreenSurface
from avatarkit.types import Camera

TONGUE = ARKIT_INDEX["tongueOut"]


def tell(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")  # at once: two threads tell
    sys.stdout.flush()


class TellingRenderer:
    def load(self, bundle: Bundle) -> None:
        pass

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return np.full((size[1], size[0], 4), round(float(pose.weights[TONGUE]) * 255), np.uint8)

    def close(self) -> None:
        pass


class TellingSurface(OffscreenSurface):
    def present(self, image: np.ndarray[Any, np.dtype[np.uint8]], time_s: float) -> None:
        tell(shown=int(image[0, 0, 0]), at=time_s)


async def main(port: int, seconds: float) -> None:
    avatarkit._view.read_bundle = lambda path: Bundle(BundleInfo("Someone", "CC0-1.0", "nobody"), ())
    with tempfile.TemporaryDirectory() as folder:
        await AvatarSDK.initialize(
            "app", Configuration(endpoint=f"http://127.0.0.1:{port}", cache_dir=Path(folder), connect_timeout_s=60.0)
        )
        AvatarSDK.set_session_token("token")
        avatar = Avatar("someone", "Someone", 1, "0" * 64, Path("/nowhere.glb"), is_from_cache=True)
        async with AvatarView(
            avatar, TellingSurface((2, 2), 25.0), speaker="silent", renderer=TellingRenderer(), seed=1
        ) as view:
            events = view.controller.events()
            await view.controller.start()
            view.controller.send(b"\1\2" * round(16000 * seconds), end=True)
            async for event in events:
                match event:
                    case ConnectionStateChanged(state) | ConversationStateChanged(state):
                        tell(state=state.value)
                    case ErrorRaised(error):
                        tell(error=error.code.value)
                    case PlaybackFinished(_, position_s, interrupted):
                        tell(finished=position_s, interrupted=interrupted)
                if view.controller.report().rounds_finished and event == ConversationStateChanged("idle"):
                    break
            await asyncio.sleep(0.2)
            report = view.controller.report()
            tell(connection=view.controller.connection_state.value, dropped=report.frames_dropped)
        await AvatarSDK.cleanup()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
