"""What the demo leaves behind: demo.mp4 (written while it ran), demo.png and demo.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from avatarkit.cli.demo.stages import DemoRun
from avatarkit.render import contact_sheet, encode_png
from avatarkit.render.contract import Image

SHEET_COLUMNS = 5
SHEET_TILES = 20
TILE_PX = 256


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Read back from the finished file, not from what was meant to be written."""

    frames: int
    fps: float
    width: int
    height: int
    tiles: list[Image]


def read_video(path: Path) -> VideoFacts:
    """Decode the video whole; keep evenly spaced frames for the contact sheet."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate
        total = stream.frames
        wanted = set(np.linspace(0, max(total - 1, 0), SHEET_TILES).round().astype(int).tolist())
        tiles: list[Image] = []
        count = 0
        for frame in container.decode(stream):
            if count in wanted:
                tile = frame.to_ndarray(format="rgba", width=TILE_PX, height=TILE_PX)
                tiles.append(tile.astype(np.uint8, copy=False))
            count += 1
        return VideoFacts(count, float(rate or 0), stream.width, stream.height, tiles)


def write_results(out: Path, run: DemoRun, video: VideoFacts) -> dict[str, Any]:
    """Write the contact sheet and the JSON summary; returns the summary."""
    assert run.report is not None
    report = run.report
    summary: dict[str, Any] = {
        "stages": [{"name": stage.name, "ms": round(stage.ms, 1)} for stage in run.stages],
        "connection_states": run.connection_states,
        "conversation_states": run.conversation_states,
        "first_motion_ms": _rounded(report.first_motion_ms),
        "motion_frames": report.motion_frames,
        "motion_bytes_per_second": _rounded(report.motion_bytes_per_second),
        "av_offset_ms_p95": _rounded(report.av_offset_ms_p95),
        "frames_dropped": report.frames_dropped,
        "video": {"frames": video.frames, "fps": video.fps, "width": video.width, "height": video.height},
    }
    (out / "demo.png").write_bytes(encode_png(contact_sheet(video.tiles, SHEET_COLUMNS)))
    (out / "demo.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
