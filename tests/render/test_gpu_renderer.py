from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from render_fixtures import CAMERA, ball, head_bundle
from renderer_suite import RendererSuite, posed

from avatarkit.avatars import builtin, read_bundle
from avatarkit.avatars.bundle import Bundle, BundleInfo, MaterialKind
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.render import open_renderer, registry

wgpu = pytest.importorskip("wgpu", reason="the GPU renderer needs wgpu, which is not installed")

from avatarkit.render.gpu import adapter  # noqa: E402 - after the check
from avatarkit.render.gpu import renderer as gpu_renderer  # noqa: E402
from avatarkit.render.gpu.renderer import GpuRenderer  # noqa: E402


@pytest.fixture(autouse=True)
def some_adapter():
    try:
        adapter.open_gpu()
    except AvatarError as reason:
        pytest.skip(f"the GPU renderer needs a GPU or a software driver: {reason}")


class TestGpuRenderer(RendererSuite):
    def open(self):
        return GpuRenderer()


def both(bundle, pose, size):
    images = []
    for name in ("cpu", "gpu"):
        renderer = open_renderer(name)
        renderer.load(bundle)
        images.append(renderer.draw(pose, bundle.info.camera, size))
        renderer.close()
    return images


# Stated in docs/rendering.md. Differences lie where a surface begins or ends: samples that fall on the other side.
MEAN_TOLERANCE, SHARE_TOLERANCE = 0.8, 0.006


def default_bundle():
    return read_bundle(builtin.default_path())


def photo_bundle():
    """What is drawn as it is, and cut out softly: a disc that fades out."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    picture = np.full((64, 64, 4), (210, 120, 60, 255), np.uint8)
    picture[..., 3] = np.clip(255 * (1.3 - 1.3 * np.hypot(x, y)), 0, 255)
    ball_ = ball("photo", MaterialKind.PHOTO, (1, 1, 1), (0, 0, 0), 0.12, texture=0, alpha_cutoff=0.5)
    mesh = replace(ball_, uv=ball_.positions[:, :2] * np.float32([4, -4]) + np.float32(0.5))
    return Bundle(BundleInfo("photo", "CC0-1.0", "", camera=CAMERA), (mesh,), (), (picture,))


@pytest.mark.parametrize("bundle", [head_bundle, photo_bundle, default_bundle], ids=["balls", "photo", "default"])
@pytest.mark.parametrize(
    "pose", [posed(), posed(jawOpen=0.6, mouthSmileLeft=0.5, head=(0.1, 0.35, 0.05, 0, 0, 0))], ids=["rest", "turned"]
)
def test_both_renderers_draw_the_same_picture(bundle, pose):
    cpu, gpu = both(bundle(), pose, (256, 256))
    assert (cpu[..., 3] > 0).mean() > 0.1
    difference = np.abs(cpu.astype(int) - gpu.astype(int))
    assert difference.mean() < MEAN_TOLERANCE
    assert (difference.max(axis=2) > 24).mean() < SHARE_TOLERANCE
    assert (np.abs(cpu[..., 3].astype(int) - gpu[..., 3]) > 0).mean() < 0.003


def test_renderers_share_one_device_and_do_not_mix():
    first, second = GpuRenderer(), GpuRenderer()
    bundle = head_bundle()
    first.load(bundle)
    alone = first.draw(posed(), CAMERA, (64, 64))
    second.load(bundle)
    second.draw(posed(jawOpen=1.0), CAMERA, (96, 64))
    second.close()
    assert np.array_equal(first.draw(posed(), CAMERA, (64, 64)), alone)
    first.close()


def test_after_a_failure_of_the_gpu_the_next_renderer_gets_a_new_device(monkeypatch):
    forgotten = []
    monkeypatch.setattr(gpu_renderer, "forget_gpu", lambda: forgotten.append(True))
    renderer = GpuRenderer()
    renderer.load(head_bundle())

    def lost(*_):
        raise wgpu.GPUError("device lost")

    monkeypatch.setattr(renderer, "_run", lost)
    with pytest.raises(wgpu.GPUError):
        renderer.draw(posed(), CAMERA, (16, 16))
    assert forgotten == [True]


def test_auto_takes_the_gpu_only_where_there_is_hardware(monkeypatch):
    for found, expected in ((None, "CpuRenderer"), ("Some GPU", "GpuRenderer")):
        monkeypatch.setattr(adapter, "hardware_name", lambda found=found: found)
        renderer = open_renderer("auto")
        assert type(renderer).__name__ == expected
        renderer.close()


def test_software_is_no_hardware(monkeypatch):
    monkeypatch.setattr(adapter, "_LINUX_NODES", ("/dev/null",))
    adapter.hardware_name.cache_clear()
    kinds = {a.info["adapter_type"] for a in wgpu.gpu.enumerate_adapters_sync()}
    assert (adapter.hardware_name() is None) == (kinds <= {"CPU", "Unknown"})
    adapter.hardware_name.cache_clear()


def test_without_wgpu_the_error_names_the_extra_and_auto_draws_on_the_cpu(monkeypatch):
    found = registry.importlib.util.find_spec
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None if name == "wgpu" else found(name))
    with pytest.raises(AvatarError, match=r"pyavatarkit\[gpu\]") as caught:
        open_renderer("gpu")
    assert caught.value.code is ErrorCode.MISSING_DEPENDENCY
    assert registry.best_renderer() == "cpu"


def test_without_any_adapter_the_error_says_what_to_do(monkeypatch):
    def none(**_):
        raise RuntimeError("no adapter")

    monkeypatch.setattr(adapter, "_wgpu", lambda: SimpleNamespace(gpu=SimpleNamespace(request_adapter_sync=none)))
    with pytest.raises(AvatarError, match="mesa-vulkan-drivers") as caught:
        adapter.open_gpu.__wrapped__()
    assert caught.value.code is ErrorCode.PLAYBACK_INIT_FAILED
