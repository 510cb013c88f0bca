"""A sound device without sound: a thread that pulls 10 ms at a time, and remembers when each sample left it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

LATENCY_S = 0.04
CALLBACK_S = 0.01


class LoopbackDevice:
    """Stands for the module ``sounddevice``, so that ``PortAudioSpeaker`` runs as with a card of 40 ms latency."""

    def __init__(self) -> None:
        self.played: list[tuple[float, npt.NDArray[np.int16]]] = []  # time of the first sample, samples
        self._callback: Callable[..., None]
        self._frames = 0
        self._rate = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def module(self) -> ModuleType:
        """What to put into ``sys.modules``."""
        module = ModuleType("sounddevice")
        module.PortAudioError = OSError  # type: ignore[attr-defined]
        module.RawOutputStream = self._open  # type: ignore[attr-defined]
        return module

    def _open(self, *, samplerate: int, callback: Callable[..., None], **_: Any) -> Any:
        self._callback, self._rate = callback, samplerate
        self._frames = round(samplerate * CALLBACK_S)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="bench device", daemon=True)
        return SimpleNamespace(start=self._thread.start, close=self._close, latency=LATENCY_S)

    def _close(self, **_: Any) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._stop.is_set():
            out = bytearray(2 * self._frames)
            # A card plays on steadily however late its driver is called, as long as its buffer lasts.
            dac_s = due_s + LATENCY_S
            now_s = time.monotonic()
            if now_s > dac_s:  # the buffer ran empty: an audible gap
                due_s, dac_s = now_s, now_s + LATENCY_S
            when = SimpleNamespace(currentTime=now_s + 500.0, outputBufferDacTime=dac_s + 500.0)
            self._callback(memoryview(out), self._frames, when, None)
            samples = np.frombuffer(bytes(out), np.int16)
            if samples.any():
                self.played.append((dac_s, samples))
            due_s += CALLBACK_S
            self._stop.wait(max(0.0, due_s - time.monotonic()))
