"""``asset.extras.avatarkit``: what a bundle says about itself."""

from __future__ import annotations

import re
from typing import Any, Final

from avatarkit.avatars import fields, limits
from avatarkit.avatars.bundle import BundleInfo
from avatarkit.avatars.container import Json, refuse
from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.types import Camera

_VERSION: Final = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")
_FALLBACK_SDK: Final = (0, 1, 0)
FIRST_SDK: Final = "0.1.0"
"""The oldest version that reads bundles."""


def to_json(info: BundleInfo) -> Json:
    """The object to store."""
    return {
        "name": info.name,
        "license": info.license,
        "author": info.author,
        "version": info.version,
        "minimumSdk": info.minimum_sdk,
        "camera": {
            "position": list(info.camera.position),
            "target": list(info.camera.target),
            "verticalFovDegrees": info.camera.vertical_fov_deg,
        },
        "background": list(info.background),
    } | ({"provenance": info.provenance} if info.provenance else {})


def is_ours(document: Json) -> bool:
    """Whether the file carries our metadata; a file from elsewhere does not."""
    return isinstance(fields.obj(fields.obj(document, "asset"), "extras").get("avatarkit"), dict)


def from_json(document: Json) -> BundleInfo:
    """The metadata of a file; sensible values for a file from elsewhere.

    Raises ``AvatarError``: ``invalidAvatarMetadata`` when a value is wrong, ``unsupportedAvatarAsset`` when the
    file asks for a newer SDK than this one.
    """
    asset = fields.obj(document, "asset")
    try:
        info = _read(document, asset)
    except AvatarError as reason:
        raise error(ErrorCode.INVALID_AVATAR_METADATA, reason.message, hint="Export the avatar again.") from None
    needed = _parse_version(info.minimum_sdk)
    if needed > _parse_version(FIRST_SDK) and needed > sdk_version():
        raise error(
            ErrorCode.UNSUPPORTED_AVATAR_ASSET,
            f"The avatar '{info.name}' needs pyavatarkit {info.minimum_sdk} or newer.",
            hint="Upgrade it with: pip install --upgrade pyavatarkit",
        )
    return info


def _read(document: Json, asset: Json) -> BundleInfo:
    own = fields.obj(fields.obj(asset, "extras"), "avatarkit")
    camera = fields.obj(own, "camera")
    default = _said_elsewhere(document, asset)

    def text(name: str, fallback: str) -> str:
        return fields.text(own, name, fallback, longest=limits.TEXT_LENGTH)

    info = BundleInfo(
        name=text("name", default.name),
        license=text("license", default.license),
        author=text("author", default.author),
        version=fields.whole(own, "version", low=1, high=2**31 - 1, default=1),
        minimum_sdk=text("minimumSdk", default.minimum_sdk),
        camera=Camera(
            _three(fields.numbers(camera, "position", default.camera.position)),
            _three(fields.numbers(camera, "target", default.camera.target)),
            fields.number(camera, "verticalFovDegrees", default.camera.vertical_fov_deg),
        ),
        background=_three(fields.numbers(own, "background", default.background)),
        provenance=fields.text(own, "provenance", "", longest=limits.PROVENANCE_LENGTH),
    )
    check(info)
    return info


def _said_elsewhere(document: Json, asset: Json) -> BundleInfo:
    """Title, licence and author where other programs write them: VRM's own block, the asset's extras, copyright."""
    extensions = fields.obj(document, "extensions")
    places = [fields.obj(fields.obj(extensions, vrm), "meta") for vrm in ("VRMC_vrm", "VRM")]
    places += [fields.obj(asset, "extras"), asset]

    def said(*names: str, otherwise: str) -> str:
        for place in places:
            for name in names:
                value = place.get(name)
                if isinstance(value, list) and all(isinstance(one, str) for one in value):
                    value = ", ".join(value)
                if isinstance(value, str) and value.strip():
                    return value.strip()[: limits.TEXT_LENGTH]
        return otherwise

    return BundleInfo(
        name=said("name", "title", otherwise="Imported avatar"),
        license=said("licenseUrl", "licenseName", "otherLicenseUrl", "license", otherwise="unknown"),
        author=said("authors", "author", "copyrightInformation", "copyright", otherwise="unknown"),
    )


def check(info: BundleInfo) -> None:
    """Refuse metadata that no renderer could use (``unsupportedAvatarAsset``)."""
    for name, value in (("name", info.name), ("license", info.license), ("author", info.author)):
        if not value or len(value) > limits.TEXT_LENGTH:
            raise refuse(f"'{name}' is empty or too long")
    if len(info.provenance) > limits.PROVENANCE_LENGTH:
        raise refuse("'provenance' is too long")
    if _VERSION.fullmatch(info.minimum_sdk) is None:
        raise refuse("'minimumSdk' is not a version like 0.1.0")
    camera = info.camera
    if not 1.0 <= camera.vertical_fov_deg <= 120.0:
        raise refuse("the camera's field of view is not 1 to 120 degrees")
    if camera.position == camera.target or any(
        not abs(x) <= limits.COORDINATE_M for x in (*camera.position, *camera.target)
    ):
        raise refuse("the camera looks nowhere")
    if any(not 0.0 <= x <= 1.0 for x in info.background):
        raise refuse("the background is not a colour")


def sdk_version() -> tuple[int, int, int]:
    """The version of this SDK."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - takes as long as reading a mesh

    try:
        return _parse_version(version("pyavatarkit"))
    except PackageNotFoundError:  # run from a source tree that was not installed
        return _FALLBACK_SDK


def _parse_version(text: str) -> tuple[int, int, int]:
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else _FALLBACK_SDK


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    return values[0], values[1], values[2]


def material_extras(kind: str) -> dict[str, Any]:
    """``material.extras`` that carry the kind of a surface."""
    return {"avatarkit": {"kind": kind}}
