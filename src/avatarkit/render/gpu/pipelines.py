"""The programs that a GPU runs for a frame: deform, shadow, surface, encode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import wgpu

from avatarkit.render.gpu.scene import DEFORMED

SAMPLES: Final = 4
COLOR_FORMAT: Final = "rgba16float"
DEPTH_FORMAT: Final = "depth32float"

_VERTEX: Final = wgpu.ShaderStage.VERTEX
_FRAGMENT: Final = wgpu.ShaderStage.FRAGMENT


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Pipelines and the layouts of what they are bound to."""

    deform: Any
    shadow: tuple[Any, Any]
    """For one-sided and for double-sided surfaces."""
    depth: dict[tuple[bool, bool], Any]
    """By whether the surface is cut out by alpha, and whether it is double-sided."""
    surface: tuple[Any, Any]
    """For one-sided and for double-sided surfaces."""
    encode: Any
    view_layout: Any
    shadow_layout: Any
    map_layout: Any


def build_pipelines(device: Any) -> Pipelines:
    """Compile the shaders."""
    view_layout = device.create_bind_group_layout(
        entries=[
            {"binding": 0, "visibility": _VERTEX | _FRAGMENT, "buffer": {"type": "uniform"}},
            {"binding": 1, "visibility": _FRAGMENT, "buffer": {"type": "read-only-storage"}},
            {"binding": 2, "visibility": _FRAGMENT, "texture": {"sample_type": "depth"}},
            {"binding": 3, "visibility": _FRAGMENT, "sampler": {"type": "filtering"}},
        ]
    )
    map_layout = device.create_bind_group_layout(
        entries=[{"binding": i, "visibility": _FRAGMENT, "texture": {"sample_type": "float"}} for i in range(2)]
    )
    layouts = [view_layout, map_layout]
    shadow_layout = device.create_bind_group_layout(
        entries=[{"binding": 0, "visibility": _VERTEX, "buffer": {"type": "uniform"}}]
    )
    return Pipelines(
        deform=_compute(device, "deform"),
        shadow=(_shadow(device, shadow_layout, "back"), _shadow(device, shadow_layout, "none")),
        depth={
            (is_cut, double_sided): _surface(device, layouts, double_sided, depth_of="cut" if is_cut else "solid")
            for is_cut in (False, True)
            for double_sided in (False, True)
        },
        surface=(_surface(device, layouts, False), _surface(device, layouts, True)),
        encode=_compute(device, "encode"),
        view_layout=view_layout,
        shadow_layout=shadow_layout,
        map_layout=map_layout,
    )


def _shader(device: Any, name: str) -> Any:
    return device.create_shader_module(label=name, code=Path(__file__).with_name(f"{name}.wgsl").read_text())


def _compute(device: Any, name: str) -> Any:
    return device.create_compute_pipeline(
        layout="auto", compute={"module": _shader(device, name), "entry_point": name}
    )


def _deformed_layout(*fields: tuple[str, int]) -> dict[str, Any]:
    attributes = [
        {"format": kind, "offset": 4 * offset, "shader_location": location}
        for location, (kind, offset) in enumerate(fields)
    ]
    return {"array_stride": 4 * DEFORMED, "step_mode": "vertex", "attributes": attributes}


def _shadow(device: Any, layout: Any, cull: str) -> Any:
    return device.create_render_pipeline(
        layout=device.create_pipeline_layout(bind_group_layouts=[layout]),
        vertex={
            "module": _shader(device, "shadow"),
            "entry_point": "shadow_vertex",
            "buffers": [_deformed_layout(("float32x3", 0))],
        },
        primitive={"topology": "triangle-list", "front_face": "ccw", "cull_mode": cull},
        depth_stencil={"format": DEPTH_FORMAT, "depth_write_enabled": True, "depth_compare": "less"},
    )


def _surface(device: Any, layouts: list[Any], double_sided: bool, depth_of: str | None = None) -> Any:
    """What lights surfaces where their depth is the nearest; or what finds depths of ``solid`` or ``cut`` ones."""
    module = _shader(device, "surface")
    still = {
        "array_stride": 24,
        "step_mode": "vertex",
        "attributes": [
            {"format": "float32x4", "offset": 0, "shader_location": 3},
            {"format": "float32x2", "offset": 16, "shader_location": 4},
        ],
    }
    lit = {"module": module, "entry_point": "surface_fragment", "targets": [{"format": COLOR_FORMAT}]}
    cut = {"module": module, "entry_point": "cut_depth", "targets": []}
    fragments: dict[str | None, Any] = {None: lit, "cut": cut, "solid": None}
    return device.create_render_pipeline(
        layout=device.create_pipeline_layout(bind_group_layouts=layouts),
        vertex={
            "module": module,
            "entry_point": "surface_vertex",
            "buffers": [_deformed_layout(("float32x3", 0), ("float32x3", 3), ("float32x4", 6)), still],
        },
        primitive={
            "topology": "triangle-list",
            "front_face": "ccw",
            "cull_mode": "none" if double_sided else "back",
        },
        depth_stencil={
            "format": DEPTH_FORMAT,
            "depth_write_enabled": depth_of is not None,
            "depth_compare": "equal" if depth_of is None else "greater",
        },
        multisample={"count": SAMPLES},
        fragment=fragments[depth_of],
    )
