"""`python -m bench`: run every benchmark in this folder, one after the other."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

here = Path(__file__).parent
modules = [*here.glob("[a-z]*.py"), *(path.parent for path in here.glob("*/__main__.py"))]
for path in sorted(modules):
    print(f"== bench.{path.stem}", flush=True)
    sys.argv = [str(path)]
    runpy.run_module(f"bench.{path.stem}", run_name="__main__")
