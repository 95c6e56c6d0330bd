"""Profiles with their packs: secrets covered everywhere, schemas after resolving, profiles beside each other."""

from __future__ import annotations

import dataclasses
import json

import pytest

from edgewright.core.errors import InvalidDocument
from edgewright.core.packs.pack import Pack
from edgewright.core.profiles.diff import compare
from edgewright.core.profiles.exchange import from_document
from edgewright.core.profiles.model import Manifest, Variable
from edgewright.core.profiles.scope import Context
from edgewright.core.profiles.variables import COVER
from edgewright.profiles.prepare import Readings, check, evaluated, exported, prepare, resolved
from tests.core.profiles.stacks import REGISTRY_PACK, REGISTRY_VALUES, addon, full, layer

PACKS = {"registry": REGISTRY_PACK}


def test_passwords_of_the_schema_are_covered_in_what_is_shown_compared_and_exported() -> None:
    old = prepare(addon(layers=(layer("registry", "addon", REGISTRY_VALUES),)), PACKS)
    new = prepare(addon(layers=(layer("registry", "addon", REGISTRY_VALUES.replace("hunter2", "hunter3")),)), PACKS)
    before, after = resolved(old, Context()), resolved(new, Context())
    assert "hunter2" in before.layers[0].values.text
    assert before.layers[0].values.shown == REGISTRY_VALUES.replace("hunter2", f'"{COVER}"')
    diff = compare(before, after)
    assert "hunter" not in repr(diff)
    assert [(change.path, change.secret) for change in diff.changes()] == [("registry.password", True)]
    document, warnings = exported(old)
    assert "hunter2" not in json.dumps(document) and warnings == []
    assert from_document(document).layers[0].values == before.layers[0].values.shown


def test_an_export_reports_what_looks_like_a_secret_and_stops_at_what_it_cannot_read() -> None:
    content = "kind: Secret\nstringData:\n  a: hunter2\n---\nkind: ConfigMap\ndata:\n  a: b\n  apiKey: hunter3\n"
    manifests = (Manifest("m", content),)
    prepared = prepare(addon(layers=(layer("web", "addon", "adminPassword: x\ntokens: 5\n", manifests=manifests),)))
    _document, warnings = exported(prepared)
    assert [(row.path, row.line) for row in warnings] == [
        ("adminPassword", 1), ("m: [0].stringData.a", 3), ("m: [1].data.apiKey", 8),
    ]  # fmt: skip
    with pytest.raises(InvalidDocument, match="cannot be exported"):
        exported(prepare(addon(layers=(layer("web", "addon", "a: [\n"),))))


def test_a_secret_of_another_layer_stays_covered_where_it_is_used() -> None:
    values = "auth: 'user:{{.spectro.pack.registry.registry.password}}'\n"
    profile = addon(layers=(layer("registry", "addon", REGISTRY_VALUES), layer("web", "addon", values)))
    web = resolved(prepare(profile, PACKS), Context()).layers[1].values
    assert (web.text, web.shown) == ("auth: 'user:hunter2'\n", f"auth: 'user:{COVER}'\n")


def test_the_schema_is_checked_after_references_are_replaced() -> None:
    values = "registry:\n  port: {{.spectro.var.port}}\n"
    profile = addon(layers=(layer("registry", "addon", values),), variables=(Variable("port", default="5001"),))
    prepared = prepare(profile, PACKS)
    assert check(prepared) == []
    assert resolved(prepared, Context()).problems == []
    problems = resolved(prepared, Context({"port": "80"})).problems
    assert [problem.sentence() for problem in problems] == [
        "layer registry, line 2, registry.port: registry.port must be a number from 5000 to 5005."
    ]


def test_an_add_on_sees_the_infrastructure_as_it_was_resolved_with_its_own_variables() -> None:
    infra = resolved(prepare(full()), Context({"replicas": "3"}, partial=True))
    values = (
        "cidr: '{{.spectro.pack.cni-flannel.charts.flannel.podCidr}}'\n"
        "version: {{.spectro.system.kubernetes.version}}\n"
        "name: '{{.spectro.system.clusterprofile.infra.name}}'\nopen: '{{.spectro.pack.edge-k3s.cluster.config}}'\n"
    )
    apps = prepare(addon(layers=(layer("app", "addon", values),), variables=(Variable("podCidr", default="other"),)))
    result = resolved(apps, Context(partial=True), infra)
    text = result.layers[0]
    assert text.values.document["cidr"] == "100.64.0.0/18"
    assert [origin.kind for origin in text.origin("cidr")] == ["layer value", "pack value", "variable"]
    assert (text.values.document["version"], text.values.document["name"]) == ("1.31.2", "edge-site")
    assert [problem.severity for problem in result.problems] == ["open"]  # the VIP of the infrastructure is not known


def test_two_versions_of_a_pack_are_told_apart() -> None:
    packs: dict[str, Pack | None] = {
        f"dns {version}": Pack("dns", version, "addon", values=f"v: {version}\n") for version in ("1.0.0", "2.0.0")
    }
    one, two = (layer("dns", "addon", "", version) for version in ("1.0.0", "2.0.0"))
    layers = (dataclasses.replace(one, display="dns-1"), dataclasses.replace(two, display="dns-2"))
    prepared = prepare(addon(layers=layers), packs)
    assert [item.values.document for item in prepared.layers] == [{"v": "1.0.0"}, {"v": "2.0.0"}]


def test_single_references_are_evaluated() -> None:
    references = [
        "{{.spectro.var.tag}}",
        "{{ .spectro.pack.edge-native-byoi.options.system.uri }}",
        "{{.spectro.var.gone}}",
    ]
    assert evaluated(prepare(full()), Context({"replicas": "1"}), references) == {
        references[0]: "demo",
        references[1]: "ttl.sh/ubuntu:k3s-1.31.2-demo",
    }


def test_texts_are_read_once_and_the_oldest_is_dropped() -> None:
    readings = Readings(most=2)
    first = readings.read("a: 1\n", "x")
    assert readings.read("a: 1\n", "y") is first
    readings.read("a: 2\n", "x")
    readings.read("a: 3\n", "x")
    assert readings.read("a: 1\n", "x") is not first
