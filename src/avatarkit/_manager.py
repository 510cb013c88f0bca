"""Stage 2: loading avatars, once each, and keeping them on disk."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import httpx

from avatarkit._cache import AvatarCache
from avatarkit._derive import check_minimum_sdk, derived_avatar
from avatarkit._sdk import Settings, adopt, cache_folder, settings
from avatarkit._tries import Tries
from avatarkit.clock import Clock, RealClock
from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.transport.http import AvatarLibrary
from avatarkit.transport.metadata import AvatarMetadata, check_avatar_id
from avatarkit.types import Avatar, LoadProgress, LoadProgressType

_log = logging.getLogger(__name__)
ProgressCallback = Callable[[LoadProgress], None]
_PROGRESS_STEP = 0.01


@dataclass(eq=False, slots=True)
class _Load:
    """A load under way and everyone who waits for it."""

    task: asyncio.Task[Avatar] | None = None
    listeners: list[ProgressCallback] = field(default_factory=list)
    waiting: int = 0
    cancelled: bool = False


class AvatarManager:
    """Loads avatars. Use :meth:`shared`; an instance of one's own serves tests, with their own HTTP transport."""

    _shared: ClassVar[AvatarManager | None] = None

    def __init__(self, *, http_transport: httpx.AsyncBaseTransport | None = None, clock: Clock | None = None) -> None:
        self._http_transport = http_transport
        self._clock = RealClock() if clock is None else clock
        self._loads: dict[str, _Load] = {}

    @classmethod
    def shared(cls) -> AvatarManager:
        """The process's manager."""
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    async def load(self, avatar_id: str, on_progress: ProgressCallback | None = None) -> Avatar:
        """Fetch an avatar's description and, unless its bundle is on disk already, the bundle.

        Callers that ask for the same avatar at the same time share one download; nobody's failure is kept.
        When the server cannot be reached, the copy on disk serves. Otherwise there are three tries for faults that
        may pass; a download that broke off goes on where it was, even in another process. A file that does not match
        its hash is thrown away and fetched once more.

        Args:
            avatar_id: Id of the avatar.
            on_progress: Gets ``downloading`` with 0..1 and then ``completed`` or ``failed``; nothing on a
                cache hit.

        Raises:
            AvatarError: ``illegalState`` before ``initialize``; ``avatarIDUnrecognized``,
                ``appIDUnrecognized``, ``failedToFetchAvatarMetadata``, ``invalidAvatarMetadata``,
                ``unsupportedAvatarAsset``, ``failedToDownloadAvatarAssets``; ``loadCancelled`` after
                :meth:`cancel_load` or when the SDK is cleaned up meanwhile.
        """
        in_force = settings()
        check_avatar_id(avatar_id)
        load = self._loads.get(avatar_id)
        if load is None:
            load = self._loads[avatar_id] = _Load()
            load.task = asyncio.create_task(self._run(avatar_id, in_force, load), name=f"load {avatar_id}")
            adopt(self)
        assert load.task is not None
        if on_progress is not None:
            load.listeners.append(on_progress)
        load.waiting += 1
        try:
            return await asyncio.shield(load.task)
        except asyncio.CancelledError:
            if load.cancelled:
                raise error(ErrorCode.LOAD_CANCELLED, f"Loading avatar {avatar_id!r} was cancelled.") from None
            if load.waiting == 1:
                load.task.cancel()  # nobody else wants it
            raise
        finally:
            load.waiting -= 1

    def cancel_load(self, avatar_id: str) -> None:
        """Cancel loading an avatar, if it is; everyone who waits for it gets ``loadCancelled``."""
        load = self._loads.get(avatar_id)
        if load is not None:
            _cancel(load)

    def cancel_all_loads(self) -> None:
        """Cancel every load."""
        for load in list(self._loads.values()):
            _cancel(load)

    async def derive(self, path: str | os.PathLike[str], avatar_id: str | None = None) -> Avatar:
        """Make an avatar of a bundle on this machine, which stays where it is.

        Args:
            path: A binary glTF file with ARKit morph targets.
            avatar_id: Under which the Motion Server knows an avatar; a name made of the content by default.

        Raises:
            AvatarError: ``avatarAssetMissing`` when there is no such file, ``unsupportedAvatarAsset`` when it is no
                bundle or needs a newer SDK, ``avatarIDUnrecognized`` for an impossible id; ``illegalState`` before
                ``initialize``.
        """
        settings()
        if avatar_id is not None:
            check_avatar_id(avatar_id)
        return await asyncio.to_thread(derived_avatar, Path(path), avatar_id)

    def retrieve(self, avatar_id: str) -> Avatar | None:
        """An avatar that is on disk, or ``None``. Never goes to the network.

        Raises ``AvatarError`` (``illegalState``) before ``initialize``.
        """
        return _cache(settings()).find(avatar_id)

    def clear(self, avatar_id: str) -> None:
        """Delete an avatar from disk; views that show it keep what they hold. ``illegalState`` as above."""
        _cache(settings()).clear(avatar_id)

    def clear_all(self) -> None:
        """Delete every avatar of this app and server from disk. ``illegalState`` as above."""
        _cache(settings()).clear_all()

    def clear_lru(self, keep: int) -> None:
        """Delete all but the ``keep`` avatars of this app and server that were loaded last.

        Raises ``AvatarError``: ``configurationInvalid`` for a negative number, ``illegalState`` as above.
        """
        if keep < 0:
            raise error(ErrorCode.CONFIGURATION_INVALID, "keep must be at least 0.", phase=Phase.LOAD)
        _cache(settings()).clear_lru(keep)

    def cache_size(self, avatar_id: str | None = None) -> int:
        """Bytes on disk of one avatar's bundle, or of all of this app and server. ``illegalState`` as above."""
        return _cache(settings()).size_bytes(avatar_id)

    async def release(self) -> None:
        """Cancel every load; those who wait get ``loadCancelled``. Called by ``AvatarSDK.cleanup``."""
        tasks = [load.task for load in self._loads.values() if load.task is not None]
        self.cancel_all_loads()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, avatar_id: str, in_force: Settings, load: _Load) -> Avatar:
        try:
            return await self._load(avatar_id, in_force, load)
        except AvatarError as exc:
            _tell(load, LoadProgress(LoadProgressType.FAILED, error=exc))
            raise
        except asyncio.CancelledError:
            # Those who wait are told even where all of them have gone already.
            reason = error(ErrorCode.LOAD_CANCELLED, f"Loading avatar {avatar_id!r} was cancelled.")
            _tell(load, LoadProgress(LoadProgressType.FAILED, error=reason))
            raise
        finally:
            if self._loads.get(avatar_id) is load:
                del self._loads[avatar_id]

    async def _load(self, avatar_id: str, in_force: Settings, load: _Load) -> Avatar:
        cache = _cache(in_force)
        async with AvatarLibrary(in_force.endpoint, in_force.app_id, transport=self._http_transport) as library:
            metadata = await self._describe(avatar_id, library, cache)
            if isinstance(metadata, Avatar):
                return metadata
            _check_sdk_version(metadata)
            try:
                return await self._fetch(library, metadata, cache, load)
            except OSError as exc:
                raise error(
                    ErrorCode.FAILED_TO_DOWNLOAD_AVATAR_ASSETS,
                    f"The avatar cannot be kept in {cache.folder}: {exc.strerror or type(exc).__name__}.",
                    retryable=False,
                    hint="Give Configuration(cache_dir=...) a folder with space that can be written.",
                ) from exc

    async def _describe(self, avatar_id: str, library: AvatarLibrary, cache: AvatarCache) -> AvatarMetadata | Avatar:
        """What the server says, or the avatar on disk when it says nothing."""
        tries = Tries(self._clock)
        while True:
            try:
                return await library.metadata(avatar_id)
            except AvatarError as exc:
                known = cache.find(avatar_id)
                if known is not None and exc.retryable and cache.has_bundle(known.sha256):
                    _log.warning("using the copy of avatar %r on disk: %s", avatar_id, exc)
                    return known
                await tries.wait(exc)

    async def _fetch(
        self,
        library: AvatarLibrary,
        metadata: AvatarMetadata,
        cache: AvatarCache,
        load: _Load,
    ) -> Avatar:
        if cache.has_bundle(metadata.sha256):
            return cache.record(metadata, is_from_cache=True)
        told = 0.0

        def on_share(share: float) -> None:
            nonlocal told
            if share >= told + _PROGRESS_STEP:
                told = share
                _tell(load, LoadProgress(LoadProgressType.DOWNLOADING, share))

        _tell(load, LoadProgress(LoadProgressType.DOWNLOADING, 0.0))
        tries = Tries(self._clock)
        with cache.new_bundle(metadata.sha256) as file:
            while True:
                try:
                    await library.download(metadata, file, on_share)
                    break
                except AvatarError as exc:
                    await tries.wait(exc)
        avatar = cache.record(metadata, is_from_cache=False)
        _tell(load, LoadProgress(LoadProgressType.COMPLETED, 1.0))
        return avatar


def _cache(in_force: Settings) -> AvatarCache:
    return AvatarCache(cache_folder(in_force.configuration), f"{in_force.endpoint}\0{in_force.app_id}")


def _cancel(load: _Load) -> None:
    load.cancelled = True
    if load.task is not None:
        load.task.cancel()


def _tell(load: _Load, progress: LoadProgress) -> None:
    for listener in tuple(load.listeners):
        try:
            listener(progress)
        except Exception:
            _log.exception("a progress callback failed")


def _check_sdk_version(metadata: AvatarMetadata) -> None:
    if metadata.minimum_sdk is not None:
        check_minimum_sdk(metadata.minimum_sdk, f"Avatar {metadata.id!r}")
