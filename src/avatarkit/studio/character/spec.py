"""What makes a built character this one and no other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

Color = tuple[float, float, float]
"""sRGB, 0..1."""

YOUNGEST_YEARS: Final = 18.0
OLDEST_YEARS: Final = 90.0


class HairStyle(StrEnum):
    """How hair is worn."""

    NONE = "none"
    CROP = "crop"
    BOB = "bob"
    WAVY = "wavy"
    CURLS = "curls"
    BUN = "bun"


class FacialHair(StrEnum):
    """What grows on cheeks, lip and chin."""

    NONE = "none"
    STUBBLE = "stubble"
    MOUSTACHE = "moustache"
    GOATEE = "goatee"
    BEARD = "beard"


class Glasses(StrEnum):
    """The form of the frame."""

    NONE = "none"
    ROUND = "round"
    SQUARE = "square"


class Clothing(StrEnum):
    """What is worn."""

    JUMPER = "jumper"
    TEE = "tee"
    SHIRT = "shirt"
    BLAZER = "blazer"


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Whose features a face has: shares, 0 or more, of which only the proportions count."""

    african: float = 0.12
    asian: float = 0.16
    caucasian: float = 0.72

    def shares(self) -> tuple[tuple[str, float], ...]:
        """Each name of the base mesh's targets with its share; they add up to 1."""
        total = self.african + self.asian + self.caucasian
        return (
            ("african", self.african / total),
            ("asian", self.asian / total),
            ("caucasian", self.caucasian / total),
        )


_DEFAULT_FACE: Final[tuple[tuple[str, float], ...]] = (
    ("head/head-oval", 0.45),
    ("head/head-invertedtriangular", 0.15),
    ("chin/chin-width-decr|incr", -0.30),
    ("chin/chin-prominent-decr|incr", -0.15),
    ("nose/nose-scale-horiz-decr|incr", -0.35),
    ("nose/nose-point-width-decr|incr", -0.35),
    ("nose/nose-scale-vert-decr|incr", -0.20),
    ("nose/nose-nostrils-width-decr|incr", -0.20),
    ("eyes/eye-scale-decr|incr", 0.55),
    ("eyes/eye-corner2-down|up", 0.25),
    ("mouth/mouth-upperlip-volume-decr|incr", 0.22),
    ("mouth/mouth-lowerlip-volume-decr|incr", 0.30),
    ("mouth/mouth-scale-horiz-decr|incr", -0.15),
    ("mouth/mouth-cupidsbow-decr|incr", 0.30),
    ("cheek/cheek-bones-decr|incr", 0.20),
)
_DEFAULT_REST: Final[tuple[tuple[str, float], ...]] = (
    ("mouthSmileLeft", 0.26),
    ("mouthSmileRight", 0.26),
    ("mouthClose", 0.065),
    ("mouthShrugLower", 0.08),
    ("browInnerUp", 0.06),
)


@dataclass(frozen=True, slots=True)
class CharacterSpec:
    """A built character. The default is the package's default avatar.

    Raises ``AvatarError`` (``configurationInvalid``) that names the field when a value is out of range.
    """

    name: str = "Ada"
    """1..60 characters."""
    gender: float = 0.0
    """0 feminine .. 1 masculine."""
    age: float = 25.0
    """Years, 18..90."""
    weight: float = 0.5
    """0 thin .. 1 heavy."""
    muscle: float = 0.5
    """0 slight .. 1 strong."""
    ancestry: Ancestry = Ancestry()
    """Mix of the base mesh's three sets of features."""
    face: tuple[tuple[str, float], ...] = _DEFAULT_FACE
    """Face modifiers by their MakeHuman names and how much of each, -1..1; see :mod:`.modifiers`."""
    rest: tuple[tuple[str, float], ...] = _DEFAULT_REST
    """ARKit shapes that are part of the face at rest, and how much of each, 0..0.5."""
    skin: Color = (0.89, 0.70, 0.60)
    """Skin tone."""
    freckles: float = 0.35
    """0 none .. 1 many."""
    blush: float = 0.5
    """Redness of cheeks, nose and ears, 0..1."""
    lips: Color = (0.77, 0.47, 0.44)
    """Colour of the lips."""
    gloss: float = 0.5
    """Shine of the lips, 0..1."""
    iris: Color = (0.27, 0.175, 0.10)
    """Colour of the iris."""
    brows: float = 0.5
    """0 sparse .. 1 thick."""
    lashes: float = 0.5
    """0 short .. 1 long."""
    hair_style: HairStyle = HairStyle.WAVY
    """How hair is worn."""
    hair: Color = (0.33, 0.205, 0.135)
    """Colour of hair, brows and beard."""
    grey: float = 0.0
    """Share of grey hairs, 0..1."""
    facial_hair: FacialHair = FacialHair.NONE
    """What grows on cheeks, lip and chin."""
    glasses: Glasses = Glasses.NONE
    """The form of the frame."""
    glasses_color: Color = (0.10, 0.085, 0.08)
    """Colour of the frame."""
    clothing: Clothing = Clothing.JUMPER
    """What is worn."""
    cloth: Color = (0.16, 0.30, 0.36)
    """Colour of the garment."""
    under: Color = (0.93, 0.93, 0.92)
    """Colour of what is worn below a blazer."""
    background: Color = (0.86, 0.88, 0.91)
    """Colour behind the character, where a surface asks for no other."""
    seed: int = 1
    """0..2**31 - 1, of everything that is scattered: hair, brows, lashes, freckles."""

    def __post_init__(self) -> None:
        from avatarkit.studio.character.spec_check import check_spec  # noqa: PLC0415 - it knows this class

        check_spec(self)

    @classmethod
    def from_toml(cls, source: Path | str) -> CharacterSpec:
        """Read a spec: a path, or TOML as text. What it leaves out has its default.

        Raises ``AvatarError`` (``configurationInvalid``) naming the field, or saying what is no TOML.
        """
        from avatarkit.studio.character.spec_toml import read_spec  # noqa: PLC0415 - it knows this class

        return read_spec(source)

    def to_toml(self) -> str:
        """The whole spec as TOML that :meth:`from_toml` reads back to an equal one."""
        from avatarkit.studio.character.spec_toml import write_spec  # noqa: PLC0415 - it knows this class

        return write_spec(self)
