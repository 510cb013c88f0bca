"""Rows as plain dataclasses, so that nobody outside the store sees a database type."""

from __future__ import annotations

from dataclasses import dataclass

from avatarkit.types import Camera


@dataclass(frozen=True, slots=True)
class App:
    """A program that uses the server; keys, tokens and sessions belong to one."""

    id: str
    name: str
    created_at: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``text`` exists nowhere else: the store keeps its hash."""

    app_id: str
    prefix: str
    text: str

    def __repr__(self) -> str:
        return f"NewKey(app_id={self.app_id!r}, prefix={self.prefix!r}, text=...)"


@dataclass(frozen=True, slots=True)
class AvatarRecord:
    """An avatar in the library."""

    id: str
    name: str
    version: int
    """1 at first, one more each time other content takes its place."""
    sha256: str
    """Content hash of the bundle."""
    size: int
    """Bytes of the bundle."""
    minimum_sdk: str
    license: str
    author: str
    camera: Camera
    created_at: int
    """Unix seconds."""
    updated_at: int
    """Unix seconds."""
