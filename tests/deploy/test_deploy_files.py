"""What is under deploy/ fits the program: variables exist, files exist, secrets are random and are kept."""

from __future__ import annotations

import importlib.util
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
import yaml
from sqlalchemy.engine import make_url
from starlette.routing import Route

from avatarkit.cli.app import app
from avatarkit.server.app import create_app
from avatarkit.server.services import Services
from avatarkit.server.settings import Settings, catalogue, variable
from avatarkit.server.settings_sources import FILE_VARIABLE

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VARIABLES = {variable(name) for name in catalogue()}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNIT = (DEPLOY / "avatarkit.service").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize("text", [DOCKERFILE, UNIT, (DEPLOY / "compose.yaml").read_text()])
def test_every_variable_is_a_setting(text: str) -> None:
    used = set(re.findall(r"\bAVATARKIT_[A-Z_]*[A-Z]\b", text))
    assert used
    assert {name.removesuffix("_FILE") for name in used} <= VARIABLES | {FILE_VARIABLE}


def test_the_image_is_built_from_files_that_exist_and_are_sent_to_the_builder() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [
        line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    assert sources
    assert all((ROOT / name).exists() for name in sent if "*" not in name)
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


def test_the_image_holds_the_page_and_what_avatars_are_made_with() -> None:
    script = (ROOT / "web" / "page" / "vite.config.ts").read_text()
    (built,) = re.findall(r"COPY --from=page /src/(\S+) \1$", DOCKERFILE, re.MULTILINE)
    assert f'outDir: at("../../{built}")' in script
    served = (ROOT / "requirements" / "server.txt").read_text()
    assert all(re.search(rf"^{name}==", served, re.MULTILINE) for name in ("numba", "pillow", "scipy"))
    (data,) = [line for line in DOCKERFILE.splitlines() if "-r requirements/data.txt" in line]
    assert "--python /opt/avatarkit --no-deps" in data


def test_kernels_are_compiled_for_any_processor_by_the_user_who_runs_it_before_the_volume_begins() -> None:
    steps = [line for line in DOCKERFILE.split("FROM ")[-1].splitlines() if line]
    warm = steps.index("RUN python -m avatarkit.motion.warm && python -m avatarkit.render.warm")
    assert all(importlib.util.find_spec(f"avatarkit.{room}.warm") for room in ("motion", "render"))
    assert any(re.match(r"USER [1-9]", step) for step in steps[:warm])
    assert any("NUMBA_CPU_NAME=generic" in step for step in steps[:warm])
    assert any(step.startswith("VOLUME ") for step in steps[warm:])


def test_ports_paths_and_the_health_check_are_those_of_the_server(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    final = DOCKERFILE.split("FROM ")[-1]
    url = urlsplit(re.findall(r"urlopen\('([^']+)'", final)[0])
    folders = re.findall(r"^(?:VOLUME|EXPOSE) (\S+)$", final, re.MULTILINE)
    assert folders == ["/var/lib/avatarkit", str(settings.port)]
    assert "AVATARKIT_DATA=/var/lib/avatarkit " in final
    assert "NUMBA_CACHE_DIR=/var/lib/avatarkit/" in final
    assert COMPOSE["services"]["server"]["volumes"] == ["assets:/var/lib/avatarkit"]
    assert url.port == settings.port
    assert url.path in {route.path for route in create_app(Services(settings)).routes if isinstance(route, Route)}
    assert COMPOSE["services"]["server"]["ports"] == [f"127.0.0.1:{settings.port}:{settings.port}"]


def test_rounds_that_are_being_spoken_may_finish_before_anybody_kills_the_server(tmp_path: Path) -> None:
    drain_s = Settings(data=tmp_path).drain_timeout_s
    (unit_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(unit_s) > drain_s
    assert int(COMPOSE["services"]["server"]["stop_grace_period"].removesuffix("s")) > drain_s


def test_the_unit_keeps_everything_in_folders_that_systemd_makes_for_it() -> None:
    values = dict(re.findall(r"(\w+)=(/\S+)", "\n".join(re.findall(r"^Environment=(.+)$", UNIT, re.MULTILINE))))
    assert values == {"AVATARKIT_DATA": "/var/lib/avatarkit", "NUMBA_CACHE_DIR": "/var/cache/avatarkit"}
    assert {"StateDirectory=avatarkit", "CacheDirectory=avatarkit"} <= set(UNIT.splitlines())


def test_what_the_image_runs_is_compiled_since_its_user_cannot_do_it() -> None:
    installs = [line for line in DOCKERFILE.splitlines() if "--python /opt/avatarkit " in line]
    assert len(installs) == 3
    assert all("--compile-bytecode" in line for line in installs)


@pytest.mark.parametrize("text", [UNIT, (DEPLOY / "compose.yaml").read_text(), OPERATIONS])
def test_every_command_exists(text: str) -> None:
    named = re.findall(r"\bavatarkit (serve|doctor|apps|keys|tokens|avatars|sessions)\b(?: ([a-z]+)\b)?", text)
    assert named
    tree = typer.main.get_command(app)
    for group, command in named:
        found = tree.get_command(None, group)  # type: ignore[attr-defined]
        assert found is not None, group
        if hasattr(found, "commands") and command:
            assert command in found.commands, f"{group} {command}"


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
