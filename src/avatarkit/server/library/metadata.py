"""An avatar as clients see it."""

from __future__ import annotations

from typing import Any

from avatarkit.server.store.records import AvatarRecord


def describe(record: AvatarRecord) -> dict[str, Any]:
    """Metadata of an avatar: camel-case names, sizes in bytes, camera in metres and degrees, times in Unix
    seconds. ``bundleUrl`` and ``coverUrl`` are relative to the server."""
    return {
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "bundleUrl": f"/v1/client/assets/{record.sha256}",
        "sha256": record.sha256,
        "size": record.size,
        "minimumSdkVersion": record.minimum_sdk,
        "license": record.license,
        "author": record.author,
        "camera": {
            "position": list(record.camera.position),
            "target": list(record.camera.target),
            "verticalFovDeg": record.camera.vertical_fov_deg,
        },
        "coverUrl": cover_url(record),
        "createdAt": record.created_at,
        "updatedAt": record.updated_at,
    }


def cover_url(record: AvatarRecord) -> str:
    """Where the avatar's picture is, relative to the server. It is drawn when it is first asked for."""
    return f"/v1/client/covers/{record.sha256}"


def describe_fully(record: AvatarRecord) -> dict[str, Any]:
    """An avatar as its administrators see it: what clients see, and who owns and sees it."""
    return describe(record) | {
        "owner": record.owner,
        "state": record.state.value,
        "visibility": record.visibility.value,
    }
