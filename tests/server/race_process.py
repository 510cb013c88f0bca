"""One of several server processes on one store: opens sessions as fast as it can, then lives or is killed.

Prints one JSON line for each try. ``argv``: data folder, database URL, app id, own name, what to do, how often.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from avatarkit.clock import RealClock
from avatarkit.server.store.database import Store
from avatarkit.server.store.meter import SessionMeter, SessionRefused
from avatarkit.server.store.metering import SessionRequest


async def main(data: str, url: str, app_id: str, name: str, what: str, times: str) -> None:
    store = await Store.open(Path(data), url)
    meter = SessionMeter(store.sessions, clock=RealClock(), unix_time=time.time, max_sessions=1000)
    meter.start()
    print(json.dumps("ready"), flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    async def attempt(number: int) -> None:
        token = f"once{number}" if what == "single_use" else f"{name}-{number}"
        wanted = SessionRequest(
            session_id=f"{name}-{number}",
            app_id=app_id,
            avatar_id="ada",
            token_id=token,
            token_issued_at_ms=1,
            token_expires_at=int(time.time()) + 60,
            single_use=what == "single_use",
        )
        try:
            lease = await meter.open(wanted)
        except SessionRefused as refused:
            print(json.dumps(refused.reason.name), flush=True)
            return
        await lease.confirm()
        print(json.dumps("opened"), flush=True)

    await asyncio.gather(*(attempt(number) for number in range(int(times))))
    print(json.dumps("done"), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await meter.stop()
    await store.close()


asyncio.run(main(*sys.argv[1:]))
