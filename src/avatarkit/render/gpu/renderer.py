"""The GPU renderer: the CPU renderer's lights and materials on wgpu, on hardware or on a software driver."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import wgpu

from avatarkit.avatars.bundle import Bundle
from avatarkit.avatars.pairs import agreed
from avatarkit.avatars.rig import head_transforms
from avatarkit.frames import Pose
from avatarkit.render.contract import Image
from avatarkit.render.cpu.lights import light_values
from avatarkit.render.cpu.views import NEAREST_M, camera_matrix
from avatarkit.render.drawing import check_drawing
from avatarkit.render.gpu.adapter import Gpu, forget_gpu, open_gpu
from avatarkit.render.gpu.pipelines import DEPTH_FORMAT, Pipelines
from avatarkit.render.gpu.scene import SHADOW_TEXELS, GpuScene, Part, put_scene
from avatarkit.render.gpu.targets import Targets
from avatarkit.types import Camera

_FRAME_BYTES: Final = 19 * 16
_VIEW_BYTES: Final = 16 * 16


class GpuRenderer:
    """Draws an avatar on the best adapter that wgpu finds; pictures come back to memory.

    All renderers of a process share one device. Raises ``AvatarError`` (playbackInitFailed) without any adapter.
    """

    def __init__(self) -> None:
        self._gpu: Gpu | None = open_gpu()
        self._device: Any = self._gpu.device
        self._pipelines: Pipelines = self._gpu.pipelines
        self._frame = self._uniform(_FRAME_BYTES)
        self._view = self._uniform(_VIEW_BYTES)
        self._shadow_map = self._device.create_texture(
            size=(SHADOW_TEXELS, SHADOW_TEXELS, 1),
            format=DEPTH_FORMAT,
            usage=wgpu.TextureUsage.RENDER_ATTACHMENT | wgpu.TextureUsage.TEXTURE_BINDING,
        ).create_view()
        self._sampler = self._device.create_sampler(
            address_mode_u="repeat", address_mode_v="repeat", mag_filter="linear", min_filter="linear"
        )
        self._scene: GpuScene | None = None
        self._groups: tuple[Any, Any, Any] = (None, None, None)
        self._targets: Targets | None = None

    @property
    def adapter(self) -> str:
        """What draws: the name of the GPU, or of the software driver. Empty when closed."""
        return "" if self._gpu is None else self._gpu.name

    def load(self, bundle: Bundle) -> None:
        """See :meth:`Renderer.load`."""
        if self._device is None:
            raise RuntimeError("the renderer is closed")
        scene = put_scene(self._device, bundle, self._pipelines.map_layout)
        rest, starts, changes = scene.deform_buffers
        self._groups = (
            self._group(self._pipelines.deform.get_bind_group_layout(0), self._frame, rest, starts, changes,
                        scene.deformed),
            self._group(self._pipelines.shadow_layout, self._view),
            self._group(self._pipelines.view_layout, self._view, scene.materials, self._shadow_map, self._sampler),
        )  # fmt: skip
        self._scene = scene

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> Image:
        """See :meth:`Renderer.draw`. Raises ``ValueError`` for an impossible size, camera or pose."""
        scene = self._scene
        if scene is None:
            raise RuntimeError("no avatar is loaded: call load() before draw()")
        check_drawing(pose, size)
        view = self._view_values(scene, camera, size)
        if self._targets is None or self._targets.size != size:
            self._targets = Targets(self._device, self._pipelines, size)
        assert self._gpu is not None
        try:
            with self._gpu.lock:
                return self._run(scene, self._targets, _frame_values(scene, pose), view)
        except wgpu.GPUError:
            forget_gpu()  # it may be lost; another renderer shall not get it
            raise

    def close(self) -> None:
        """See :meth:`Renderer.close`."""
        self._scene = self._targets = self._gpu = self._device = None
        self._groups = (None, None, None)

    def _run(self, scene: GpuScene, targets: Targets, frame: bytes, view: bytes) -> Image:
        self._device.queue.write_buffer(self._frame, 0, frame)
        self._device.queue.write_buffer(self._view, 0, view)
        encoder = self._device.create_command_encoder()
        self._deform(encoder, scene)
        self._cast(encoder, scene)
        self._paint(encoder, scene, targets)
        targets.encode(encoder)
        self._device.queue.submit([encoder.finish()])
        return targets.read()

    def _uniform(self, size: int) -> Any:
        return self._device.create_buffer(size=size, usage=wgpu.BufferUsage.UNIFORM | wgpu.BufferUsage.COPY_DST)

    def _group(self, layout: Any, *resources: Any) -> Any:
        entries = [
            {"binding": i, "resource": {"buffer": item} if isinstance(item, wgpu.GPUBuffer) else item}
            for i, item in enumerate(resources)
        ]
        return self._device.create_bind_group(layout=layout, entries=entries)

    def _deform(self, encoder: Any, scene: GpuScene) -> None:
        work = encoder.begin_compute_pass()
        work.set_pipeline(self._pipelines.deform)
        work.set_bind_group(0, self._groups[0])
        work.dispatch_workgroups(-(-len(scene.scene.rig.positions) // 64))
        work.end()

    def _cast(self, encoder: Any, scene: GpuScene) -> None:
        work = encoder.begin_render_pass(
            color_attachments=[],
            depth_stencil_attachment={
                "view": self._shadow_map,
                "depth_clear_value": 1.0,
                "depth_load_op": "clear",
                "depth_store_op": "store",
            },
        )
        work.set_bind_group(0, self._groups[1])
        work.set_vertex_buffer(0, scene.deformed)
        work.set_index_buffer(scene.indices, "uint32")
        for part in scene.parts:
            if part.casts:
                work.set_pipeline(self._pipelines.shadow[part.double_sided])
                work.draw_indexed(part.count, 1, part.first)
        work.end()

    def _paint(self, encoder: Any, scene: GpuScene, targets: Targets) -> None:
        depths = targets.begin_depth(encoder)
        self._bind(depths, scene)
        for part in scene.parts:
            depths.set_pipeline(self._pipelines.depth[part.is_cut, part.double_sided])
            self._draw_part(depths, part)
        depths.end()
        colors = targets.begin_color(encoder)
        self._bind(colors, scene)
        # The other way round: of surfaces in one place the first is seen, as on the CPU.
        for part in reversed(scene.parts):
            colors.set_pipeline(self._pipelines.surface[part.double_sided])
            self._draw_part(colors, part)
        colors.end()

    def _bind(self, work: Any, scene: GpuScene) -> None:
        work.set_bind_group(0, self._groups[2])
        work.set_vertex_buffer(0, scene.deformed)
        work.set_vertex_buffer(1, scene.still)
        work.set_index_buffer(scene.indices, "uint32")

    @staticmethod
    def _draw_part(work: Any, part: Part) -> None:
        work.set_bind_group(1, part.maps)
        work.draw_indexed(part.count, 1, part.first, 0, part.material)

    def _view_values(self, scene: GpuScene, camera: Camera, size: tuple[int, int]) -> bytes:
        values = np.zeros(64, np.float32)
        matrix = camera_matrix(camera, size)
        values[:12] = matrix[:3].ravel()
        values[12:16] = matrix[3, 0], size[0], size[1], NEAREST_M
        lights = light_values(camera.position)
        values[16 : 16 + len(lights)] = lights
        values[48:60] = scene.light_view.ravel()
        texel_m = 1.0 / float(np.linalg.norm(scene.light_view[0, :3]))
        values[60:64] = texel_m, *scene.light_depth_m, SHADOW_TEXELS
        return values.tobytes()


def _frame_values(scene: GpuScene, pose: Pose) -> bytes:
    values = np.zeros(76, np.float32)
    values[: len(pose.weights)] = agreed(pose.weights)
    neck, head = head_transforms(scene.scene.rig, pose.head)
    values[52:64], values[64:76] = np.asarray(neck).ravel()[:12], np.asarray(head).ravel()[:12]
    return values.tobytes()
