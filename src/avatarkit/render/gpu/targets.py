"""What a GPU draws onto, for one size of picture, and the way back to memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import wgpu

from avatarkit.render.contract import Image
from avatarkit.render.gpu.pipelines import COLOR_FORMAT, DEPTH_FORMAT, SAMPLES, Pipelines


class Targets:
    """Textures and buffers for pictures of ``size`` (width, height)."""

    def __init__(self, device: Any, pipelines: Pipelines, size: tuple[int, int]) -> None:
        self.size = size
        self._device, self._pipelines = device, pipelines
        extent = (*size, 1)
        attachment = wgpu.TextureUsage.RENDER_ATTACHMENT
        samples = device.create_texture(size=extent, format=COLOR_FORMAT, usage=attachment, sample_count=SAMPLES)
        depth = device.create_texture(size=extent, format=DEPTH_FORMAT, usage=attachment, sample_count=SAMPLES)
        picture = device.create_texture(
            size=extent, format=COLOR_FORMAT, usage=attachment | wgpu.TextureUsage.TEXTURE_BINDING
        )
        count = 4 * size[0] * size[1]
        self._bytes = device.create_buffer(size=count, usage=wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC)
        self._back = device.create_buffer(size=count, usage=wgpu.BufferUsage.MAP_READ | wgpu.BufferUsage.COPY_DST)
        self._views = samples.create_view(), depth.create_view(), picture.create_view()
        self._encode_group = device.create_bind_group(
            layout=pipelines.encode.get_bind_group_layout(0),
            entries=[
                {"binding": 0, "resource": self._views[2]},
                {"binding": 1, "resource": {"buffer": self._bytes}},
            ],
        )

    def begin_depth(self, encoder: Any) -> Any:
        """The pass that finds how near the nearest surface is, from nothing on."""
        return encoder.begin_render_pass(
            color_attachments=[],
            depth_stencil_attachment={
                "view": self._views[1],
                "depth_clear_value": 0.0,
                "depth_load_op": "clear",
                "depth_store_op": "store",
            },
        )

    def begin_color(self, encoder: Any) -> Any:
        """The pass that draws the picture, over transparency."""
        samples, depth, picture = self._views
        return encoder.begin_render_pass(
            color_attachments=[
                {
                    "view": samples,
                    "resolve_target": picture,
                    "clear_value": (0, 0, 0, 0),
                    "load_op": "clear",
                    "store_op": "discard",
                }
            ],
            depth_stencil_attachment={
                "view": depth,
                "depth_load_op": "load",
                "depth_store_op": "discard",
            },
        )

    def encode(self, encoder: Any) -> None:
        """Turn what was drawn into bytes."""
        work = encoder.begin_compute_pass()
        work.set_pipeline(self._pipelines.encode)
        work.set_bind_group(0, self._encode_group)
        work.dispatch_workgroups(-(-self.size[0] // 8), -(-self.size[1] // 8))
        work.end()
        encoder.copy_buffer_to_buffer(self._bytes, 0, self._back, 0, self._bytes.size)

    def read(self) -> Image:
        """Wait for the picture and copy it out."""
        self._back.map_sync("READ")
        try:
            data = np.frombuffer(self._back.read_mapped(copy=True), np.uint8)
        finally:
            self._back.unmap()
        return data.reshape(self.size[1], self.size[0], 4).copy()
