"""`avatarkit render` as a user runs it."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from avatarkit.cli.app import run

CLIP = Path(__file__).parents[2] / "assets" / "hello.wav"


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """A second of speech."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    with wave.open(str(CLIP)) as source, wave.open(str(path), "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(source.getframerate()))
    return path


def pictures(path, codec=None):
    with av.open(str(path)) as file:
        if codec is None:
            return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        decoder = av.CodecContext.create(codec, "r")
        stream = file.streams.video[0]
        return [f.to_ndarray(format="rgba") for p in file.demux(stream) if p.size for f in decoder.decode(p)]


def test_speech_becomes_a_film_the_same_every_time(speech, tmp_path, capsys):
    Image.fromarray(np.full((60, 90, 3), (20, 60, 200), np.uint8)).save(tmp_path / "sea.png")
    made = []
    for name in ("a.mp4", "b.mp4"):
        options = ["--size", "96x128", "--fps", "30", "--style", "happy:0.7", "--seed", "9", "--json"]
        assert run(["render", str(speech), "-o", str(tmp_path / name), "--background", str(tmp_path / "sea.png"),
                    *options]) == 0  # fmt: skip
        made.append((tmp_path / name).read_bytes())
        facts = json.loads(capsys.readouterr().out)
        assert facts["frames"] == 66  # 0.4 s, 1 s, 0.8 s at 30 a second
    assert made[0] == made[1]
    with av.open(str(tmp_path / "a.mp4")) as file:
        video = file.streams.video[0]
        assert (video.width, video.height, video.average_rate) == (96, 128, 30)
        sound = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
        loud = np.flatnonzero(np.abs(sound) > 0.02) / 48000
        assert 0.39 < loud[0] < 0.9
    frames = pictures(tmp_path / "a.mp4")
    assert len(frames) == 66
    assert frames[0][3, 3].tolist() == pytest.approx([20, 60, 200], abs=8)
    assert np.abs(frames[0].astype(int) - frames[30]).max() > 25


def test_alpha_gives_a_webm_that_is_clear_around_the_avatar(speech, tmp_path, capsys):
    assert run(["render", str(speech), "-o", str(tmp_path / "a.webm"), "--alpha", "--size", "64", "--json"]) == 0
    frames = pictures(tmp_path / "a.webm", "libvpx-vp9")
    assert len(frames) == json.loads(capsys.readouterr().out)["frames"] == 55
    assert frames[9][2, 2, 3] < 8
    assert frames[9][40, 32, 3] > 247


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "17x"], "WIDTHxHEIGHT"),
        (["--size", "63x64"], "even"),
        (["--style", "grumpy"], "happy"),
        (["--avatar", "nobody"], "built-in"),
        (["--avatar", "nobody.glb"], "no file"),
        (["--background", "#12345"], "colour"),
        (["--background", "nowhere.png"], "cannot be read"),
        (["--alpha"], "webm"),
        (["--alpha", "--background", "#123"], "exclude"),
        (["--renderer", "steam"], "cpu"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_no_file(speech, tmp_path, capsys, options, words):
    assert run(["render", str(speech), "-o", str(tmp_path / "a.mp4"), *options]) == 1
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []
