"""What callers may rely on in every error of the catalogue."""

from __future__ import annotations

import copy
import pickle

import pytest

from avatarkit.errors import AvatarError, ErrorCode, error


@pytest.mark.parametrize("code", list(ErrorCode))
def test_an_error_crosses_processes_whole(code: ErrorCode) -> None:
    """A pool of processes hands its workers' errors over pickled."""
    raised = error(code, "Something is wrong.", hint="Look there.")
    for again in (pickle.loads(pickle.dumps(raised)), copy.copy(raised)):
        assert isinstance(again, AvatarError)
        assert type(again) is type(raised)
        assert vars(again) == vars(raised)
        assert str(again) == str(raised)
