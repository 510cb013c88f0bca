"""A character's spec: what it takes, what it refuses, and that it survives a file."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

pytest.importorskip("scipy")

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.studio.character import CharacterSpec, random_spec
from avatarkit.studio.character.modifiers import modifier_targets
from avatarkit.studio.character.shape import shape_targets
from avatarkit.studio.character.spec import Ancestry, FacialHair, HairStyle


def test_spec_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        CharacterSpec().age = 30.0  # type: ignore[misc]


def test_toml_round_trip_keeps_every_field() -> None:
    spec = replace(
        random_spec(11), name='Zoë "Z"', hair_style=HairStyle.BUN, ancestry=Ancestry(1, 2.5, 0), skin=(1.0, 0.2, 0.1)
    )
    text = spec.to_toml()
    assert CharacterSpec.from_toml(text) == spec
    assert all(f"{field.name} = " in text or f"[{field.name}]" in text for field in fields(spec))


def test_short_toml_gets_defaults_and_colours_may_be_hex(tmp_path: Path) -> None:
    path = tmp_path / "me.toml"
    path.write_text('name = "Me"\nskin = "#ff8000"\nhair_style = "crop"\n[ancestry]\nasian = 1\n')
    spec = CharacterSpec.from_toml(path)
    assert spec.skin == (1.0, 128 / 255, 0.0)
    assert spec.hair_style is HairStyle.CROP
    assert dict(spec.ancestry.shares()) == {"african": 0.0, "asian": 1.0, "caucasian": 0.0}
    assert spec.lips == CharacterSpec().lips


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("age = 3", "'age' must be a number from 18 to 90"),
        ("gender = 1.2", "'gender'"),
        ("freckles = nan", "'freckles'"),
        ("brows = true", "'brows'"),
        ('hair_style = "mohawk"', "bob"),
        ("glasses = 3", "round"),
        ("shoes = 1", "'shoes' is not a field"),
        ('skin = "pink"', "#c4786f"),
        ("skin = [1, 2, 3]", "'skin'"),
        ("iris = 4", "'iris'"),
        ("seed = -1", "'seed'"),
        ("seed = true", "'seed'"),
        ('name = ""', "'name'"),
        ("ancestry = 1", "'ancestry' must be a table"),
        ("[ancestry]\nmartian = 1", "martian"),
        ("[ancestry]\nasian = 0", "above 0"),
        ('[face]\n"nose/nose-hump-decr|inc" = 0.2', "nose/nose-hump-decr|incr"),
        ('[face]\n"head/head-oval" = -0.2', "0 to 1"),
        ("[rest]\njawOpn = 0.1", "jawOpen"),
        ("[rest]\njawOpen = 0.9", "rest.jawOpen"),
        ("age = ", "no sound TOML"),
        ("a" * 70_000, "at most"),
    ],
)
def test_nonsense_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(AvatarError) as caught:
        CharacterSpec.from_toml(text)
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID
    assert told in str(caught.value)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing.toml", tmp_path / "bytes.toml", tmp_path):
        with pytest.raises(AvatarError, match=r"cannot be read|not UTF-8"):
            CharacterSpec.from_toml(path)


def test_random_people_are_sound_repeatable_and_differ() -> None:
    people = [random_spec(seed) for seed in range(60)]
    assert people[7] == random_spec(7)
    assert len({person.face for person in people}) == 60
    assert {person.hair_style for person in people} >= {
        HairStyle.CROP,
        HairStyle.CURLS,
        HairStyle.BUN,
        HairStyle.WAVY,
    }
    assert all(CharacterSpec.from_toml(person.to_toml()) == person for person in people)
    assert all(person.facial_hair is FacialHair.NONE for person in people if person.gender < 0.5)
    for seed in (-1, 2**31):
        with pytest.raises(AvatarError):
            random_spec(seed)


def test_continua_weigh_the_corners() -> None:
    shares = dict(shape_targets(replace(CharacterSpec(), gender=0.25, age=57.5, weight=0.75)))
    universal = {name: share for name, share in shares.items() if "universal" in name}
    ancestral = {name: share for name, share in shares.items() if "macrodetails/" in name and "universal" not in name}
    assert sum(universal.values()) == pytest.approx(1.0)
    assert sum(ancestral.values()) == pytest.approx(1.0)
    assert shares["macrodetails/caucasian-male-old"] == pytest.approx(0.25 * 0.5 * 0.72)
    assert shares["macrodetails/universal-female-young-averagemuscle-maxweight"] == pytest.approx(0.75 * 0.5 * 0.5)


def test_modifiers_name_both_sides() -> None:
    assert modifier_targets("eyes/eye-scale-decr|incr", -0.5) == [
        ("eyes/l-eye-scale-decr", 0.5),
        ("eyes/r-eye-scale-decr", 0.5),
    ]
    assert modifier_targets("nose/nose-hump-decr|incr", 0.2) == [("nose/nose-hump-incr", 0.2)]
    assert modifier_targets("head/head-oval", 0.0) == []
