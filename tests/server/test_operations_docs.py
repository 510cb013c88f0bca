"""docs/operations.md tells what is there: every setting, every metric, every file that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from avatarkit.server.settings_table import with_table

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "operations.md").read_text("utf-8")


def test_the_list_of_settings_is_that_of_this_release() -> None:
    assert with_table(DOCUMENT) == DOCUMENT, "run: python -m avatarkit.server.settings_table docs/operations.md"


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    pytest.importorskip("prometheus_client", reason="metrics need prometheus-client")
    from avatarkit.server.observe.metrics import Metrics

    told = set(re.findall(r"^\| `(avatarkit_\w+)", DOCUMENT, re.MULTILINE))
    families = set(re.findall(r"^# TYPE (avatarkit_\w+) ", Metrics().text().decode(), re.MULTILINE))
    assert told == {family for family in families if not family.endswith("_created")}


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"(?:deploy|tests|requirements)/[\w./-]+\w", DOCUMENT)
    assert named
    for name in named:
        assert name == "deploy/secrets" or (ROOT / name).exists(), name
