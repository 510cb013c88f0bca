"""The state of a player between two rounds, as JSON, so that a recording may begin at any such moment.

Numbers survive exactly: JSON keeps the shortest decimal that gives a float back. Most of a life's state is its
seed and the events it was told of; what else there is follows from them.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np

from avatarkit.playback.gaze import Attention, Look
from avatarkit.playback.life import Life
from avatarkit.playback.mood import Style
from avatarkit.playback.player import Player
from avatarkit.playback.transitions import Fade, SpeechLayer
from avatarkit.types import ConversationState, FrameStarvationMode


def take(player: Player) -> dict[str, Any]:
    """The state of a player without a round; ``ValueError`` when it has one."""
    if player.round_id is not None:
        raise ValueError("a round is in progress")
    return {
        "rate": player._rate,
        "born": player._born_s,
        "now": player._now_s,
        "lastId": player._last_id,
        "volume": player._volume,
        "starvation": player._starvation_mode.value,
        "generation": player._generation,
        "frames": player._frames,
        "heardUntil": player._heard_audio._run_end_s,
        "life": _life(player._life),
        "layer": _layer(player._layer),
    }


def restore(player: Player, state: dict[str, Any]) -> None:
    """Put a new player of the same seed into a state. ``KeyError``, ``TypeError`` or ``ValueError``: it is broken."""
    player._born_s, player._now_s = float(state["born"]), float(state["now"])
    player._last_id = state["lastId"]
    player._volume = float(state["volume"])
    player._starvation_mode = FrameStarvationMode(state["starvation"])
    player._generation, player._frames = int(state["generation"]), int(state["frames"])
    player._heard_audio._run_end_s = float(state["heardUntil"])
    player._state = ConversationState.IDLE
    _restore_life(player._life, state["life"])
    _restore_layer(player._layer, state["layer"])


def _life(life: Life) -> dict[str, Any]:
    return {
        "sampled": life.sampled_s,
        "speaking": life.cues.speaking.changes(),
        "pauses": [t_s for t_s, _ in life.cues.pauses.changes()],
        "moods": [[t_s, astuple(a), astuple(b)] for t_s, (a, b) in life.cues.moods.changes()],
        "attention": [[t_s, *value] for t_s, value in life.gaze.attention.changes()],
    }


def _restore_life(life: Life, state: dict[str, Any]) -> None:
    life.sampled_s = float(state["sampled"])
    life.cues.speaking.replace([(float(t_s), bool(value)) for t_s, value in state["speaking"]])
    life.cues.pauses.replace([(float(t_s), None) for t_s in state["pauses"]])
    life.cues.moods.replace([(float(t_s), (Style(*a), Style(*b))) for t_s, a, b in state["moods"]])
    life.gaze.attention.replace(
        [(float(t_s), Attention(*(Look(*look) for look in looks))) for t_s, *looks in state["attention"]]
    )


def _layer(layer: SpeechLayer) -> dict[str, Any]:
    return {
        "from": layer._from.tolist(),
        "shown": layer._shown.tolist(),
        "shownAt": layer._shown_at_s,
        "before": layer._before[0].tolist(),
        "beforeAt": layer._before[1],
        "fade": astuple(layer._fade),
        "fadeStart": layer._fade_start_s,
        "speaking": layer._speaking,
    }


def _restore_layer(layer: SpeechLayer, state: dict[str, Any]) -> None:
    def row(values: list[float]) -> Any:
        if len(values) != len(layer._shown):
            raise ValueError("a pose of another width")
        return np.array(values, np.float32)

    layer._from, layer._shown = row(state["from"]), row(state["shown"])
    layer._shown_at_s = float(state["shownAt"])
    layer._before = (row(state["before"]), float(state["beforeAt"]))
    layer._fade = Fade(*map(float, state["fade"]))
    layer._fade_start_s = float(state["fadeStart"])
    layer._speaking = bool(state["speaking"])
