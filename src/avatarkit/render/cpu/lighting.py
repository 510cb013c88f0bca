"""The light that leaves fragments towards the camera. One loop without branches, 16 fragments wide."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.arrays import F32
from avatarkit.render.cpu.fragments import ALBEDO, CHUNK, LANES, LIT, NORMAL, POSITION, TANGENT
from avatarkit.render.cpu.jit import Real, Whole, inlined, kernel
from avatarkit.render.cpu.materials import BROAD, MIDDLE, SHARP, STRAND


@inlined
def _diffuse(cosine: Real, wrap: Real, soften: Real) -> Real:
    """Lambert's law that reaches ``wrap`` beyond the terminator, eased out there by ``soften`` 0..1."""
    one = np.float32(1.0)
    t = max((cosine + wrap) / (one + wrap), np.float32(0.0))
    return t * (one - soften + soften * t)


@inlined
def _shoulder(x: Real) -> Real:
    """Film-like response of linear light: straight up to 0.6, then rolling off towards 1."""
    t = max(x - np.float32(0.6), np.float32(0.0)) * np.float32(2.5)
    return min(x, np.float32(0.6)) + np.float32(0.4) * t / (np.float32(1.0) + t)


@inlined
def _square(x: Real) -> Real:
    return x * x


@kernel
def light_fragments(lights: F32, response: F32, count: int, to: F32) -> None:
    """Replace the albedo of fragments by their linear colour, tone-mapped to 0..1.

    ``response`` is the material's row of factors. Diffuse: wrapped Lambert, by channel. Highlights: Blinn-Phong lobes
    of exponent 8, 48 and 384, and for hair the strand lobes of Kajiya and Kay (1989), shifted as in Scheuermann
    (2004). Edges: Schlick's Fresnel term.
    """
    glossy, wet, strands = response[BROAD] + response[MIDDLE] > 0.0, response[SHARP] > 0.0, response[STRAND] > 0.0
    # No surface but those of unusual bundles has all; what a material lacks is left out of its loop.
    if not wet and not strands:
        _light(lights, response, count, to, True, False, False)
    elif not wet and not glossy:
        _light(lights, response, count, to, False, False, True)
    else:
        _light(lights, response, count, to, True, True, True)


@inlined
def _light(lights: F32, response: F32, count: Whole, to: F32, glossy: bool, wet: bool, strands: bool) -> None:
    zero, half, one, least = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(1e-12)
    lx, ly, lz, kr, kg, kb = lights[0], lights[1], lights[2], lights[3], lights[4], lights[5]
    fx, fy, fz, fr, fg, fb = lights[6], lights[7], lights[8], lights[9], lights[10], lights[11]
    rx, ry, rz, rr, rg, rb = lights[12], lights[13], lights[14], lights[15], lights[16], lights[17]
    sr, sg, sb, gr, gg, gb = lights[18], lights[19], lights[20], lights[21], lights[22], lights[23]
    ex, ey, ez, cx, cy, cz = lights[24], lights[25], lights[26], lights[27], lights[28], lights[29]
    wrap_r, wrap_g, wrap_b, soften, penumbra = response[0], response[1], response[2], response[3], response[4]
    ambient, broad, middle_gloss, sharp, sheen = response[5], response[6], response[7], response[8], response[9]
    rim_share, strand, shadowed = response[10], response[11], response[12]
    # Whole vectors: what lies behind the last fragment is lit too, and never looked at.
    for i in range((count + LANES - 1) // LANES * LANES):
        nx, ny, nz = to[NORMAL + i], to[NORMAL + CHUNK + i], to[NORMAL + 2 * CHUNK + i]
        scale = one / np.sqrt(nx * nx + ny * ny + nz * nz + least)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        vx, vy, vz = ex - to[POSITION + i], ey - to[POSITION + CHUNK + i], ez - to[POSITION + 2 * CHUNK + i]
        scale = one / np.sqrt(vx * vx + vy * vy + vz * vz + least)
        vx, vy, vz = vx * scale, vy * scale, vz * scale
        key = nx * lx + ny * ly + nz * lz
        # Where a surface turns away from the light, the terminator takes over from the shadow map's coarse edge.
        turning = min(max(np.float32(0.6) - key * np.float32(4.0), zero), one)
        lit = one - shadowed * (one - to[LIT + i]) * (one - turning)
        half_lit = penumbra * lit * (one - lit)
        red = _diffuse(key, wrap_r, soften) * min(lit + half_lit, one) * kr
        green = _diffuse(key, wrap_g, soften) * (lit + np.float32(0.15) * half_lit) * kg
        blue = _diffuse(key, wrap_b, soften) * lit * kb
        fill = max((nx * fx + ny * fy + nz * fz) * np.float32(0.75) + np.float32(0.25), zero)
        sky = half + half * ny
        ground = one - sky
        red += ambient * (fill * fr + sky * sr + ground * gr)
        green += ambient * (fill * fg + sky * sg + ground * gg)
        blue += ambient * (fill * fb + sky * sb + ground * gb)

        edge = one - max(nx * vx + ny * vy + nz * vz, zero)
        behind = max(nx * rx + ny * ry + nz * rz, zero)
        rim = rim_share * behind * (np.float32(0.25) + np.float32(0.75) * edge * edge)
        red, green, blue = red + rim * rr, green + rim * rg, blue + rim * rb
        ar, ag, ab = to[ALBEDO + i], to[ALBEDO + CHUNK + i], to[ALBEDO + 2 * CHUNK + i]
        red, green, blue = red * ar, green * ag, blue * ab

        hx, hy, hz = lx + vx, ly + vy, lz + vz
        scale = one / np.sqrt(hx * hx + hy * hy + hz * hz + least)
        hx, hy, hz = hx * scale, hy * scale, hz * scale
        nh = nx * hx + ny * hy + nz * hz
        gloss = zero
        if glossy:
            lobe = _square(_square(_square(max(nh, zero))))
            middle = _square(_square(lobe) * lobe)
            gloss = broad * lobe + middle_gloss * middle
            gloss *= lit * min(max(key * np.float32(4.0), zero), one)
        if wet:
            wx, wy, wz = cx + vx, cy + vy, cz + vz
            scale = one / np.sqrt(wx * wx + wy * wy + wz * wz + least)
            film = max((nx * wx + ny * wy + nz * wz) * scale, zero)
            film = _square(_square(_square(film)))
            film = _square(_square(_square(_square(_square(film) * film))))
            gloss += sharp * film * (np.float32(0.4) + np.float32(0.6) * lit)
        mirror = edge * _square(_square(edge)) * sheen * ambient * np.float32(2.0)

        red, green, blue = (
            red + mirror * (sky * sr + fill * fr),
            green + mirror * (sky * sg + fill * fg),
            blue + mirror * (sky * sb + fill * fb),
        )
        if strands:
            tx, ty, tz = to[TANGENT + i], to[TANGENT + CHUNK + i], to[TANGENT + 2 * CHUNK + i]
            scale = one / np.sqrt(tx * tx + ty * ty + tz * tz + least)
            tx, ty, tz = tx * scale, ty * scale, tz * scale
            th = tx * hx + ty * hy + tz * hz
            first = max(one - _square(th - np.float32(0.09) * nh), zero)
            first = _square(_square(_square(_square(_square(first)))))
            second = max(one - _square(th + np.float32(0.13) * nh), zero)
            second = _square(_square(_square(second)))
            onto = strand * lit * min(max(key * np.float32(1.4) + np.float32(0.35), zero), one)
            gloss += np.float32(0.10) * first * onto
            second *= np.float32(0.85) * onto
            tr, tv = tx * rx + ty * ry + tz * rz, tx * vx + ty * vy + tz * vz
            glow = np.sqrt(max((one - tr * tr) * (one - tv * tv), zero)) - tr * tv
            glow = _square(_square(_square(max(glow, zero)))) * half * behind * strand * rim_share
            red += kr * second * ar + glow * (ar + np.float32(0.03))
            green += kg * second * ag + glow * (ag + np.float32(0.03))
            blue += kb * second * ab + glow * (ab + np.float32(0.03))
        red, green, blue = red + kr * gloss, green + kg * gloss, blue + kb * gloss
        to[ALBEDO + i] = _shoulder(red)
        to[ALBEDO + CHUNK + i] = _shoulder(green)
        to[ALBEDO + 2 * CHUNK + i] = _shoulder(blue)
