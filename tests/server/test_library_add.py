"""A real bundle on its way into the library, and what clients then get."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from server_kit import Running

from avatarkit.avatars import Bundle, BundleInfo, Joint, Material, Mesh, Morph, write_bundle
from avatarkit.types import Camera


def small_bundle(path: Path, *, name: str = "Tri", opening_m: float = 0.01) -> bytes:
    """A triangle that knows how to open its jaw."""
    mesh = Mesh(
        name="face",
        positions=np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], np.float32),
        normals=np.array([[0, 0, 1]] * 3, np.float32),
        triangles=np.array([[0, 1, 2]], np.uint32),
        material=Material("skin"),
        morphs={"jawOpen": Morph(np.array([0], np.uint32), np.array([[0, -opening_m, 0]], np.float32))},
    )
    info = BundleInfo(name, "CC-BY-4.0", "Someone", camera=Camera((0.0, 0.1, 1.5), (0.0, 0.1, 0.0), 30.0))
    write_bundle(Bundle(info, (mesh,), (Joint("head", None, (0.0, 0.0, 0.0)),)), path)
    return path.read_bytes()


async def test_an_uploaded_bundle_is_described_and_served(server: Running, tmp_path: Path) -> None:
    content = small_bundle(tmp_path / "tri.glb")
    admin = {"X-Admin-Key": server.credentials.admin_key}

    made = await server.http.put("/v1/admin/avatars/tri", headers=admin, content=content)
    shown = await server.http.get("/v1/client/avatars/tri", headers={"X-App-ID": server.credentials.app_id})
    bundle = await server.http.get(shown.json()["bundleUrl"])

    assert made.status_code == 201
    assert made.json() == shown.json() | {"owner": None, "state": "published", "visibility": "everyone"}
    assert (shown.json()["name"], shown.json()["license"], shown.json()["author"]) == ("Tri", "CC-BY-4.0", "Someone")
    assert shown.json()["camera"] == {"position": [0.0, 0.1, 1.5], "target": [0.0, 0.1, 0.0], "verticalFovDeg": 30.0}
    assert bundle.content == content


async def test_other_content_under_the_same_id_is_the_next_version_and_the_old_bundle_stays(
    server: Running, tmp_path: Path
) -> None:
    admin = {"X-Admin-Key": server.credentials.admin_key}
    replies = [
        await server.http.put(
            "/v1/admin/avatars/tri", headers=admin, content=small_bundle(tmp_path / "t.glb", opening_m=m)
        )
        for m in (0.01, 0.01, 0.02)
    ]

    assert [(reply.status_code, reply.json()["version"]) for reply in replies] == [(201, 1), (200, 1), (200, 2)]
    assert (await server.http.get(replies[0].json()["bundleUrl"])).status_code == 200
