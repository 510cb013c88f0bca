"""Built characters: a spec becomes a bundle."""

from __future__ import annotations

from avatarkit.avatars.bundle import Bundle
from avatarkit.studio.character.build import Progress, build
from avatarkit.studio.character.builtins import BUILT_IN, built_in_spec
from avatarkit.studio.character.random_person import random_spec
from avatarkit.studio.character.spec import CharacterSpec

__all__ = ["BUILT_IN", "CharacterSpec", "build", "build_default", "built_in_spec", "random_spec"]


def build_default(progress: Progress | None = None) -> Bundle:
    """Make the default character; takes some seconds. See :func:`build`."""
    return build(built_in_spec("default"), progress)
