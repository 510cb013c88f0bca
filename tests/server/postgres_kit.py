"""A PostgreSQL of the tests' own: a new cluster in a temporary folder, on a Unix socket, without a network."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest


def find_programs() -> Path | None:
    """Folder of ``initdb`` and ``pg_ctl``: Debian's newest, or where the path has them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return None if on_path is None else Path(on_path).resolve().parent


class Cluster:
    """A running PostgreSQL; its user may do everything without a password."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._data = folder / "data"
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.getuid() == 0 else None

    def start(self) -> None:
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            os.chown(self._folder, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.launch()

    def launch(self) -> None:
        """Start it, for the first time or after a stop."""
        options = f"-k {self._folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def new_database(self, like: str = "") -> str:
        """URL of a new database: empty, or a copy of the one that ``like`` is the URL of."""
        name = f"t{uuid4().hex}"
        template = ["-T", like.partition("@/")[2].partition("?")[0]] if like else []
        self._run("createdb", "-h", str(self._folder), "-U", "tests", *template, name)
        return f"postgresql://tests@/{name}?host={self._folder}"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            user=self._user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise AssertionError(f"{program} failed: {done.stderr.decode(errors='replace')[-500:]}")


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster, or a skip that says what is missing."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    pytest.importorskip("asyncpg", reason="asyncpg is not installed (the extra `postgres`)")
    # A short path: that of a Unix socket has at most about 100 characters.
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        cluster = Cluster(programs, Path(folder))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
