"""Soft outlines: what of the portrait is person, refined along the picture's own edges, and its clean colours."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.studio.photo.framing import Field, Portrait

_RADII_PX: Final = (14, 5)
_SMOOTHNESS: Final = 4e-4
_TRANSPARENT, _OPAQUE = 0.2, 0.85
"""What the filter gives for what is none and all of the person: below and above are halos of the background."""
_GAP_PX: Final = 13
"""Narrower gaps, as between hair and ears, are closed: a turned head would tear them open."""


def person_alpha(portrait: Portrait) -> Field:
    """Opacity of the person, 0..1, following hair and shoulders; 0 where the picture has no pixels.

    The model's mask is as coarse as 256 x 256; a guided filter (He, Sun and Tang 2013) moves its edge to that of
    the picture, coarse first and fine after.
    """
    alpha = np.where(portrait.inside, portrait.person, 0.0)
    for radius in _RADII_PX:
        alpha = np.clip(_guided(portrait.rgb, alpha, radius), 0.0, 1.0)
    alpha = np.clip((alpha - _TRANSPARENT) / (_OPAQUE - _TRANSPARENT), 0.0, 1.0)
    alpha = np.maximum(alpha, np.asarray(ndimage.grey_closing(alpha, (_GAP_PX, _GAP_PX))))
    alpha = _largest(alpha)
    return np.where(ndimage.binary_erosion(portrait.inside, iterations=2, border_value=1), alpha, 0.0)


def clean_colors(rgb: npt.NDArray[np.float64], alpha: Field) -> npt.NDArray[np.float64]:
    """Colours with what shines through from behind taken out: pixels that are not wholly the person's take the
    colours of the nearest that are, so that no rim of the old background is seen on a new one.
    """
    return fill(rgb, alpha > 0.93)


def fill(image: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Colours for the unknown pixels, smooth and equal to the known at their border (push and pull).

    Coarser and coarser means of the known pixels fill what the finer ones leave empty (Gortler et al. 1996).
    """
    weight = known.astype(np.float64)[..., None]
    if min(image.shape[:2]) <= 2 or bool(known.all()):
        total = max(float(weight.sum()), 1e-12)
        mean = (image * weight).sum(axis=(0, 1)) / total
        return np.where(known[..., None], image, mean)
    height, width = image.shape[:2]
    padded = ((0, height % 2), (0, width % 2), (0, 0))
    both = np.pad(np.concatenate([image * weight, weight], axis=2), padded)
    blocks = both.reshape(both.shape[0] // 2, 2, both.shape[1] // 2, 2, -1).sum(axis=(1, 3))
    share = blocks[..., -1:]
    coarse = fill(blocks[..., :-1] / np.maximum(share, 1e-12), share[..., 0] > 0.0)
    fine = np.stack(
        [ndimage.zoom(coarse[..., k], 2, order=1, mode="nearest", grid_mode=True) for k in range(image.shape[2])],
        axis=-1,
    )[:height, :width]
    return np.where(known[..., None], image, fine)


def _guided(guide: npt.NDArray[np.float64], values: Field, radius: int) -> Field:
    """The guided filter with a colour guide: locally, the result is linear in the guide's three channels."""
    side = 2 * radius + 1

    def mean(x: Field) -> Field:
        return np.asarray(ndimage.uniform_filter(x, side, mode="nearest"))

    red, green, blue = (guide[..., k] for k in range(3))
    level = mean(values)
    means = [mean(channel) for channel in (red, green, blue)]
    cross = [mean(channel * values) - own * level for channel, own in zip((red, green, blue), means, strict=True)]

    def spread(i: int, j: int) -> Field:
        both = mean(guide[..., i] * guide[..., j]) - means[i] * means[j]
        return both + _SMOOTHNESS if i == j else both

    rr, rg, rb, gg, gb, bb = (spread(i, j) for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    # The inverse of a symmetric 3 x 3 matrix by its cofactors.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    slopes = [
        (c_rr * cross[0] + c_rg * cross[1] + c_rb * cross[2]) / determinant,
        (c_rg * cross[0] + c_gg * cross[1] + c_gb * cross[2]) / determinant,
        (c_rb * cross[0] + c_gb * cross[1] + c_bb * cross[2]) / determinant,
    ]
    offset = level - sum(slope * own for slope, own in zip(slopes, means, strict=True))
    return np.asarray(mean(slopes[0]) * red + mean(slopes[1]) * green + mean(slopes[2]) * blue + mean(offset))


def _largest(alpha: Field) -> Field:
    """Only the largest connected person."""
    labels, count = ndimage.label(alpha > 0.5)
    if count < 2:
        return alpha
    sizes = ndimage.sum_labels(np.ones_like(alpha), labels, np.arange(1, count + 1))
    main = labels == int(np.argmax(sizes)) + 1
    near = ndimage.binary_dilation(main, iterations=12)
    return np.where(near, alpha, 0.0)
