"""`python -m bench`: run every benchmark in this folder, one after the other."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    print(f"== bench.{path.stem}", flush=True)
    sys.argv = [str(path)]
    runpy.run_module(f"bench.{path.stem}", run_name="__main__")
