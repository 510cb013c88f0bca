"""The Motion Server of a scenario, at the seam where a real client has its socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import numpy as np
from played_connection import PlayedConnection, answer_message

from avatarkit.errors import ErrorCode, error
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.transport.contract import ConnectionEnded, Target
from avatarkit.transport.errors import close_error, rejection_error

FORMATS = {pb.AUDIO_FORMAT_PCM_S16LE: "pcm", pb.AUDIO_FORMAT_OGG_OPUS: "opus"}


class ScenarioConnection(PlayedConnection):
    """One connection; the scenario is its server."""

    def close_with(self, code: int, reason: str) -> None:
        self.push(ConnectionEnded(close_error(code, reason)))

    def drop(self) -> None:
        self.close_with(1006, "")

    def take_received(self, names: dict[str, str]) -> list[dict[str, Any]]:
        """What came since the last call, as the format words it; ``names`` maps ids to names of rounds."""
        told: list[dict[str, Any]] = []
        for message in self.received:
            if message.HasField("client_configure_session"):
                wanted = message.client_configure_session
                told.append({"configure": {"sampleRate": wanted.sample_rate, "format": FORMATS[wanted.audio_format]}})
            elif message.HasField("client_audio_input"):
                part = message.client_audio_input
                name = names.get(part.req_id, part.req_id)
                if told and told[-1].get("audio") == name:
                    told[-1]["bytes"] += len(part.audio)
                    told[-1]["end"] = part.end
                else:
                    told.append({"audio": name, "bytes": len(part.audio), "end": part.end})
            elif message.HasField("client_interrupt"):
                req_id = message.client_interrupt.req_id
                told.append({"interrupt": names.get(req_id, req_id)})
            else:
                raise AssertionError(f"the client sent a message of type {message.type}")
        self.received.clear()
        return told


def motion_message(
    req_id: str,
    *,
    first: int = 0,
    count: int = 0,
    shape: str = "jawOpen",
    weight: float = 1.0,
    end: bool = False,
    version: int = 1,
) -> bytes:
    """Motion of one shape at one weight, as the server sends it."""
    if not count:
        return answer_message(req_id, None, end=end, version=version)
    weights = np.zeros((count, WEIGHT_COUNT), np.float32)
    weights[:, ARKIT_INDEX[shape]] = weight
    frames = MotionFrames(weights, np.zeros((count, HEAD_COUNT), np.float32), first)
    return answer_message(req_id, frames, end=end, version=version)


def answer_bootstrap(answer: Any) -> httpx.Response:
    """What the bootstrap route says."""
    if answer == "unreachable":
        raise httpx.ConnectError("unreachable")
    if "status" in answer:
        return httpx.Response(answer["status"])
    return httpx.Response(200, json={"region": {"current": answer["region"]}})


class ScenarioServer:
    """Answers connections as the scenario says. Implements ``transport.contract.Connect``."""

    def __init__(self, answer: Any) -> None:
        self.answers: list[Any] = answer if isinstance(answer, list) else [answer]
        self.connections: list[ScenarioConnection] = []
        self.attempts: list[Target] = []

    async def connect(self, target: Target) -> ScenarioConnection:
        self.attempts.append(target)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(0)
        if answer == "unreachable":
            await asyncio.get_running_loop().create_future()
        if answer == "refused":
            raise error(ErrorCode.WEBSOCKET_ERROR, "The server could not be reached.")
        if isinstance(answer, dict) and "status" in answer:
            raise rejection_error(answer["status"], answer.get("body", ""))
        connection = ScenarioConnection(target)
        self.connections.append(connection)
        if answer == "confirm":
            connection.confirm()
        elif isinstance(answer, dict):
            self._answer(connection, answer)
        else:
            assert answer == "silent", answer
        return connection

    @staticmethod
    def _answer(connection: ScenarioConnection, answer: dict[str, Any]) -> None:
        (kind,) = answer
        if kind == "error":
            connection.error(answer["error"]["code"], answer["error"]["message"])
        elif kind == "close":
            connection.close_with(answer["close"]["code"], answer["close"].get("reason", ""))
        elif kind == "bytes":
            connection.push(bytes.fromhex(answer["bytes"]))
        else:
            connection.push(answer["text"])
