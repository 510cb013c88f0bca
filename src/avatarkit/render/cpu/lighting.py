"""The light that leaves one point of a surface towards the camera."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.jit import F32, kernel

_Color = tuple[float, float, float]


@kernel
def shadow_at(shadow: F32, x: float, y: float, depth_m: float) -> float:
    """Share 0..1 of the key light that arrives: a 4x4 filter over the shadow map, smooth between texels."""
    size = shadow.shape[0]
    fx, fy = x - np.float32(2.0), y - np.float32(2.0)
    ix, iy = int(np.floor(fx)), int(np.floor(fy))
    if ix < 0 or iy < 0 or ix + 4 >= size or iy + 4 >= size:
        return np.float32(1.0)
    fx -= ix
    fy -= iy
    total = np.float32(0.0)
    for j in range(5):
        weight_y = np.float32(1.0) - fy if j == 0 else (fy if j == 4 else np.float32(1.0))
        lit = np.float32(0.0)
        for i in range(1, 4):
            lit += np.float32(1.0) if shadow[iy + j, ix + i] > depth_m else np.float32(0.0)
        if shadow[iy + j, ix] > depth_m:
            lit += np.float32(1.0) - fx
        if shadow[iy + j, ix + 4] > depth_m:
            lit += fx
        total += weight_y * lit
    return total * np.float32(1.0 / 16.0)


@kernel
def diffuse(cosine: float, wrap: float, soften: float) -> float:
    """Lambert's law that reaches ``wrap`` beyond the terminator, eased out there by ``soften`` 0..1."""
    one = np.float32(1.0)
    t = max((cosine + wrap) / (one + wrap), np.float32(0.0))
    return t * (one - soften + soften * t)


@kernel
def shoulder(x: float) -> float:
    """Film-like response of linear light: straight up to 0.6, then rolling off towards 1."""
    if x <= 0.6:
        return x
    t = (x - np.float32(0.6)) * np.float32(2.5)
    return np.float32(0.6) + np.float32(0.4) * t / (np.float32(1.0) + t)


@kernel
def strand_light(
    lights: F32, nx: float, ny: float, nz: float, tx: float, ty: float, tz: float, vx: float, vy: float, vz: float,
    shift: float,
) -> _Color:  # fmt: skip
    """Highlights of hair (Kajiya and Kay 1989, with the shifted lobes of Marschner et al. 2003 as approximated
    by Scheuermann 2004): strength of the white and of the coloured highlight of the key light, then of the rim's.
    """
    one = np.float32(1.0)
    hx, hy, hz = lights[0] + vx, lights[1] + vy, lights[2] + vz
    scale = one / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-12))
    th = (tx * hx + ty * hy + tz * hz) * scale
    nh = (nx * hx + ny * hy + nz * hz) * scale
    along1 = th + (np.float32(-0.09) + shift) * nh
    along2 = th + (np.float32(0.13) + shift) * nh
    sine1 = max(one - along1 * along1, np.float32(0.0))
    sine2 = max(one - along2 * along2, np.float32(0.0))
    first = sine1**32
    second = sine2**8
    tr = tx * lights[12] + ty * lights[13] + tz * lights[14]
    tv = tx * vx + ty * vy + tz * vz
    back = max(np.sqrt(max((one - tr * tr) * (one - tv * tv), np.float32(0.0))) - tr * tv, np.float32(0.0)) ** 8
    return first, second, back


@kernel
def surface_light(
    lights: F32, m: F32, red: float, green: float, blue: float, nx: float, ny: float, nz: float, vx: float, vy: float,
    vz: float, shadow: float, tx: float, ty: float, tz: float, shift: float,
) -> _Color:  # fmt: skip
    """Linear colour, tone-mapped to 0..1, of a point with an albedo, unit normal and view direction.

    ``m`` is the material's row of factors, ``shadow`` the share of key light that arrives, ``t`` the strand's
    direction (used when the material is hair) and ``shift`` its jitter.
    """
    zero, one, half = np.float32(0.0), np.float32(1.0), np.float32(0.5)
    key = nx * lights[0] + ny * lights[1] + nz * lights[2]
    fill = max((nx * lights[6] + ny * lights[7] + nz * lights[8]) * np.float32(0.75) + np.float32(0.25), zero)
    back = max(nx * lights[12] + ny * lights[13] + nz * lights[14], zero)
    facing = max(nx * vx + ny * vy + nz * vz, zero)
    shadow = one - m[12] * (one - shadow)
    penumbra = m[4] * shadow * (one - shadow)
    key_r = diffuse(key, m[0], m[3]) * min(shadow + penumbra, one)
    key_g = diffuse(key, m[1], m[3]) * (shadow + np.float32(0.15) * penumbra)
    key_b = diffuse(key, m[2], m[3]) * shadow
    sky = half + half * ny
    ground = one - sky
    edge = one - facing
    grazing = edge * edge
    grazing = grazing * grazing * edge
    rim = m[10] * back * (np.float32(0.25) + np.float32(0.75) * edge * edge)

    out_r = key_r * lights[3] + m[5] * (fill * lights[9] + sky * lights[18] + ground * lights[21])
    out_g = key_g * lights[4] + m[5] * (fill * lights[10] + sky * lights[19] + ground * lights[22])
    out_b = key_b * lights[5] + m[5] * (fill * lights[11] + sky * lights[20] + ground * lights[23])
    pi = np.float32(1.9)
    out_r, out_g, out_b = out_r * pi, out_g * pi, out_b * pi
    out_r, out_g, out_b = (
        red * (out_r + rim * lights[15]),
        green * (out_g + rim * lights[16]),
        blue * (out_b + rim * lights[17]),
    )

    if m[11] > 0.0:
        first, second, behind = strand_light(lights, nx, ny, nz, tx, ty, tz, vx, vy, vz, shift)
        lit = shadow * max(min(key * np.float32(1.4) + np.float32(0.35), one), zero) * m[11]
        first *= np.float32(0.10) * lit
        second *= np.float32(0.85) * lit
        behind *= np.float32(0.5) * back * m[10]
        out_r += lights[3] * (first + second * red) + behind * (red + np.float32(0.03))
        out_g += lights[4] * (first + second * green) + behind * (green + np.float32(0.03))
        out_b += lights[5] * (first + second * blue) + behind * (blue + np.float32(0.03))
    else:
        hx, hy, hz = lights[0] + vx, lights[1] + vy, lights[2] + vz
        scale = one / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-12))
        nh = max((nx * hx + ny * hy + nz * hz) * scale, zero)
        nh8 = nh**8
        nh48 = nh8**6
        gloss = (m[6] * nh8 + m[7] * nh48 + m[8] * nh48**8) * shadow * max(min(key * np.float32(4.0), one), zero)
        out_r += gloss * lights[3]
        out_g += gloss * lights[4]
        out_b += gloss * lights[5]
    shine = m[9] * grazing * m[5]
    out_r += shine * (sky * lights[18] + fill * lights[9]) * np.float32(2.0)
    out_g += shine * (sky * lights[19] + fill * lights[10]) * np.float32(2.0)
    out_b += shine * (sky * lights[20] + fill * lights[11]) * np.float32(2.0)
    return shoulder(out_r), shoulder(out_g), shoulder(out_b)
