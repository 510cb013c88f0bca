"""`avatarkit token`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from avatarkit.cli.management import Record, manage
from avatarkit.cli.options import Data, Json, Url
from avatarkit.cli.output import show_json

if TYPE_CHECKING:
    from avatarkit.server.console.claims import TokenOptions


Lifetime = Annotated[int, typer.Option("--lifetime", min=1, max=86400, help="Seconds until the token expires.")]
SingleUse = Annotated[bool, typer.Option("--single-use", help="The token opens one session only.")]
ForAvatar = Annotated[str | None, typer.Option("--avatar", help="The token is for that avatar only.")]
MaxSeconds = Annotated[
    int | None, typer.Option("--max-seconds", min=1, max=604800, help="Longest session that the token opens.")
]


def token(
    *,
    api_key: Annotated[
        str, typer.Option("--api-key", envvar="AVATARKIT_API_KEY", help="The app's API key; best in the environment.")
    ],
    app_id: Annotated[
        str | None, typer.Option("--app", help="App ID; the command fails if the key is another app's.")
    ] = None,
    lifetime_s: Lifetime = 3600,
    single_use: SingleUse = False,
    avatar_id: ForAvatar = None,
    max_seconds: MaxSeconds = None,
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
    options = token_options(single_use=single_use, avatar_id=avatar_id, max_seconds=max_seconds)
    made = manage(
        data, url, None, lambda work: work.exchange_key(api_key, app_id, lifetime_s=lifetime_s, options=options)
    )
    show_token(made, as_json=as_json)


def token_options(*, single_use: bool, avatar_id: str | None, max_seconds: int | None) -> TokenOptions:
    """What a token is to be limited to."""
    from avatarkit.server.console.claims import TokenOptions  # noqa: PLC0415 - the command starts without it

    return TokenOptions(single_use=single_use, avatar_id=avatar_id, max_seconds=max_seconds)


def show_token(made: Record, *, as_json: bool) -> None:
    """The token alone, or with what it is, for programs."""
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
