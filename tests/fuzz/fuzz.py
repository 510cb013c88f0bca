"""``python tests/fuzz/fuzz.py TARGET [options of libFuzzer]``: a target under Atheris, until it fails or is stopped.

Atheris (``pip install atheris``) exists for Linux on x86-64 and CPython; nothing else here needs it. A useful run:
``python tests/fuzz/fuzz.py ogg_opus -max_total_time=300 -artifact_prefix=/tmp/``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["avatarkit"]):
    from fuzz_targets import SEEDS, TARGETS


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(TARGETS)} [libFuzzer options]")
    target = TARGETS[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory() as corpus:
        Path(corpus, "seed").write_bytes(SEEDS[target])
        atheris.Setup([*sys.argv, corpus], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
