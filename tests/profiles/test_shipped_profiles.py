"""The shipped profiles validate against the built-in catalogue, resolve, and are written as they are stored."""

from __future__ import annotations

import pytest

from edgewright.core.clusters.predict import UNKNOWN, predict
from edgewright.core.packs.pack import Pack
from edgewright.core.profiles.diff import compare
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.scope import Context
from edgewright.core.profiles.usage import layers_by_variable
from edgewright.packs import catalogue as packs
from edgewright.profiles import catalogue
from edgewright.profiles.archive import pack, unpack
from edgewright.profiles.directory import files_of, read_files
from edgewright.profiles.prepare import check, prepare, resolved

PACKS: dict[str, Pack | None] = {f"{item.name} {item.version}": item for item in packs.packs()}
VALUES = {
    "osImage": "registry.example/ubuntu:edge-1",
    "treeRef": "registry.example/tree:1.36.3",
    "treeDigest": "sha256:" + "a" * 64,
}
PROFILES = {profile.name: profile for profile in catalogue.profiles()}


def _context(profile: Profile) -> Context:
    known = {variable.name for variable in profile.variables}
    values = {name: value for name, value in VALUES.items() if name in known}
    return Context(values, {}, {"cluster.kubevip": "10.0.0.9"})


def test_there_is_one_for_each_shape_of_cluster() -> None:
    assert list(PROFILES) == ["one-node", "one-node-k3s", "three-control-planes", "three-control-planes-addons"]


@pytest.mark.parametrize("name", list(PROFILES))
def test_a_shipped_profile_is_complete_and_resolves(name: str) -> None:
    profile = PROFILES[name]
    prepared = prepare(profile, PACKS)
    assert check(prepared, publish=True) == []
    resolution = resolved(prepared, _context(profile))
    assert resolution.problems == []
    assert all("{{" not in layer.values.text for layer in resolution.layers)
    assert [name for name, layers in layers_by_variable(profile).items() if not layers] == []
    assert unpack(pack(name, [profile])) == (name, [profile])


@pytest.mark.parametrize("name", list(PROFILES))
def test_what_is_not_a_reference_is_the_value_of_the_pack(name: str) -> None:
    """A pack of the catalogue that changes shows here, and the profile follows it."""
    resolution = resolved(prepare(PROFILES[name], PACKS), _context(PROFILES[name]))
    own = [
        f"{layer.layer.name}: {path}"
        for layer in resolution.layers
        for path, origins in layer.origins()
        if origins[0].kind == "layer value" and len(origins) == 1
    ]
    assert own == []
    missing = [
        f"{layer.layer.name}: {path}"
        for layer in resolution.layers
        if layer.layer.default is not None
        for path in layer.layer.default.scalars
        if path not in layer.layer.values.scalars
    ]
    assert missing == []


@pytest.mark.parametrize("name", list(PROFILES))
def test_a_shipped_profile_is_stored_as_it_would_be_written(name: str) -> None:
    assert read_files(catalogue.FOLDER / name) == files_of(PROFILES[name])


def test_the_add_ons_are_the_only_difference_and_their_effect_is_unknown() -> None:
    sides = [
        resolved(prepare(PROFILES[name], PACKS), _context(PROFILES[name]))
        for name in ("three-control-planes", "three-control-planes-addons")
    ]
    forecast = predict(compare(*sides), *sides)
    assert [(row.change.layer, row.change.what) for row in forecast.predictions] == [
        (name, "added") for name in ("metrics-server", "cert-manager", "traefik", "podinfo")
    ]
    assert {row.behaviour for row in forecast.predictions} == {UNKNOWN}
