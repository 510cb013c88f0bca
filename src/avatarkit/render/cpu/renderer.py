"""The CPU renderer: one avatar, no GPU, compiled with numba."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Bundle
from avatarkit.avatars.pairs import agreed
from avatarkit.avatars.rig import head_transforms
from avatarkit.compiled.kernels import Kernels, load
from avatarkit.frames import Pose
from avatarkit.render.color import srgb_table
from avatarkit.render.contract import Image
from avatarkit.render.cpu import records
from avatarkit.render.cpu.arrays import F32, I16, I32, I64
from avatarkit.render.cpu.entries import KERNELS
from avatarkit.render.cpu.lights import KEY_DIRECTION, LIGHT_VALUES, light_values, unit
from avatarkit.render.cpu.scene import VERTEX_CHUNK, Scene, SharedScenes
from avatarkit.render.cpu.shadow_map import TEXELS, TILE, shadow_map
from avatarkit.render.cpu.views import camera_matrix, light_matrix
from avatarkit.render.cpu.visibility import visibility_buffers
from avatarkit.render.cpu.workers import Workers, default_thread_count
from avatarkit.render.drawing import check_drawing
from avatarkit.types import Camera

_BAND_ROWS: Final = 32
_LONE_BAND_ROWS: Final = 64
"""Of the bands of one thread, which shares them with none: the taller, the fewer triangles lie in two."""
_TRIANGLE_CHUNK: Final = 8192
_SHADOW_BAND_ROWS: Final = 128
_SURVEY_ROWS: Final = 64
_SHADOW_MARGIN_M: Final = 0.04
"""How far, about, the avatar moves out of the volume it takes at rest; what is outside throws no shadow."""


_SCENES: Final = SharedScenes()


class _Buffers:
    """What a frame is worked out in, sized by the scene and the image, and by what kernels."""

    def __init__(self, scene: Scene, ready: Kernels) -> None:
        self.bind = ready.bind
        vertices, triangles = len(scene.rig.positions), len(scene.triangles)
        self.positions = np.empty((vertices, 3), np.float32)
        self.normals = np.empty((vertices, 3), np.float32)
        self.record: F32 = np.zeros((vertices, records.RECORD), np.float32)
        self.record[:, records.COLOR : records.ALPHA + 1] = scene.colors
        self.record[:, records.U : records.V + 1] = scene.uv
        self.record[:, records.SIDE] = scene.tangents[:, 3]
        self.fixed: I32 = np.zeros((vertices, 4), np.int32)
        self.rows: I16 = np.zeros((triangles, 2), np.int16)
        self.shadow_rows: I16 = np.zeros((len(scene.casters), 2), np.int16)
        self.in_light = np.empty((vertices, 3), np.float32)
        self.shadow, self.shadow_reach = shadow_map()
        self.listed: I32 = np.empty(triangles, np.int32)
        self.band_starts: I64 = np.zeros(1, np.int64)
        self.seen: I32 = np.empty((1, 1, 1, 1), np.int32)
        """Visibility buffers of one band, one for each thread: what is used again stays in the cache."""
        self.spare: list[int] = []
        """Those that no thread is using."""
        self.band_rows = _BAND_ROWS
        self._size = (0, 0)

    def fit(self, size: tuple[int, int], threads: int) -> None:
        if self._size != size:
            self._size, self.band_rows = size, _BAND_ROWS if threads > 1 else _LONE_BAND_ROWS
            self.seen = visibility_buffers(threads, (size[0], self.band_rows))
            self.spare = list(range(threads))
            self.band_starts = np.zeros(-(-size[1] // self.band_rows) + 1, np.int64)


@dataclass(frozen=True, slots=True)
class _Views:
    camera: F32
    light: F32
    lights: F32
    neck: F32
    head: F32


class CpuRenderer:
    """Draws an avatar by rasterising on ``threads`` threads; the pixels do not depend on their number.

    The first :meth:`load` on a machine compiles for some seconds unless ``warm_up`` was called at set-up.
    """

    def __init__(self, threads: int | None = None) -> None:
        """``threads``: 1..64; default: the processors, at most four. Raises ``ValueError`` outside."""
        self._workers = Workers(default_thread_count() if threads is None else threads)
        self.stage_ms: dict[str, float] = {}
        """Milliseconds that the stages of the last frame took: ``deform``, ``shadow`` and ``draw``."""
        self._scene: Scene | None = None
        self._buffers: _Buffers | None = None
        self._light_view = np.zeros((3, 4), np.float32)
        self._camera_view = np.zeros((4, 4), np.float32)
        self._lights = np.zeros(LIGHT_VALUES, np.float32)
        self._seen_from: tuple[object, ...] = ()
        self._encode = srgb_table()

    def load(self, bundle: Bundle) -> None:
        """See :meth:`Renderer.load`."""
        with ThreadPoolExecutor(1, "avatarkit-kernels") as beside:
            loading = beside.submit(load, KERNELS)
            scene = _SCENES.scene(bundle)
            ready = loading.result()
        light = light_matrix(unit(KEY_DIRECTION), scene.rig.positions, _SHADOW_MARGIN_M, TEXELS)
        self._scene, self._buffers, self._light_view = scene, _Buffers(scene, ready), light

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> Image:
        """See :meth:`Renderer.draw`. Raises ``ValueError`` for an impossible size, camera or pose."""
        scene, buffers = self._scene, self._buffers
        if scene is None or buffers is None:
            raise RuntimeError("no avatar is loaded: call load() before draw()")
        check_drawing(pose, size)
        buffers.fit(size, self._workers.count)
        self._look(camera, size)
        neck, head = head_transforms(scene.rig, pose.head)
        views = _Views(self._camera_view, self._light_view, self._lights, neck, head)
        image = np.empty((size[1], size[0], 4), np.uint8)
        times_s = [time.perf_counter()]
        self._deform(scene, buffers, views, pose, size)
        times_s.append(time.perf_counter())
        self._cast(scene, buffers)
        times_s.append(time.perf_counter())
        self._paint(scene, buffers, views, image)
        times_s.append(time.perf_counter())
        stages = ("deform", "shadow", "draw")
        self.stage_ms = {n: (b - a) * 1e3 for n, a, b in zip(stages, times_s, times_s[1:], strict=False)}
        return image

    def close(self) -> None:
        """See :meth:`Renderer.close`."""
        self._workers.close()
        self._scene = self._buffers = None

    def _look(self, camera: Camera, size: tuple[int, int]) -> None:
        """Work out what depends on the camera, which rarely moves. Raises as :meth:`draw`."""
        seen_from = (tuple(camera.position), tuple(camera.target), camera.vertical_fov_deg, size)
        if seen_from != self._seen_from:
            self._camera_view, self._lights = camera_matrix(camera, size), light_values(camera.position)
            self._seen_from = seen_from

    def _deform(self, scene: Scene, to: _Buffers, views: _Views, pose: Pose, size: tuple[int, int]) -> None:
        """Vertices where the pose has them, and which triangles the camera and the light may see."""
        rig = scene.rig
        vertices, triangles, casters = len(rig.positions), len(scene.triangles), len(scene.casters)
        weights = agreed(pose.weights)

        placing = to.bind(
            "place_vertices",
            rig.positions, rig.normals, weights, scene.morph_starts, rig.morph_indices, rig.morph_positions,
            rig.morph_normals, scene.tangents, rig.neck_weights, rig.head_weights, views.neck, views.head,
            views.camera, views.light, to.positions, to.normals, to.record, to.fixed, to.in_light,
        )  # fmt: skip
        culling = to.bind(
            "cull", scene.triangles, scene.triangle_material, scene.flags, to.fixed, size[0], size[1], to.rows
        )
        culling_light = to.bind(
            "cull_light", scene.casters, scene.casts, scene.caster_material, scene.flags, to.in_light, to.shadow_rows
        )

        def place(chunk: int) -> None:
            placing(chunk, chunk * VERTEX_CHUNK, min((chunk + 1) * VERTEX_CHUNK, vertices))

        chunks = -(-triangles // _TRIANGLE_CHUNK)

        def either(chunk: int) -> None:
            if chunk < chunks:
                culling(chunk * _TRIANGLE_CHUNK, min((chunk + 1) * _TRIANGLE_CHUNK, triangles))
            else:
                begin = (chunk - chunks) * _TRIANGLE_CHUNK
                culling_light(begin, min(begin + _TRIANGLE_CHUNK, casters))

        self._workers.run(place, -(-vertices // VERTEX_CHUNK))
        self._workers.run(either, chunks + -(-casters // _TRIANGLE_CHUNK))

    def _cast(self, scene: Scene, to: _Buffers) -> None:
        """The shadow map; and meanwhile, the lists of triangles in each band of the image."""

        casting = to.bind("shadow_band", scene.casters, to.shadow_rows, to.in_light, to.shadow)
        surveying = to.bind("survey_shadow", to.shadow, to.shadow_reach)

        def band(number: int) -> None:
            if number == 0:
                self._list(to)
            else:
                casting((number - 1) * _SHADOW_BAND_ROWS, number * _SHADOW_BAND_ROWS)

        def survey(number: int) -> None:
            surveying(number * _SURVEY_ROWS, (number + 1) * _SURVEY_ROWS)

        self._workers.run(band, 1 + TEXELS // _SHADOW_BAND_ROWS)
        self._workers.run(survey, TEXELS // TILE // _SURVEY_ROWS)

    @staticmethod
    def _list(to: _Buffers) -> None:
        to.bind("list_in_bands", to.rows, to.band_rows, to.band_starts, to.listed)()
        length = int(to.band_starts[-1])
        if length > len(to.listed):
            to.listed = np.empty(2 * length, np.int32)
            to.bind("list_in_bands", to.rows, to.band_rows, to.band_starts, to.listed)()

    def _paint(self, scene: Scene, to: _Buffers, views: _Views, image: Image) -> None:
        textures = scene.textures
        height, rows = len(image), to.band_rows
        texels = textures.texels.view(np.uint32)[:, 0]
        pixels = image.view(np.uint32)[..., 0]
        texel_m = np.float32(1.0 / np.linalg.norm(views.light[0, :3]))

        painting = to.bind(
            "paint_band",
            to.listed, to.band_starts, scene.triangles, scene.triangle_material, scene.factors, scene.flags, texels,
            textures.masks, textures.levels, textures.counts, to.fixed, to.record, views.camera, views.lights,
            views.light, to.shadow, to.shadow_reach, texel_m, to.seen, self._encode, pixels,
        )  # fmt: skip

        def band(number: int) -> None:
            slot = to.spare.pop()
            try:
                painting(number, slot, number * rows, min((number + 1) * rows, height))
            finally:
                to.spare.append(slot)

        self._workers.run(band, -(-height // rows))
