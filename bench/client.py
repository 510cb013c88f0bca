"""How true playback is, in real time: ``python -m bench.client [--minutes M] [--views N] [--side PX]``.

``--all`` measures one view, one view for ten minutes, and ten views, and prints the table of docs/playback.md.

A Motion Server in another process sends motion that tells its position; the audio tells its own. A loopback sound
device (40 ms of latency, pulled every 10 ms) writes down when each sample leaves it, the surface what was drawn and
when. The offset of a frame is the position its mouth shows less the position that leaves the device at the moment
of the hand-over. Every third round is interrupted while it speaks.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avatarkit import Avatar, AvatarSDK, AvatarView, Configuration
from avatarkit.audio.portaudio import PortAudioSpeaker
from avatarkit.clock import RealClock
from bench.playback.device import LoopbackDevice
from bench.playback.server import CYCLE
from bench.playback.stage import MarkingRenderer, RememberingSurface

BUNDLE = Path(__file__).parents[1] / "src/avatarkit/avatars/builtin/default.glb"
RATE = 16000
ROUND_S = 9.0
STEADY = (0.45, 0.25)  # seconds at the start and end of a round in which the face changes over
SHUT = 0.02


def speech() -> bytes:
    """Sample n is 1 more than n / 16: milliseconds."""
    return (1 + np.arange(round(ROUND_S * RATE)) // 16).astype("<i2").tobytes()


@dataclass
class Seat:
    """A view with its device and surface, and what happened to it."""

    view: AvatarView
    device: LoopbackDevice
    surface: RememberingSurface
    interrupted_s: list[float] = field(default_factory=list)


def open_seat(side: int, number: int) -> Seat:
    device, surface = LoopbackDevice(), RememberingSurface(side)
    sys.modules["sounddevice"] = device.module()
    avatar = Avatar("default", "Default", 1, "0" * 64, BUNDLE, is_from_cache=True)
    speaker = PortAudioSpeaker(RealClock())
    view = AvatarView(avatar, surface, speaker=speaker, renderer=MarkingRenderer(), seed=number)
    return Seat(view, device, surface)


async def talk(seat: Seat, until_s: float) -> None:
    """Rounds as a voice agent has them: audio comes four times as fast as it is heard."""
    audio, controller = speech(), seat.view.controller
    step = 2 * RATE // 10
    for number in itertools.count():
        if time.monotonic() > until_s:
            return
        finished = asyncio.Event()
        controller.on_playback_finished = lambda event, done=finished: done.set()
        for start in range(0, len(audio), step):
            controller.send(audio[start : start + step], end=start + step >= len(audio))
            await asyncio.sleep(0.025)
        if number % 3 == 2:
            await asyncio.sleep(1.5 + (number * 0.317) % 1.0)
            seat.interrupted_s.append(time.monotonic())
            controller.interrupt()
            await asyncio.sleep(1.0)
        else:
            await finished.wait()
            await asyncio.sleep(0.5)


def offsets_ms(seat: Seat) -> npt.NDArray[np.float64]:
    """Rows of (time of the hand-over, offset) for frames in the steady part of speech."""
    starts = np.array([at_s for at_s, _ in seat.device.played])
    rows = []
    for shown in seat.surface.shown:
        buffer = int(np.searchsorted(starts, shown.at_s, "right")) - 1
        if buffer < 0 or shown.jaw < 0.79:
            continue
        at_s, samples = seat.device.played[buffer]
        into = int((shown.at_s - at_s) * RATE)
        if not 0 <= into < len(samples) or not samples[into]:
            continue
        heard_s = (int(samples[into]) - 1) / 1000.0 + ((shown.at_s - at_s) * RATE % 16) / RATE
        if STEADY[0] < heard_s < ROUND_S - STEADY[1]:
            seen_s = shown.tongue * 255.0 / 25.0
            cycle_s = CYCLE / 25.0
            rows.append((shown.at_s, 1000.0 * ((seen_s - heard_s + cycle_s / 2) % cycle_s - cycle_s / 2)))
    return np.array(rows).reshape(-1, 2)


def after_interrupts_ms(seat: Seat) -> tuple[list[float], list[float]]:
    """From each interrupt: to the last sample that was not silent, and to the first frame with a shut mouth."""
    silent, shut = [], []
    for cut_s in seat.interrupted_s:
        last_s = cut_s
        for at_s, samples in seat.device.played:
            end_s = at_s + (np.flatnonzero(samples)[-1] + 1) / RATE
            if cut_s < end_s < cut_s + 0.9:
                last_s = max(last_s, end_s)
        silent.append((last_s - cut_s) * 1000.0)
        later = [s for s in seat.surface.shown if s.at_s > cut_s and s.jaw < SHUT]
        shut.append((later[0].at_s - cut_s) * 1000.0 if later else float("inf"))
    return silent, shut


@dataclass(frozen=True)
class Run:
    """What to measure."""

    minutes: float
    views: int
    side: int

    @property
    def title(self) -> str:
        return f"{self.views} view{'s' if self.views > 1 else ''}, {self.minutes:g} minutes, {self.side} px"


ALL = (Run(1.5, 1, 64), Run(10.0, 1, 64), Run(1.0, 10, 64))


async def measure(url: str, run: Run) -> dict[str, str]:
    """Rows of the table: label to figure."""
    with tempfile.TemporaryDirectory() as cache:
        await AvatarSDK.initialize("bench", Configuration(endpoint=url, cache_dir=Path(cache)))
        AvatarSDK.set_session_token("bench")
        seats = [open_seat(run.side, number) for number in range(run.views)]
        for seat in seats:
            await seat.view.mounted()
            await seat.view.controller.start()
        began_s, cpu_s = time.monotonic(), time.process_time()
        await asyncio.gather(*(talk(seat, began_s + 60.0 * run.minutes) for seat in seats))
        took_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
        figures = figures_of(seats, 100.0 * cpu_s / took_s / len(seats))
        await AvatarSDK.cleanup()
    return figures


def figures_of(seats: list[Seat], cpu_percent: float) -> dict[str, str]:
    """What was measured of some views."""
    rows = np.concatenate([offsets_ms(seat) for seat in seats])
    size = np.abs(rows[:, 1])
    cuts = [after_interrupts_ms(seat) for seat in seats]
    silent, shut = ([ms for pair in cuts for ms in pair[i]] or [float("nan")] for i in (0, 1))
    slope = np.polyfit((rows[:, 0] - rows[0, 0]) / 60.0, rows[:, 1], 1)[0]
    reports = [seat.view.controller.report() for seat in seats]
    drawn = sum(report.frames_drawn for report in reports)
    dropped = sum(report.frames_dropped for report in reports)
    own = [report.av_offset_ms_p95 for report in reports if report.av_offset_ms_p95 is not None]
    first = [report.first_motion_ms for report in reports if report.first_motion_ms is not None]
    starved_ms = sum(report.starved_ms for report in reports)
    return {
        f"Load average of the {os.cpu_count()} processors": f"{os.getloadavg()[0]:.1f}",
        "Frames of speech compared": f"{len(rows)}",
        "AV offset, p50 / p95": f"{np.percentile(size, 50):.1f} / {np.percentile(size, 95):.1f} ms",
        "Mean, and drift a minute": f"{rows[:, 1].mean():+.1f} ms, {slope:+.2f} ms",
        "p95 as the worst session itself reports": f"{max(own):.1f} ms",
        "Interrupt to silence, p50 / max": f"{np.median(silent):.0f} / {max(silent):.0f} ms (of {len(silent)})",
        "Interrupt to a shut mouth, p50 / max": f"{np.median(shut):.0f} / {max(shut):.0f} ms",
        "First motion, worst (scripted server)": f"{max(first):.0f} ms",
        "Frames of 25 a second that were shown": f"{100 * drawn / (drawn + dropped):.0f} %",
        "Voice without its motion": f"{starved_ms:.0f} ms in {sum(report.rounds for report in reports)} rounds",
        "Processor time of a view, drawing included": f"{cpu_percent:.0f} % of a core",
    }


def show(columns: dict[str, dict[str, str]]) -> None:
    """Print a Markdown table with a column for each run."""
    print("| | " + " | ".join(columns) + " |")
    print("|" + "---|" * (1 + len(columns)))
    for label in next(iter(columns.values())):
        print(f"| {label} | " + " | ".join(figures[label] for figures in columns.values()) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--views", type=int, default=1)
    parser.add_argument("--side", type=int, default=96, help="pixels of a picture's side")
    parser.add_argument("--all", action="store_true", help="the three runs of docs/playback.md, 13 minutes")
    arguments = parser.parse_args()
    runs = ALL if arguments.all else (Run(arguments.minutes, arguments.views, arguments.side),)
    columns: dict[str, dict[str, str]] = {}
    command = [sys.executable, "-m", "bench.playback.server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            for run in runs:
                columns[run.title] = asyncio.run(measure(f"http://127.0.0.1:{port}", run))
        finally:
            server.terminate()
    show(columns)


if __name__ == "__main__":
    main()
