"""The picture of an avatar, drawn by our own renderer.

``python -m avatarkit.server.library.cover BUNDLE PICTURE`` draws one; the server runs that as a child.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from avatarkit.errors import AvatarError
from avatarkit.server.library.assets import BUNDLE, COVER, AssetFolder
from avatarkit.server.library.child import run_child

SIDE_PX: Final = 512
_TIMEOUT_S: Final = 120.0


class Covers:
    """Draws covers when they are first asked for, one at a time, and keeps them beside their bundles.

    Args:
        assets: Where both lie.
    """

    def __init__(self, assets: AssetFolder) -> None:
        self._assets = assets
        self._turn = asyncio.Lock()

    async def get(self, sha256: str) -> Path | None:
        """The picture (PNG) of a bundle; ``None`` when there is no such bundle.

        Raises:
            ChildError: It cannot be drawn here, with the reason.
        """
        path = await asyncio.to_thread(self._assets.path, sha256, COVER)
        if path is not None:
            return path
        async with self._turn:
            path = await asyncio.to_thread(self._assets.path, sha256, COVER)
            bundle = await asyncio.to_thread(self._assets.path, sha256, BUNDLE)
            if path is not None or bundle is None:
                return path
            with tempfile.TemporaryDirectory(dir=self._assets.incoming()) as folder:
                picture = Path(folder) / "cover.png"
                await run_child(__name__, str(bundle), str(picture), timeout_s=_TIMEOUT_S)
                await asyncio.to_thread(lambda: self._assets.add_cover(sha256, picture.read_bytes()))
        return await asyncio.to_thread(self._assets.path, sha256, COVER)


def draw_cover(bundle_path: Path) -> bytes:
    """Draw a bundle at rest over its own background: PNG, sRGB, :data:`SIDE_PX` square.

    Raises:
        AvatarError: The bundle or the renderer cannot be opened.
    """
    from avatarkit.avatars import read_bundle  # noqa: PLC0415 - only the child draws
    from avatarkit.frames import Pose  # noqa: PLC0415
    from avatarkit.render import composite, encode_png, open_renderer  # noqa: PLC0415

    bundle = read_bundle(bundle_path)
    renderer = open_renderer()
    try:
        renderer.load(bundle)
        image = renderer.draw(Pose.neutral(), bundle.info.camera, (SIDE_PX, SIDE_PX))
    finally:
        renderer.close()
    return encode_png(composite(image, bundle.info.background))


def main(arguments: list[str]) -> int:
    """Draw ``arguments[0]`` into ``arguments[1]``; 1 with a line on the standard error when it cannot be."""
    try:
        Path(arguments[1]).write_bytes(draw_cover(Path(arguments[0])))
    except AvatarError as exc:
        sys.stderr.write(f"{exc.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
