"""The public surface of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

import avatarkit


def test_every_public_name_is_there() -> None:
    assert len(set(avatarkit.__all__)) == len(avatarkit.__all__)
    for name in avatarkit.__all__:
        assert getattr(avatarkit, name) is not None
    assert set(avatarkit.__all__) <= set(dir(avatarkit))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = avatarkit.Nothing


def test_import_loads_no_third_party_module() -> None:
    code = (
        "import sys; before = set(sys.modules); import avatarkit\n"
        "new = {m.split('.')[0] for m in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'avatarkit'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
