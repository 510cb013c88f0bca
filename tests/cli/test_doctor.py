"""The doctor finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from avatarkit.cli.app import run

Report = dict[str, dict[str, str]]


@pytest.fixture
def examine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Run the doctor with settings of one's own; the exit status and the findings by what they are about."""

    def go(*arguments: str, **variables: str) -> tuple[int, Report]:
        settings = {"DATA": str(tmp_path / "data"), "PORT": "0"} | variables
        for name, value in settings.items():
            monkeypatch.setenv(f"AVATARKIT_{name}", value)
        status = run(["doctor", "--json", *arguments])
        return status, {entry["about"]: entry for entry in json.loads(capsys.readouterr().out)}

    return go


def test_a_fresh_installation_is_in_order_and_stays_untouched(examine: Any, tmp_path: Path) -> None:
    status, report = examine()
    assert status == 0
    assert "failed" not in {entry["level"] for entry in report.values()}
    assert {"Python", "AvatarKit", "Data folder", "Database", "Motion engine", "Address", "Network"} <= set(report)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_may_be_named_as_for_serve(examine: Any, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(mode=0o755)
    (tmp_path / "other").chmod(0o755)
    _, report = examine("--data", str(tmp_path / "other"), DATA=str(tmp_path / "data"))
    assert "other" in report["Data folder"]["found"]


def test_every_finding_that_is_not_fine_says_what_to_do(examine: Any) -> None:
    status, report = examine(
        "--url", "http://127.0.0.1:1", HOST="0.0.0.0", ENGINE="nix", OTLP_ENDPOINT="http://collector.test:4318"
    )
    assert status == 1
    levels = {about: entry["level"] for about, entry in report.items()}
    assert levels["Motion engine"] == levels["Server"] == "failed"
    assert levels["Network"] == levels["Metrics"] == "advice"
    assert all(entry["todo"] for entry in report.values() if entry["level"] != "ok")


def test_the_asset_storage_is_asked(examine: Any) -> None:
    assert examine(ASSET_STORAGE="memory://avatars")[1]["Asset storage"]["level"] == "ok"
    status, report = examine(ASSET_STORAGE="nonsense://avatars")
    assert (status, report["Asset storage"]["level"]) == (1, "failed")
    assert "Asset storage" not in examine(ASSET_STORAGE="")[1]


def test_an_address_in_use_is_named_unless_our_own_server_is_there(examine: Any) -> None:
    answers = {"body": b"something else"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers["body"])

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = str(server.server_port)
        status, report = examine(PORT=port)
        assert (status, report["Address"]["level"]) == (1, "failed")
        answers["body"] = b'{"status":"ok","version":"0.0.1","sessions":0}'
        status, report = examine("--url", f"http://127.0.0.1:{port}", PORT=port)
        assert report["Address"]["level"] == "ok"
        assert report["Version"]["level"] == "advice"
        answers["body"] = b'["no server of ours"]'
        status, report = examine("--url", f"http://127.0.0.1:{port}")
        assert (status, report["Server"]["level"]) == (1, "failed")
        server.shutdown()


def test_a_data_folder_that_others_can_read_or_nobody_can_write_is_told(examine: Any, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert examine()[1]["Data folder"]["todo"] == f"chmod 700 {folder}"
    (tmp_path / "file").write_text("")
    status, report = examine(DATA=str(tmp_path / "file" / "data"))
    assert (status, report["Data folder"]["level"]) == (1, "failed")


def test_a_damaged_and_a_newer_database_are_told_apart_and_left_as_they_are(examine: Any, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    path = folder / "avatarkit.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    before = path.read_bytes()
    status, report = examine()
    assert (status, report["Database"]["level"]) == (1, "failed")
    assert "newer" in report["Database"]["found"]
    assert path.read_bytes() == before

    path.write_bytes(b"not a database at all" * 1000)
    status, report = examine()
    assert (status, report["Database"]["level"]) == (1, "failed")
    assert "backup" in report["Database"]["todo"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_certificate_about_to_end_and_a_wrong_pair_are_told(examine: Any, tmp_path: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", "key.pem", "-out", "cert.pem", "-days", "5", "-subj", "/CN=localhost"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    pair = {"TLS_CERTIFICATE": str(tmp_path / "cert.pem"), "TLS_KEY": str(tmp_path / "key.pem")}
    status, report = examine(**pair)
    assert (status, report["TLS"]["level"]) == (0, "advice")
    assert "ends in" in report["TLS"]["found"]
    status, report = examine(**pair | {"TLS_KEY": pair["TLS_CERTIFICATE"]})
    assert (status, report["TLS"]["level"]) == (1, "failed")


def test_it_speaks_to_people_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVATARKIT_DATA", str(tmp_path))
        patch.setenv("AVATARKIT_ENGINE", "nix")
        assert run(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "FAILED  Motion engine" in shown
    assert "-> " in shown
    assert "checks failed." in shown


def test_a_postgresql_that_does_not_answer_is_told_without_its_password(examine: Any) -> None:
    status, report = examine(DATABASE_URL="postgresql://user:hunter2hunter2@127.0.0.1:1/avatarkit")
    assert (status, report["Database"]["level"]) == (1, "failed")
    assert "PostgreSQL" in report["Database"]["found"]
    assert "hunter2" not in json.dumps(report)
    status, report = examine(DATABASE_URL="no url")
    assert (status, report["Database"]["level"]) == (1, "failed")
