"""Every fuzz target, with bytes of no sense and with bytes that nearly make sense."""

from __future__ import annotations

import pytest
from fuzz_targets import SEEDS, TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def damaged(draw: st.DrawFn, seed: bytes) -> bytes:
    """The seed with some bytes changed, some put in, and some left out."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(0, 4))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 20))
        data[at : at + length] = draw(st.binary(max_size=20))
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_bytes_of_strangers_raise_nothing_but_what_is_meant_for_them(name: str) -> None:
    target = TARGETS[name]
    target(SEEDS[target])

    @settings(max_examples=60, deadline=None)
    @given(st.one_of(damaged(SEEDS[target]), st.binary(max_size=400)))
    def feed(data: bytes) -> None:
        target(data)

    feed()
