"""A profile as a directory: the same bytes after a round trip, comments of the user stay, nothing leads out of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings

from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, NotFound
from edgewright.core.profiles.model import Manifest, Profile, Variable
from edgewright.profiles.directory import files_of, profile_of, read_directory, write_directory
from tests.core.profiles.stacks import APP_VALUES, addon, full, layer
from tests.core.profiles.test_profile_properties import PROFILES

HEAD = "apiVersion: edgewright/v1\nkind: ClusterProfile\n"


@given(PROFILES)
@settings(max_examples=25, deadline=None)
def test_a_round_trip_gives_the_same_profile_and_the_same_bytes(profile: Profile) -> None:
    files = files_of(profile, secrets=True)
    again = profile_of(files)
    assert again == profile
    assert files_of(again, secrets=True) == files


def test_values_are_files_of_their_own_byte_for_byte(tmp_path: Path) -> None:
    profile = full()
    values = "a: 1\r\nb:   2   # kept as it is"
    profile = dataclasses.replace(profile, layers=(*profile.layers[:3], layer("web", "addon", values)))
    assert write_directory(tmp_path, profile) == [
        "profile.yaml",
        *(f"layers/{name}/{file}" for name in ("edge-native-byoi", "edge-k3s", "cni-flannel", "web")
          for file in ("layer.yaml", "values.yaml")),
    ]  # fmt: skip
    assert (tmp_path / "layers/web/values.yaml").read_bytes() == values.encode()
    assert read_directory(tmp_path) == profile
    assert write_directory(tmp_path, read_directory(tmp_path)) == []


def test_comments_stay_in_files_that_mean_the_same(tmp_path: Path) -> None:
    write_directory(tmp_path, full())
    file = tmp_path / "profile.yaml"
    file.write_text("# our site\n" + file.read_text())
    assert write_directory(tmp_path, full()) == []
    assert file.read_text().startswith("# our site\n")
    assert write_directory(tmp_path, full(description="new")) == ["profile.yaml"]


def test_a_layer_that_is_removed_loses_its_files_and_others_stay(tmp_path: Path) -> None:
    write_directory(tmp_path, full())
    (tmp_path / "README.md").write_text("ours")
    smaller = dataclasses.replace(full(), layers=full().layers[:3])
    assert "layers/web/values.yaml" in write_directory(tmp_path, smaller)
    assert not (tmp_path / "layers/web").exists() and (tmp_path / "README.md").exists()


def test_files_that_are_not_of_a_profile_stay(tmp_path: Path) -> None:
    mine = tmp_path / "layers/mine.yaml"
    mine.parent.mkdir()
    mine.write_text("mine: 1\n")
    with pytest.raises(Failed, match=r"is not the directory of a profile, but has layers/mine\.yaml"):
        write_directory(tmp_path, addon())
    assert [path.name for path in tmp_path.rglob("*")] == ["layers", "mine.yaml"]
    with pytest.raises(Failed, match="is not a directory"):
        write_directory(mine, addon())


def test_a_version_is_read_as_it_is_written(tmp_path: Path) -> None:
    write_directory(tmp_path, addon())
    file = tmp_path / "layers/web/layer.yaml"
    file.write_text("name: web\nlayer: addon\nversion: 1.30\ntag: 010\n")
    read = read_directory(tmp_path).layers[0]
    assert (read.version, read.tag) == ("1.30", "010")


def test_masked_defaults_are_not_written() -> None:
    profile = addon(variables=(Variable("key", default="s3cret", masked=True),))
    assert b"s3cret" not in files_of(profile)["profile.yaml"]


def test_a_pack_twice_and_odd_names_have_files_of_their_own() -> None:
    twice = (layer("web", "addon", "a: 1\n"), layer("web", "addon", "a: 2\n", manifests=(Manifest("../x", "b"),)))
    files = files_of(addon(layers=twice))
    assert [name for name in files if name.endswith("values.yaml")] == [
        "layers/web/values.yaml", "layers/web-2/values.yaml",
    ]  # fmt: skip
    assert all(".." not in name.split("/") for name in files)
    assert profile_of(files).layers == twice


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "profile.yaml",
            f"{HEAD}metadata: {{name: x}}\nspec: {{layers: [gone]}}\n",
            "the layer gone has no layers/gone/layer.yaml",
        ),
        ("profile.yaml", "- a\n", "this is a list, not a map of keys"),
        ("profile.yaml", "a: [\n", "profile.yaml, line 2"),
        ("profile.yaml", "kind: Installer\n", "is not a profile"),
        ("profile.yaml", f"{HEAD}spec: {{layer: []}}\n", "has an unknown key spec.layer"),
        ("layers/web/layer.yaml", "name: web\nlayer: net\n", "'net' is not a layer"),
        ("layers/web/layer.yaml", "name: web\nlayer: addon\nmanifests: [{name: a, file: ../../x.yaml}]\n", "not there"),
        ("layers/web/values.yaml", b"\xff", "values.yaml, line 1: this is not UTF-8 text"),
    ],
)
def test_what_is_wrong_names_the_file(tmp_path: Path, name: str, text: str | bytes, words: str) -> None:
    write_directory(tmp_path, addon())
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInput, match=r"\.$") as wrong:
        read_directory(tmp_path)
    assert words in wrong.value.message
    assert wrong.value.exit_code == 7


def test_a_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("a: 1")
    write_directory(tmp_path / "profile", addon())
    (tmp_path / "profile/layers/web/values.yaml").unlink()
    (tmp_path / "profile/layers/web/values.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(InvalidInput, match="leads out of the directory"):
        read_directory(tmp_path / "profile")


def test_a_directory_that_is_not_there_and_one_without_a_profile(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path):
        with pytest.raises(NotFound) as wrong:
            read_directory(path)
        assert isinstance(wrong.value, EdgewrightError) and wrong.value.exit_code == 3


def test_the_values_of_the_example_are_as_they_were() -> None:
    assert profile_of(files_of(full())).layers[3].values == APP_VALUES
