from __future__ import annotations

import collections
import io
import sys

import numpy as np
import pytest
from PIL import Image as Pillow

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.render import NotebookSurface, PipeSurface

SIZE = (6, 4)


def picture(color, alpha=255):
    image = np.empty((SIZE[1], SIZE[0], 4), np.uint8)
    image[...] = (*color, alpha)
    return image


class TestPipeSurface:
    def test_raw_frames_reach_a_file_at_a_constant_rate(self):
        target = io.BytesIO()
        surface = PipeSurface(target, SIZE, 10.0)
        for time_s, level in [(0.0, 10), (0.1, 20), (0.12, 30), (0.35, 40)]:
            surface.present(picture((level, 0, 0)), time_s)
        surface.present_audio(np.zeros(10, np.int16), 16000, 0.1)
        surface.close()
        surface.close()
        frames = np.frombuffer(target.getvalue(), np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)
        assert frames[:, 0, 0, 0].tolist() == [10, 20, 30, 30, 40]
        assert not target.closed

    @pytest.mark.parametrize(
        ("pixel_format", "expected"),
        [("rgb24", [1, 2, 3]), ("bgr24", [3, 2, 1]), ("rgba", [1, 2, 3, 255]), ("bgra", [3, 2, 1, 255])],
    )
    def test_bytes_come_in_the_order_asked_for(self, pixel_format, expected):
        target = io.BytesIO()
        surface = PipeSurface(target, SIZE, pixel_format=pixel_format)
        surface.present(picture((1, 2, 3)), 0)
        surface.close()
        assert list(target.getvalue()[: len(expected)]) == expected

    def test_transparency_is_kept_or_filled(self):
        for background, expected in (("transparent", [9, 9, 9, 0]), ("#0000ff", [0, 0, 255, 255])):
            target = io.BytesIO()
            surface = PipeSurface(target, SIZE, pixel_format="rgba", background=background)
            surface.present(picture((9, 9, 9), alpha=0), 0)
            surface.close()
            assert list(target.getvalue()[:4]) == expected

    def test_a_command_gets_them_on_its_standard_input(self, tmp_path):
        path = tmp_path / "frames"
        copy = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
        surface = PipeSurface([sys.executable, "-c", copy, str(path)], SIZE, 25.0)
        for k in range(50):
            surface.present(picture((k, k, k)), k / 25)
        surface.close()
        frames = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)
        assert frames[:, 0, 0, 0].tolist() == list(range(50))

    def test_a_reader_that_goes_away_is_an_error_not_a_standstill(self):
        surface = PipeSurface([sys.executable, "-c", "raise SystemExit(3)"], (512, 512))
        image = np.zeros((512, 512, 4), np.uint8)
        with pytest.raises(AvatarError) as caught:
            collections.deque((surface.present(image, k / 25) for k in range(200)), maxlen=0)
        assert caught.value.code is ErrorCode.PLAYBACK_START_FAILED
        with pytest.raises(AvatarError):
            surface.close()
        surface.close()

    def test_a_command_that_fails_is_told_when_closing(self):
        surface = PipeSurface([sys.executable, "-c", "import sys; sys.stdin.buffer.read(); sys.exit(4)"], SIZE)
        surface.present(picture((1, 1, 1)), 0)
        with pytest.raises(AvatarError, match="status 4"):
            surface.close()

    @pytest.mark.parametrize(
        "options",
        [{"pixel_format": "yuv"}, {"background": "transparent"}, {"size": (0, 1)}, {"target": ["/no/such/program"]}],
    )
    def test_impossible_ones_are_refused(self, options):
        with pytest.raises(AvatarError) as caught:
            PipeSurface(**{"target": io.BytesIO(), **options})
        assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


class TestNotebookSurface:
    @pytest.fixture
    def published(self, monkeypatch):
        """What a notebook's front end would get: pairs of data and whether it replaces an older output."""
        shells = pytest.importorskip("IPython.core.interactiveshell", reason="IPython is not installed")
        display_functions = pytest.importorskip("IPython.core.display_functions")
        out = []

        def publish(data, metadata=None, *, transient=None, **options):
            out.append((data, options.get("update", False), (transient or {}).get("display_id")))

        monkeypatch.setattr(display_functions, "publish_display_data", publish)
        monkeypatch.setattr(shells.InteractiveShell, "initialized", classmethod(lambda cls: True))
        formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
        shell = type("Shell", (), {"display_formatter": formatter})()
        monkeypatch.setattr(shells.InteractiveShell, "instance", classmethod(lambda cls: shell))
        return out

    def shown(self, entry, kind):
        import base64

        data = entry[0][f"image/{kind}"]
        raw = base64.b64decode(data) if isinstance(data, str) else data
        return np.asarray(Pillow.open(io.BytesIO(raw)))

    def test_frames_replace_one_another_in_the_cell(self, published):
        surface = NotebookSurface((32, 16), background="#00ff00")
        image = np.zeros((16, 32, 4), np.uint8)
        surface.present(image, 0.0)
        image[...] = (200, 30, 20, 255)
        surface.present(image, 0.1)
        surface.close()
        surface.present(image, 0.2)
        assert [update for _, update, _ in published] == [False, True, True]
        assert len({display_id for _, _, display_id in published}) == 1
        assert self.shown(published[1], "jpeg")[8, 16].tolist() == pytest.approx([0, 255, 0], abs=6)
        assert self.shown(published[2], "jpeg")[8, 16].tolist() == pytest.approx([200, 30, 20], abs=6)

    def test_transparent_frames_travel_with_their_alpha(self, published):
        surface = NotebookSurface((32, 16), background="transparent")
        image = np.zeros((16, 32, 4), np.uint8)
        image[:, 16:] = (200, 30, 20, 255)
        surface.present(image, 0.0)
        frame = self.shown(published[-1], "webp")
        assert frame[8, 4, 3] == 0
        assert frame[8, 28].tolist() == pytest.approx([200, 30, 20, 255], abs=12)

    def test_without_ipython_the_error_names_the_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "IPython", None)
        with pytest.raises(AvatarError, match=r"pyavatarkit\[notebook\]"):
            NotebookSurface()

    def test_impossible_ones_are_refused(self):
        for options in ({"size": (0, 2)}, {"background": "#1"}):
            with pytest.raises(AvatarError):
                NotebookSurface(**options)
