"""What administrators do, for the command and the HTTP API alike. Every change goes to the audit log.

Records are plain JSON values. Every method may raise ``AvatarError``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.server.console.claims import MAX_LIFETIME_S, TokenClaims, TokenOptions
from avatarkit.server.library.add import add_avatar, remove_avatar
from avatarkit.server.library.metadata import describe_fully
from avatarkit.server.store.records import ALL_SCOPES, App, AvatarState, KeyInfo, Quotas, Scope, Visibility

if TYPE_CHECKING:
    from avatarkit.server.library.assets import AssetFolder
    from avatarkit.server.store.database import Store

Record = dict[str, Any]
MAX_COUNT: Final = 1000
"""Most sessions or log entries in one answer."""


class Administration:
    """One administrator at work.

    Args:
        store: Open.
        assets: Where bundles lie.
        unix_time: Calendar time in Unix seconds.
        actor: Who it is, for the audit log: ``admin`` over HTTP, ``command`` on the server's own machine.
    """

    def __init__(self, store: Store, assets: AssetFolder, *, unix_time: Callable[[], float], actor: str) -> None:
        self._store = store
        self._assets = assets
        self._unix_time = unix_time
        self._actor = actor

    async def list_apps(self) -> list[Record]:
        """All apps, oldest first."""
        return [_app(app) for app in await self._store.apps.list()]

    async def show_app(self, app_id: str) -> Record:
        """One app, with what it has used."""
        app = await self._store.apps.get(app_id)
        usage = await self._store.apps.usage(app_id, now_ms=self._now_ms())
        return _app(app) | {"usage": asdict(usage)}

    async def create_app(self, name: str, quotas: Record | None = None) -> Record:
        """Make an app with its first key, whose text is in the answer and nowhere else."""
        known = {key: value for key, value in (quotas or {}).items() if key in asdict(Quotas())}
        app = await self._store.apps.create(name, now=self._now(), quotas=Quotas(**known))
        key = await self._store.keys.create(app.id, now=self._now())
        await self._note("app.create", app.id, name=app.name, quotas=asdict(app.quotas))
        return _app(app) | {"api_key": key.text, "api_key_prefix": key.prefix}

    async def change_app(
        self, app_id: str, *, name: str | None = None, disabled: bool | None = None, quotas: Record | None = None
    ) -> Record:
        """Rename, disable or enable an app, or change some of its quotas. A disabled app's sessions end."""
        if name is not None:
            await self._store.apps.rename(app_id, name)
        if disabled is not None:
            await self._store.apps.set_disabled(app_id, at=self._now() if disabled else None)
        if quotas is not None:
            await self._store.apps.set_quotas(app_id, quotas)
        changes = {"name": name, "disabled": disabled, "quotas": quotas}
        await self._note("app.change", app_id, **{key: value for key, value in changes.items() if value is not None})
        return await self.show_app(app_id)

    async def delete_app(self, app_id: str) -> None:
        """Remove an app without avatars and open sessions, with its keys and records."""
        await self._store.apps.delete(app_id)
        await self._note("app.delete", app_id)

    async def list_keys(self, app_id: str) -> list[Record]:
        """The keys of an app, revoked ones included."""
        await self._store.apps.get(app_id)
        return [_key(key) for key in await self._store.keys.list(app_id)]

    async def create_key(self, app_id: str, name: str = "", scopes: Iterable[Scope] = ALL_SCOPES) -> Record:
        """Make a further key, whose text is in the answer and nowhere else."""
        key = await self._store.keys.create(app_id, now=self._now(), name=name, scopes=scopes)
        await self._note("key.create", key.prefix, app=app_id)
        return {"app_id": app_id, "api_key": key.text, "api_key_prefix": key.prefix}

    async def revoke_key(self, prefix: str) -> None:
        """Make a key useless, and the session tokens that it bought."""
        if not await self._store.keys.revoke(prefix, now=self._now()):
            raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no live API key '{prefix}'.", hint="")
        await self._note("key.revoke", prefix)

    async def replace_admin_key(self) -> Record:
        """Make another admin key, whose text is in the answer and nowhere else; the one before is void at once. On
        the server's own machine only: whoever lost the key cannot show it."""
        text = await self._store.secrets.replace_admin_key()
        if text is None:
            raise error(ErrorCode.CONFIGURATION_INVALID, "There is no admin key yet.", hint="Start the server once.")
        await self._note("admin_key.replace", "admin")
        return {"admin_key": text}

    async def create_token(
        self, app_id: str, *, lifetime_s: int | None = None, options: TokenOptions | None = None
    ) -> Record:
        """A session token for an app, without any API key."""
        from avatarkit.server.console.tokens import TokenSigner  # noqa: PLC0415 - loads the signing library

        now = self._unix_time()
        lifetime_s = 3600 if lifetime_s is None else lifetime_s
        if not 1 <= lifetime_s <= MAX_LIFETIME_S:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"A token lives 1 to {MAX_LIFETIME_S} seconds.")
        if (await self._store.apps.get(app_id)).disabled_at is not None:
            raise error(ErrorCode.CONFIGURATION_INVALID, "The app is disabled.", hint="")
        expires_at = int(now) + lifetime_s
        signer = TokenSigner(await self._store.signing_keys.valid(now=int(now)))
        token = signer.issue(
            app_id, expires_at=expires_at, now=min(now, expires_at - 0.001), options=options or TokenOptions()
        )
        await self._note("token.create", app_id, expires_at=expires_at)
        return {"sessionToken": token, "expireAt": expires_at, "appId": app_id}

    async def exchange_key(
        self,
        api_key: str,
        app_id: str | None = None,
        *,
        lifetime_s: int | None = None,
        options: TokenOptions | None = None,
    ) -> Record:
        """A session token for the holder of an API key, of that app if one is named."""
        key = await self._store.keys.check(api_key, now=self._now())
        if key is None or Scope.TOKENS not in key.scopes:
            raise error(
                ErrorCode.CONFIGURATION_INVALID,
                "The API key is not known here." if key is None else "The API key is not for session tokens.",
                hint="Make one with: avatarkit keys create APP_ID",
            )
        if app_id not in (None, key.app_id):
            raise error(ErrorCode.APP_ID_UNRECOGNIZED, "The API key belongs to another app.", hint="")
        bought = replace(options or TokenOptions(), key_prefix=key.prefix)
        return await self.create_token(key.app_id, lifetime_s=lifetime_s, options=bought)

    async def revoke_token(self, token: str, *, end_sessions: bool = False) -> Record:
        """Make one session token void. Open sessions go on, or end within a second."""
        from avatarkit.server.console.tokens import TokenSigner  # noqa: PLC0415

        signer = TokenSigner(await self._store.signing_keys.valid(now=self._now()))
        claims = signer.check(token, now=0.0)  # an expired one is void already, which is no error
        if not isinstance(claims, TokenClaims):
            raise error(ErrorCode.CONFIGURATION_INVALID, "That is no session token of this server.", hint="")
        await self._store.tokens.revoke(
            claims.id, app_id=claims.app_id, expires_at=claims.expires_at, end_sessions=end_sessions
        )
        await self._note("token.revoke", claims.app_id, token=claims.id, end_sessions=end_sessions)
        return {"id": claims.id, "appId": claims.app_id, "expireAt": claims.expires_at}

    async def revoke_tokens(self, app_id: str, *, end_sessions: bool = False) -> None:
        """Make every session token void that the app got until now. Open sessions go on, or end within a second."""
        await self._store.tokens.revoke_all(app_id, now_ms=self._now_ms() + 1, end_sessions=end_sessions)
        await self._note("token.revoke_all", app_id, end_sessions=end_sessions)

    async def list_signing_keys(self) -> list[Record]:
        """The keys that sign or verify session tokens, the one that signs first; never their values."""
        keys = await self._store.signing_keys.valid(now=self._now())
        return [{"id": key.id, "created_at": key.created_at, "retired_at": key.retired_at} for key in keys]

    async def rotate_signing_key(self, *, drop_old: bool = False) -> list[Record]:
        """Sign with a new key. What the one before signed stays valid until it expires, unless ``drop_old``."""
        key = await self._store.signing_keys.rotate(now=self._now(), drop_old=drop_old)
        await self._note("signing_key.rotate", key.id, drop_old=drop_old)
        return await self.list_signing_keys()

    async def list_avatars(self) -> list[Record]:
        """All avatars, by id."""
        return [describe_fully(record) for record in await self._store.avatars.list()]

    async def show_avatar(self, avatar_id: str) -> Record:
        """One avatar, with all versions and the apps that it was granted to."""
        record = await self._store.avatars.get(avatar_id)
        if record is None:
            raise _no_avatar(avatar_id)
        versions = await self._store.avatars.versions(avatar_id)
        return describe_fully(record) | {
            "versions": [
                {"version": one.version, "sha256": one.sha256, "size": one.size, "license": one.license}
                for one in versions
            ],
            "grants": await self._store.avatars.grants(avatar_id),
        }

    async def add_avatar(self, avatar_id: str, path: Path) -> Record:
        """Add an avatar, or a version of the one of that id."""
        record = await add_avatar(self._store, self._assets, avatar_id, path, now=self._now())
        await self._note("avatar.add", avatar_id, version=record.version, sha256=record.sha256)
        return describe_fully(record)

    async def change_avatar(
        self,
        avatar_id: str,
        *,
        state: AvatarState | None = None,
        visibility: Visibility | None = None,
        version: int | None = None,
    ) -> Record:
        """Publish or withdraw an avatar, say who sees it, or show another version of it."""
        avatars, now = self._store.avatars, self._now()
        if version is not None:
            await avatars.show_version(avatar_id, version, now=now)
        if state is not None:
            await avatars.set_state(avatar_id, state, now=now)
        if visibility is not None:
            await avatars.set_visibility(avatar_id, visibility, now=now)
        shown = await self.show_avatar(avatar_id)
        changes = {"state": state, "visibility": visibility, "version": version}
        said = {key: value for key, value in changes.items() if value is not None}
        await self._note("avatar.change", avatar_id, **said)
        return shown

    async def grant_avatar(self, avatar_id: str, app_id: str) -> Record:
        """Let an app use an avatar that is not for everyone."""
        await self._store.avatars.grant(avatar_id, app_id)
        await self._note("avatar.grant", avatar_id, app=app_id)
        return await self.show_avatar(avatar_id)

    async def ungrant_avatar(self, avatar_id: str, app_id: str) -> Record:
        """Take that back."""
        shown = await self.show_avatar(avatar_id)
        if await self._store.avatars.revoke_grant(avatar_id, app_id):
            await self._note("avatar.ungrant", avatar_id, app=app_id)
            shown = await self.show_avatar(avatar_id)
        return shown

    async def delete_avatar(self, avatar_id: str) -> None:
        """Remove an avatar with all versions."""
        await remove_avatar(self._store, self._assets, avatar_id)
        await self._note("avatar.delete", avatar_id)

    async def list_sessions(
        self, *, app_id: str | None = None, only_open: bool = False, count: int = 100
    ) -> list[Record]:
        """The newest sessions, newest first."""
        log = self._store.session_log
        found = await log.newest(now_ms=self._now_ms(), app_id=app_id, only_open=only_open, count=count)
        return [asdict(record) for record in found]

    async def show_session(self, session_id: str) -> Record:
        """One session."""
        record = await self._store.session_log.get(session_id, now_ms=self._now_ms())
        if record is None:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no session '{session_id}'.", hint="")
        return asdict(record)

    async def end_session(self, session_id: str) -> None:
        """Have its server end a session, within a second."""
        if not await self._store.session_log.ask_end(session_id):
            raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no open session '{session_id}'.", hint="")
        await self._note("session.end", session_id)

    async def list_audit(
        self, *, target: str | None = None, before: int | None = None, count: int = 100
    ) -> list[Record]:
        """The newest entries of the audit log, newest first."""
        return [asdict(entry) for entry in await self._store.audit.list(target=target, before=before, count=count)]

    async def _note(self, action: str, target: str, **detail: object) -> None:
        await self._store.audit.note(self._actor, action, target, now=self._now(), **detail)

    def _now(self) -> int:
        return int(self._unix_time())

    def _now_ms(self) -> int:
        return int(self._unix_time() * 1000)


def _app(app: App) -> Record:
    return asdict(app)


def _key(key: KeyInfo) -> Record:
    return asdict(key) | {"scopes": [scope.value for scope in key.scopes]}


def _no_avatar(avatar_id: str) -> AvatarError:
    return error(ErrorCode.AVATAR_ID_UNRECOGNIZED, f"There is no avatar '{avatar_id}'.", hint="")
