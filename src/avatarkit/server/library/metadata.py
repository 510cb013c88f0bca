"""An avatar as clients see it."""

from __future__ import annotations

from typing import Any

from avatarkit.server.store.records import AvatarRecord


def describe(record: AvatarRecord) -> dict[str, Any]:
    """Metadata of an avatar: camel-case names, sizes in bytes, camera in metres and degrees, times in Unix
    seconds. ``bundleUrl`` is relative to the server."""
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
        "createdAt": record.created_at,
        "updatedAt": record.updated_at,
    }
