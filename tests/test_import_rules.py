"""The rooms of the house and what each may import (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import avatarkit

ROOT = Path(avatarkit.__file__).parent

# Room -> rooms of ours that it may import. Base modules are files, the rest are folders.
BASE = {"errors": set(), "types": set(), "clock": set(), "frames": {"types"}}
FOUNDATION = set(BASE)
CLIENT = {"protocol", "audio", "playback", "avatars", "recording", "render", "transport"}
CLASSES = {
    "_cache",
    "_controller",
    "_device",
    "_events",
    "_announce",
    "_derive",
    "_draw_gate",
    "_feed",
    "_frame_rate",
    "_incoming",
    "_link",
    "_manager",
    "_partial",
    "_picture",
    "_record",
    "_regions",
    "_render_loop",
    "_sdk",
    "_session",
    "_sound",
    "_speaking",
    "_tries",
    "_view",
}
ALLOWED: dict[str, set[str]] = {
    **BASE,
    "compiled": FOUNDATION,
    "protocol": set(),
    "audio": FOUNDATION,
    "motion": FOUNDATION | {"audio", "compiled"},
    "playback": FOUNDATION | {"protocol", "audio"},
    "recording": FOUNDATION | {"playback"},
    "avatars": FOUNDATION,
    "render": FOUNDATION | {"avatars", "compiled"},
    "studio": FOUNDATION | {"avatars", "render"},
    "offline": FOUNDATION | {"audio", "motion", "playback", "avatars", "render"},
    "transport": FOUNDATION | {"protocol"},
    "server": FOUNDATION | {"protocol", "audio", "motion", "avatars"},
    # Covers are drawn and avatars are built in child processes of the server.
    "server/library": FOUNDATION | {"avatars", "render", "studio", "server"},
    "backend": FOUNDATION | {"protocol", "audio", "transport"},
    **dict.fromkeys(CLASSES, FOUNDATION | CLIENT | CLASSES),
    "cli": FOUNDATION | CLIENT | CLASSES | {"motion", "offline", "studio", "server", "__init__"},
    "__init__": FOUNDATION | CLIENT | CLASSES,
}

# Third-party modules that the strict rooms may load; the others follow from the extras in pyproject.toml.
THIRD_PARTY: dict[str, set[str]] = {
    "errors": set(),
    "types": set(),
    "clock": set(),
    "frames": {"numpy"},
    "protocol": {"google"},
    "audio": {"numpy", "sounddevice", "av"},
    "compiled": {"numpy", "numba", "llvmlite"},
    "motion": {"numpy"},
    "playback": {"numpy"},
    "recording": {"numpy"},
    "avatars": {"numpy", "PIL"},
    "transport": {"websockets", "httpx"},
    "backend": {"google", "httpx", "opentelemetry"},
}


def room_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> set[str]:
    """Absolute names of the modules that a file imports, wherever the import stands."""
    names: set[str] = set()
    package = ("avatarkit", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            names.add(module)
            if module == "avatarkit":
                names.update(f"avatarkit.{alias.name}" for alias in node.names)
    return names


def own_room(name: str) -> str | None:
    """The room that a module name of ours lies in, or None for a foreign module."""
    parts = name.split(".")
    if parts[0] != "avatarkit":
        return None
    if len(parts) == 1:
        return "__init__"
    return parts[1] if (ROOT / parts[1]).is_dir() or (ROOT / f"{parts[1]}.py").exists() else "__init__"


FILES = sorted(p for p in ROOT.rglob("*.py") if not p.name.endswith("_pb2.py"))


def test_every_room_has_a_rule() -> None:
    assert {room_of(p) for p in FILES} <= set(ALLOWED)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_imports_only_what_its_room_may(path: Path) -> None:
    room = room_of(path)
    folder = str(path.relative_to(ROOT).parent)
    room = folder if folder in ALLOWED else room
    stdlib = __import__("sys").stdlib_module_names
    for name in imported(path):
        target = own_room(name)
        if target is not None:
            # `from avatarkit import x` names the package itself too; the member decides.
            if target == "__init__" and name == "avatarkit":
                continue
            assert target == room_of(path) or target in ALLOWED[room], f"{path} may not import {name}"
        elif room in THIRD_PARTY and name.split(".")[0] not in stdlib:
            # Training runs on a developer's machine only, with the extra `train`.
            also = {"torch"} if path.is_relative_to(ROOT / "motion" / "training") else set()
            assert name.split(".")[0] in THIRD_PARTY[room] | also, f"{path} may not import {name}"
