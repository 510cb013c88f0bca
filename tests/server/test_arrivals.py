"""Lateness is measured from the moment at which a frame's audio had arrived."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avatarkit.server.observe.arrivals import Arrivals


def test_a_frame_is_complete_when_its_last_sample_came() -> None:
    arrivals = Arrivals()
    arrivals.add(0.02, 10.0)
    arrivals.add(0.02, 10.1)
    arrivals.add(0.08, 10.5)
    assert [arrivals.complete_at(0.04 * frame) for frame in (1, 2, 3)] == [10.1, 10.5, 10.5]
    assert arrivals.complete_at(0.16) is None


@given(st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1)), min_size=1, max_size=60))
def test_any_cutting_gives_what_a_plain_search_gives(pieces: list[tuple[int, float]]) -> None:
    arrivals, at_s, total_ms, marks = Arrivals(), 0.0, 0, []
    for length_ms, pause_s in pieces:
        at_s += pause_s
        total_ms += length_ms
        marks.append((total_ms, at_s))
        arrivals.add(length_ms / 1000, at_s)
    for frame_ms in range(40, total_ms + 80, 40):
        expected = next((when for so_far, when in marks if so_far >= frame_ms), None)
        assert arrivals.complete_at(frame_ms / 1000) == expected


def test_memory_stays_bounded_however_small_the_pieces_are() -> None:
    arrivals = Arrivals()
    for number in range(100_000):
        arrivals.add(0.001, float(number))
    assert len(arrivals._marks) <= 4096
    assert arrivals.complete_at(100.0) == 99_999.0
