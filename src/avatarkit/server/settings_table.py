"""The list of settings as a Markdown table. ``python -m avatarkit.server.settings_table FILE`` writes it into a
document, between two marker lines."""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Final

from avatarkit.server.settings import Settings, catalogue, kinds

BEGIN: Final = "<!-- settings: begin -->"
END: Final = "<!-- settings: end -->"


def settings_table() -> str:
    """A table for each group: key, type, default, meaning."""
    defaults = {item.name: item.default for item in fields(Settings)}
    lines: list[str] = []
    group = None
    for name, info in catalogue().items():
        if info.group != group:
            group = info.group
            lines += ["", f"**{group}**", "", "| Key | Type | Default | Meaning |", "|---|---|---|---|"]
        meaning = info.help + (" A secret: it has no flag." if info.secret else "")
        kind = " or ".join(f"`{choice}`" for choice in info.choices) or _kind(kinds()[name])
        lines.append(f"| `{name}` | {kind} | {_default(defaults[name])} | {meaning} |")
    return "\n".join(lines[1:])


def with_table(document: str) -> str:
    """The document with the table of this release between its markers. ``ValueError`` without markers."""
    head, begin, rest = document.partition(BEGIN)
    _old, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no '{BEGIN}' and '{END}'")
    return f"{head}{BEGIN}\n{settings_table()}\n{END}{tail}"


def _kind(kind: Any) -> str:
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        tuple[str, ...]: "list of texts",
    }
    return names.get(kind, "path")


def _default(value: object) -> str:
    if value is MISSING or value is None or value in ("", ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{', '.join(value)}`" if isinstance(value, tuple) else f"`{value}`"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text("utf-8")), "utf-8")
