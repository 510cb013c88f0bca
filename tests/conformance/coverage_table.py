"""The tables of README.md that say which scenario covers what: ``python tests/conformance/coverage_table.py``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
README: Final = HERE / "README.md"
BEGIN: Final = "<!-- coverage: made by coverage_table.py -->\n"
END: Final = "<!-- end of coverage -->\n"

EDGES: Final = {
    1: "a new round directly behind `end`, before the old one ever played",
    2: "motion after an interrupt, or of an old id",
    3: "idle motion while first frames are pending",
    4: "overlapping rounds",
    5: "duplicate, late, reordered, missing frames; a lost start; an end without a start",
    6: "concurrent loads of one id, one failing; cancel while others wait; a load that ends after teardown",
    7: "`start` twice; `close` while connecting; `dispose` during `start`; dispose twice",
    8: "a token set before initialize; expired while connected; expired at a reconnect",
    9: "`failed` and its error in either order",
    10: "`setAudioFormat`: a no-op, an illegal rate, Opus with a rate, Opus back to PCM",
    11: "Opus cut in mid-page; two packets in one call; a WAV header fed as PCM; an odd number of bytes",
    12: "an empty final buffer; `end` as the very first call; `end` while paused",
    13: "the audio clock stands still, then time jumps: no burst of stale frames",
    14: "size, no size, cap and transform change while rendering",
    15: "two views with two sample rates; switching rapidly",
    16: "null optional metadata; an asset newer than the client; stale metadata",
    17: "statistics with an empty window",
    18: "an interrupt while a slow server still sends; a sender that goes on feeding",
    19: "rounds with and without motion in one session",
    20: "a region probe that cannot be reached at the first launch",
}
CONNECTION: Final = (
    "disconnected -> connecting",
    "connecting -> connected",
    "connecting -> connecting by start",
    "connecting -> failed",
    "connecting -> failed by a rejection",
    "connecting -> failed by a close",
    "connecting -> disconnected by close",
    "connecting -> disconnected by dispose",
    "connected -> failed",
    "connected -> failed by a server error",
    "connected -> disconnected",
    "connected -> disconnected by the server",
    "connected -> disconnected by a format",
    "failed -> connecting",
    "failed -> disconnected by close",
)
CONVERSATION: Final = (
    "idle -> playing",
    "idle -> paused",
    "playing -> idle",
    "playing -> idle by interrupt",
    "playing -> idle by close",
    "playing -> idle by dispose",
    "playing -> idle by a format",
    "playing -> paused",
    "playing -> playing by a new round",
    "playing -> playing after a stall",
    "paused -> playing",
    "paused -> playing by a new round",
    "paused -> idle by interrupt",
    "paused -> idle by close",
    "paused -> idle by dispose",
    "paused -> idle by a format",
)
ERRORS: Final = (
    "appIDUnrecognized",
    "sessionTokenInvalid",
    "sessionTokenExpired",
    "insufficientBalance",
    "concurrentLimitExceeded",
    "avatarIDUnrecognized",
    "failedToFetchAvatarMetadata",
    "failedToDownloadAvatarAssets",
    "invalidAvatarMetadata",
    "unsupportedAvatarAsset",
    "avatarAssetMissing",
    "invalidAnimationData",
    "websocketError",
    "websocketClosedAbnormally",
    "websocketClosedUnexpected",
    "sessionTimeout",
    "connectionInProgress",
    "networkLayerNotAvailable",
    "playbackStartFailed",
    "playbackInitFailed",
    "audioOnlyInitFailed",
    "audioContextNotInitialized",
    "animationPlayerNotInitialized",
    "noAudio",
    "invalidAudioInput",
    "serverError",
)
ROWS: Final = (
    *(f"edge {number}" for number in EDGES),
    *(f"connection {row}" for row in CONNECTION),
    *(f"conversation {row}" for row in CONVERSATION),
    *(f"error {code}" for code in ERRORS),
)
# Whose world an ability belongs to; a scenario without any of these is for every client.
_ONE_CLIENT: Final = {
    "soundDevice": "Python",
    "avatarFiles": "Python",
    "audioUnlock": "browser",
}


def documents() -> dict[str, dict[str, Any]]:
    """Every scenario file by its name."""
    paths = sorted((HERE / "scenarios").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def tables() -> str:
    """The tables, from the files."""
    known = documents()
    covering = {row: [name for name, d in known.items() if row in d.get("covers", ())] for row in ROWS}
    lines = [BEGIN.rstrip()]
    for title, rows in _sections():
        lines += ["", f"| {title} | Scenarios | Clients |", "|---|---|---|"]
        for label, row in rows:
            names = covering[row]
            lines.append(f"| {label} | {', '.join(names)} | {_clients([known[name] for name in names])} |")
    return "\n".join([*lines, "", END])


def _sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield "Edge case", [(f"{number}. {what}", f"edge {number}") for number, what in EDGES.items()]
    yield "Change of the connection", [(row, f"connection {row}") for row in CONNECTION]
    yield "Change of the conversation", [(row, f"conversation {row}") for row in CONVERSATION]
    yield "Error", [(f"`{code}`", f"error {code}") for code in ERRORS]


def _clients(scenarios: list[dict[str, Any]]) -> str:
    """For whom a row exists: everyone, as soon as one scenario of it is for everyone."""
    owners = {next((_ONE_CLIENT[n] for n in d.get("needs", ()) if n in _ONE_CLIENT), "all") for d in scenarios}
    return "all" if "all" in owners else ", ".join(sorted(owners))


def in_readme(text: str) -> str:
    """The part of README.md that the tables are."""
    return text[text.index(BEGIN) : text.index(END) + len(END)]


if __name__ == "__main__":
    before = README.read_text(encoding="utf-8")
    README.write_text(before.replace(in_readme(before), tables()), encoding="utf-8")
