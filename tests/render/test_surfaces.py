from __future__ import annotations

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.render import Background, OffscreenSurface, VideoSurface
from avatarkit.render.sound_track import SoundTrack

SIZE = (64, 48)


def picture(level, alpha=255):
    image = np.full((SIZE[1], SIZE[0], 4), level, np.uint8)
    image[..., 3] = alpha
    return image


def tone(seconds, rate=16000):
    return (np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate) * 12000).astype(np.int16)


def levels(path):
    """Mean brightness of every frame."""
    with av.open(str(path)) as file:
        return [int(frame.to_ndarray(format="rgb24").mean().round()) for frame in file.decode(video=0)]


def sound(path):
    """All samples, float 0..1, and their rate."""
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
        return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


class TestOffscreenSurface:
    def test_it_keeps_the_newest_frames_and_calls_back(self):
        seen = []
        surface = OffscreenSurface(SIZE, 30.0, keep=2, on_frame=seen.append)
        assert surface.latest is None
        for i in range(3):
            surface.present(picture(i), i / 30)
        assert [frame.image[0, 0, 0] for frame in surface.frames] == [1, 2]
        assert surface.latest[0, 0, 0] == 2
        assert [frame.time_s for frame in seen] == [0, 1 / 30, 2 / 30]
        assert (surface.frame_count, surface.size, surface.frame_rate) == (3, SIZE, 30.0)

    def test_after_close_nothing_is_taken(self):
        surface = OffscreenSurface(SIZE)
        surface.present(picture(1), 0)
        surface.close()
        surface.close()
        surface.present(picture(2), 1)
        surface.present_audio(tone(0.1), 16000, 1)
        assert surface.latest[0, 0, 0] == 1

    @pytest.mark.parametrize(
        "arguments", [{"size": (0, 4)}, {"size": (4, 9999)}, {"frame_rate": 0.0}, {"keep": -1}, {"keep": 10**9}]
    )
    def test_limits(self, arguments):
        with pytest.raises(AvatarError) as caught:
            OffscreenSurface(**arguments)
        assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


class TestVideoSurface:
    def test_frames_rate_and_size(self, tmp_path):
        path = tmp_path / "a.mp4"
        surface = VideoSurface(path, SIZE, 25.0)
        for i in range(30):
            surface.present(picture(i * 8), i / 25)
        surface.close()
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            assert (stream.width, stream.height, stream.average_rate) == (*SIZE, 25)
            assert stream.codec_context.name == "h264"
            assert stream.codec_context.pix_fmt == "yuv420p"
            # BT.709 in limited range: players need not guess.
            assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
        assert levels(path) == pytest.approx([i * 8 for i in range(30)], abs=4)

    def test_the_index_lies_before_the_data(self, tmp_path):
        path = tmp_path / "a.mp4"
        surface = VideoSurface(path, SIZE)
        surface.present(picture(90), 0)
        surface.close()
        data = path.read_bytes()
        assert 0 < data.find(b"moov") < data.find(b"mdat")

    def test_a_slot_shows_the_latest_frame_that_is_not_after_it(self, tmp_path):
        path = tmp_path / "a.mp4"
        surface = VideoSurface(path, SIZE, 10.0)
        # Slots are at 0, 0.1, 0.2, ... seconds.
        for time_s, level in [(0.0, 10), (0.04, 40), (0.10, 80), (0.11, 120), (0.19, 160), (0.45, 220)]:
            surface.present(picture(level), time_s)
        surface.close()
        assert levels(path) == pytest.approx([10, 80, 160, 160, 160, 220], abs=4)

    def test_a_late_first_frame_fills_the_start(self, tmp_path):
        path = tmp_path / "a.mp4"
        surface = VideoSurface(path, SIZE, 10.0)
        surface.present(picture(100), 0.3)
        surface.close()
        assert levels(path) == pytest.approx([100] * 4, abs=4)

    def test_rounding_of_times_costs_no_frame(self, tmp_path):
        path = tmp_path / "a.mp4"
        surface = VideoSurface(path, SIZE, 30.0)
        for i in range(40):
            surface.present(picture(200 if i % 2 else 50), i * (1 / 30) + 1e-9)
        surface.close()
        assert levels(path) == pytest.approx([200 if i % 2 else 50 for i in range(40)], abs=12)

    def test_the_background_shows_where_the_frame_is_transparent(self, tmp_path):
        path = tmp_path / "a.mp4"
        surface = VideoSurface(path, SIZE, background=(0.2, 0.4, 0.8))
        surface.present(picture(0, alpha=0), 0)
        surface.close()
        with av.open(str(path)) as file:
            pixel = next(file.decode(video=0)).to_ndarray(format="rgb24")[20, 20]
        assert pixel.tolist() == pytest.approx([51, 102, 204], abs=4)

    def test_sound_lies_at_its_time_with_silence_around(self, tmp_path):
        path = tmp_path / "a.mp4"
        surface = VideoSurface(path, SIZE, 25.0)
        for i in range(50):
            surface.present(picture(80), i / 25)
            if i == 12:
                surface.present_audio(tone(0.25), 16000, 0.5)
            if i == 18:
                surface.present_audio(tone(0.25), 16000, 0.751)
        surface.present_audio(tone(0.1), 16000, 1.5)
        surface.close()
        samples, rate = sound(path)
        loud = np.abs(samples[: len(samples) // 480 * 480].reshape(-1, 480)).max(axis=1) > 0.1
        edges = np.flatnonzero(np.diff(loud.astype(int))) / (rate / 480)
        assert edges == pytest.approx([0.5, 1.0, 1.5, 1.6], abs=0.04)
        assert len(samples) / rate == pytest.approx(2.0, abs=0.1)

    @pytest.mark.parametrize("size", [(63, 48), (64, 47), (0, 0)])
    def test_odd_sizes_are_refused(self, tmp_path, size):
        with pytest.raises(AvatarError) as caught:
            VideoSurface(tmp_path / "a.mp4", size)
        assert caught.value.code is ErrorCode.CONFIGURATION_INVALID
        assert list(tmp_path.iterdir()) == []

    def test_a_path_that_cannot_be_written_is_refused(self, tmp_path):
        with pytest.raises(AvatarError) as caught:
            VideoSurface(tmp_path / "nowhere" / "a.mp4", SIZE)
        assert caught.value.code is ErrorCode.CONFIGURATION_INVALID

    def test_closing_without_a_frame_leaves_nothing_and_twice_is_fine(self, tmp_path):
        surface = VideoSurface(tmp_path / "a.mp4", SIZE)
        surface.close()
        surface.close()
        surface.present(picture(1), 0)
        surface.present_audio(tone(0.1), 16000, 0)
        assert list(tmp_path.iterdir()) == []

    def test_the_file_appears_when_it_is_whole(self, tmp_path):
        path = tmp_path / "a.mp4"
        surface = VideoSurface(path, SIZE)
        surface.present(picture(1), 0)
        assert not path.exists()
        surface.close()
        assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]

    def test_an_encoder_that_fails_is_reported_when_closing(self, tmp_path, monkeypatch):
        surface = VideoSurface(tmp_path / "a.mp4", SIZE)

        def broken(image, slots):
            raise OSError("disk full")

        monkeypatch.setattr(surface._writer, "add_picture", broken)
        for i in range(100):
            surface.present(picture(1), i / 25)
        with pytest.raises(AvatarError, match="disk full"):
            surface.close()
        surface.close()
        assert list(tmp_path.iterdir()) == []

    def test_wrong_frames_are_refused(self, tmp_path):
        surface = VideoSurface(tmp_path / "a.mp4", SIZE)
        with pytest.raises(ValueError, match="image"):
            surface.present(np.zeros((4, 4, 4), np.uint8), 0)
        surface.present(picture(1), 1.0)
        with pytest.raises(ValueError, match="time"):
            surface.present(picture(1), 0.5)
        with pytest.raises(ValueError, match="time"):
            surface.present(picture(1), float("nan"))
        surface.close()


class TestSoundTrack:
    def test_pieces_that_belong_together_join_without_a_seam(self):
        track = SoundTrack(1000)
        first = track.place(np.ones(100, np.int16), 1000, 0.0)
        second = track.place(np.ones(100, np.int16), 1000, 0.112)
        third = track.place(np.ones(100, np.int16), 1000, 0.195)
        assert [len(first), len(second), len(third)] == [100, 100, 100]

    def test_a_gap_is_silence_and_an_overlap_is_dropped(self):
        track = SoundTrack(1000)
        assert track.place(np.ones(10, np.int16), 1000, 0.5).tolist() == [0] * 500 + [1] * 10
        assert track.place(np.arange(200, dtype=np.int16), 1000, 0.4).tolist() == list(range(110, 200))
        assert track.place(np.ones(10, np.int16), 1000, 0.1).tolist() == []
        assert len(track.pad_to(0.7)) == 100

    def test_another_rate_is_converted(self):
        assert len(SoundTrack(48000).place(np.ones(160, np.int16), 16000, 0.0)) == 480


class TestBackgrounds:
    IMAGE = np.array([[[10, 20, 30, 255], [255, 255, 255, 128], [9, 9, 9, 0]]], np.uint8)

    def test_a_colour_by_name_of_its_parts_or_as_hex(self):
        for given in ((0.0, 0.0, 1.0), "#0000ff", "#00f"):
            out = Background(given, (3, 1)).behind(self.IMAGE)
            # Half of full light is 188 in sRGB; half of the bytes would be 128.
            assert out[0].tolist() == [[10, 20, 30, 255], [188, 188, 255, 255], [0, 0, 255, 255]]

    def test_a_picture_covers_the_frame_and_is_cut_around_its_middle(self, tmp_path):
        picture = np.zeros((10, 40, 3), np.uint8)
        picture[:, 15:25] = (200, 100, 50)
        Pillow.fromarray(picture).save(tmp_path / "wide.png")
        for given in (tmp_path / "wide.png", str(tmp_path / "wide.png"), picture):
            out = Background(given, (20, 20)).behind(np.zeros((20, 20, 4), np.uint8))
            assert out[10, 10].tolist() == pytest.approx([200, 100, 50, 255], abs=6)
            assert out[10, 1].tolist() == pytest.approx([200, 100, 50, 255], abs=30)
        out = Background(picture, (20, 5)).behind(np.zeros((5, 20, 4), np.uint8))
        assert out[2, 10].tolist() == pytest.approx([200, 100, 50, 255], abs=6)
        assert out[2, 2].tolist() == [0, 0, 0, 255]

    def test_transparency_leaves_the_frame_as_it_is(self):
        assert Background("transparent", (3, 1)).behind(self.IMAGE) is self.IMAGE

    @pytest.mark.parametrize(
        "given", ["#12", "#gggggg", "nowhere.png", (1, 2, 3), (0.1, 0.2), np.zeros((2, 2, 4), "u1")]
    )
    def test_what_is_none_is_refused(self, given):
        with pytest.raises(AvatarError) as caught:
            Background(given, (3, 1))
        assert caught.value.code is ErrorCode.CONFIGURATION_INVALID

    def test_a_file_that_is_no_picture_is_refused(self, tmp_path):
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
        with pytest.raises(AvatarError, match="cannot be read"):
            Background(tmp_path / "a.png", (3, 1))


class TestWebm:
    def test_alpha_is_kept(self, tmp_path):
        path = tmp_path / "a.webm"
        surface = VideoSurface(path, SIZE, background="transparent")
        image = picture(200)
        image[:, 32:, 3] = 0
        for k in range(5):
            surface.present(image, k / 25)
        surface.present_audio(tone(0.2), 16000, 0.0)
        surface.close()
        with av.open(str(path)) as file:
            assert [stream.codec_context.name for stream in file.streams] == ["vp9", "opus"]
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            packets = [packet for packet in file.demux(file.streams.video[0]) if packet.size]
            frames = [frame.to_ndarray(format="rgba") for packet in packets for frame in decoder.decode(packet)]
        assert len(frames) == 5
        assert frames[2][20, 10].tolist() == pytest.approx([200, 200, 200, 255], abs=4)
        assert frames[2][20, 55, 3] < 4

    def test_an_opaque_one_has_its_background(self, tmp_path):
        path = tmp_path / "a.webm"
        surface = VideoSurface(path, SIZE, background="#3366cc")
        surface.present(picture(0, alpha=0), 0)
        surface.close()
        with av.open(str(path)) as file:
            pixel = next(file.decode(video=0)).to_ndarray(format="rgb24")[20, 20]
        assert pixel.tolist() == pytest.approx([51, 102, 204], abs=5)

    def test_an_mp4_cannot_be_transparent(self, tmp_path):
        with pytest.raises(AvatarError, match=r"\.webm"):
            VideoSurface(tmp_path / "a.mp4", SIZE, background="transparent")
        assert list(tmp_path.iterdir()) == []

    def test_what_is_given_up_leaves_nothing(self, tmp_path):
        surface = VideoSurface(tmp_path / "a.webm", SIZE)
        surface.present(picture(1), 0)
        surface.abandon()
        surface.close()
        assert list(tmp_path.iterdir()) == []
