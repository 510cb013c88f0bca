from __future__ import annotations

from pathlib import Path

import pytest

from avatarkit.cli.app import run
from avatarkit.cli.setting_flags import flag
from avatarkit.errors import AvatarError
from avatarkit.server.settings import Settings, catalogue
from avatarkit.server.settings_sources import default_data_dir, load_settings


def test_the_command_line_wins_over_the_environment_and_that_over_the_defaults() -> None:
    environment = {"AVATARKIT_PORT": "9000", "AVATARKIT_IDLE_TIMEOUT_S": "2.5", "AVATARKIT_DATA": "/data"}

    settings = load_settings(environment, port=9100, host=None)

    assert (settings.port, settings.host, settings.idle_timeout_s) == (9100, "127.0.0.1", 2.5)
    assert settings.data == Path("/data")


def test_a_variable_that_is_no_number_is_named() -> None:
    with pytest.raises(AvatarError, match="AVATARKIT_PORT must be a number, not 'http'"):
        load_settings({"AVATARKIT_PORT": "http"})


@pytest.mark.parametrize(
    "wrong", [{"port": 70000}, {"idle_timeout_s": 0}, {"sessions_per_app": -1}, {"engine_threads": -1}]
)
def test_values_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(AvatarError):
        Settings(data=Path("x"), **wrong)  # type: ignore[arg-type]


def test_data_lies_in_the_users_folder_unless_named() -> None:
    assert default_data_dir({}).name == "avatarkit"
    assert default_data_dir({"AVATARKIT_DATA": "here"}) == Path("here")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "avatarkit.toml"
    file.write_text(
        'data = "/srv/avatarkit"\nport = 9000\nidle_timeout_s = 60\n'
        'cors_origins = ["https://a.test"]\ntls_key = "k"\ntls_certificate = "c"\n'
    )

    settings = load_settings({"AVATARKIT_CONFIG": str(file), "AVATARKIT_PORT": "9100"})

    assert (settings.data, settings.port, settings.idle_timeout_s) == (Path("/srv/avatarkit"), 9100, 60.0)
    assert (settings.cors_origins, settings.tls_key) == (("https://a.test",), Path("k"))
    assert load_settings({}, config=file).port == 9000


def test_lists_and_secrets_come_from_the_environment_or_from_files_that_it_names(tmp_path: Path) -> None:
    secret = tmp_path / "metrics"
    secret.write_text("s3cret\n")

    settings = load_settings(
        {"AVATARKIT_CORS_ORIGINS": "https://a.test, https://b.test", "AVATARKIT_METRICS_KEY_FILE": str(secret)}
    )

    assert settings.cors_origins == ("https://a.test", "https://b.test")
    assert settings.metrics_key == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot = 1", "no setting 'prot'"),
        ('port = "1"', "port has a value of the wrong type"),
        ("port = true", "wrong type"),
        ('cors_origins = "*"', "wrong type"),
        ("port = ", "is no TOML"),
        ("port = 70000", "at most 65535"),
        ('log_format = "xml"', "one of text, json"),
        ('tls_key = "k"', "given together"),
        ("idle_timeout_s = nan", "above zero"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "avatarkit.toml"
    file.write_text(text)
    with pytest.raises(AvatarError, match=told):
        load_settings({}, config=file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"absent\.toml cannot be read"):
        load_settings({}, config=tmp_path / "absent.toml")


def test_every_setting_but_the_secrets_has_a_flag(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # a narrow terminal cuts long names
    assert run(["serve", "--help"]) == 0
    shown = capsys.readouterr().out
    for name, info in catalogue().items():
        assert (flag(name) in shown) is not info.secret, name


def test_flags_reach_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Settings] = []
    monkeypatch.setattr("avatarkit.server.run.serve", lambda settings, on_ready: seen.append(settings))
    flags = [
        "--data",
        str(tmp_path),
        "--port",
        "0",
        "--cors-origins",
        "https://a.test",
        "--cors-origins",
        "https://b.test",
    ]
    assert run(["serve", *flags, "--log-format", "json"]) == 0
    assert (seen[0].port, seen[0].log_format) == (0, "json")
    assert seen[0].cors_origins == ("https://a.test", "https://b.test")
