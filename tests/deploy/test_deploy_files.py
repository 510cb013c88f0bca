"""What is under deploy/ fits the program: variables exist, files exist, secrets are random and are kept."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.engine import make_url

from avatarkit.server.settings import catalogue, variable

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VARIABLES = {variable(name) for name in catalogue()}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNIT = (DEPLOY / "avatarkit.service").read_text()


@pytest.mark.parametrize("text", [DOCKERFILE, UNIT, (DEPLOY / "compose.yaml").read_text()])
def test_every_variable_is_a_setting(text: str) -> None:
    used = set(re.findall(r"\bAVATARKIT_[A-Z_]*[A-Z]\b", text))
    assert used
    assert {name.removesuffix("_FILE") for name in used} <= VARIABLES


def test_the_image_is_built_from_files_that_exist_and_are_sent_to_the_builder() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [
        line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    assert sources
    for source in (name for names in sources for name in names):
        assert (ROOT / source).exists(), source
        assert any(name.startswith(source) for name in sent), source
    for requirements in re.findall(r"-r (requirements/\S+)", DOCKERFILE):
        assert "--hash=sha256:" in (ROOT / requirements).read_text(), requirements


def test_the_image_runs_without_privileges_and_stops_by_the_signal_that_drains() -> None:
    final = DOCKERFILE.split("FROM ")[-1]
    assert re.search(r"^USER [1-9]\d*$", final, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", final, re.MULTILINE)
    assert "/readyz" in final


def test_compose_gives_each_container_only_what_it_needs() -> None:
    server, database = COMPOSE["services"]["server"], COMPOSE["services"]["database"]
    assert (DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).exists()
    assert server["depends_on"]["database"]["condition"] == "service_healthy"
    assert (server["read_only"], server["cap_drop"]) == (True, ["ALL"])
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert "ports" not in database
    assert COMPOSE["networks"]["inside"]["internal"] is True
    mounted = {name for service in (server, database) for name in service["secrets"]}
    assert mounted == set(COMPOSE["secrets"])
    # No secret stands in the file or in an environment.
    values = [value for service in (server, database) for value in service["environment"].values()]
    assert all(value.startswith("/run/secrets/") for value in values if "secret" in value or "://" in value)


def test_secrets_are_random_fit_together_and_are_kept(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "make-secrets.sh", tmp_path)

    def make() -> dict[str, str]:
        subprocess.run(["sh", tmp_path / "make-secrets.sh"], check=True, capture_output=True)
        return {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    first = make()
    assert set(first) == set(COMPOSE["secrets"])
    url = make_url(first["database_url"])
    assert (url.password, url.host) == (first["postgres_password"], "database")
    assert url.database == url.username == "avatarkit"
    assert len(first["postgres_password"]) == len(first["metrics_key"]) == 64
    assert first["postgres_password"] != first["metrics_key"]
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert make() == first
    shutil.rmtree(tmp_path / "secrets")
    assert make()["metrics_key"] != first["metrics_key"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    unit = tmp_path / "avatarkit.service"
    unit.write_text(UNIT.replace("/opt/avatarkit/bin/avatarkit", "/bin/true"))
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-300:]
