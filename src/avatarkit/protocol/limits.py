"""Sizes that both sides keep to. Everything from the other side is checked against these before it is used."""

from __future__ import annotations

from typing import Final

MAX_CLIENT_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""Largest message that a server takes; published clients send 20 s of audio in one message."""

MAX_SERVER_MESSAGE_BYTES: Final = 1024 * 1024
"""Largest message that a server sends: the default limit of WebSocket client libraries."""

MAX_ID_CHARACTERS: Final = 128
"""Longest request, connection or avatar id."""

MAX_TEXT_CHARACTERS: Final = 2000
"""Longest error message or trace header kept; longer ones are cut."""

MAX_EXTRA_PARAMS: Final = 32
"""Most extra parameters of a session; names and values are at most :data:`MAX_ID_CHARACTERS` long."""

MAX_OPEN_REQUESTS: Final = 64
"""Most requests of one session whose motion is still being made."""

SAMPLE_RATES_HZ: Final = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
"""PCM sample rates, in hertz, that a session may declare."""

OPUS_SAMPLE_RATES_HZ: Final = (8000, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Sample rates, in hertz, that a session may declare with Opus: what the client encoded from, 12 kHz included."""

MAX_CHUNK_FRAMES: Final = 15_000
"""Most motion frames in one message (64 bytes each, so that the message stays under its limit)."""

HANDSHAKE_TIMEOUT_S: Final = 10.0
"""Seconds in which either side must have sent its first message."""
