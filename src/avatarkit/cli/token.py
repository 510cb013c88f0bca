"""`avatarkit token`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from avatarkit.cli.management import open_management
from avatarkit.cli.options import Data, Json, Url
from avatarkit.cli.output import show_json


def token(
    *,
    api_key: Annotated[
        str, typer.Option("--api-key", envvar="AVATARKIT_API_KEY", help="The app's API key; best in the environment.")
    ],
    app_id: Annotated[
        str | None, typer.Option("--app", help="App ID; the command fails if the key is another app's.")
    ] = None,
    lifetime_s: Annotated[
        int, typer.Option("--lifetime", min=1, max=86400, help="Seconds until the token expires.")
    ] = 3600,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Trade an API key for a session token, which is printed alone.

    Examples:

        AVATARKIT_API_KEY=ak_... avatarkit token

        avatarkit token --app app_0123456789abcdef --api-key ak_... --url http://127.0.0.1:8700

        avatarkit token --api-key ak_... --lifetime 600 --json
    """
    made = asyncio.run(open_management(data, url).create_token(api_key, app_id, lifetime_s))
    if as_json:
        expires = datetime.fromtimestamp(made["expireAt"], UTC).isoformat()
        show_json(
            {
                "session_token": made["sessionToken"],
                "app_id": made["appId"],
                "expire_at": made["expireAt"],
                "expires": expires,
            }
        )
        return
    typer.echo(made["sessionToken"])
