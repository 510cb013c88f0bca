"""Materials and pictures of a GLB document."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import fields, limits, textures
from avatarkit.avatars.accessors import AccessorReader
from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.avatars.container import Json, refuse

LEFT_OUT_GLASS: Final = "see-through parts"
LEFT_OUT_PICTURES: Final = "pictures that are neither JPEG, PNG nor WebP"

_WEBP: Final = "EXT_texture_webp"
_GLASS_ALPHA: Final = 0.5
_KIND_WORDS: Final[tuple[tuple[MaterialKind, str], ...]] = (
    (MaterialKind.LASH, r"lash|brow"),
    (MaterialKind.TEETH, r"teeth|tooth"),
    (MaterialKind.MOUTH, r"tongue|gums?|mouth"),
    (MaterialKind.EYE, r"eye|iris|sclera|cornea"),
    (MaterialKind.HAIR, r"hair|beard|moustache"),
    (MaterialKind.SKIN, r"skin|face|head|body"),
    (MaterialKind.CLOTH, r"cloth|outfit|shirt|top|jacket|dress|trousers|pants|footwear|shoes?"),
)


class SurfaceReader:
    """Reads the materials of one document, and then the pictures that they use.

    Args:
        document: The document.
        reader: Of its accessors and buffer views.
        ours: Whether we wrote the file: then nothing is guessed or left out.
        left_out: Gets what could not be read, in words.
    """

    def __init__(self, document: Json, reader: AccessorReader, *, ours: bool, left_out: set[str]) -> None:
        self._views = fields.objects(document, "bufferViews")
        self._materials = fields.objects(document, "materials")
        self._textures = fields.objects(document, "textures")
        self._images = fields.objects(document, "images")
        self._reader = reader
        self._ours = ours
        self._left_out = left_out
        self._used: dict[int, int] = {}

    def is_glass(self, primitive: Json) -> bool:
        """Whether a part is plain glass, such as a cornea: nothing that renderers without blending can show."""
        index = fields.optional_index(primitive, "material", self._materials)
        if index is None or self._materials[index].get("alphaMode") != "BLEND":
            return False
        surface = fields.obj(self._materials[index], "pbrMetallicRoughness")
        alpha = fields.numbers(surface, "baseColorFactor", (1.0, 1.0, 1.0, 1.0))[3]
        if alpha >= _GLASS_ALPHA:
            return False
        self._left_out.add(LEFT_OUT_GLASS)
        return True

    def read(self, primitive: Json, mesh_name: str) -> Material:
        """The material of a part."""
        index = fields.optional_index(primitive, "material", self._materials)
        if index is None:
            return Material("default")
        item = self._materials[index]
        surface = fields.obj(item, "pbrMetallicRoughness")
        red, green, blue, alpha = (
            min(max(x, 0.0), 1.0) for x in fields.numbers(surface, "baseColorFactor", (1.0, 1.0, 1.0, 1.0))
        )
        name = fields.text(item, "name", f"material {index}", longest=limits.TEXT_LENGTH)
        texture = self._texture(surface, "baseColorTexture")
        # What is blended elsewhere is cut out here: hair and lashes look right so.
        masked = item.get("alphaMode") == "MASK" or (item.get("alphaMode") == "BLEND" and texture is not None)
        return Material(
            name=name,
            kind=self._kind(item, name, mesh_name),
            base_color=(red, green, blue, alpha),
            roughness=min(max(fields.number(surface, "roughnessFactor", 1.0), 0.0), 1.0),
            texture=texture,
            normal_texture=self._texture(item, "normalTexture"),
            double_sided=item.get("doubleSided") is True,
            alpha_cutoff=min(max(fields.number(item, "alphaCutoff", 0.5), 0.0), 1.0) if masked else None,
        )

    def load_textures(self) -> tuple[npt.NDArray[np.uint8], ...]:
        """The pictures that materials use, in the order of their numbers."""
        if len(self._used) > limits.TEXTURES:
            raise refuse(f"it holds more than {limits.TEXTURES} textures")
        out: list[npt.NDArray[np.uint8]] = []
        left = limits.TEXTURE_PIXELS
        for number in self._used:
            image = self._images[number]
            if "uri" in image:
                raise refuse("it uses data outside the file")
            pixels = textures.decode(
                bytes(self._reader.view_bytes(fields.index(image, "bufferView", self._views))), left
            )
            left -= pixels.shape[0] * pixels.shape[1]
            out.append(pixels)
        return tuple(out)

    def _kind(self, item: Json, name: str, mesh_name: str) -> MaterialKind:
        kind = fields.obj(fields.obj(item, "extras"), "avatarkit").get("kind")
        if isinstance(kind, str) and kind in set(MaterialKind):
            return MaterialKind(kind)
        if self._ours:
            return MaterialKind.MATTE
        for words in (name, mesh_name):
            for guess, pattern in _KIND_WORDS:
                if re.search(pattern, words, re.IGNORECASE):
                    return guess
        return MaterialKind.MATTE

    def _texture(self, owner: Json, name: str) -> int | None:
        if name not in owner:
            return None
        texture = self._textures[fields.index(fields.obj(owner, name), "index", self._textures)]
        webp = fields.obj(texture, "extensions").get(_WEBP)
        if isinstance(webp, dict):
            texture = webp
        if not self._ours and "source" not in texture:
            self._left_out.add(LEFT_OUT_PICTURES)
            return None
        image = fields.index(texture, "source", self._images)
        return self._used.setdefault(image, len(self._used))
