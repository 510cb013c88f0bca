"""Sound files in: what is read, and what is refused."""

from __future__ import annotations

import wave

import av
import numpy as np
import pytest

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.offline import speech as speech_module
from avatarkit.offline.speech import read_speech

SECONDS = 0.8
CODECS = {"wav": ("wav", "pcm_s16le", 44100), "flac": ("flac", "flac", 44100), "mp3": ("mp3", "libmp3lame", 44100),
          "ogg": ("ogg", "libopus", 48000)}  # fmt: skip


def tone(rate, channels=1):
    wave_ = np.sin(2 * np.pi * 300 * np.arange(int(SECONDS * rate)) / rate) * 9000
    return np.repeat(wave_.astype(np.int16)[:, None], channels, axis=1)


def encode(path, container, codec, rate):
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="stereo")
        samples = tone(rate, 2)
        fit = av.AudioResampler(format=stream.format, layout="stereo", rate=rate)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = rate
        size = stream.codec_context.frame_size
        fifo = av.AudioFifo()
        for part in fit.resample(frame):
            fifo.write(part)
        while (piece := fifo.read(size or 1024, partial=True)) is not None:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))


@pytest.mark.parametrize("ending", list(CODECS))
def test_wav_flac_mp3_and_ogg_are_read_as_mono(tmp_path, ending):
    container, codec, rate = CODECS[ending]
    encode(tmp_path / f"a.{ending}", container, codec, rate)
    clip = read_speech(tmp_path / f"a.{ending}")
    assert clip.sample_rate == rate
    assert clip.duration_s == pytest.approx(SECONDS, abs=0.1)
    samples = np.frombuffer(clip.pcm, "<i2").astype(float)
    middle = samples[len(samples) // 4 : len(samples) // 2]
    assert np.sqrt((middle**2).mean()) == pytest.approx(9000 / np.sqrt(2), rel=0.08)
    peak = np.argmax(np.abs(np.fft.rfft(middle))) * rate / len(middle)
    assert peak == pytest.approx(300, abs=10)


def test_a_wav_keeps_its_very_samples_and_an_odd_rate_is_converted(tmp_path):
    for rate, expected in ((16000, 16000), (11025, 48000)):
        with wave.open(str(tmp_path / "a.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(tone(rate).tobytes())
        clip = read_speech(tmp_path / "a.wav")
        assert clip.sample_rate == expected
        assert clip.duration_s == pytest.approx(SECONDS, abs=0.001)
        if rate == expected:
            assert clip.pcm == tone(rate).tobytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just text, no sound at all",
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.wav\n",  # FFmpeg would go there
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"OggS" + bytes(200),
        b"fLaC" + bytes(200),
        b"ID3" + bytes(200),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AvatarError) as caught:
        read_speech(path)
    assert caught.value.code is ErrorCode.INVALID_AUDIO_INPUT


def test_too_long_a_file_is_refused(tmp_path, monkeypatch):
    encode(tmp_path / "a.wav", "wav", "pcm_s16le", 44100)
    monkeypatch.setattr(speech_module, "LONGEST_S", 0.5)
    with pytest.raises(AvatarError, match="longer"):
        read_speech(tmp_path / "a.wav")
