"""Settings, contexts, key map: strict, private, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgewright.commands.kernel.bindings import bindings
from edgewright.config import contexts, credentials, keymap, locations, settings, tomlfile
from edgewright.config.viewstate import ViewStateFile
from edgewright.core.errors import Failed, InvalidInput, NotFound, Refused


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    return tmp_path


def test_files_are_private_and_whole(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "config" / "x"
    locations.write_private(path, "one")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Failed, match="No space left"):
        locations.write_private(path, "two")
    assert path.read_text() == "one"
    assert [p.name for p in path.parent.iterdir()] == ["x"]


def test_without_a_folder_of_the_session_nothing_is_written_to_tmp(
    home: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """Another user can make `/tmp/runtime-0` first; and `kube ask` printed a warning of Python."""
    monkeypatch.delenv("EDGEWRIGHT_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert locations.folder("run") == home / "state" / "edgewright" / "run"
    session = home / "session"
    session.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    assert locations.folder("run") == home / "state" / "edgewright" / "run"  # it is another user's
    monkeypatch.setattr("os.getuid", lambda: session.stat().st_uid)
    assert locations.folder("run") == session / "edgewright"
    session.chmod(0o755)
    assert session not in locations.folder("run").parents
    assert not list(recwarn)


def test_a_secret_that_others_can_read_is_refused(home: Path) -> None:
    path = home / "secret"
    path.write_text("x")
    path.chmod(0o644)
    with pytest.raises(Refused, match="can be read by others"):
        locations.read_private(path)


def test_environment_wins_over_the_file(home: Path) -> None:
    path = home / "settings.toml"
    path.write_text('theme = "mono"\nascii = true\ntimeout = 3\n')
    found = settings.load(path, {"EDGEWRIGHT_THEME": "light", "EDGEWRIGHT_MOUSE": "no"})
    assert (found.theme, found.ascii, found.timeout, found.mouse) == ("light", True, 3.0, False)
    assert found.source("theme") == "EDGEWRIGHT_THEME"
    assert found.source("ascii") == str(path)
    assert found.source("output") == "default"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("thme = 1", "there is no setting `thme`; the nearest is `theme`"),
        ("mouse = 3", "`mouse` is true or false, not 3"),
        ("refresh_ms = 5", "`refresh_ms` is between 100 and 1000, not 5"),
        ('output = "tabel"', "is one of table, wide, json, yaml, name, not 'tabel'; the nearest is `table`"),
        ("theme = ", "Invalid value"),
    ],
)
def test_wrong_settings_name_their_line(home: Path, line: str, said: str) -> None:
    path = home / "settings.toml"
    path.write_text(f"# first\n{line}\n")
    with pytest.raises(InvalidInput) as error:
        settings.load(path, {})
    assert f"{path}, line 2: " in error.value.message
    assert said in error.value.message


def test_contexts_come_back(home: Path) -> None:
    ca = home / "ca.pem"
    ca.write_text("PEM")
    contexts.add(contexts.Context("prod", "https://10.4.0.2:8443/", ca=str(ca), read_only=True), "ewk_secret")
    ca.unlink()
    kept = contexts.load().choose(environment={})
    assert kept is not None
    assert (kept.name, kept.url, kept.read_only, kept.api_key()) == (
        "prod",
        "https://10.4.0.2:8443",
        True,
        "ewk_secret",
    )
    assert kept.ca_path() is not None, "the authority is kept by copy"
    assert "ewk_secret" not in contexts.path_of_file().read_text()
    contexts.remove("prod")
    assert contexts.load().items == {}
    assert not credentials.key_path("prod").exists()


def test_unknown_context_names_the_nearest() -> None:
    contexts.add(contexts.Context("prod", "https://h"), "k")
    with pytest.raises(NotFound, match="There is no context prd; the nearest is `prod`"):
        contexts.load().get("prd")


def test_the_environment_is_a_context(home: Path) -> None:
    (home / "key").write_text("ewk_1\n")
    given = {"EDGEWRIGHT_URL": "https://h:1/", "EDGEWRIGHT_API_KEY_FILE": str(home / "key")}
    found = contexts.Contexts({}).choose(environment=given)
    assert found is not None and found.url == "https://h:1" and found.api_key() == "ewk_1"
    with pytest.raises(InvalidInput):
        contexts.Contexts({}).choose(environment={"EDGEWRIGHT_URL": "https://h"})


@pytest.mark.parametrize("url", ["h:1", "ftp://h", "https://", "http://10.0.0.1", "https://u:p@h", "https://h?x"])
def test_wrong_addresses(url: str) -> None:
    with pytest.raises(InvalidInput):
        contexts.check_url(url)


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 64])
def test_wrong_names(name: str) -> None:
    with pytest.raises(InvalidInput):
        contexts.add(contexts.Context(name, "https://h"), "k")


def test_keys_can_be_changed_and_taken_away(home: Path) -> None:
    path = home / "keymap.toml"
    path.write_text('host-delete = "ctrl+x"\nretry = "ctrl+r, f5"\ntheme = ""\n')
    found = keymap.load(bindings(), path)
    assert found.problems == ()
    assert found.changes == {"host-delete": "ctrl+x", "retry": "ctrl+r,f5", "theme": ""}


def test_a_key_map_that_names_every_default_key_is_right(home: Path) -> None:
    path = home / "keymap.toml"
    path.write_text("".join(f'{each.id} = "{",".join(each.keys)}"\n' for each in bindings()))
    assert keymap.load(bindings(), path).problems == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('host-delte = "x"', "nothing is called `host-delte`; the nearest is `host-delete`"),
        ('host-delete = "t"', "the key t of `host-delete` is taken by `host-tag`"),
        ('host-delete = ":"', "the key colon of `host-delete` is taken by `command`"),
        ('help = "t"', "the key t of `help` is taken by `host-tag`"),
        ("host-delete = 3", "write the key as a text"),
        ('nav-back = ""', "`nav-back` needs a key"),
    ],
)
def test_wrong_keys_are_told(home: Path, line: str, said: str) -> None:
    path = home / "keymap.toml"
    path.write_text(f"\n{line}\n")
    problems = keymap.load(bindings(), path).problems
    assert len(problems) == 1
    assert problems[0].message.startswith(f"{path}, line 2: ") and said in problems[0].message


def test_the_same_key_on_other_screens_is_no_conflict(home: Path) -> None:
    path = home / "keymap.toml"
    path.write_text('token-revoke = "l"\n')
    assert keymap.load(bindings(), path).problems == ()


def test_views_are_kept_and_losing_them_is_no_harm(home: Path) -> None:
    ViewStateFile().save("hosts", {"sort": "name"})
    assert ViewStateFile().load("hosts") == {"sort": "name"}
    path = home / "state" / "views.json"
    path.write_text("{half")
    assert ViewStateFile().load("hosts") == {}
    assert json.loads("{}") == ViewStateFile().load("x")


def test_toml_comes_back() -> None:
    import tomllib

    value = {"current": 'a"b\\', "contexts": {"x.y": {"url": "https://h", "flag": True, "n": 3}}}
    assert tomllib.loads(tomlfile.dump(value)) == value
