from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from avatarkit.protocol import InvalidFieldError, check_id, is_id, new_id


def test_an_id_names_its_moment_in_utc_and_twelve_url_safe_characters() -> None:
    at = datetime(2026, 1, 31, 22, 59, 58, tzinfo=timezone(timedelta(hours=-1)))

    assert new_id(at=at, entropy=b"\xff" * 9) == "20260131235958____________" + "_"


def test_ids_differ_and_are_recognised() -> None:
    ids = {new_id() for _ in range(500)}

    assert len(ids) == 500
    assert all(is_id(one) for one in ids)
    assert not is_id("20260131235958_short")


def test_a_moment_without_time_zone_and_wrong_entropy_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        new_id(at=datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="9 random bytes"):
        new_id(at=datetime(2026, 1, 1, tzinfo=UTC), entropy=b"x")


@pytest.mark.parametrize("text", ["", "x" * 129, "a\nb", "a\x00"])
def test_an_id_from_outside_is_refused_when_empty_long_or_unprintable(text: str) -> None:
    with pytest.raises(InvalidFieldError):
        check_id(text)


def test_any_other_id_from_outside_is_taken_as_it_is() -> None:
    assert check_id("my request #1") == "my request #1"
