"""pack.json and the parts of a pack: what is taken over, and what is refused with which sentence."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.errors import InvalidDocument
from edgewright.core.packs.content import images_of_chart, images_of_objects
from edgewright.core.packs.layers import MARKS
from edgewright.core.packs.make import Parts, make
from edgewright.core.packs.pack import Chart, Dependency, Manifest, Pack
from edgewright.core.packs.stack import check

DOCUMENT = {
    "name": "demo-app",
    "displayName": "Demo app",
    "version": "1.2.3",
    "layer": "addon",
    "addonType": "ingress",
    "cloudTypes": ["edge-native"],
    "annotations": {"source": "community", "skip": True},
    "charts": ["charts/demo-1.2.3.tgz"],
    "kubeManifests": ["manifests/extra.yaml"],
    "constraints": {
        "dependencies": [
            {"packName": "base", "layer": "k8s", "minVersion": "1.30.0", "maxVersion": "1.32.99", "type": "required"}
        ],
        "resources": [{"type": "memory", "minLimit": 512, "components": [{"scheduleType": "worker"}]}],
    },
    "someoneElses": {"key": [1, 2]},
}
NEEDED = {"packName": "x", "layer": "k8s"}
SOURCE = {"kind": "helm", "repository": "https://charts.example"}
CHART = Chart("demo", "1.2.3", "charts/demo-1.2.3.tgz", "sha256:" + "0" * 64, 10)
MANIFEST = Manifest("extra", "kind: ConfigMap\n", "manifests/extra.yaml")
VALUES = {"pack": {"content": {"images": [{"image": "registry.example/a:1"}, "registry.example/b:2", {"other": 1}]}}}


def parts(document: Any, **more: Any) -> Parts:
    return Parts(document, charts=(CHART,), manifests=(MANIFEST,), **more)


def test_everything_in_a_pack_is_taken_over() -> None:
    pack = make(parts(DOCUMENT, values="pack: {}\n", values_document=VALUES, readme="# Demo"))
    assert (pack.name, pack.tag, pack.layer, pack.title) == ("demo-app", "1.2.3", "addon", "Demo app")
    assert (
        pack.for_edge and pack.addon_type == "ingress" and pack.annotations == {"source": "community", "skip": "true"}
    )
    assert pack.dependencies == (Dependency("base", "k8s", "required", "1.30.0", "1.32.99"),)
    assert pack.resources[0].min_limit == 512.0 and pack.resources[0].components[0].schedule_type == "worker"
    assert pack.images == ("registry.example/a:1", "registry.example/b:2")
    assert pack.document["someoneElses"] == {"key": [1, 2]}


def test_keys_in_another_case_are_the_same_keys() -> None:
    changed = {"Name": "x", "VERSION": "1", "Layer": "CNI", "KubeManifests": ["./manifests/extra.yaml"]}
    pack = make(parts(changed))
    assert (pack.name, pack.version, pack.layer) == ("x", "1", "cni")
    assert make(parts({**changed, "name": "exact"})).name == "exact"


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"name": None}, "name is missing"),
        ({"name": "../x"}, "not a valid name"),
        ({"version": ""}, "version is missing"),
        ({"version": "1 2"}, "not a valid version"),
        ({"layer": "adon"}, "adon is not a layer"),
        ({"layer": 7}, "layer is missing"),
        ({"charts": ["../../etc/passwd"]}, "leads out of the pack"),
        ({"charts": ["/etc/passwd"]}, "leads out of the pack"),
        ({"charts": ["charts/other.tgz"]}, "charts/other.tgz is not in the pack"),
        ({"kubeManifests": "manifests/extra.yaml"}, "must be a list"),
        ({"annotations": {"a": {}}}, "must be a text"),
        ({"constraints": {"dependencies": [{**NEEDED, "type": "maybe"}]}}, "maybe is not a type"),
        ({"constraints": {"resources": [{"type": "gpu"}]}}, "type must be one of"),
        ({"constraints": {"resources": [{"type": "cpu", "minLimit": -1}]}}, "not negative"),
        ({"edgewright": {"upstream": {**SOURCE, "digest": "x"}}}, "digest must"),
        ({"edgewright": {"upstream": SOURCE}}, "a version or a digest"),
        ({"edgewright": {"proven": "surely"}}, "surely is not a mark"),
    ],
)  # fmt: skip
def test_what_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        make(parts({**DOCUMENT, **change}))
    assert sentence in refused.value.message and refused.value.exit_code == 7


def test_what_published_packs_have() -> None:
    """Facts of packs in the public repository: empty dates, clouds and keys that no schema names, odd versions."""
    facts = {
        "name": "odd-pack",
        "version": "0.30.0-5.5.2026",
        "layer": "addon",
        "displayName": "Odd",
        "eol": " ",
        "group": " ",
        "commit_msg": "text",
        "ansibleRoles": [],
        "kubeManifests": [],
        "annotations": {"docsURL": "", "contributor": "a@b"},
        "cloudTypes": ["vsphere", "edge-native", "custom"],
        "constraints": {
            "dependencies": [{"packName": "kubernetes", "layer": "k8s", "minVersion": "1.29", "type": "required"}]
        },
    }
    pack = make(Parts(facts))
    assert pack.for_edge and pack.eol == "" and pack.document["commit_msg"] == "text"
    assert pack.dependencies[0].max_version == ""


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_a_pack_json_that_is_no_object(document: Any) -> None:
    with pytest.raises(InvalidDocument, match="not a JSON object"):
        make(Parts(document))


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(InvalidDocument) as refused:
        make(Parts({"layer": "x"}, values_document=[1], schema_document=3, presets_document="x"))
    assert {problem.key for problem in refused.value.problems} >= {
        "name",
        "version",
        "layer",
        "values.yaml",
        "schema.yaml",
        "presets.yaml",
    }


def test_presets_are_a_list_or_a_map_with_one() -> None:
    preset = {"name": "small", "displayName": "Small", "group": "size", "add": "replicas: 1\n", "remove": ["limits"]}
    for document in ([preset], {"presets": [preset]}):
        result = make(parts(DOCUMENT, presets_document=document)).presets[0]
        assert (result.group, result.add, result.remove) == ("size", "replicas: 1\n", ("limits",))
    wrong: Any
    for wrong in ([{}], [{"name": "x", "add": {}}], [preset, preset]):
        with pytest.raises(InvalidDocument):
            make(parts(DOCUMENT, presets_document=wrong))


def test_an_upstream_without_a_digest_is_pinned_by_version_only() -> None:
    upstream = {"kind": "helm", "repository": "https://charts.example", "name": "demo", "version": "1.2.3"}
    pinned = make(parts({**DOCUMENT, "edgewright": {"upstream": upstream, "proven": "not-proven"}}))
    assert pinned.upstream is not None and pinned.upstream.pinned_by == "version" and pinned.proven in MARKS
    upstream["digest"] = "sha256:" + "a" * 64
    pinned = make(parts({**DOCUMENT, "edgewright": {"upstream": upstream}}))
    assert pinned.upstream is not None and pinned.upstream.pinned_by == "digest"


def test_images_of_kubernetes_objects() -> None:
    pod = {"containers": [{"image": "a/b:1"}, {"image": "a/b:1"}, {}], "initContainers": [{"image": "c:2"}]}
    objects = [{"kind": "Deployment", "spec": {"template": {"spec": pod}}}, {"data": {"image": "not-one"}}]
    assert images_of_objects(objects) == ("a/b:1", "c:2")


def test_images_in_the_values_of_a_chart() -> None:
    values = {
        "image": {"repository": "a/b", "tag": 1.5},
        "sidecar": [{"initImage": {"registry": "quay.io/", "repository": "c/d", "digest": "sha256:" + "0" * 64}}],
        "webhook": {"image": {"repository": "e/f", "tag": ""}, "image_pull": True, "image2": {"repository": "no/no"}},
        "helperImage": "busybox:1.36",
        "image_": {"repository": ""},
        "odd": {"image": {"repository": 7}, "otherimage": "word"},
    }
    digest = "@sha256:" + "0" * 64
    assert images_of_chart(values, "v9") == ("a/b:1.5", f"quay.io/c/d:v9{digest}", "e/f:v9", "busybox:1.36")
    assert images_of_chart(values) == ("a/b:1.5", f"quay.io/c/d{digest}", "busybox:1.36")


def pack(name: str, version: str, layer: str = "addon", **more: Any) -> Pack:
    return Pack(name, version, layer, **more)


def test_dependencies_between_packs() -> None:
    needs = pack("app", "1.0.0", dependencies=(Dependency("base", "k8s", "required", "1.30.0", "1.31.9"),))
    assert check([needs, pack("base", "1.30.4", "k8s")]) == []
    assert "which is not there" in check([needs])[0].message
    assert check([needs], complete=False) == []
    assert "and 1.32.0 is there" in check([needs, pack("base", "1.32.0", "k8s")])[0].message
    never = pack("other", "1", dependencies=(Dependency("csi-x", "csi", "notSupported", "1.0.0"),))
    assert "does not work with csi-x 2.0" in check([never, pack("csi-x", "2.0", "csi")])[0].message
    assert check([never, pack("csi-x", "0.9", "csi")]) == []
    old = pack("app", "1", dependencies=(Dependency("kubernetes", "k8s", "required", "1.29"),))
    assert check([old, pack("edge-k8s", "1.30.4", "k8s")]) == []  # the name means every distribution
    assert "and 1.28.1 is there" in check([old, pack("edge-k3s", "1.28.1", "k8s")])[0].message
    two = [pack("a", "1", "cni"), pack("b", "1", "cni"), pack("c", "1"), pack("d", "1")]
    assert [problem.key for problem in check(two)] == ["cni"]
