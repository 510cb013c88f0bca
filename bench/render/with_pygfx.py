"""The avatar drawn by pygfx alone, as one would who has no renderer for avatars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pygfx as gfx
from rendercanvas.offscreen import OffscreenRenderCanvas

from avatarkit.avatars.bundle import Bundle, Mesh
from avatarkit.frames import ARKIT_INDEX, Pose
from bench.render.poses import SHAPES


class Stage:
    """Standard materials, an ambient and three directional lights, four samples a pixel, no shadows."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._scene = gfx.Scene()
        self._scene.add(gfx.AmbientLight("#ffffff", 0.6))
        for place, strength in (((-0.5, 0.62, 0.8), 2.5), ((0.85, 0.12, 0.55), 0.8), ((0.6, 0.5, -0.66), 1.5)):
            light = gfx.DirectionalLight("#ffffff", strength)
            light.local.position = place
            self._scene.add(light)
        self._morphing: list[tuple[Any, list[str]]] = []
        self._head = gfx.Group()
        self._scene.add(self._head)
        textures = [self._texture(t) for t in bundle.textures]
        for mesh in bundle.meshes:
            self._head.add(self._mesh(mesh, textures))
        self._canvases: dict[int, tuple[Any, Any]] = {}
        camera = bundle.info.camera
        self._camera = gfx.PerspectiveCamera(camera.vertical_fov_deg, 1.0, depth_range=(0.05, 20.0))
        self._camera.local.position = camera.position
        self._camera.look_at(camera.target)

    def draw(self, pose: Pose, side: int) -> Any:
        for mesh, names in self._morphing:
            mesh.morph_target_influences = [float(pose.weights[ARKIT_INDEX[name]]) for name in names]
        self._head.local.euler = tuple(float(angle) for angle in pose.head[:3])
        canvas, renderer = self._canvas(side)
        canvas.request_draw(lambda: renderer.render(self._scene, self._camera))
        return np.asarray(canvas.draw())

    def _canvas(self, side: int) -> tuple[Any, Any]:
        if side not in self._canvases:
            canvas = OffscreenRenderCanvas(size=(side, side), pixel_ratio=1)
            self._canvases[side] = canvas, gfx.renderers.WgpuRenderer(canvas, pixel_scale=1)
        return self._canvases[side]

    @staticmethod
    def _texture(pixels: Any) -> Any:
        rgba = pixels
        if pixels.shape[2] == 3:
            rgba = np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)
        return gfx.TextureMap(
            gfx.Texture(np.ascontiguousarray(rgba), dim=2, colorspace="srgb", generate_mipmaps=True), wrap="repeat"
        )

    def _mesh(self, mesh: Mesh, textures: list[Any]) -> Any:
        options: dict[str, Any] = {}
        if mesh.uv is not None:
            options["texcoords"] = mesh.uv
        if mesh.colors is not None:
            options["colors"] = mesh.colors
        names = [name for name in SHAPES if name in mesh.morphs]
        if names:
            moves = np.zeros((len(names), *mesh.positions.shape), np.float32)
            for row, name in zip(moves, names, strict=True):
                row[mesh.morphs[name].indices] = mesh.morphs[name].deltas
            morphs = list(moves)
        geometry = gfx.Geometry(
            positions=mesh.positions, normals=mesh.normals, indices=mesh.triangles.astype(np.uint32), **options
        )
        if names:
            geometry.morph_positions, geometry.morph_targets_relative = morphs, True
        surface = mesh.material
        material = gfx.MeshStandardMaterial(
            color=tuple(surface.base_color),
            roughness=surface.roughness,
            map=None if surface.texture is None or mesh.uv is None else textures[surface.texture],
            side="both" if surface.double_sided else "front",
        )
        if surface.alpha_cutoff is not None:
            material.alpha_mode, material.alpha_test = "solid", surface.alpha_cutoff
        made = gfx.Mesh(geometry, material)
        if names:
            made.morph_target_influences = [0.0] * len(names)
            self._morphing.append((made, names))
        return made
