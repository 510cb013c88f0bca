"""From a spec's continua to targets of the base mesh."""

from __future__ import annotations

from avatarkit.studio.character.modifiers import modifier_targets
from avatarkit.studio.character.spec import CharacterSpec

_YOUNG_YEARS, _OLD_YEARS = 25.0, 90.0
"""What the base mesh's young and old targets show."""


def shape_targets(spec: CharacterSpec) -> list[tuple[str, float]]:
    """Targets and how much of each: the corners of the continua, weighed, and the face's modifiers."""
    old = min(max((spec.age - _YOUNG_YEARS) / (_OLD_YEARS - _YOUNG_YEARS), 0.0), 1.0)
    ages = (("young", 1.0 - old), ("old", old))
    genders = (("female", 1.0 - spec.gender), ("male", spec.gender))
    out = []
    for gender, of_gender in genders:
        for age, of_age in ages:
            share = of_gender * of_age
            out += [(f"macrodetails/{name}-{gender}-{age}", share * part) for name, part in spec.ancestry.shares()]
            for muscle, of_muscle in _around("muscle", spec.muscle):
                for weight, of_weight in _around("weight", spec.weight):
                    name = f"macrodetails/universal-{gender}-{age}-{muscle}-{weight}"
                    out.append((name, share * of_muscle * of_weight))
    for name, amount in spec.face:
        out += modifier_targets(name, amount)
    return [(name, amount) for name, amount in out if amount > 1e-6]


def _around(what: str, where: float) -> tuple[tuple[str, float], ...]:
    """The base mesh's three steps of a continuum, weighed."""
    low, high = max(1.0 - 2.0 * where, 0.0), max(2.0 * where - 1.0, 0.0)
    return ((f"min{what}", low), (f"average{what}", 1.0 - low - high), (f"max{what}", high))
