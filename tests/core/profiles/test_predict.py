"""Diffs of resolved profiles, and what they do to hosts by the rules of Palette Edge."""

from __future__ import annotations

import dataclasses
import re

import pytest

from edgewright.core.clusters.predict import (
    BEHAVIOURS,
    NO_OP,
    REBOOT,
    RELOAD,
    REPAVE,
    RESTART,
    RULES,
    UNKNOWN,
    Forecast,
    predict,
)
from edgewright.core.profiles.diff import ProfileDiff, compare
from edgewright.core.profiles.model import Manifest, Profile, Variable
from edgewright.core.profiles.resolve import Resolution
from edgewright.core.profiles.scope import Context, macros
from edgewright.core.profiles.textdiff import CHANGED, SAME
from edgewright.profiles.prepare import prepare, resolved
from tests.core.profiles.stacks import K8S_VALUES, addon, full, layer

CONTEXT = Context({"replicas": "3"}, macros({"site": "hall-7"}, {}), {"cluster.kubevip": "10.0.0.9"})


def _resolved(profile: Profile, context: Context = CONTEXT) -> Resolution:
    return resolved(prepare(profile), context)


def _forecast(before: Profile, after: Profile, context: Context = CONTEXT) -> tuple[ProfileDiff, Forecast]:
    old, new = _resolved(before), _resolved(after, context)
    diff = compare(old, new)
    return diff, predict(diff, old, new)


def _with(name: str, old: str, new: str, profile: Profile | None = None) -> Profile:
    profile = profile or full()
    assert any(old in item.values for item in profile.layers if item.name == name)
    layers = tuple(
        dataclasses.replace(item, values=item.values.replace(old, new)) if item.name == name else item
        for item in profile.layers
    )
    return dataclasses.replace(profile, layers=layers)


STAGES = "stages:\n  {}:\n    - name: x\n".format


@pytest.mark.parametrize(
    ("name", "old", "new", "behaviours"),
    [
        ("edge-native-byoi", "ttl.sh", "other.sh", {REPAVE, NO_OP}),
        ("edge-native-byoi", "osName: ubuntu ", "osName: debian ", {NO_OP}),
        ("edge-native-byoi", 'name: "root"', 'name: "boot"', {REBOOT}),
        ("edge-native-byoi", "stages:\n", "providerCredentials:\n  user: x\nstages:\n", {NO_OP}),
        ("edge-native-byoi", "pack:\n", "pack:\n  drainPods: true\n", {NO_OP}),
        ("edge-native-byoi", "stages:\n", "stages:\n  reconcile:\n    - name: x\n", {RELOAD}),
        ("edge-native-byoi", "stages:\n", "stages:\n  after-install:\n    - name: x\n", {REBOOT}),
        ("edge-native-byoi", "stages:\n", "stages:\n  network.before:\n    - name: x\n", {REBOOT}),
        ("edge-native-byoi", "stages:\n", "stylusPackage: x\nstages:\n", {UNKNOWN}),
        ("edge-native-byoi", "stages:\n", "stages:\n  bootstrap:\n    - name: x\n", {UNKNOWN}),
        ("edge-k3s", "0644", "0600", {RESTART}),
        ("edge-k3s", "oidc: no", "oidc: yes", {NO_OP}),
        ("edge-k3s", "cluster:\n", STAGES("boot") + "cluster:\n", {REBOOT}),
        ("edge-k3s", "cluster:\n", STAGES("reconcile") + "cluster:\n", {UNKNOWN}),
        ("edge-k3s", "cluster:\n", "pack:\n  podCIDR: x\ncluster:\n", {UNKNOWN}),
        ("edge-k3s", "cluster:\n", "clusters:\n  x: 1\ncluster:\n", {UNKNOWN}),
        ("cni-flannel", "vxlan", "host-gw", {RESTART}),
        ("web", "1.30", "1.31", {UNKNOWN}),
    ],
)
def test_each_change_has_the_behaviour_of_the_table(name: str, old: str, new: str, behaviours: set[str]) -> None:
    _diff, forecast = _forecast(full(), _with(name, old, new))
    assert {prediction.behaviour for prediction in forecast.predictions} == behaviours
    for prediction in forecast.predictions:
        assert bool(prediction.rule) == (prediction.behaviour != UNKNOWN)


def test_the_image_is_named_with_what_it_is_made_of() -> None:
    _diff, forecast = _forecast(full(), _with("edge-native-byoi", "ttl.sh", "other.sh"))
    assert {(row.change.path, row.rule) for row in forecast.predictions} == {
        ("options.system.uri", "os-image"),
        ("options.system.registry", "os-image-input"),
        ("pack.content.images[0].image", "os-pack"),
    }
    assert forecast.behaviour == REPAVE and not forecast.unknown


def test_a_variable_that_the_image_is_made_of_repaves() -> None:
    changed = dataclasses.replace(full(), variables=(Variable("tag", default="v2"), *full().variables[1:]))
    _diff, forecast = _forecast(full(), changed)
    assert forecast.behaviour == REPAVE
    assert forecast.sentence() == "Repave: all hosts are repaved, control plane first."


def test_a_new_version_of_kubernetes_repaves_by_the_image_and_is_unknown_itself() -> None:
    layers = tuple(
        dataclasses.replace(item, version="1.32.0") if item.kind == "k8s" else item for item in full().layers
    )
    _diff, forecast = _forecast(full(), dataclasses.replace(full(), layers=layers))
    assert (forecast.behaviour, forecast.unknown) == (REPAVE, True)
    assert "unknown for 1 of" in forecast.sentence()


def test_with_rke2_stages_repave() -> None:
    rke2 = dataclasses.replace(
        full(), layers=(full().layers[0], layer("edge-rke2", "k8s", K8S_VALUES), *full().layers[2:])
    )
    _diff, forecast = _forecast(rke2, _with("edge-native-byoi", 'name: "root"', 'name: "boot"', rke2))
    assert [(row.behaviour, row.rule) for row in forecast.predictions] == [(REPAVE, "rke2-stages")]


def test_layers_and_manifests_are_unknown_never_harmless() -> None:
    fewer = dataclasses.replace(full(), layers=full().layers[:3])
    for before, after in ((full(), fewer), (fewer, full())):
        _diff, forecast = _forecast(before, after)
        assert [row.behaviour for row in forecast.predictions] == [UNKNOWN]
        assert forecast.sentence() == "Unknown: no rule covers the change."
    one = addon(layers=(layer("m", "addon", "", manifests=(Manifest("a", "kind: A\n"),)),))
    two = addon(layers=(layer("m", "addon", "", manifests=(Manifest("a", "kind: B\n"), Manifest("b", "kind: C\n"))),))
    _diff, forecast = _forecast(one, two)
    assert [(row.change.manifest, row.behaviour) for row in forecast.predictions] == [("a", UNKNOWN), ("b", UNKNOWN)]


def test_comments_alone_change_no_value() -> None:
    diff, forecast = _forecast(full(), _with("cni-flannel", "charts:", "# new\ncharts:"))
    assert [row.rule for row in forecast.predictions] == ["same-values"]
    assert [item.what for item in diff.layers] == [SAME, SAME, CHANGED, SAME]
    assert _forecast(full(), full())[1].sentence() == "Nothing changes."


def test_a_diff_names_paths_values_and_lines() -> None:
    diff, _ = _forecast(
        full(), _with("edge-native-byoi", "  system.osName: ubuntu ", "  extra: 1\n  system.osName: debian ")
    )
    rows = [(c.path, c.what, c.before, c.after, c.line_before, c.line_after) for c in diff.changes()]
    assert rows == [
        ("options.extra", "added", None, 1, 0, 11),
        ("options.system.osName", "changed", "ubuntu", "debian", 11, 12),
    ]
    layer_diff = diff.layers[0]
    numbers = [(row.number_before, row.number_after, row.what) for row in layer_diff.rows() if row.what != SAME]
    assert numbers == [(11, 11, "changed"), (0, 12, "added")]
    assert "".join(line[:1] for line in layer_diff.unified(0)[3:]) == "-++"


def test_numbers_texts_and_booleans_are_different_values() -> None:
    one = addon(layers=(layer("a", "addon", 'a: 1\nb: "1"\nc: true\nd: {}\n'),))
    two = addon(layers=(layer("a", "addon", "a: '1'\nb: 1\nc: 'true'\nd: []\n"),))
    assert [change.path for change in compare(_resolved(one), _resolved(two)).changes()] == ["a", "b", "c", "d"]


def test_secrets_are_covered_in_a_diff_and_their_change_shows() -> None:
    profile = addon(
        layers=(layer("a", "addon", "key: '{{.spectro.var.k}}'\n"),), variables=(Variable("k", masked=True),)
    )
    old, new = _resolved(profile, Context({"k": "alpha"})), _resolved(profile, Context({"k": "beta"}))
    text = repr(compare(old, new))
    assert "alpha" not in text and "beta" not in text
    assert [(change.path, change.secret) for change in compare(old, new).changes()] == [("key", True)]


def test_the_table_names_every_rule_once_and_every_behaviour() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {rule.behaviour for rule in RULES} == set(BEHAVIOURS) - {UNKNOWN}
    assert all(isinstance(rule.path, re.Pattern) and rule.reason for rule in RULES)


@pytest.mark.parametrize(("before", "after"), [("a: {}", "a:\n  b: 1"), ("a: []", "a:\n  - 1")])
def test_a_map_that_gets_its_first_value_is_one_change(before: str, after: str) -> None:
    one, other = (full(layers=(*full().layers, layer("web", "addon", f"{text}\n"))) for text in (before, after))
    for old, new in ((one, other), (other, one)):
        (change,) = _forecast(old, new)[0].changes()
        assert change.path in ("a.b", "a[0]"), "and not the empty map besides"
    nothing = full(layers=(*full().layers, layer("web", "addon", "c: 1\n")))
    assert [change.path for change in _forecast(one, nothing)[0].changes()] == ["c", "a"]
