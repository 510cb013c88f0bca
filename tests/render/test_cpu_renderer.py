from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from render_fixtures import CAMERA, ball, fringe_mesh, head_bundle, stripes
from renderer_suite import RendererSuite, posed

from avatarkit.avatars.bundle import Bundle, BundleInfo, Material, MaterialKind, Mesh
from avatarkit.avatars.rig import Rig
from avatarkit.frames import Pose
from avatarkit.render.cpu import records
from avatarkit.render.cpu.renderer import CpuRenderer
from avatarkit.render.cpu.shadow_map import TEXELS
from avatarkit.types import Camera

GOLDEN = Path(__file__).with_name("golden_head.png")


class TestCpuRenderer(RendererSuite):
    def open(self):
        return CpuRenderer(threads=1)


def draw(meshes, pose=None, *, size=(128, 128), camera=CAMERA, textures=(), threads=1):
    renderer = CpuRenderer(threads)
    renderer.load(Bundle(BundleInfo("test", "CC0-1.0", ""), tuple(meshes), (), tuple(textures)))
    image = renderer.draw(pose or Pose.neutral(), camera, size)
    renderer.close()
    return image


def square(z, color, side=0.1, **material):
    """A square facing the camera."""
    positions = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32) * side
    positions[:, 2] = z
    normals = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
    surface = Material("square", MaterialKind.MATTE, (*color, 1.0), **material)
    return Mesh("square", positions, normals, np.array([[0, 1, 2], [0, 2, 3]], np.uint32), surface, uv)


def test_the_picture_is_the_stored_one():
    renderer = CpuRenderer(1)
    renderer.load(head_bundle())
    image = renderer.draw(posed(jawOpen=0.6, head=(0.1, 0.35, 0.05, 0, 0, 0)), CAMERA, (192, 192))
    renderer.close()
    golden = np.asarray(Pillow.open(GOLDEN).convert("RGBA"))
    difference = np.abs(image.astype(int) - golden.astype(int))
    # Compilers and processors may round a few edge pixels differently; a change of looks is far larger.
    assert difference.mean() < 0.25
    assert (difference.max(axis=2) > 24).mean() < 0.002


@pytest.mark.parametrize("threads", [2, 5])
def test_pixels_do_not_depend_on_the_number_of_threads(threads):
    images = []
    for count in (1, threads):
        renderer = CpuRenderer(count)
        renderer.load(head_bundle())
        images.append(renderer.draw(posed(jawOpen=0.5, head=(0, 0.3, 0, 0, 0, 0)), CAMERA, (200, 211)))
        renderer.close()
    assert np.array_equal(*images)


def test_renderers_of_one_bundle_share_what_they_draw_and_those_of_others_do_not():
    bundle, other = head_bundle(), head_bundle()
    renderers = [CpuRenderer(1) for _ in range(3)]
    for renderer, its in zip(renderers, (bundle, bundle, other), strict=True):
        renderer.load(its)
    first, second, third = (renderer._scene for renderer in renderers)
    assert first is second
    assert third is not first
    kept = weakref.ref(first)
    del first, second, third
    for renderer in renderers:
        renderer.close()
    gc.collect()
    assert kept() is None, "nothing is held for renderers that are closed"


def test_deformation_is_that_of_the_rig():
    bundle = head_bundle()
    pose = posed(jawOpen=0.7, head=(0.2, -0.3, 0.1, 0.01, 0, 0.02))
    renderer = CpuRenderer(1)
    renderer.load(bundle)
    renderer.draw(pose, CAMERA, (32, 32))
    positions, normals = Rig(bundle).deform_all(pose)
    turn, move = renderer._light_view[:, :3].astype(float), renderer._light_view[:, 3]
    assert np.allclose(np.linalg.solve(turn, (renderer._buffers.in_light - move).T).T, positions, atol=1e-6)
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    assert np.allclose(renderer._buffers.record[:, records.NORMAL : records.NORMAL + 3], normals, atol=1e-4)
    renderer.close()


def test_what_is_nearer_hides_what_is_behind_whatever_the_order():
    near, far = square(0.05, (0.8, 0, 0)), square(0, (0, 0.8, 0))
    for meshes in ([near, far], [far, near]):
        image = draw(meshes)
        assert image[64, 64, 0] > 150
        assert image[64, 64, 1] < 60


def test_one_sided_surfaces_are_seen_from_the_front_only():
    behind = Camera((0.0, 0.0, -0.9), (0.0, 0.0, 0.0))
    assert draw([square(0, (0.5, 0.5, 0.5))], camera=behind)[..., 3].max() == 0
    image = draw([square(0, (0.5, 0.5, 0.5), double_sided=True)], camera=behind)
    assert image[64, 64, 3] == 255


def test_two_triangles_meet_without_a_gap_or_overlap():
    for shift in np.linspace(0, 0.003, 7):
        image = draw([square(0.0, (0.5, 0.5, 0.5))], camera=Camera((shift, 0.0, 0.9), (shift, 0.01, 0.0)))
        rows, columns = np.nonzero(image[..., 3])
        inside = image[rows.min() + 1 : rows.max(), columns.min() + 1 : columns.max(), 3]
        assert inside.min() == 255


def test_long_thin_triangles_at_any_slant_leave_no_gap():
    corners = np.array([[np.cos(a), np.sin(a), 0] for a in np.linspace(0, 2 * np.pi, 400)], np.float32) * 0.15
    positions = np.concatenate([np.zeros((1, 3), np.float32), corners])
    rim = np.arange(1, 400, dtype=np.uint32)
    triangles = np.stack([np.zeros_like(rim), rim, rim + 1], axis=1)
    normals = np.tile(np.array([0, 0, 1], np.float32), (len(positions), 1))
    disc = Mesh("disc", positions, normals, triangles, Material("disc"))
    image = draw([disc], camera=Camera((0.0, 0.0, 0.9), (0.003, 0.001, 0.0), 24.0), size=(301, 301))
    y, x = np.mgrid[:301, :301] - 150
    assert image[np.hypot(x, y) < 100][:, 3].min() == 255


def test_coverage_of_an_edge_is_in_quarters():
    alpha = draw([ball("ball", MaterialKind.MATTE, (0.5, 0.5, 0.5), (0, 0, 0), 0.1)])[..., 3]
    assert set(np.unique(alpha)) == {0, 64, 128, 191, 255}


def test_an_alpha_cutoff_cuts():
    image = draw([fringe_mesh()], textures=[np.zeros((1, 1, 3), np.uint8), stripes()])
    inside = image[29:38, 49:79, 3]
    assert 0.3 < (inside == 255).mean() < 0.6
    assert (inside == 0).mean() > 0.3


def test_textures_are_decoded_from_srgb_and_upright():
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0] = 188
    image = draw([square(0, (1, 1, 1), texture=0)], textures=[texture.repeat(16, 0).repeat(16, 1)])
    plain = draw([square(0, (0.5028, 0.5028, 0.5028))])
    assert abs(int(image[50, 64, 1]) - int(plain[50, 64, 1])) <= 2
    assert image[80, 64, :3].max() < 70


def test_fine_textures_do_not_flicker_when_small():
    noise = np.random.default_rng(1).integers(0, 2, (512, 512, 1), np.uint8) * np.full(3, 255, np.uint8)
    image = draw([square(0, (1, 1, 1), texture=0)], textures=[noise], size=(64, 64))
    inside = image[20:44, 20:44, 1].astype(float)
    assert inside.std() < 25


def test_a_normal_map_tilts_the_light():
    def brightness(normal):
        textures = [np.full((4, 4, 3), normal, np.uint8)]
        image = draw([square(0, (0.5, 0.5, 0.5), normal_texture=0)], textures=textures)
        return image[64, 64, :3].astype(int).sum()

    level = brightness((128, 128, 255))
    assert level == pytest.approx(draw([square(0, (0.5, 0.5, 0.5))])[64, 64, :3].astype(int).sum(), abs=6)
    # Green points up, where most of the light comes from.
    assert brightness((128, 180, 244)) > level + 10
    assert brightness((128, 76, 244)) < level - 40


def test_a_surface_throws_a_shadow_on_another_but_none_on_itself():
    ground = square(0.0, (0.5, 0.5, 0.5), side=0.15)
    alone = draw([ground])[40:88, 40:88, 1].astype(int)
    assert alone.max() - alone.min() <= 12
    shaded = draw([ground, square(0.1, (0.5, 0.5, 0.5), side=0.03)])[40:88, 40:88, 1].astype(int)
    assert shaded.min() < alone.min() - 30


def test_a_vertex_colour_multiplies_the_base_colour():
    mesh = square(0, (0.8, 0.8, 0.8))
    colors = np.tile(np.array([1.0, 0.25, 0.0, 1.0], np.float32), (4, 1))
    image = draw([replace(mesh, colors=colors)])
    assert image[64, 64, 0] > image[64, 64, 1] > image[64, 64, 2]


@pytest.mark.parametrize("kind", list(MaterialKind))
def test_every_kind_of_material_is_drawn_without_blowing_out(kind):
    image = draw([ball("ball", kind, (0.4, 0.3, 0.25), (0, 0, 0), 0.1)])
    inside = image[..., 3] == 255
    assert image[inside][:, :3].max() > 60
    assert (image[inside][:, :3].min(axis=1) == 255).mean() < 0.02


def test_a_missing_texture_is_refused():
    with pytest.raises(ValueError, match="texture 3"):
        draw([square(0, (1, 1, 1), texture=3)])


def test_threads_are_limited():
    with pytest.raises(ValueError, match="threads"):
        CpuRenderer(0)


def test_what_is_cut_out_by_alpha_throws_no_solid_shadow():
    ground = square(0.0, (0.5, 0.5, 0.5), side=0.15)
    hole = np.zeros((8, 8, 4), np.uint8)
    card = square(0.1, (0.5, 0.5, 0.5), side=0.03, texture=0, alpha_cutoff=0.5)
    assert np.array_equal(draw([ground], textures=[hole]), draw([ground, card], textures=[hole]))


def test_the_shadow_map_holds_what_is_nearest_to_the_light():
    renderer = CpuRenderer(2)
    renderer.load(head_bundle())
    renderer.draw(posed(head=(0.1, 0.35, 0.05, 0, 0, 0)), CAMERA, (32, 32))
    buffers, casters = renderer._buffers, renderer._scene.casters
    wanted, edges = np.full((TEXELS, TEXELS), np.inf), np.zeros((TEXELS, TEXELS), bool)
    for corners in buffers.in_light[casters[buffers.shadow_rows[:, 1] >= 0]].astype(float):
        low, high = np.floor(corners[:, :2].min(0)).astype(int), np.ceil(corners[:, :2].max(0)).astype(int)
        here = np.s_[max(low[1], 0) : high[1], max(low[0], 0) : high[0]]
        places = np.stack(np.mgrid[here][::-1] + 0.5, axis=-1) - corners[0, :2]
        shares = places @ np.linalg.pinv(corners[1:, :2] - corners[0, :2])
        least = np.minimum(shares.min(axis=-1), 1.0 - shares.sum(axis=-1))
        depth = corners[0, 2] + shares @ (corners[1:, 2] - corners[0, 2])
        wanted[here] = np.where(least >= 0.0, np.minimum(wanted[here], depth), wanted[here])
        edges[here] |= abs(least) < 1e-3
    found = np.where(buffers.shadow[:, :TEXELS] < 1e8, buffers.shadow[:, :TEXELS], np.inf)
    renderer.close()
    assert np.isfinite(wanted).mean() > 0.1
    assert np.isclose(found, wanted, atol=1e-5, rtol=0)[~edges].all()
    assert edges.mean() < 0.1


def test_skipping_the_shadow_filter_where_all_is_lit_or_dark_changes_nothing():
    bundle, pose = head_bundle(), posed(head=(0.1, 0.35, 0.05, 0, 0, 0))

    def picture(survey):
        renderer = CpuRenderer(1)
        renderer.load(bundle)
        if not survey:
            renderer._buffers.bind = without_survey(renderer._buffers.bind)
        image = renderer.draw(pose, CAMERA, (160, 160))
        renderer.close()
        return image

    assert np.array_equal(picture(survey=True), picture(survey=False))


def without_survey(bind):
    """The kernels, but that nothing is known of the shadow map's depths."""

    def bound(name, *shared):
        if name != "survey_shadow":
            return bind(name, *shared)
        reach = shared[1]
        reach[..., 0], reach[..., 1] = -np.inf, np.inf
        return lambda begin, end: None

    return bound


def test_a_triangle_looks_the_same_whole_and_in_small_pieces():
    """A large one is tested block by block against its edges first, where a small one touches a few blocks at all."""
    corners = np.array([[-0.14, -0.12], [0.15, -0.09], [0.02, 0.16]])
    pieces = 8
    rows = [
        (corners[0] * (pieces - i - j) + corners[1] * i + corners[2] * j) / pieces
        for j in range(pieces + 1)
        for i in range(pieces + 1 - j)
    ]
    start = np.cumsum([0] + [pieces + 1 - j for j in range(pieces)])
    up = [(start[j] + i, start[j] + i + 1, start[j + 1] + i) for j in range(pieces) for i in range(pieces - j)]
    down = [
        (start[j] + i + 1, start[j + 1] + i + 1, start[j + 1] + i)
        for j in range(pieces)
        for i in range(pieces - j - 1)
    ]

    def picture(points, triangles):
        positions = np.column_stack([points, np.zeros(len(points))]).astype(np.float32)
        normals = np.tile(np.array([0, 0, 1], np.float32), (len(points), 1))
        mesh = Mesh("flat", positions, normals, np.array(triangles, np.uint32), Material("flat"))
        return draw([mesh], size=(400, 400))

    whole, cut_up = picture(corners, [(0, 1, 2)]), picture(np.array(rows), up + down)
    # The pieces' corners are rounded to 1/256 pixel, which may move a sample over the outline.
    difference = np.abs(whole.astype(int) - cut_up.astype(int))
    assert (difference.max(axis=2) > 1).mean() < 0.001
    assert (whole[..., 3] == 255).sum() > 20000


def test_what_is_seen_does_not_depend_on_the_order_of_drawing():
    """Blocks that what is drawn already hides are left out; none of them may have anything in front of it."""
    draws = np.random.default_rng(5)
    middle, size = draws.uniform(-0.15, 0.15, (400, 1, 2)), draws.choice([0.003, 0.02, 0.1, 3.0], (400, 1, 1))
    corners = np.concatenate([middle + draws.normal(size=(400, 3, 2)) * size, np.zeros((400, 3, 1))], axis=2)
    # All lie in one of the layers by which triangles are sorted.
    corners[..., 2] = draws.uniform(-0.0045, 0.0045, (400, 3)) + 0.005
    colors = np.append(draws.uniform(0, 1, (400, 1, 3)).repeat(3, axis=1), np.ones((400, 3, 1)), axis=2)
    mesh = Mesh(
        "leaves",
        corners.reshape(-1, 3).astype(np.float32),
        np.tile(np.array([0, 0, 1], np.float32), (1200, 1)),
        np.arange(1200, dtype=np.uint32).reshape(-1, 3),
        Material("leaves", MaterialKind.MATTE, double_sided=True),
        colors=colors.reshape(-1, 4).astype(np.float32),
    )
    one, other = (draw([replace(mesh, triangles=order)], size=(230, 211)) for order in _both_ways(mesh.triangles))
    assert (one != other).any(axis=2).mean() < 0.001, "but for samples at which two are equally near"


def _both_ways(triangles):
    return triangles, np.ascontiguousarray(triangles[::-1])


def test_a_triangle_far_larger_than_the_image_fills_it():
    """Its edges are so long that they are followed in coarser numbers."""
    for side in (0.5, 5.0, 40.0):
        plane = square(0.0, (0.5, 0.5, 0.5), side=side)
        assert draw([plane], camera=Camera((0.003, 0.001, 0.05), (0.003, 0.001, 0.0)))[..., 3].min() == 255
        edge = draw([plane], camera=Camera((side, 0.001, 0.05), (side, 0.001, 0.0)))
        assert edge[:, :64, 3].min() == 255
        assert edge[:, 64:, 3].max() == 0


@pytest.mark.parametrize("width", [62, 63, 64, 65])
def test_what_reaches_over_the_edge_of_the_image_stays_out_of_it(width):
    """Blocks of samples may lie half outside; what they hold there must not show up in the next row."""
    plane = square(0.0, (0.5, 0.5, 0.5), side=1.0)
    image = draw([plane], camera=Camera((-1.0, 0.0, 0.9), (-1.0, 0.0, 0.0)), size=(width, 33))
    assert image[:, : width // 2 - 1, 3].max() == 0
    assert image[:, width // 2 + 1 :, 3].min() == 255
