"""Built characters: a spec becomes a bundle."""

from __future__ import annotations

from avatarkit.avatars.bundle import Bundle
from avatarkit.studio.character.build import Progress, build
from avatarkit.studio.character.random_person import random_spec
from avatarkit.studio.character.spec import CharacterSpec

__all__ = ["CharacterSpec", "build", "build_default", "random_spec"]


def build_default(progress: Progress | None = None) -> Bundle:
    """Make the default character; takes some seconds. See :func:`build`."""
    return build(CharacterSpec(), progress)
