"""`python -m examples.backend_relay`: run the relay in front of a Motion Server.

Settings come from the environment: ``AVATARKIT_ENDPOINT``, ``AVATARKIT_APP_ID``, ``AVATARKIT_API_KEY``, and where
wanted ``RELAY_AVATAR`` (default ``default``), ``RELAY_PORT`` (8800), ``RELAY_SPEECH`` (a WAV file), ``RELAY_OPUS``
(``1``), ``RELAY_SDK`` (``avatarkit`` or ``spatius``).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from examples.backend_relay.relay import MakeUpstream, add_page, create_app
from examples.backend_relay.speech import speech_from_file
from examples.backend_relay.with_avatarkit import AvatarKitUpstream
from fastapi import FastAPI

from avatarkit.backend import BackendClient

HELLO = Path(__file__).parents[2] / "assets" / "hello.wav"


def main() -> None:
    """Serve on this machine until stopped."""
    endpoint = os.environ.get("AVATARKIT_ENDPOINT", "http://127.0.0.1:8700")
    app_id, api_key = os.environ["AVATARKIT_APP_ID"], os.environ["AVATARKIT_API_KEY"]
    avatar_id = os.environ.get("RELAY_AVATAR", "default")
    opus = os.environ.get("RELAY_OPUS", "") == "1"
    backend = BackendClient(endpoint, app_id, api_key)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with backend:
            yield

    def ours() -> AvatarKitUpstream:
        return AvatarKitUpstream(backend, avatar_id, opus=opus)

    make_upstream: MakeUpstream = ours
    if os.environ.get("RELAY_SDK") == "spatius":
        from examples.backend_relay.with_spatius import SpatiusUpstream  # noqa: PLC0415 - optional

        def theirs() -> SpatiusUpstream:
            return SpatiusUpstream(endpoint, app_id, api_key, avatar_id, opus=opus)

        make_upstream = theirs
    speech = speech_from_file(Path(os.environ.get("RELAY_SPEECH", HELLO)))
    app = create_app(make_upstream, speech, avatar_id=avatar_id, lifespan=lifespan)
    add_page(app, endpoint=endpoint, app_id=app_id)
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("RELAY_PORT", "8800")), ws_max_size=65_536)


if __name__ == "__main__":
    main()
