from __future__ import annotations

from pathlib import Path

import pytest

from avatarkit.errors import AvatarError
from avatarkit.server.settings import Settings
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
