"""The lock: the one that comes with Edgewright, what is refused as one, what a refresh changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgewright.core.errors import InvalidInput, NotFound
from edgewright.forge.appliance import parts
from edgewright.forge.appliance.lock import NAME, Lock, Package, changes, load, parse, user_lock

HASH = "ab" * 32


def package(name: str = "less", version: str = "590-2", **other: object) -> Package:
    given = {"architecture": "amd64", "archive": "debian", "path": f"pool/{name}.deb", "size": 10, "sha256": HASH}
    return Package(name=name, version=version, **{**given, **other})  # type: ignore[arg-type]


def lock(*packages: Package) -> Lock:
    return Lock("debian", "amd64", parts.SUITES, 1_700_000_000, packages or (package(),))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path / "home"))


def test_the_lock_that_comes_with_edgewright_holds_what_is_asked_for_and_no_host() -> None:
    given = load()
    names = {entry.name for entry in given.packages}
    assert set(parts.PACKAGES) <= names
    assert "libc6" in names and "perl" not in names
    assert given.timestamp > 1_700_000_000
    assert "://" not in given.text()
    assert parse(given.text(), NAME) == given


def test_text_and_digest_follow_the_content() -> None:
    one = lock(package(), package("nano", "7.2"))
    assert parse(one.text(), NAME) == one
    assert json.loads(one.text())["packages"][1]["name"] == "nano"
    assert one.digest != lock(package(), package("nano", "7.3")).digest
    assert one.size == 20 and one.version_of("nano") == "7.2" and one.version_of("vim") == ""


def test_a_cached_package_has_a_name_without_colon() -> None:
    assert package("iputils", "3:2022").file == "iputils_3%3a2022_amd64.deb"


def test_the_users_own_lock_goes_before_the_one_that_came() -> None:
    user_lock().parent.mkdir(parents=True)
    user_lock().write_text(lock().text())
    assert load() == lock()


def test_a_named_file_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        load(tmp_path / "none.json")
    assert "--refresh-lock" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"kind": "BaseLock", "apiVersion": "edgewright/v1"}',
        lock().text().replace("BaseLock", "Other"),
        lock().text().replace(HASH, "xy"),
        lock().text().replace("pool/less.deb", "../../etc/passwd"),
        lock().text().replace("pool/less.deb", "/etc/passwd"),
        lock().text().replace('"less"', '"../less"'),
        lock().text().replace('"size": 10', '"size": "many"'),
        Lock("debian", "amd64", parts.SUITES, 1, ()).text(),
    ],
)
def test_what_is_no_lock_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text, "my.json")
    assert "my.json" in caught.value.message and caught.value.hint


def test_changes_tell_what_came_went_and_moved() -> None:
    before = lock(package("less", "1"), package("nano", "1"), package("perl", "5"))
    after = lock(package("less", "1"), package("nano", "2"), package("vim", "9"))
    assert changes(before, after) == ("nano 1 -> 2", "- perl 5", "+ vim 9")
    assert changes(after, after) == ()
    assert changes(None, lock()) == ("+ less 590-2",)
