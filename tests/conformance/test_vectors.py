"""The committed vectors are what playback does. The TypeScript client's tests read the same files."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parent / "vectors"
_spec = importlib.util.spec_from_file_location("conformance_vectors", VECTORS / "make.py")
assert _spec is not None
assert _spec.loader is not None
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)


def flat(value: Any) -> list[Any]:
    """All leaves in order, keys included."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in (key, *flat(item))]
    if isinstance(value, list):
        return [leaf for item in value for leaf in flat(item)]
    return [value]


@pytest.mark.parametrize("name", sorted(make.MAKERS))
def test_the_vectors_are_up_to_date(name: str) -> None:
    kept = flat(json.loads((VECTORS / f"{name}.json").read_text()))
    now = flat(make.MAKERS[name]())

    assert len(kept) == len(now)
    for ours, theirs in zip(now, kept, strict=True):
        assert ours == (pytest.approx(theirs, abs=2e-6) if isinstance(theirs, float) else theirs)
