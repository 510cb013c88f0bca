"""Freed memory is kept for the next step of the engine."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_STEPS = """
import resource, sys
from avatarkit.server.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def step():
    return [bytearray(700_000) for _ in range(4)]
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    """Pages that the system had to give while fifty steps took memory and freed it."""
    found = subprocess.run([sys.executable, "-c", _STEPS, how], capture_output=True, text=True, check=True)
    return int(found.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of the GNU C library")
def test_the_system_is_not_asked_again_for_memory_that_was_freed() -> None:
    assert faults("keep") * 10 < faults("as it is")
