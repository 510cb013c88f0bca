"""Which server to use when no endpoint is given: named regions, and the choice of one.

The regions file is JSON::

    {
      "default": "home",
      "regions": {"home": "https://avatars.example.com", "abroad": "https://abroad.example.com"},
      "bootstrap": "https://avatars.example.com/bootstrap"
    }

``bootstrap`` is optional: a route that is told the App ID and answers with the region that suits the caller.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import platformdirs

from avatarkit.errors import ErrorCode, error

_log = logging.getLogger(__name__)
AUTO: Final = "auto"
BOOTSTRAP_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 64 * 1024
_MAX_REGIONS: Final = 256
_MAX_APPS: Final = 64
"""Whose choices are remembered; the oldest make room."""
_VARIABLE: Final = "AVATARKIT_REGIONS"


@dataclass(frozen=True, slots=True)
class Regions:
    """A regions file."""

    endpoints: Mapping[str, str]
    default: str
    bootstrap: str | None


def regions_path(given: Path | None) -> Path:
    """Where the regions file is, or would be."""
    if given is not None:
        return given
    from_environment = os.environ.get(_VARIABLE, "").strip()
    if from_environment:
        return Path(from_environment)
    return Path(platformdirs.user_config_dir("avatarkit", appauthor=False)) / "regions.json"


def read_regions(path: Path) -> Regions | None:
    """Read a regions file; ``None`` where there is none.

    Raises ``AvatarError`` (``configurationInvalid``) for a file that is no such thing.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _invalid(path, f"cannot be read: {exc.strerror or type(exc).__name__}") from exc
    if len(text) > _MAX_BYTES:
        raise _invalid(path, f"is over {_MAX_BYTES} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid(path, "is no JSON") from None
    return _parse(path, document)


def _parse(path: Path, document: object) -> Regions:
    fields = document if isinstance(document, dict) else {}
    endpoints = fields.get("regions")
    if not isinstance(endpoints, dict) or not 1 <= len(endpoints) <= _MAX_REGIONS:
        raise _invalid(path, "holds no regions")
    if not all(isinstance(url, str) and url for url in endpoints.values()):
        raise _invalid(path, "holds a region without a URL")
    default = fields.get("default", next(iter(endpoints)))
    if default not in endpoints:
        raise _invalid(path, "names a default that is no region of it")
    bootstrap = fields.get("bootstrap")
    if bootstrap is not None and not (isinstance(bootstrap, str) and bootstrap.startswith(("http://", "https://"))):
        raise _invalid(path, "holds a bootstrap that is no http(s) URL")
    return Regions(endpoints, default, bootstrap)


async def ask_bootstrap(
    regions: Regions, app_id: str, sdk_version: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> str | None:
    """The region that the bootstrap route advises, or ``None`` when it cannot be asked or names no known one."""
    if regions.bootstrap is None:
        return None
    question = {"app_id": app_id, "sdk_version": sdk_version, "region": AUTO, "platform": "python"}
    try:
        async with httpx.AsyncClient(transport=transport, timeout=BOOTSTRAP_TIMEOUT_S) as client:
            reply = await client.post(regions.bootstrap, json=question)
            advised = reply.raise_for_status().json()["region"]["current"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError, RecursionError) as exc:
        _log.warning("the bootstrap route could not be asked: %s", type(exc).__name__)
        return None
    return advised if isinstance(advised, str) and advised in regions.endpoints else None


class RegionMemory:
    """The choice of the last launch, on disk. What cannot be read or written is as if it were not there."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "region.json"

    def recall(self, app_id: str) -> str | None:
        """The region chosen for an app, or ``None``."""
        name = self._read().get(app_id)
        return name if isinstance(name, str) else None

    def remember(self, app_id: str, region: str) -> None:
        """Keep a choice for the next launch, beside those of other apps."""
        known = self._read()
        known.pop(app_id, None)
        kept = dict(itertools.islice(reversed(known.items()), _MAX_APPS - 1))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".part-", dir=self._path.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({**dict(reversed(kept.items())), app_id: region}, file)
            Path(name).replace(self._path)
        except OSError as exc:
            _log.warning("the region cannot be kept: %s", exc.strerror or type(exc).__name__)

    def _read(self) -> dict[str, object]:
        try:
            known = json.loads(self._path.read_bytes()[:_MAX_BYTES])
        except (OSError, ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}


def _invalid(path: Path, what: str) -> Exception:
    return error(ErrorCode.CONFIGURATION_INVALID, f"The regions file {path} {what}.")
