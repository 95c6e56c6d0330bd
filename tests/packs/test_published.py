"""Packs that are shaped as published ones (public pack repositories, Palette's documentation): what each reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from edgewright.core.errors import EdgewrightError
from edgewright.core.packs.pack import Pack
from edgewright.packs import archive, reader

ALL = {"cloudTypes": ["all"], "layer": "addon"}
NOTHING: Mapping[str, bytes] = {}
KUBERNETES = {"packName": "kubernetes", "layer": "k8s", "maxVersion": "", "type": "optional"}
NAMESPACE = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"


def chart(name: str) -> bytes:
    head = f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n".encode()
    return archive.pack({"Chart.yaml": head, "values.yaml": b"a: 1\n"}, name)


def read(document: dict[str, Any], values: str = "", more: Mapping[str, bytes] = NOTHING, end: str = "\n") -> Pack:
    """Return a pack with these values, and with a chart or a manifest for each that its pack.json names."""
    files = {"pack.json": json.dumps({"name": "p", "version": "1.0.0", **document}).encode() + end.encode()}
    files |= {path: chart("app") for path in document.get("charts", ())}
    files |= dict.fromkeys(document.get("kubeManifests", ()), NAMESPACE)
    if values:
        files["values.yaml"] = values.encode()
    return reader.from_files({**files, **more}, "p").pack


def test_metadata_of_years_of_packs() -> None:
    """antrea, avi, consul, akuity-agent: keys of old tools, empty and blank ones, a suffix with dots, lines behind."""
    old = read({"ansibleRoles": [], "cloudTypes": ["vsphere"], "eol": "", "group": "", "layer": "cni"}, end="\n\n\n")
    assert not old.for_edge and old.document["ansibleRoles"] == []
    avi = read({"cloudTypes": ["vsphere"], "layer": "addon", "addonType": "load balancer", "annotations": {"x": "no"}})
    assert (avi.addon_type, dict(avi.annotations)) == ("load balancer", {"x": "no"})
    agent = read({**ALL, "eol": " ", "group": " ", "kubeManifests": [], "version": "0.30.0-5.5.2026"})
    assert agent.version == "0.30.0-5.5.2026" and agent.for_edge
    ceph = read({"layer": "csi", "cloudTypes": ["aws", "edge", "edge-native", "custom"], "version": "3.11.0"})
    assert ceph.for_edge and ceph.layer == "csi"


def test_the_folder_and_the_pack_may_have_two_versions() -> None:
    """crossplane-1.16 has 1.16.0, autosol-3.5.5.0 has 3.5.5 and images of 3.5.5.0."""
    values = (
        "pack:\n  content:\n    images:\n      - image: 3pings/manager:3.5.5.0\nmanifests:\n  eacm:\n    images: x\n"
    )
    pack = read({**ALL, "version": "3.5.5", "kubeManifests": ["manifests/eacm.yaml"]}, values)
    assert pack.version == "3.5.5" and pack.images == ("3pings/manager:3.5.5.0",)


@pytest.mark.parametrize("least", ["1.27.0", "1.29", "1.34"])
def test_bounds_of_a_dependency_may_have_two_parts(least: str) -> None:
    """confidential-containers, ai-nodeprep, cert-manager, crossplane: on the pack `kubernetes` of any distribution."""
    pack = read({**ALL, "constraints": {"dependencies": [{**KUBERNETES, "minVersion": least}]}})
    assert pack.dependencies[0].min_version == least and pack.dependencies[0].max_version == ""


def test_constraints_as_the_documentation_has_them() -> None:
    components = [{"resourceRequestParamRef": "cpu", "replicaCountParamRef": "n", "scheduleType": "all"}]
    resources = [{"type": "cpu", "minLimit": 2000, "components": components}, {"type": "diskSize", "minLimit": 10}]
    unsupported = {
        "packName": "csi-old",
        "layer": "csi",
        "minVersion": "1.0.0",
        "maxVersion": "",
        "type": "notSupported",
    }
    document = {**ALL, "constraints": {"dependencies": [unsupported], "resources": resources}}
    pack = read(document, "cpu: 100m\nn: 1\n")
    assert [(limit.type, limit.min_limit) for limit in pack.resources] == [("cpu", 2000.0), ("diskSize", 10.0)]
    assert pack.dependencies[0].type == "notSupported"


def test_a_schema_may_name_a_value_that_the_values_do_not_have() -> None:
    """akuity-agent: the schema has `charts.akuity-agent...`, the values have the key without it."""
    schema = b"charts.agent.apiKeySecret:\n  schema: '{{ format \"${password}\" }}'\n"
    pack = read({**ALL, "charts": ["charts/agent.tgz"]}, 'apiKeySecret: ""\n', {"schema.yaml": schema})
    assert [(entry.name, entry.secret) for entry in pack.schema] == [("charts.agent.apiKeySecret", True)]


IMAGES = {
    "cloudcasa: repository and tag of a chart": (
        {"charts": ["charts/c.tgz"]},
        'charts:\n  c:\n    image:\n      repository: "docker.io/x/agent"\n      tag: "3.1.0"\n    imagePullSecret:\n',
        ("docker.io/x/agent:3.1.0",),
    ),
    "ai-nodeprep: a list, and a chart whose tags are empty": (
        {"charts": ["charts/c.tgz"]},
        (
            "# spectrocloud.com/enabled-presets: CNI:cni-disabled\npack:\n  content:\n    images:\n"
            '      - image: ghcr.io/x:1\ncharts:\n  c:\n    image:\n      repository: ghcr.io/x\n      tag: ""\n'
        ),
        ("ghcr.io/x:1",),
    ),
    "aws-ssm: the manifest is in the values": (
        {"kubeManifests": ["manifests/agent.yaml"]},
        "manifests:\n  agent:\n    contents: |\n      spec:\n        - image: gcr.io/x/debian:buster\n",
        ("gcr.io/x/debian:buster",),
    ),
    "hello-universe, calico: images by name, some empty": (
        {"kubeManifests": ["manifests/a.yaml"]},
        'manifests:\n  a:\n    images:\n      app: ghcr.io/x/hello:1.3.0\n      node: ""\n',
        ("ghcr.io/x/hello:1.3.0",),
    ),
    "kube-bench: a manifest without values": ({"kubeManifests": ["manifests/job.yaml"]}, "", ("aquasec/kube-bench:1",)),
    "stylus: a scheme before the reference": (
        {},
        'pack:\n  content:\n    images:\n      - image: "container://us-docker.pkg.dev/x/stylus:v4"\n',
        ("us-docker.pkg.dev/x/stylus:v4",),
    ),
}


@pytest.mark.parametrize("case", IMAGES)
def test_the_images_of_published_packs(case: str) -> None:
    document, values, images = IMAGES[case]
    job = b"kind: Job\napiVersion: batch/v1\nmetadata: {name: a}\nspec: {containers: [{image: aquasec/kube-bench:1}]}\n"
    more = {"manifests/job.yaml": job} if "kube-bench" in case else {}
    assert read({**ALL, **document}, values, more).images == images


def test_values_of_published_packs_are_read_as_they_are() -> None:
    """ceph-rbd, metallb: empty values, a percent sign, `<...>`, a tab in a comment, braces of others in comments."""
    values = (
        'pack:\n  namespaceLabels:\n    "x": "version=v{{ .spectro.system.kubernetes.version | substr 0 4 }}" # stays\n'
        "charts:\n  c:\n    name:\n    # '{{ .kubeletDir }}/plugins'\n    maxUnavailable: 50%\n"
        "    clusterID: <cluster-ID>\n    interval: # \tconfigs\n    relabelings: []\n"
    )
    assert read({"layer": "csi", "charts": ["charts/c.tgz"]}, values).values == values


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"layer": "addon", "version": "1.25.x y"}, "version"),
        ({"layer": "adon"}, "Did you mean addon?"),
        ({**ALL, "charts": ["charts/missing.tgz"], "kubeManifests": "manifests/a.yaml"}, "kubeManifests"),
    ],
)
def test_what_is_wrong_in_a_pack_json_is_named(document: dict[str, Any], sentence: str) -> None:
    with pytest.raises(EdgewrightError) as caught:
        reader.from_files({"pack.json": json.dumps({"name": "p", "version": "1", **document}).encode()}, "p")
    assert caught.value.exit_code == 7 and sentence in str(caught.value.as_dict()), caught.value.as_dict()
