"""The avatar bundle: read, check, describe, deform."""

from __future__ import annotations

from avatarkit.avatars import builtin
from avatarkit.avatars.adoption import Adopted, adopt, adopt_file
from avatarkit.avatars.bundle import Bundle, BundleInfo, Joint, Material, MaterialKind, Mesh, Morph
from avatarkit.avatars.check import check
from avatarkit.avatars.glb import decode_bundle, encode_bundle, read_bundle, write_bundle
from avatarkit.avatars.rig import Rig, RigArrays
from avatarkit.avatars.summary import BundleSummary, MeshSummary, describe

__all__ = [
    "Adopted",
    "Bundle",
    "BundleInfo",
    "BundleSummary",
    "Joint",
    "Material",
    "MaterialKind",
    "Mesh",
    "MeshSummary",
    "Morph",
    "Rig",
    "RigArrays",
    "adopt",
    "adopt_file",
    "builtin",
    "check",
    "decode_bundle",
    "describe",
    "encode_bundle",
    "read_bundle",
    "write_bundle",
]
