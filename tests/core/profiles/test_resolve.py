"""Resolving: texts with their comments, values, and where each came from."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.profiles.model import Manifest, Profile, Variable
from edgewright.core.profiles.resolve import Resolution
from edgewright.core.profiles.scope import Context, macros
from edgewright.core.profiles.variables import COVER
from edgewright.profiles.prepare import prepare, resolved
from edgewright.yamltext.values import read_values
from tests.core.profiles.stacks import REGISTRY_PACK, addon, full, layer

CONTEXT = Context({"replicas": "3"}, macros({"site": "hall-7"}, {"site": "tenant"}), {"cluster.kubevip": "10.0.0.9"})


SITE = Context({}, CONTEXT.macros)


def _one(values: str, context: Context = SITE, variables: tuple[Variable, ...] = (), **more: Any) -> Resolution:
    profile = addon(layers=(layer("app", "addon", values, **more),), variables=variables)
    return resolved(prepare(profile), context)


def _codes(result: Resolution) -> list[str]:
    return [problem.code for problem in result.problems]


def test_every_kind_of_reference_is_replaced_and_comments_stay() -> None:
    result = resolved(prepare(full()), CONTEXT)
    assert result.problems == []
    os, k8s, cni, app = (layer.values for layer in result.layers)
    assert os.document["options"]["system.uri"] == "ttl.sh/ubuntu:k3s-1.31.2-demo"
    assert os.document["pack"]["content"]["images"] == [{"image": "ttl.sh/ubuntu:k3s-1.31.2-demo"}]
    assert os.text.startswith("# provider image\n") and "# not part of the image" in os.text
    assert "  - 10.0.0.9\n" in k8s.document["cluster"]["config"]
    assert cni.text.splitlines()[2] == "    podCidr: 100.64.0.0/18"
    assert app.document == {"replicas": 3, "site": "HALL-7", "version": 1.3, "alert": "{{ $labels.instance }} is down"}
    assert app.text == ("replicas: 3\nsite: 'HALL-7'\nversion: 1.30\nalert: \"{{ $labels.instance }} is down\"\n")


def test_every_value_has_its_origin_with_layer_path_and_line() -> None:
    result = resolved(prepare(full()), CONTEXT)
    app = result.layer("web")
    assert app is not None
    assert [origin.text() for origin in app.origin("site")] == ["layer value", "macro site (project)"]
    assert [origin.text() for origin in app.origin("version")] == ["layer value"]
    assert app.origin("version")[0][2:5] == ("web", "version", 3)
    os = result.layer("edge-native-byoi")
    assert os is not None
    assert [origin.text() for origin in os.origin("options.system.uri")][1:] == [
        "pack value edge-native-byoi: options.system.registry, line 8",
        "pack value edge-native-byoi: options.system.repo, line 9",
        "system kubernetes.version",
        "pack value edge-native-byoi: options.system.customTag, line 10",
        "variable tag",
    ]


def test_pack_default_preset_and_layer_value_are_told_apart() -> None:
    profile = addon(layers=(layer("registry", "addon", "", presets=("private",)),))
    result = resolved(prepare(profile, {"registry": REGISTRY_PACK}), CONTEXT)
    only = result.layers[0]
    kinds = {path: origins[0].text() for path, origins in only.origins()}
    assert kinds["registry.private"] == "preset private"
    assert kinds["registry.host.ip"] == "preset private"
    assert kinds["registry.port"] == "pack default registry"
    assert "host" not in only.values.document["registry"]["ingress"]
    assert only.values.text.startswith("# where images come from\n")
    own = addon(layers=(layer("registry", "addon", "registry:\n  port: 5001\n"),))
    result = resolved(prepare(own, {"registry": REGISTRY_PACK}), CONTEXT)
    assert result.layers[0].origin("registry.port")[0].kind == "layer value"


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ("a: '{{.spectro.var.replcas}}'", "UnknownVariable", "Did you mean replicas?"),
        ("a: '{{.spectro.macro.sit}}'", "UnknownMacro", "Did you mean site?"),
        ("a: '{{.spectro.system.cluster.nam}}'", "UnknownReference", "Did you mean cluster.name?"),
        ("a: '{{.spectro.system.cluster.name}}'", "NoCluster", "cluster.name"),
        ("a: '{{.spectro.pack.ap.a}}'", "UnknownPack", "Did you mean app?"),
        ("port: 1\nb: '{{.spectro.pack.app.prt}}'", "UnknownKey", "Did you mean port?"),
        ("m: {x: 1}\nb: '{{.spectro.pack.app.m}}'", "NotAValue", "a map or a list"),
        ("a: '{{ .spectro.var.replicas | sha256sum }}'", "UnknownFunction", "sha256sum"),
        ("a: '{{ .spectro.vars.replicas }}'", "InvalidReference", "Did you mean var?"),
        ("a: '{{ .spectro.var.replicas | trunc }}'", "InvalidReference", "takes 2 values"),
        ("a: '{{- .spectro.var.replicas -}}'", "InvalidReference", "not supported"),
        ("a: '{{ if .spectro.var.replicas }}'", "UnknownFunction", "function if"),
        ("a: '{{.spectro.pack.app.b}}'\nb: '{{.spectro.pack.app.a}}'", "ReferenceCycle", "pack.app.b -> pack.app.a"),
        ("a: x{{.spectro.macro.colon}}", "NeedsQuotes", "quotes"),
        ("a: '{{.spectro.macro.lines}}'", "NeedsQuotes", "double quotes"),
    ],
)  # fmt: skip
def test_what_is_wrong_names_layer_path_line_and_the_nearest_name(values: str, code: str, words: str) -> None:
    given = macros({"site": "x", "colon": "y: z", "lines": "a\nb"}, {})
    result = _one(f"# first\n{values}\n", Context({}, given), (Variable("replicas", default="1"),))
    assert code in _codes(result)
    problem = result.problems[0]
    assert problem.layer == "app" and problem.line >= 2
    assert words in problem.sentence()
    assert problem.place().startswith("layer app, line ")


def test_a_cycle_of_macros_is_found_and_named() -> None:
    given = macros({"a": "x{{.spectro.macro.b}}", "b": "{{.spectro.macro.c}}"}, {"c": "{{ .spectro.macro.a }}"})
    result = _one("v: '{{.spectro.macro.a}}'\n", Context({}, given))
    assert _codes(result) == ["ReferenceCycle"]
    assert "macro.a -> macro.b -> macro.c -> macro.a" in result.problems[0].message
    assert result.layers[0].values.text == "v: '{{.spectro.macro.a}}'\n"


def test_macros_that_multiply_are_stopped() -> None:
    given = {f"m{number}": f"{{{{.spectro.macro.m{number + 1}}}}}" * 20 for number in range(10)}
    result = _one("v: '{{.spectro.macro.m0}}'\n", Context({}, macros({**given, "m10": "x" * 100}, {})))
    assert _codes(result) == ["TooBig"]


def test_project_macros_win_over_the_tenant_and_these_over_the_system() -> None:
    given = macros({"a": "project"}, {"a": "tenant", "b": "tenant"}, {"a": "system", "b": "system", "c": "system"})
    result = _one("v: '{{.spectro.macro.a}} {{.spectro.macro.b}} {{.spectro.macro.c}}'\n", Context({}, given))
    assert result.layers[0].values.document == {"v": "project tenant system"}


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_value_means_itself_within_quotes(quote: str) -> None:
    value = 'it\'s "quoted" \\ #: {x}'
    result = _one(f"v: {quote}<{{{{.spectro.macro.m}}}}>{quote}\n", Context({}, macros({"m": value}, {})))
    assert result.problems == []
    text = result.layers[0].values.text
    assert read_values(text).document == {"v": f"<{value}>"} == result.layers[0].values.document


def test_several_lines_go_into_double_quotes_and_blocks() -> None:
    given = macros({"cert": "-----BEGIN\nabc\n-----END\n"}, {})
    values = 'a: "{{.spectro.macro.cert}}"\nb:\n  c: |\n    {{.spectro.macro.cert}}\n  d: 1\n'
    result = _one(values, Context({}, given))
    assert result.problems == []
    text = result.layers[0].values
    assert read_values(text.text).document == text.document
    assert text.document["b"] == {"c": "-----BEGIN\nabc\n-----END\n", "d": 1}


def test_references_in_comments_are_left_alone() -> None:
    values = "# oidc: '{{ .spectro.pack.kubernetes.gone }}'\na: 1 # {{.spectro.var.gone}}\n"
    result = _one(values)
    assert (result.problems, result.layers[0].values.text) == ([], values)


def test_default_stands_in_for_a_value_that_is_not_there() -> None:
    values = 'a: "{{ .spectro.pack.app.gone | default \\"1.19.0\\" }}"\n'
    values += 'b: {{ .spectro.system.cluster.name | default "none" }}\n'
    assert _one(values).layers[0].values.document == {"a": "1.19.0", "b": "none"}


def test_a_partial_resolution_leaves_what_has_no_value_yet() -> None:
    variables = (Variable("replicas", required=True),)
    values = "a: '{{.spectro.var.replicas}}'\nb: {{ .spectro.system.cluster.uid }}\nc: '{{.spectro.pack.os.x}}'\n"
    result = _one(values, Context(partial=True), variables)
    assert {problem.severity for problem in result.problems} == {"open"}
    assert result.layers[0].values.text == values


def test_an_add_on_profile_refers_to_the_packs_of_its_infrastructure() -> None:
    infra = resolved(prepare(full()), CONTEXT)
    apps = prepare(
        addon(layers=(layer("app", "addon", "v: '{{.spectro.pack.cni-flannel.charts.flannel.backend}}'\n"),))
    )
    assert resolved(apps, CONTEXT, infra).layers[0].values.document == {"v": "vxlan"}
    assert "UnknownPack" in [problem.code for problem in resolved(apps, CONTEXT).problems]


def test_masked_variables_are_covered_in_what_is_shown() -> None:
    variables = (Variable("key", masked=True),)
    given = macros({"wrapped": "<{{.spectro.var.key}}>"}, {})
    result = _one(
        "a: '{{.spectro.var.key}}'\nb: '{{.spectro.macro.wrapped}}'\n", Context({"key": "s3cret"}, given), variables
    )
    text = result.layers[0].values
    assert "s3cret" in text.text
    assert text.shown == f"a: '{COVER}'\nb: '{COVER}'\n"


def test_keys_and_aliases_with_references_are_replaced() -> None:
    values = (
        "base: &base\n  site: '{{.spectro.macro.site}}'\n  n: 1\n"
        "one: *base\ntwo:\n  <<: *base\n  n: 2\n'{{.spectro.macro.site}}-x': 5\n"
    )
    result = _one(values)
    text = result.layers[0].values
    assert result.problems == []
    assert text.document["two"] == {"n": 2, "site": "hall-7"}
    assert text.document["one"]["site"] == "hall-7" and text.document["hall-7-x"] == 5
    assert read_values(text.text).document == text.document


def test_manifests_of_several_documents_are_resolved() -> None:
    content = "kind: A\nname: '{{.spectro.macro.site}}'\n---\nkind: B\n"
    profile: Profile = addon(layers=(layer("app", "addon", "", manifests=(Manifest("m", content),)),))
    name, text = resolved(prepare(profile), CONTEXT).layers[0].manifests[0]
    assert (name, text.document[0]["name"], text.document[1]) == ("m", "hall-7", {"kind": "B"})


def test_values_of_variables_are_checked() -> None:
    profile = full()
    result = resolved(
        prepare(profile), Context({"replicas": "three", "podCidr": "10.0.0.0/8", "tga": "x"}, partial=True)
    )
    sentences = [
        problem.sentence() for problem in result.problems if problem.code in ("InvalidValue", "UnknownVariable")
    ]
    assert sentences == [
        "variables.replicas: The value 'three' is not a number, e.g. 3 or 0.5.",
        "variables.tga: The profile has no variable of this name. Did you mean tag?",
    ]


def test_forms_of_published_packs_resolve() -> None:
    """Small cases written after packs and pages that are public: folded references, functions, comments, SANs."""
    values = (
        "pack:\n"
        "  namespaceLabels:\n"
        '    "metallb": "enforce-version=v{{ .spectro.system.kubernetes.version | substr 0 4 }}"\n'
        "apiServer:\n"
        "  certSANs:\n"
        '    - "cluster-{{ .spectro.system.cluster.uid }}.{{ .spectro.system.reverseproxy.server }}"\n'
        'uri: "registry/{{\n    .spectro.pack.app.repo }}:{{ .spectro.system.kubernetes.version\n    | default X }}"\n'
        "cluster-cidr: {{ .spectro.var.K8sPodCIDR }}\n"
        "repo: ubuntu\n"
        "bfb: '{{ .spectro.system.cluster.kubevip }}:8080'\n"
        "#clientConfig:\n"
        '  #oidc-issuer-url: "{{ .spectro.pack.kubernetes.kubeadmconfig.oidc-issuer-url }}"\n'
    ).replace("X", '\\"x\\"')
    context = Context({}, {}, {"kubernetes.version": "1.33.6", "cluster.uid": "c1", "cluster.kubevip": "10.0.0.9"})
    result = _one(values, context, (Variable("K8sPodCIDR", format="ipv4cidr", default="100.64.0.0/18"),))
    assert result.problems == []
    text = result.layers[0].values
    assert text.document["pack"]["namespaceLabels"] == {"metallb": "enforce-version=v1.33"}
    assert text.document["apiServer"]["certSANs"] == ["cluster-c1."]
    assert (text.document["uri"], text.document["cluster-cidr"]) == ("registry/ubuntu:1.33.6", "100.64.0.0/18")
    assert text.document["bfb"] == "10.0.0.9:8080"
    assert "#clientConfig:" in text.text and read_values(text.text).document == text.document
    assert result.layers[0].origin("bfb")[0].line == 12
