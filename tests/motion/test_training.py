"""The training recipe's parts: labels fit the sound, disturbances keep it, texts repeat, exported weights load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatarkit.motion.classes import CLASS_COUNT, CLASS_INDEX, CLASSES
from avatarkit.motion.hearing import columns_of
from avatarkit.motion.network import load_network
from avatarkit.motion.training import augment, dataset, phones
from avatarkit.motion.training.card import decided
from avatarkit.motion.training.phones import Segment
from avatarkit.motion.training.synthesis import Utterance
from avatarkit.motion.training.texts import TextSource
from avatarkit.motion.training.voices import ESPEAK_LANGUAGES, HELD_OUT_VOICES, TRAINING_VOICES

WORDS = ("bread", "moon", "five", "paper", "shoe")


def speech(seconds: float = 1.0) -> np.ndarray:
    t = np.arange(int(16000 * seconds)) / 16000
    sound = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 30))
    return (0.1 * np.asarray(sound) * (np.sin(2 * np.pi * 3 * t) > 0)).astype(np.float32)


def test_every_table_gives_known_classes() -> None:
    tables = [voice.table for voice in (*TRAINING_VOICES, *HELD_OUT_VOICES)]
    for table in tables:
        assert all(name in CLASS_INDEX for classes in table.values() for name in classes)


@pytest.mark.parametrize(
    ("mnemonic", "classes"),
    [("p", ("PP",)), ("tS", ("CH",)), ("t", ("DD",)), ("aI", ("AA", "II")), ("_:", ("sil",)), ("(en)p", ("PP",))],
)
def test_espeak_mnemonics(mnemonic: str, classes: tuple[str, ...]) -> None:
    assert phones.espeak_classes(mnemonic) == classes


def test_a_diphthong_spends_more_time_in_its_first_half() -> None:
    first, second = phones.segments_from_ends(phones.ENGLISH, [("ay", 1.0)])
    assert (CLASSES[first.label], CLASSES[second.label]) == ("AA", "II")
    assert first.end_s == second.start_s == pytest.approx(0.55)


def test_an_unknown_phone_is_marked_and_not_guessed() -> None:
    assert [s.label for s in phones.segments_from_ends(phones.ENGLISH, [("zzz", 0.1)])] == [phones.UNKNOWN]


def test_labels_stand_at_their_instants() -> None:
    labels = dataset.labels_of([Segment(3, 0.04, 0.10)], 8)
    assert labels.tolist() == [0, 0, 3, 3, 3, 0, 0, 0]
    assert (
        dataset.labels_of([Segment(3, 0.04, 0.10)], 8, scale=2.0, shift_s=-0.02).tolist() == [0, 0, 0] + [3] * 5 + []
    )


def test_the_same_seed_gives_the_same_sentences() -> None:
    one, two, other = (TextSource(seed, WORDS) for seed in (1, 1, 2))
    mine = [one.english() for _ in range(20)]
    assert mine == [two.english() for _ in range(20)]
    assert mine != [other.english() for _ in range(20)]
    assert not any("{" in text for text in mine)


def test_every_language_has_words() -> None:
    source = TextSource(3, WORDS)
    for language in {voice.language for voice in HELD_OUT_VOICES} | set(ESPEAK_LANGUAGES):
        assert len(source.pseudo(language).split()) >= 1


def test_reading_a_recording_at_its_nominal_speed_keeps_its_length() -> None:
    assert len(augment.at_16_khz(np.zeros(44100, np.float32), 44100)) == 16000
    assert len(augment.at_16_khz(np.zeros(8000, np.float32), 8000)) == 16000


def test_another_voice_says_the_same_in_scaled_time() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        sound, scale = augment.revoice(speech(), rng)
        assert abs(len(sound) / 16000 - scale) < 0.01
        assert 0.6 < scale < 1.4
        assert np.all(np.isfinite(sound))


def test_disturbed_sound_keeps_length_and_range() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        sound = augment.disturb(speech(), rng, speech())
        assert len(sound) == 16000
        assert np.abs(sound).max() <= 1.0
        assert np.all(np.isfinite(sound))


def test_copies_have_a_label_for_every_column(tmp_path: Path) -> None:
    spoken = Utterance("test", "en", speech(), 16000, (Segment(1, 0.0, 0.5), Segment(14, 0.5, 1.0)))
    clips = list(dataset.build([spoken], seed=1))
    assert len(clips) == dataset.COPIES
    for clip in clips:
        assert len(clip.features) == len(clip.labels)
        assert {1, 14} <= set(clip.labels.tolist())
    dataset.save(tmp_path / "clips.npz", clips)
    again = dataset.load(tmp_path / "clips.npz")
    assert np.array_equal(again[2].features, clips[2].features)


def test_silence_and_sound_look_different() -> None:
    features = columns_of(np.concatenate([np.zeros(3200, np.float32), speech(0.2)])).features
    assert features[2].mean() + 3.0 < features[13].mean()


def test_the_shipped_weights_give_probabilities_and_stay_small() -> None:
    network = load_network((4, 2))
    features = columns_of(np.random.default_rng(0).standard_normal(7 * 320).astype(np.float32) * 0.1).features
    probabilities = decided(network, features)
    assert probabilities.shape == (7, 2, CLASS_COUNT)
    assert np.allclose(probabilities.sum(axis=2), 1.0, atol=1e-5)
    path = Path(__file__).parents[2] / "src" / "avatarkit" / "motion" / "weights" / "articulatory.npz"
    assert path.stat().st_size <= 2 * 1024 * 1024
    assert "Licence" in path.with_suffix(".md").read_text(encoding="utf-8")


def test_matrix_products_are_exact() -> None:
    network = load_network((4,))
    rng = np.random.default_rng(0)
    for layer in (pair[1] for pair in network.recurrent):
        whole = rng.integers(-255, 256, (64, network.width)).astype(np.float32)
        exact = whole.astype(np.float64) @ layer.weights.astype(np.float64)
        assert np.abs(exact).max() < 2**24
        assert np.abs(whole).max() * np.abs(layer.weights).sum(axis=0).max() < 2**24
        assert np.array_equal(whole @ layer.weights, exact.astype(np.float32))
