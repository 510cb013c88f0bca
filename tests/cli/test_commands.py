"""The command as a person or a program calls it, against a data folder."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from avatarkit.cli.app import run
from avatarkit.server.store.database import Store

COMMANDS = (
    ["serve"],
    ["token"],
    ["apps", "create"],
    *(["apps", name] for name in ("list", "show", "quota", "rename", "disable", "enable", "delete")),
    *(["keys", name] for name in ("create", "list", "revoke", "admin")),
    *(["tokens", name] for name in ("create", "revoke", "keys", "rotate")),
    *(["avatars", name] for name in ("list", "add", "show", "publish", "withdraw", "grant", "ungrant", "remove")),
    *(["avatars", name] for name in ("build", "random", "sheet")),
    *(["sessions", name] for name in ("list", "show", "end")),
    ["audit"],
    ["demo"],
)


class Shell:
    """Runs the command in this process on one data folder."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._data = data
        self._capsys = capsys

    def __call__(self, *arguments: str, data: bool = True) -> tuple[int, str, str]:
        extra = ["--data", str(self._data)] if data else []
        status = run([*arguments, *extra])
        captured = self._capsys.readouterr()
        return status, captured.out, captured.err

    def json(self, *arguments: str) -> Any:
        status, out, err = self(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("AVATARKIT_DATA", "AVATARKIT_API_KEY", "AVATARKIT_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Shell(tmp_path / "data", capsys)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_examples(shell: Shell, command: list[str]) -> None:
    status, out, _ = shell(*command, "--help", data=False)

    assert status == 0
    assert "Examples:" in out
    assert f"avatarkit {' '.join(command)}" in " ".join(out.split())


def test_the_version_is_told(shell: Shell) -> None:
    status, out, _ = shell("--version", data=False)

    assert (status, out.split()[0]) == (0, "avatarkit")


def test_an_app_a_key_and_a_token_for_programs(shell: Shell) -> None:
    app = shell.json("apps", "create", "shop")
    key = shell.json("keys", "create", app["id"])
    token = shell.json("token", "--app", app["id"], "--api-key", key["api_key"], "--lifetime", "60")

    assert shell.json("apps", "list")[0]["id"] == app["id"]
    assert token["app_id"] == app["id"]
    assert token["session_token"].count(".") == 2


def test_the_same_for_people(shell: Shell) -> None:
    _, made, _ = shell("apps", "create", "shop")
    _, listed, _ = shell("apps", "list")
    key = next(word for word in made.split() if word.startswith("ak_"))
    status, token, _ = shell("token", "--api-key", key)

    assert "Keep the key" in made
    assert "shop" in listed
    assert key not in listed
    assert status == 0
    assert token.strip().count(".") == 2


def test_the_key_may_come_from_the_environment(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    app = shell.json("apps", "create", "shop")
    monkeypatch.setenv("AVATARKIT_API_KEY", app["api_key"])

    assert shell.json("token")["app_id"] == app["id"]


def test_an_empty_library_says_how_to_fill_it(shell: Shell) -> None:
    status, out, _ = shell("avatars", "list")

    assert (status, "avatarkit avatars add FILE" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["token", "--api-key", "ak_wrong"], "The API key is not known here."),
        (["keys", "create", "app_none"], "There is no app 'app_none'."),
        (["avatars", "show", "nobody"], "There is no avatar 'nobody'."),
        (["apps", "show", "app_none"], "There is no app 'app_none'."),
        (["apps", "delete", "app_none"], "There is no app 'app_none'."),
        (["keys", "revoke", "ak_none"], "There is no live API key 'ak_none'."),
        (["tokens", "create", "app_none"], "There is no app 'app_none'."),
        (["tokens", "revoke", "nonsense"], "That is no session token of this server."),
        (["avatars", "withdraw", "nobody"], "There is no avatar 'nobody'."),
        (["sessions", "show", "none"], "There is no session 'none'."),
        (["sessions", "end", "none"], "There is no open session 'none'."),
        (["apps", "create", ""], "A name is 1 to 128 printable characters."),
    ],
)
def test_a_failure_is_one_line_on_the_standard_error_with_status_1(
    shell: Shell, arguments: list[str], told: str
) -> None:
    status, out, err = shell(*arguments)

    assert (status, out) == (1, "")
    assert told in err.splitlines()[0]
    assert err.startswith("error: ")
    assert "Traceback" not in err


def test_a_token_is_never_given_for_another_app(shell: Shell) -> None:
    one, two = shell.json("apps", "create", "one"), shell.json("apps", "create", "two")

    status, out, err = shell("token", "--app", one["id"], "--api-key", two["api_key"])

    assert (status, out) == (1, "")
    assert two["api_key"] not in err


def test_what_is_no_bundle_is_refused_with_the_reason(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "face.glb"
    file.write_bytes(b"not a bundle")

    status, _, err = shell("avatars", "add", str(file))

    assert status == 1
    assert err.startswith("error: ")
    assert shell.json("avatars", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["apps"],
        ["apps", "create"],
        ["token"],
        ["avatars", "add", "missing.glb"],
        ["apps", "list", "--url", "localhost"],
        ["serve", "--port", "http"],
        ["apps", "quota", "app_x"],
        ["keys", "create", "app_x", "--scope", "nonsense"],
        ["tokens", "revoke"],
    ],
)
def test_a_wrong_call_has_status_2(shell: Shell, arguments: list[str]) -> None:
    assert shell(*arguments, data=False)[0] == 2


def test_managing_over_http_wants_the_admin_key(shell: Shell) -> None:
    status, _, err = shell("apps", "list", "--url", "http://127.0.0.1:1", data=False)

    assert status == 1
    assert "AVATARKIT_ADMIN_KEY" in err


def test_an_address_without_server_is_told_plainly(shell: Shell) -> None:
    status, _, err = shell("token", "--url", "http://127.0.0.1:1", "--api-key", "ak_secret", data=False)

    assert status == 1
    assert "No answer from http://127.0.0.1:1" in err
    assert "ak_secret" not in err


def test_a_data_folder_that_cannot_be_made_is_told_plainly(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")

    status, _, err = shell("apps", "list", "--data", str(file / "data"), data=False)

    assert status == 1
    assert err.startswith("error: ")


def test_quotas_for_programs_and_for_people(shell: Shell) -> None:
    app = shell.json("apps", "create", "shop")
    changed = shell.json("apps", "quota", app["id"], "--max-sessions", "5", "--credit-limit-s", "3600")
    back = shell.json("apps", "quota", app["id"], "--max-sessions", "-1")
    _, shown, _ = shell("apps", "show", app["id"])

    assert (changed["quotas"]["max_sessions"], changed["quotas"]["credit_limit_s"]) == (5, 3600)
    assert (back["quotas"]["max_sessions"], back["quotas"]["credit_limit_s"]) == (None, 3600)
    assert "3600" in shown
    assert app["api_key"] not in shown


def test_an_app_from_its_making_to_its_end(shell: Shell) -> None:
    app = shell.json("apps", "create", "shop")
    shell("apps", "rename", app["id"], "store")
    disabled = shell.json("apps", "disable", app["id"])
    assert shell("token", "--api-key", app["api_key"])[0] == 1
    enabled = shell.json("apps", "enable", app["id"])
    status, out, _ = shell("apps", "delete", app["id"])

    assert (disabled["name"], disabled["disabled_at"] is None, enabled["disabled_at"]) == ("store", False, None)
    assert (status, app["id"] in out) == (0, True)
    assert shell.json("apps", "list") == []


def test_a_key_is_listed_and_revoked(shell: Shell) -> None:
    app = shell.json("apps", "create", "shop")
    made = shell.json("keys", "create", app["id"], "--name", "reader", "--scope", "avatars:read")
    assert shell("token", "--api-key", made["api_key"])[0] == 1
    assert shell("keys", "revoke", made["api_key_prefix"])[0] == 0

    first, second = shell.json("keys", "list", app["id"])
    _, table, _ = shell("keys", "list", app["id"])

    assert {first["prefix"], second["prefix"]} == {app["api_key_prefix"], made["api_key_prefix"]}
    assert sum(key["revoked_at"] is not None for key in (first, second)) == 1
    assert made["api_key_prefix"] in table
    assert made["api_key"] not in table


def test_a_lost_admin_key_is_replaced_where_there_was_one(shell: Shell, tmp_path: Path) -> None:
    assert shell("keys", "admin")[0] == 1  # the first start makes it

    async def made() -> str | None:
        store = await Store.open(tmp_path / "data")
        try:
            return await store.secrets.create_admin_key()
        finally:
            await store.close()

    async def good(*keys: str) -> list[bool]:
        store = await Store.open(tmp_path / "data")
        try:
            return [await store.secrets.is_admin_key(key) for key in keys]
        finally:
            await store.close()

    first = asyncio.run(made())
    second = shell.json("keys", "admin")["admin_key"]
    assert first is not None
    assert asyncio.run(good(first, second)) == [False, True]
    assert shell.json("audit")[0]["action"] == "admin_key.replace"
    assert second not in shell("audit")[1]


def test_tokens_are_made_and_revoked_and_their_key_rotated(shell: Shell) -> None:
    app = shell.json("apps", "create", "shop")
    made = shell.json("tokens", "create", app["id"], "--single-use", "--avatar", "ada", "--max-seconds", "60")
    rotated = shell.json("tokens", "rotate")
    status, out, _ = shell("tokens", "revoke", made["session_token"])
    dropped = shell.json("tokens", "rotate", "--drop-old")

    assert made["app_id"] == app["id"]
    assert len(rotated) == 2
    assert (status, app["id"] in out) == (0, True)
    assert made["session_token"] not in out
    assert [key["retired_at"] for key in dropped] == [None]
    assert shell("tokens", "revoke", "--app", app["id"], "--end-sessions")[0] == 0
    assert shell.json("audit")[0]["detail"] == {"end_sessions": True}


def test_an_avatar_is_published_withdrawn_and_removed(shell: Shell) -> None:
    app = shell.json("apps", "create", "shop")
    bundle = Path(__file__).parents[2] / "src/avatarkit/avatars/builtin/default.glb"
    shell.json("avatars", "add", str(bundle), "--id", "host")
    shell("avatars", "publish", "host", "--granted-only")
    granted = shell.json("avatars", "grant", "host", app["id"])
    taken = shell.json("avatars", "ungrant", "host", app["id"])
    withdrawn = shell.json("avatars", "withdraw", "host")
    published = shell.json("avatars", "publish", "host", "--version", "1")

    assert (granted["visibility"], granted["grants"], taken["grants"]) == ("granted", [app["id"]], [])
    assert (withdrawn["state"], published["state"], published["visibility"]) == ("withdrawn", "published", "everyone")
    assert shell("avatars", "remove", "host")[0] == 0
    assert shell.json("avatars", "list") == []


def test_every_other_version_is_shown_whichever_is_in_use(shell: Shell) -> None:
    bundles = Path(__file__).parents[2] / "src/avatarkit/avatars/builtin"
    for name in ("default", "nia"):
        shell.json("avatars", "add", str(bundles / f"{name}.glb"), "--id", "host")
    assert "Version 1 " in shell("avatars", "show", "host")[1]
    shell("avatars", "publish", "host", "--version", "1")
    assert "Version 2 " in shell("avatars", "show", "host")[1]


def test_who_changed_what(shell: Shell) -> None:
    app = shell.json("apps", "create", "shop")

    (entry,) = shell.json("audit", "--target", app["id"])
    _, table, _ = shell("audit")

    assert (entry["actor"], entry["action"]) == ("command", "app.create")
    assert "app.create" in table
    assert app["api_key"] not in table


def test_no_session_yet(shell: Shell) -> None:
    assert shell.json("sessions", "list", "--open") == []
    assert "no such session" in shell("sessions", "list")[1]
