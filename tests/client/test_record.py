"""Recording through the public API, begun at moments of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from client_fakes import FakeServer, speech

from avatarkit import AvatarError, AvatarView, ErrorCode
from avatarkit.clock import VirtualClock
from avatarkit.recording.replay import HeardSound, Replay, ShownFrame, ToldEvent


def replayed(path: Path) -> tuple[list[ShownFrame], float, list[str]]:
    items = list(Replay(path))
    frames = [item for item in items if isinstance(item, ShownFrame)]
    sound_s = sum(len(item.samples) / item.sample_rate for item in items if isinstance(item, HeardSound))
    return frames, sound_s, [str(item.event["event"]) for item in items if isinstance(item, ToldEvent)]


@pytest.mark.parametrize("moment", ["held", "heard", "paused", "in a callback", "between two frames"])
async def test_begun_in_mid_round(
    view: AvatarView, server: FakeServer, clock: VirtualClock, tmp_path: Path, moment: str
) -> None:
    controller, path = view.controller, tmp_path / "a.avkt"
    recorders: list[Any] = []
    begin: Callable[..., None] = lambda *_: recorders.append(controller.record(path))  # noqa: E731
    await controller.start()
    if moment == "in a callback":
        controller.on_playback_started = begin
    round_id = controller.send(speech(1.0))
    if moment == "held":
        begin()
    server.last.motion(round_id, 0, 25)
    await clock.advance(0.313 if moment == "between two frames" else 0.3)
    if moment == "paused":
        controller.pause()
        await clock.advance(0.1)
    if moment not in ("held", "in a callback"):
        begin()
    await clock.advance(0.1)
    if moment == "paused":
        controller.resume()
    server.last.motion(round_id, 25, 15, end=True)
    controller.send(speech(0.6), end=True)
    await clock.advance(2.0)
    (recorder,) = recorders
    recorder.close()

    frames, sound_s, events = replayed(path)

    assert len(frames) >= 45
    assert all(frame.is_same for frame in frames)
    assert sound_s == pytest.approx(1.6 if moment in ("held", "in a callback") else 1.3, abs=0.04)
    told = [event for event in events if event != "AnimationStateChanged"]
    assert told[-2:] == ["PlaybackFinished", "ConversationStateChanged"]
    assert events.count("PlaybackFinished") == 1


async def test_before_the_first_frame_and_after_the_end(
    make_view: Callable[[], AvatarView], tmp_path: Path, clock: VirtualClock
) -> None:
    view = make_view()
    for _ in range(2):
        with pytest.raises(AvatarError, match="Legal now") as caught:
            view.controller.record(tmp_path / "a.avkt")
        assert caught.value.code is ErrorCode.ILLEGAL_STATE
        await view.dispose()
    assert not (tmp_path / "a.avkt").exists()
