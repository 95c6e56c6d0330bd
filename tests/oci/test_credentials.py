from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from edgewright.core.errors import EdgewrightError, Failed, InvalidInput
from edgewright.oci import access, credentials, registries_conf


def login(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def test_the_longest_name_that_fits_wins(home: Path) -> None:
    auths = {"reg.example": login("all", "1"), "reg.example/edge": login("edge", "2")}
    write(home / ".docker/config.json", {"auths": auths})
    found = credentials.find("reg.example", "edge/ubuntu")
    assert found is not None and (found.user, found.password) == ("edge", "2")
    other = credentials.find("reg.example", "else/ubuntu")
    assert other is not None and other.user == "all"
    assert credentials.find("other.example", "edge/ubuntu") is None


def test_files_are_asked_in_their_order(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(home / ".docker/config.json", {"auths": {"r.example": login("docker", "1")}})
    write(home / "run/containers/auth.json", {"auths": {"r.example": login("run", "2")}})
    found = credentials.find("r.example", "a")
    assert found is not None and found.user == "run"
    write(tmp_path / "own.json", {"auths": {"r.example": login("own", "3")}})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "own.json"))
    found = credentials.find("r.example", "a")
    assert found is not None and found.user == "own" and found.source == str(tmp_path / "own.json")


def test_dockers_own_key_for_its_hub_is_known(home: Path) -> None:
    write(home / ".docker/config.json", {"auths": {"https://index.docker.io/v1/": login("hub", "1")}})
    found = credentials.find("docker.io", "library/debian")
    assert found is not None and found.user == "hub"


def test_a_login_never_shows_its_secret() -> None:
    assert "secret" not in repr(credentials.Login("me", "secret", "secret", "file"))


def helper(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_credential_helper_is_asked(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    said = '{"Username":"from-helper","Secret":"s"}'
    helper(tmp_path / "bin", "test", f'read server; [ "$1 $server" = "get r.example" ] && echo \'{said}\'')
    write(home / ".docker/config.json", {"credHelpers": {"r.example": "test"}})
    found = credentials.find("r.example", "a/b")
    assert found is not None and (found.user, found.password) == ("from-helper", "s")
    assert found.source == "docker-credential-test"


def test_a_helpers_identity_token_is_one(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    helper(tmp_path / "bin", "test", 'echo \'{"Username":"<token>","Secret":"refresh"}\'')
    write(home / ".docker/config.json", {"credsStore": "test"})
    found = credentials.find("r.example", "a")
    assert found is not None and (found.user, found.identity_token) == ("", "refresh")


@pytest.mark.parametrize(
    ("script", "kind"),
    [("echo 'credentials not found in native keychain'; exit 1", None), ("echo locked; exit 1", Failed)],
)
def test_a_helper_that_has_none(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, kind: type[EdgewrightError] | None
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    helper(tmp_path / "bin", "test", script)
    write(home / ".docker/config.json", {"credsStore": "test"})
    if kind is None:
        assert credentials.find("r.example", "a") is None
    else:
        with pytest.raises(kind, match="docker-credential-test"):
            credentials.find("r.example", "a")


def test_a_helper_that_is_not_installed_is_named(home: Path) -> None:
    write(home / ".docker/config.json", {"credHelpers": {"r.example": "not-there"}})
    with pytest.raises(Failed, match="docker-credential-not-there"):
        credentials.find("r.example", "a")


@pytest.mark.parametrize("text", ["{", '{"auths": {"r.example": {"auth": "%%%"}}}'])
def test_a_damaged_file_is_told(home: Path, text: str) -> None:
    path = home / ".docker/config.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"config\.json"):
        credentials.find("r.example", "a")


def test_registries_conf_says_what_may_be_without_tls(home: Path) -> None:
    (home / "registries.conf").write_text(
        '[[registry]]\nlocation = "lab.example:5000"\ninsecure = true\n'
        '[[registry]]\nprefix = "lab.example:5000/safe"\nlocation = "lab.example:5000/safe"\n'
        '[[registry]]\nprefix = "*.site.example"\ninsecure = true\n'
    )
    assert registries_conf.find("lab.example:5000", "edge/ubuntu").insecure
    assert not registries_conf.find("lab.example:5000", "safe/ubuntu").insecure
    assert registries_conf.find("a.site.example", "x").insecure
    assert not registries_conf.find("quay.io", "x").insecure
    assert access.plain_for("127.0.0.1:5000", "x") and not access.plain_for("10.0.0.1:5000", "x")
