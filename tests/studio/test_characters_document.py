"""The table of spec fields in docs/characters.md is that of the code."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from pathlib import Path

import pytest

pytest.importorskip("scipy")

from avatarkit.studio.character import CharacterSpec, spec
from avatarkit.studio.character.spec_toml import write_spec

DOCUMENT = Path(__file__).parents[2] / "docs" / "characters.md"


def rows() -> list[str]:
    """Rows of the table: each field, its default as TOML, and its docstring."""
    tree = ast.parse(inspect.getsource(spec))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "CharacterSpec").body
    defaults = dict(re.findall(r"^(\w+) = (.+)$", write_spec(CharacterSpec()), re.MULTILINE))
    out = []
    for field, text in itertools.pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(text, ast.Expr):
            continue
        assert isinstance(field.target, ast.Name)
        assert isinstance(text.value, ast.Constant)
        name = field.target.id
        meaning = re.sub(
            r":mod:`\.?(\w+)`", r"`avatarkit.studio.character.\1`", " ".join(str(text.value.value).split())
        )
        out.append(f"| `{name}` | {f'`{defaults[name]}`' if name in defaults else 'a table'} | {meaning} |")
    return out


def test_every_field_stands_in_the_document_as_the_code_has_it() -> None:
    found = rows()
    assert len(found) >= 25
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    assert [row for row in found if row not in lines] == []
