"""Where a likeness comes from, written into the bundle and into every video of it.

The note follows the vocabulary of C2PA (Content Credentials, technical specification 2.1): a claim generator, an
ingredient by its hash, and actions with the IPTC digital source type. It is not signed: it tells honest readers what
they see, and proves nothing against dishonest ones.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

from avatarkit.avatars.metadata import sdk_version

CONSENT: Final = (
    "The person shown has agreed to be made into a talking avatar; whoever made this avatar has stated so."
)
_SOURCE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"


def provenance_note(picture: bytes, when: str | None = None) -> str:
    """The note as JSON text. ``when``: ISO 8601 time of making; without it, the same photo gives the same file."""
    actions: dict[str, object] = {"action": "c2pa.created", "digitalSourceType": _SOURCE}
    if when is not None:
        actions["when"] = when
    note = {
        "claim_generator": "pyavatarkit/" + ".".join(str(part) for part in sdk_version()),
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [actions]}},
            {
                "label": "c2pa.ingredient",
                "data": {"title": "photo", "relationship": "parentOf", "sha256": hashlib.sha256(picture).hexdigest()},
            },
            {"label": "avatarkit.consent", "data": {"statement": CONSENT}},
        ],
        "signed": False,
    }
    return json.dumps(note, separators=(",", ":"))
