"""Is everything installed?"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

from avatarkit.avatars.builtin import default_path
from avatarkit.cli.doctor.finding import Finding, advice, failed, ok
from avatarkit.errors import AvatarError

_EXTRAS: Final = {
    "server": ("aiosqlite", "alembic", "jwt", "numba", "sqlalchemy", "starlette", "uvicorn"),
    "render": ("av", "numba", "PIL"),
    "audio": ("av", "sounddevice"),
    "studio": ("numba", "PIL", "scipy"),
}
_NEEDED_TO_SERVE: Final = "server"


def check_python() -> Iterator[Finding]:
    """Version of Python and of the package."""
    yield ok("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    try:
        yield ok("AvatarKit", version("pyavatarkit"))
    except PackageNotFoundError:
        yield failed(
            "AvatarKit", "The package runs without being installed.", f"{sys.executable} -m pip install -e ."
        )


def check_extras() -> Iterator[Finding]:
    """The libraries of each extra. Only the server's are needed to serve."""
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        if not missing:
            yield ok(f"Extra '{extra}'", "all its libraries are there")
            continue
        tell = failed if extra == _NEEDED_TO_SERVE else advice
        yield tell(f"Extra '{extra}'", f"missing: {', '.join(missing)}", f"pip install 'pyavatarkit[{extra}]'")


def check_speaker() -> Iterator[Finding]:
    """Whether this machine can play sound, which clients need and servers do not."""
    if find_spec("sounddevice") is None:
        return
    try:
        import sounddevice  # noqa: PLC0415 - loads PortAudio, which may be missing

        device = sounddevice.query_devices(kind="output")
    except Exception as exc:  # PortAudio reports what is missing in many ways
        todo = "Clients play silently here. On Debian: apt-get install libportaudio2, and attach a sound device."
        yield advice("Sound", f"no output device ({type(exc).__name__})", todo)
        return
    yield ok("Sound", f"plays on '{device['name']}'")


def check_character() -> Iterator[Finding]:
    """The default character, which the first start puts into the library."""
    try:
        path = default_path()
    except AvatarError as exc:
        yield advice("Default character", exc.message, exc.hint)
        return
    yield ok("Default character", f"built, {path.stat().st_size / 1e6:.1f} MB")
