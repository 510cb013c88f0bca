"""A window with one picture in it, then another size and picture; says its sizes. Run by test_window.py."""

from __future__ import annotations

import asyncio
import sys

import glfw
import numpy as np
from PIL import ImageGrab

from avatarkit.render import WindowSurface

RED, GREEN = (220, 40, 30), (30, 160, 60)


def picture(size, color):
    image = np.zeros((size[1], size[0], 4), np.uint8)
    image[size[1] // 4 : -size[1] // 4, size[0] // 4 : -size[0] // 4] = (*color, 255)
    return image


async def show(surface, color):
    for number in range(8):
        await asyncio.to_thread(surface.present, picture(surface.size, color), number / 30)
        await asyncio.sleep(0.1)


async def main():
    surface = WindowSurface((320, 240), background="#2040c0", title="test")
    closed = []
    surface.on_close = lambda: closed.append(True)
    await show(surface, RED)
    print(*surface.size)
    ImageGrab.grab(xdisplay="").save(sys.argv[1])
    surface._canvas.set_logical_size(480, 400)  # as a user would with the mouse
    await asyncio.sleep(0.3)
    await show(surface, GREEN)
    print(*surface.size)
    ImageGrab.grab(xdisplay="").save(sys.argv[2])
    if len(sys.argv) > 3:
        glfw.set_window_should_close(surface._canvas._window, True)  # as a click on the window's cross does
        await asyncio.sleep(0.4)
        print(surface.is_closed, closed)
    surface.close()
    surface.close()
    surface.present(picture((10, 10), RED), 9.0)
    await asyncio.sleep(0.1)


asyncio.run(main())
