"""Profiles that are shaped as published ones (Terraform examples, Palette's documentation): what each resolves to."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.profiles import exchange, imports
from edgewright.core.profiles.images import images
from edgewright.core.profiles.resolve import Resolution
from edgewright.core.profiles.scope import Context
from edgewright.profiles.prepare import check, prepare, resolved

Json = dict[str, Any]


def layer(name: str, kind: str, tag: str, values: str, **more: Any) -> Json:
    return {"name": name, "layer": kind, "tag": tag, "type": "spectro", "values": values, **more}


def document(packs: list[Json], variables: list[Json] | None = None, **template: Any) -> Json:
    body = {"type": "cluster", "cloudType": "edge-native", "packs": packs, **template}
    spec = {"version": "1.0.0", "template": body, "variables": variables or []}
    return {"metadata": {"name": "published"}, "spec": spec}


def resolve(*packs: Json, variables: list[Json] | None = None, **values: str) -> Resolution:
    prepared = prepare(exchange.from_document(document(list(packs), variables)))
    return resolved(prepared, Context(values, partial=True))


def text(resolution: Resolution, key: str) -> str:
    found = resolution.layer(key)
    assert found is not None
    return found.values.text


K3S = layer(
    "edge-k3s", "k8s", "1.25.x", 'pack:\n  spectrocloud.com/install-priority: "0"\nk3sconfig:\n disable:\n   - traefik'
)
BYOI = "edge-native-byoi"
OWN = "{{ .spectro.pack.edge-native-byoi.options.system."


def test_the_image_of_a_byoos_layer_is_made_of_values_of_the_layer_itself() -> None:
    """The Terraform tutorial for edge: keys with dots, a version with an x, a manifest layer with values of others."""
    values = (
        'pack:\n  content:\n    images:\n      - image: "{{.spectro.pack.edge-native-byoi.options.system.uri}}"\n'
        f'options:\n  system.uri: "{OWN}registry }}}}/{OWN}repo }}}}:{{{{ .spectro.system.kubernetes.version }}}}"\n'
        "  system.registry: ttl.sh\n  system.repo: ubuntu\n  system.osVersion: 22"
    )
    proxy = (
        'manifests:\n  p:\n    namespace: "cluster-{{ .spectro.system.cluster.uid }}"\n'
        '    at: "{{ .spectro.system.reverseproxy.server }}"\n'
    )
    hello = {"name": "hello", "type": "manifest", "manifests": [{"name": "h", "content": proxy}]}
    resolution = resolve(layer(BYOI, "os", "1.0.0", values), K3S, hello)
    assert 'system.uri: "ttl.sh/ubuntu:1.25.x"' in text(resolution, BYOI)
    assert [problem.severity for problem in resolution.problems] == ["open"], "the cluster has no uid yet"
    named = [(image.image, image.source) for image in images(resolution, {})]
    assert named == [("ttl.sh/ubuntu:1.25.x", "provider image")]


def test_agent_mode_has_no_provider_image_and_a_package_has_a_scheme() -> None:
    assert images(resolve(layer(BYOI, "os", "1.0.0", 'options:\n  system.uri: "NA"\n'), K3S), {}) == ()
    open_ = images(resolve(layer(BYOI, "os", "1.0.0", 'options:\n  system.uri: "{{.spectro.var.x}}"\n'), variables=[
        {"name": "x", "required": True}
    ]), {})  # fmt: skip
    assert [(image.image, image.open) for image in open_] == [("{{.spectro.var.x}}", True)]
    values = 'pack:\n  content:\n    images:\n      - image: "container://x.example/stylus:v4"\n'
    values += "options:\n  system.uri: a/b:1\n"
    named = [image.image for image in images(resolve(layer(BYOI, "os", "1.0.0", values), K3S), {})]
    assert named == ["a/b:1", "x.example/stylus:v4"]


def test_a_reference_over_two_lines() -> None:
    """The Longhorn page: a formatter has broken the line within the reference."""
    values = 'pack:\n  labels:\n    "x":\n      "is=v{{\n      .spectro.system.kubernetes.version | substr 0 4 }}"\n'
    resolution = resolve(layer("edge-k8s", "k8s", "1.31.2", "a: 1\n"), layer("csi-longhorn", "csi", "1.5.3", values))
    assert resolution.problems == [] and '"is=v1.31"' in text(resolution, "csi-longhorn")


def test_a_key_with_a_dash_of_the_same_layer_and_one_in_a_comment() -> None:
    """The Kubernetes pack: `clientConfig` repeats a value; in its default that is a comment."""
    reference = '"{{ .spectro.pack.kubernetes.config.oidc-issuer-url }}"'
    values = (
        f"config:\n  oidc-issuer-url: https://i.example\nclient:\n  url: {reference}\n#client:\n  #url: {reference}\n"
    )
    result = text(resolve(layer("kubernetes", "k8s", "1.32.4", values)), "kubernetes")
    assert 'url: "https://i.example"' in result and f"#url: {reference}" in result


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("a: \u201c{{.spectro.system.kunernetes.version}}\u201d\n", "Did you mean kubernetes.version?"),
        ('a: "{{.spectro.system.aws.region}}"\n', "Did you mean cloud.region?"),
        ('a: "{{.spectro.system.appdeployment.tiername}}"\n', "There is no system value appdeployment.tiername"),
        ('a: "{{.spectro.app.$name.tier.value}}"\n', "not a known reference: .app. Known kinds"),
        ('a: "{{ .spectro.var.x | regexReplaceAll \\"a\\" \\"b\\" }}"\n', "regexReplaceAll is not supported"),
        ("a: {{ .spectro.var.x }}\nb: 1\n", ""),
        ("pack:\nnamespace: x\ncontent:\n  images:\n    - image: a/b:1\n", ""),
    ],
)
def test_what_the_pages_have_is_resolved_or_reported_by_name(values: str, sentence: str) -> None:
    resolution = resolve(layer("x", "addon", "1.0.0", values), variables=[{"name": "x", "defaultValue": "1"}])
    found = " ".join(problem.sentence() for problem in resolution.problems)
    assert sentence in found and bool(found) == bool(sentence), found


def test_variables_of_the_provider_s_example_have_all_forms() -> None:
    variables: list[Json] = [
        {"name": "password", "displayName": "P", "format": "string", "hidden": True},
        {
            "name": "app",
            "format": "version",
            "defaultValue": "1.0.0",
            "regex": "^\\d+\\.\\d+\\.\\d+$",
            "required": True,
        },
        {"name": "tier", "inputType": "dropdown", "defaultValue": "a", "options": [{"label": "A", "value": "a"}]},
        {"name": "notes", "inputType": "multiline", "defaultValue": "one\ntwo\n", "isHidden": True},
    ]
    profile = exchange.from_document(document([], variables, cloudType="vsphere"))
    assert [p.sentence() for p in check(prepare(profile)) if p.path.startswith("variables")] == []
    assert [variable.hidden for variable in profile.variables] == [True, False, False, True], "two keys for the same"
    assert exchange.from_document(exchange.to_document(profile)) == profile


def test_an_import_names_the_packs_and_the_registry_that_the_tutorial_has() -> None:
    registry = {"metadata": {"name": "Public Repo", "kind": "oci", "isPrivate": False, "providerType": "pack"}}
    ubuntu = layer("ubuntu-aws", "os", "22.04", "", version="22.04", registry=registry)
    hello = layer("hello-universe", "addon", "1.3.0", 'replicas: "{{.spectro.var.n}}"\na: "{{.spectro.macro.m}}"\n')
    profile = exchange.from_document(document([ubuntu, hello], [{"name": "n", "format": "number", "required": True}]))
    found = imports.report(profile, prepare(profile).layers, lambda _layer: (), (), ())
    assert found.missing_packs == ("ubuntu-aws 22.04", "hello-universe 1.3.0") and found.missing_macros == ("m",)
    assert [choice.name for choice in found.registries] == ["Public Repo", ""]
    sentences = [problem.sentence() for problem in found.as_problems()]
    assert "layer ubuntu-aws: The pack ubuntu-aws 22.04 is not known here. Add a registry" in sentences[0]
