"""How commands show avatars of the library."""

from __future__ import annotations

from avatarkit.cli.management import Record
from avatarkit.cli.output import show_fields


def show_avatar(avatar: Record) -> None:
    """An avatar of the library, for people."""
    show_fields(
        {
            "Avatar": avatar["id"],
            "Name": avatar["name"],
            "Version": str(avatar["version"]),
            "Size": shown_size(avatar["size"]),
            "Licence": avatar["license"],
            "Author": avatar["author"],
            "SHA-256": avatar["sha256"],
            "Needs SDK": avatar["minimumSdkVersion"],
            "Owner": avatar["owner"] or "the operator",
            "Seen by": seen_by(avatar) + "".join(f", {app_id}" for app_id in avatar.get("grants", ())),
        }
        | {
            f"Version {one['version']}": one["sha256"]
            for one in avatar.get("versions", ())
            if one["version"] != avatar["version"]
        }
    )


def seen_by(avatar: Record) -> str:
    """Who sees it, for people."""
    if avatar["state"] != "published":
        return "nobody" if avatar["state"] == "withdrawn" else "its owner (draft)"
    return "everyone" if avatar["visibility"] == "everyone" else "its owner and grants"


def shown_size(size_bytes: int) -> str:
    """A size for people."""
    return f"{size_bytes / 1e6:.2f} MB"
