"""Stage 3: an avatar on a surface, alive from the first frame on."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from avatarkit._controller import AvatarController, ControllerParts
from avatarkit._picture import Picture
from avatarkit._render_loop import DrawThread, RenderLoop
from avatarkit._sdk import adopt, drop, resolution, settings
from avatarkit._sound import SoundWatch
from avatarkit.audio.open import open_speaker
from avatarkit.audio.speaker import Speaker
from avatarkit.avatars import Bundle, read_bundle
from avatarkit.clock import Clock, RealClock
from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.playback.heard import Samples
from avatarkit.render import open_renderer, renderer_names
from avatarkit.render.contract import Renderer, Surface
from avatarkit.render.png import encode_png
from avatarkit.types import AudioFormat, Avatar, Camera, Mood, Rect, Transform

_log = logging.getLogger(__name__)
_UPDATE_S: Final = 0.02


class AvatarView:
    """Shows one avatar on one surface and owns its :class:`AvatarController`.

    Idle motion runs from the first frame until :meth:`dispose`. The surface stays the app's: the view draws on
    it and leaves it open. Make a view inside a running event loop; ``async with`` waits for the first frame
    and disposes at the end.

    Args:
        avatar: What ``AvatarManager.load`` returned.
        surface: Where frames, and the sound as it is heard, go.
        audio_format: Of the audio that will be sent. Default: that of the ``Configuration``.
        speaker: ``auto`` (the sound device, or silence where there is none), ``portaudio``, ``silent``, or a
            speaker of one's own, which the view opens and closes.
        renderer: A name for ``render.open_renderer``, or a renderer of one's own, which the view closes.
        seed: Of idle motion; the same seed lives the same life. Default: random.
        clock: Time. Default: the machine's.

    Raises:
        AvatarError: ``illegalState`` before ``AvatarSDK.initialize`` or without a running event loop;
            ``configurationInvalid`` for an unknown name; ``missingDependency`` and ``playbackInitFailed`` for
            ``portaudio``. What goes wrong with avatar or renderer later comes from :meth:`mounted` and goes to
            the controller's ``on_error``.

    Attributes:
        on_first_rendering: Called once, when the first frame was handed to the surface.
    """

    def __init__(
        self,
        avatar: Avatar,
        surface: Surface,
        *,
        audio_format: AudioFormat | None = None,
        speaker: str | Speaker = "auto",
        renderer: str | Renderer = "auto",
        seed: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        in_force = settings()
        loop = _running_loop()
        self.on_first_rendering: Callable[[], None] | None = None
        self._avatar = avatar
        self._surface = surface
        self._clock = RealClock() if clock is None else clock
        self._made_s = self._clock.now()
        chosen = audio_format or in_force.configuration.audio_format
        self._picture = Picture(resolution())
        if isinstance(renderer, str) and renderer not in renderer_names():
            open_renderer(renderer)  # raises, naming the choices
        self._renderer_name = renderer if isinstance(renderer, str) else ""
        # One that is named is opened in the thread: loading its libraries takes time.
        self._renderer: Renderer | None = None if isinstance(renderer, str) else renderer
        self._speaker = _open(speaker, self._clock, chosen.sample_rate)
        self._controller = AvatarController(
            ControllerParts(
                settings=in_force,
                avatar_id=avatar.id,
                audio_format=chosen,
                speaker=self._speaker,
                clock=self._clock,
                seed=secrets.randbits(32) if seed is None else seed,
                on_heard=self._on_heard,
                has_sound=lambda: self._sound.has_sound,
                describe=self._describe,
            )
        )
        self._sound = SoundWatch(self._speaker, self._clock, self._controller.announce)
        self._mood = Mood.NEUTRAL
        self._chosen_camera: Camera | None = None
        self._thread = DrawThread()
        self._loop: RenderLoop | None = None
        self._mounted: asyncio.Future[None] = loop.create_future()
        self._disposal: asyncio.Task[None] | None = None
        self._tasks = [
            loop.create_task(self._draw(), name="avatarkit draw"),
            loop.create_task(self._keep_time(), name="avatarkit playback"),
        ]
        adopt(self)

    @property
    def controller(self) -> AvatarController:
        """The controller of this view; it lives and ends with it."""
        return self._controller

    @property
    def avatar(self) -> Avatar:
        """The avatar that is shown."""
        return self._avatar

    # --- the picture --------------------------------------------------------------------------------------

    @property
    def transform(self) -> Transform:
        """Where the avatar stands in the view; from the next frame on."""
        return self._picture.transform

    @transform.setter
    def transform(self, transform: Transform) -> None:
        self._picture.transform = transform

    @property
    def camera(self) -> Camera:
        """The camera: the avatar's own, until another is set."""
        return self._picture.base_camera

    @camera.setter
    def camera(self, camera: Camera) -> None:
        self._chosen_camera = self._picture.base_camera = camera

    @property
    def render_size(self) -> tuple[int, int]:
        """Width and height in pixels that are drawn, with quality and cap applied."""
        return self._picture.size(self._surface.size)

    def bounding_rect(self) -> Rect | None:
        """Where the avatar was on the surface in the frame shown last, or ``None`` when it was not seen."""
        return self._picture.bounding_rect(self._surface.size)

    def export_bitmap(self) -> bytes | None:
        """The frame shown last, over transparency, as PNG; ``None`` before the first and while not rendering."""
        if self._picture.shown is None or not self._picture.is_rendering:
            return None
        return encode_png(self._picture.shown)

    @property
    def is_rendering(self) -> bool:
        """Whether frames are drawn."""
        return self._picture.is_rendering

    def pause_rendering(self) -> None:
        """Stop drawing; voice and motion go on in time. Idempotent."""
        self._picture.pause()

    def resume_rendering(self) -> None:
        """Draw again, with what is due now. Idempotent."""
        self._picture.resume()

    # --- idle motion --------------------------------------------------------------------------------------

    @property
    def mood(self) -> Mood:
        """How the avatar lives while it does not speak; a change takes 1.5 s."""
        return self._mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        self._mood = Mood(mood)
        self._controller.player.set_mood(self._mood)

    def look_at(self, x: float, y: float) -> None:
        """Let eyes and head attend to a place in the picture, until told otherwise.

        ``x`` is -1..1 from left to right, ``y`` -1..1 from bottom to top; (0, 0), the default, is the viewer. What
        lies outside counts as the edge.
        """
        if not (math.isfinite(x) and math.isfinite(y)):
            raise error(ErrorCode.CONFIGURATION_INVALID, "A place to look at has finite x and y.", phase=Phase.RENDER)
        self._controller.player.look_at(x, y)

    # --- life ---------------------------------------------------------------------------------------------

    async def mounted(self) -> None:
        """Wait until the first frame was handed to the surface.

        Raises ``AvatarError`` when the avatar cannot be shown, or the view is disposed before.
        """
        await asyncio.shield(self._mounted)

    async def dispose(self) -> None:
        """Stop drawing, close the session, release renderer and speaker. Idempotent, legal at any moment."""
        if self._disposal is None:
            self._disposal = asyncio.create_task(self._dispose(), name="avatarkit dispose")
        await asyncio.shield(self._disposal)

    async def release(self) -> None:
        """Dispose of the view on behalf of ``AvatarSDK.cleanup``."""
        await self.dispose()

    async def __aenter__(self) -> AvatarView:
        try:
            await self.mounted()
        except BaseException:
            await self.dispose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, reason: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.dispose()

    # --- inside -------------------------------------------------------------------------------------------

    async def _draw(self) -> None:
        try:
            renderer, bundle = await self._thread.run(self._prepare)
            self._picture.base_camera = self._chosen_camera or bundle.info.camera
            self._loop = RenderLoop(
                player=self._controller.player,
                meter=self._controller.meter,
                renderer=renderer,
                picture=self._picture,
                surface=self._surface,
                clock=self._clock,
                thread=self._thread,
                on_first=self._first_frame,
                on_drawn=self._controller.frame_shown,
                on_shown=self._controller.frame_recorded,
            )
            await self._loop.run()
        except AvatarError as exc:
            self._cannot_draw(exc)
        except Exception as exc:
            _log.exception("drawing failed")
            reason = error(
                ErrorCode.ANIMATION_PLAYER_NOT_INITIALIZED,
                f"Drawing failed: {type(exc).__name__}.",
                phase=Phase.RENDER,
            )
            reason.__cause__ = exc
            self._cannot_draw(reason)

    def _prepare(self) -> tuple[Renderer, Bundle]:
        if self._renderer is None:
            self._renderer = open_renderer(self._renderer_name)
        renderer = self._renderer
        bundle = read_bundle(self._avatar.asset_path)
        renderer.load(bundle)
        return renderer, bundle

    def _close_renderer(self) -> None:
        if self._renderer is not None:
            self._renderer.close()

    def _describe(self) -> dict[str, Any]:
        if self._loop is None or self._loop.start_s is None or self._disposal is not None:
            raise error(
                ErrorCode.ILLEGAL_STATE,
                "record() is not legal now: nothing is drawn. Legal now: waiting for mounted(), or a new AvatarView.",
                phase=Phase.RENDER,
            )
        width, height = self._surface.size
        surface = {
            "frameRate": self._surface.frame_rate,
            "width": width,
            "height": height,
            "start": self._loop.start_s,
        }
        return {"avatar": {"id": self._avatar.id, "sha256": self._avatar.sha256}, "surface": surface}

    def _first_frame(self) -> None:
        self._controller.meter.first_frame_ms = (self._clock.now() - self._made_s) * 1000.0
        if not self._mounted.done():
            self._mounted.set_result(None)
        if self.on_first_rendering is not None:
            try:
                self.on_first_rendering()
            except Exception:
                _log.exception("a callback of the app failed")

    def _cannot_draw(self, reason: AvatarError) -> None:
        self._give_up_mounting(reason)
        self._controller.tell_error(reason)

    def _give_up_mounting(self, reason: AvatarError) -> None:
        if not self._mounted.done():
            self._mounted.set_exception(reason)
            self._mounted.exception()  # nobody need be waiting

    async def _keep_time(self) -> None:
        next_s = self._clock.now()
        try:
            while True:
                self._controller.player.update()
                self._sound.look()
                next_s = max(next_s + _UPDATE_S, self._clock.now())
                await self._clock.sleep_until(next_s)
        except Exception as exc:
            _log.exception("playback failed")
            reason = error(ErrorCode.PLAYBACK_START_FAILED, f"Playback failed: {type(exc).__name__}.")
            reason.__cause__ = exc
            self._controller.tell_error(reason)

    def _on_heard(self, samples: Samples, at_s: float) -> None:
        if self._loop is not None:
            self._loop.present_audio(samples, self._controller.audio_format.sample_rate, at_s)

    async def _dispose(self) -> None:
        drop(self)
        await self._controller.dispose()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sound.stop()
        self.on_first_rendering = None
        self._give_up_mounting(error(ErrorCode.ILLEGAL_STATE, "The view was disposed of.", phase=Phase.RENDER))
        self._speaker.close()
        await self._thread.run(self._close_renderer)  # behind a frame that is still being drawn
        self._thread.stop()


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise error(
            ErrorCode.ILLEGAL_STATE,
            "A view needs a running event loop. Legal now: making it inside a coroutine.",
            phase=Phase.RENDER,
        ) from None


def _open(speaker: str | Speaker, clock: Clock, sample_rate: int) -> Speaker:
    if isinstance(speaker, str):
        return open_speaker(speaker, clock, sample_rate)
    speaker.open(sample_rate)
    return speaker
