"""The relay: one WebSocket for each client, one Motion Server session behind it.

The client sends JSON texts ``{"do": "say", "text": ...}`` and ``{"do": "interrupt"}``; it gets the packets of
``packets.py``. The API key stays here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from examples.backend_relay.packets import Packet, event, failure
from examples.backend_relay.speech import Speech
from examples.backend_relay.upstream import Upstream
from fastapi import FastAPI, WebSocket, WebSocketDisconnect, WebSocketException
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from avatarkit.errors import AvatarError

_log: Final = logging.getLogger(__name__)
MAX_TEXT_CHARACTERS: Final = 2000
MakeUpstream = Callable[[], Upstream]


def create_app(
    make_upstream: MakeUpstream,
    speech: Speech,
    *,
    avatar_id: str,
    authorize: Callable[[WebSocket], bool] = lambda _socket: True,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """The relay as a FastAPI app.

    Args:
        make_upstream: Makes the session behind a client.
        speech: Says what the client asks for.
        avatar_id: Told to the client, which loads that avatar.
        authorize: Whether a client may come in. Put the check of your own users here.
        lifespan: What to open and close around the app.
    """
    app = FastAPI(title="Backend relay", lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.websocket("/avatar")
    async def avatar(socket: WebSocket) -> None:
        """One client from its coming to its leaving."""
        if not authorize(socket):
            raise WebSocketException(4401, "not allowed")
        await socket.accept()
        await Relay(socket, make_upstream(), speech, avatar_id).run()

    return app


def add_page(app: FastAPI, *, endpoint: str, app_id: str) -> None:
    """Serve a page that talks with the relay at ``/``, and the built browser client below ``/web``.

    Args:
        app: The relay.
        endpoint: Base URL of the server, as browsers reach it: they load the avatar from there.
        app_id: The app, which is no secret.
    """
    here = Path(__file__).parent

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(here / "page.html")

    @app.get("/settings")
    async def settings() -> dict[str, str]:
        return {"endpoint": endpoint, "appId": app_id}

    app.mount("/web", StaticFiles(directory=here.parents[1] / "web" / "dist", check_dir=False))


class Relay:
    """What lies between one client and its session."""

    def __init__(self, socket: WebSocket, upstream: Upstream, speech: Speech, avatar_id: str) -> None:
        self._socket, self._upstream, self._speech, self._avatar_id = socket, upstream, speech, avatar_id
        self._turn = asyncio.Lock()
        self._speaking: asyncio.Task[None] | None = None
        self._round_id = ""

    async def run(self) -> None:
        """Serve until either side leaves."""
        try:
            await self._upstream.open(self._deliver)
        except Exception as exc:  # whichever SDK it is; the client learns the code, the log the rest
            await self._deliver(_failure_of(exc))
            await self._socket.close(1011, "no session")
            return
        codec, rate = self._upstream.codec, self._upstream.sample_rate
        await self._deliver(event("ready", avatarId=self._avatar_id, codec=codec, sampleRate=rate))
        listening = asyncio.create_task(self._listen())
        ending = asyncio.create_task(self._upstream.wait_closed())
        try:
            await asyncio.wait((listening, ending), return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                reason = ending.result()
                if reason is not None:
                    await self._deliver(reason)
                await self._socket.close(1011 if reason else 1000, "the session is over")
        finally:
            for task in (listening, ending, self._speaking):
                if task is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            await self._upstream.close()

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            wanted = _command(message.get("text") or "")
            if wanted.get("do") == "say":
                await self._say(str(wanted.get("text", ""))[:MAX_TEXT_CHARACTERS])
            elif wanted.get("do") == "interrupt":
                await self._stop()

    async def _say(self, text: str) -> None:
        await self._stop()
        self._speaking = asyncio.create_task(self._speak(text))

    async def _speak(self, text: str) -> None:
        try:
            async for pcm in self._speech(text):
                self._round_id = await self._upstream.send(pcm, end=False)
            await self._upstream.send(b"", end=True)
        except Exception as exc:  # of the source of speech, or of the session, which then ends by itself
            _log.exception("the speech failed")
            await self._deliver(_failure_of(exc))
            with contextlib.suppress(Exception):
                await self._silence()

    async def _stop(self) -> None:
        """Stop what is being said: the source first, then the server, then the client."""
        if self._speaking is None:
            return
        self._speaking.cancel()
        await asyncio.gather(self._speaking, return_exceptions=True)
        self._speaking = None
        await self._silence()

    async def _silence(self) -> None:
        if self._round_id:
            await self._upstream.interrupt()
            await self._deliver(event("interrupted", self._round_id))
            self._round_id = ""

    async def _deliver(self, packet: Packet) -> None:
        async with self._turn:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the client is gone: nobody to tell
                await self._socket.send_bytes(packet.to_bytes())


def _command(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _failure_of(exc: Exception) -> Packet:
    if isinstance(exc, AvatarError):
        return failure(exc.code.value, exc.message, retryable=exc.retryable)
    code = getattr(getattr(exc, "code", None), "value", "serverError")
    return failure(str(code), "The session or the speech failed.", retryable=False)
