"""What every renderer must do. A renderer's test module inherits the class and says how to open one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from render_fixtures import CAMERA, head_bundle

from avatarkit.avatars.bundle import Bundle, BundleInfo
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.types import Camera

SIZE = (96, 128)


def posed(*, head=(0, 0, 0, 0, 0, 0), **weights):
    pose = Pose.neutral()
    pose.head[:] = head
    for name, value in weights.items():
        pose.weights[ARKIT_INDEX[name]] = value
    return pose


def center_of(mask):
    """Mean column and row of a mask."""
    rows, columns = np.nonzero(mask)
    return columns.mean(), rows.mean()


def eyes(image):
    """Where the test head's eyes are: grey, above its middle."""
    color = image[:80, :, :3].astype(int)
    return (color.max(axis=2) - color.min(axis=2) < 25) & (color.min(axis=2) > 100)


class RendererSuite:
    """Inherit, and define ``open()``."""

    def open(self):
        raise NotImplementedError

    @pytest.fixture
    def bundle(self):
        return head_bundle()

    @pytest.fixture
    def renderer(self, bundle):
        renderer = self.open()
        renderer.load(bundle)
        yield renderer
        renderer.close()

    def test_the_image_has_the_size_asked_for(self, renderer):
        for size in [(1, 1), (37, 21), SIZE]:
            image = renderer.draw(Pose.neutral(), CAMERA, size)
            assert image.shape == (size[1], size[0], 4)
            assert image.dtype == np.uint8

    def test_outside_the_avatar_is_transparent_and_inside_opaque(self, renderer):
        alpha = renderer.draw(Pose.neutral(), CAMERA, SIZE)[..., 3]
        assert alpha[:10].max() == 0
        assert alpha[64, 48] == 255
        edge = (alpha > 0) & (alpha < 255)
        assert 20 < edge.sum() < 0.1 * alpha.size

    def test_edges_carry_the_surface_colour_not_the_background(self, renderer):
        image = renderer.draw(Pose.neutral(), CAMERA, (256, 256)).astype(int)
        edge = (image[..., 3] > 0) & (image[..., 3] < 255)
        assert image[edge][:, :3].max(axis=1).min() > 15

    def test_the_same_pose_gives_the_same_pixels(self, renderer):
        pose = posed(jawOpen=0.4, head=(0.1, 0.2, 0, 0, 0, 0))
        first = renderer.draw(pose, CAMERA, SIZE)
        renderer.draw(Pose.neutral(), CAMERA, (64, 64))
        assert np.array_equal(first, renderer.draw(pose, CAMERA, SIZE))

    def test_images_belong_to_the_caller(self, renderer):
        first = renderer.draw(Pose.neutral(), CAMERA, SIZE)
        kept = first.copy()
        renderer.draw(posed(head=(0, 0.5, 0, 0, 0, 0)), CAMERA, SIZE)
        assert np.array_equal(first, kept)
        first[:] = 0

    def test_a_morph_moves_the_surface_where_it_belongs(self, renderer):
        rest = renderer.draw(Pose.neutral(), CAMERA, SIZE).astype(int)
        moved = renderer.draw(posed(jawOpen=1.0), CAMERA, SIZE).astype(int)
        changed = np.abs(rest - moved).max(axis=2) > 12
        assert changed.sum() > 50
        assert not changed[:50].any()

    def test_yaw_turns_to_the_avatars_left_which_is_the_viewers_right(self, renderer):
        rest = center_of(eyes(renderer.draw(Pose.neutral(), CAMERA, SIZE)))[0]
        left = center_of(eyes(renderer.draw(posed(head=(0, 0.3, 0, 0, 0, 0)), CAMERA, SIZE)))[0]
        assert left > rest + 4

    def test_pitch_nods_down(self, renderer):
        rest = center_of(eyes(renderer.draw(Pose.neutral(), CAMERA, SIZE)))[1]
        down = center_of(eyes(renderer.draw(posed(head=(0.25, 0, 0, 0, 0, 0)), CAMERA, SIZE)))[1]
        assert down > rest + 2

    def test_translation_is_in_metres(self, renderer):
        rest = renderer.draw(Pose.neutral(), CAMERA, SIZE)[:40, :, 3] > 127
        moved = renderer.draw(posed(head=(0, 0, 0, 0.03, 0, 0)), CAMERA, SIZE)[:40, :, 3] > 127
        pixels_per_metre = SIZE[1] / (2 * 0.9 * np.tan(np.radians(12)))
        assert center_of(moved)[0] - center_of(rest)[0] == pytest.approx(0.03 * pixels_per_metre, abs=1.5)

    def test_the_body_stays_when_the_head_turns(self, renderer):
        rest = renderer.draw(Pose.neutral(), CAMERA, SIZE)[118:, :, 3]
        turned = renderer.draw(posed(head=(0, 0.6, 0, 0, 0, 0)), CAMERA, SIZE)[118:, :, 3]
        assert np.array_equal(rest, turned)

    def test_the_camera_can_come_nearer(self, renderer):
        far = renderer.draw(Pose.neutral(), CAMERA, SIZE)[..., 3]
        near = renderer.draw(Pose.neutral(), replace(CAMERA, position=(0.0, 0.0, 0.6)), SIZE)[..., 3]
        assert near.sum() > 1.3 * far.sum()

    def test_a_camera_inside_the_avatar_does_not_fail(self, renderer):
        renderer.draw(Pose.neutral(), Camera((0.0, 0.0, 0.0), (0.0, 0.0, -1.0), 60.0), SIZE)

    def test_the_avatar_is_lit_from_above_its_right(self, renderer):
        image = renderer.draw(Pose.neutral(), CAMERA, (256, 256)).astype(int).sum(axis=2)
        assert image[125:140, 82:95].mean() > image[125:140, 162:175].mean()

    def test_another_bundle_can_be_loaded(self, renderer, bundle):
        both = renderer.draw(Pose.neutral(), CAMERA, SIZE)
        renderer.load(replace(bundle, meshes=bundle.meshes[:1]))
        one = renderer.draw(Pose.neutral(), CAMERA, SIZE)
        assert (one[..., 3] > 0).sum() < (both[..., 3] > 0).sum()
        renderer.load(bundle)
        assert np.array_equal(renderer.draw(Pose.neutral(), CAMERA, SIZE), both)

    def test_an_empty_bundle_is_refused_and_the_loaded_one_stays(self, renderer):
        before = renderer.draw(Pose.neutral(), CAMERA, SIZE)
        with pytest.raises(ValueError, match="no"):
            renderer.load(Bundle(BundleInfo("empty", "CC0-1.0", ""), ()))
        assert np.array_equal(renderer.draw(Pose.neutral(), CAMERA, SIZE), before)

    def test_drawing_needs_a_loaded_avatar(self, renderer):
        fresh = self.open()
        with pytest.raises(RuntimeError, match="load"):
            fresh.draw(Pose.neutral(), CAMERA, SIZE)
        fresh.close()
        renderer.close()
        with pytest.raises(RuntimeError, match="load"):
            renderer.draw(Pose.neutral(), CAMERA, SIZE)

    def test_closing_twice_is_fine(self, renderer):
        renderer.close()
        renderer.close()

    @pytest.mark.parametrize("size", [(0, 10), (10, -1), (100_000, 10), (10.0, 10)])
    def test_impossible_sizes_are_refused(self, renderer, size):
        with pytest.raises(ValueError, match="size"):
            renderer.draw(Pose.neutral(), CAMERA, size)

    def test_a_pose_that_is_not_finite_is_refused(self, renderer):
        with pytest.raises(ValueError, match="finite"):
            renderer.draw(posed(jawOpen=float("nan")), CAMERA, SIZE)

    def test_a_camera_that_looks_nowhere_is_refused(self, renderer):
        with pytest.raises(ValueError, match="camera"):
            renderer.draw(Pose.neutral(), Camera((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), SIZE)
