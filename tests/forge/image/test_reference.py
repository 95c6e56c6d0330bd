from __future__ import annotations

import pytest
import yaml

from edgewright.core.errors import InvalidInput
from edgewright.forge.image import pack
from edgewright.forge.registry import reference
from edgewright.forge.registry.reference import Kubernetes
from edgewright.oci import reference as references
from edgewright.oci.reference import Reference


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("debian", Reference("docker.io", "library/debian")),
        ("you/debian:12", Reference("docker.io", "you/debian", "12")),
        ("localhost/a", Reference("localhost", "a")),
        ("127.0.0.1:5000/a/b:t", Reference("127.0.0.1:5000", "a/b", "t")),
        ("quay.io/k/u@sha256:" + "a" * 64, Reference("quay.io", "k/u", "", "sha256:" + "a" * 64)),
    ],
)
def test_references_are_read_as_other_tools_read_them(text: str, found: Reference) -> None:
    assert references.parse(text) == found
    assert references.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    ["", "https://quay.io/a", "quay.io/A", "quay.io/a:", "quay.io/a@sha256:12", "quay.io/../a", "a b", "x.y/a:-t"],
)
def test_what_is_no_reference_is_told(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        references.parse(text)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kubeadm:1.36.3", Kubernetes("kubeadm", "1.36.3")),
        ("kubeadm:v1.36.3", Kubernetes("kubeadm", "1.36.3")),
        ("k3s:v1.32.3+k3s1", Kubernetes("k3s", "1.32.3", "+k3s1")),
    ],
)
def test_kubernetes_is_a_distribution_and_a_version(text: str, found: Kubernetes) -> None:
    assert reference.kubernetes(text) == found


@pytest.mark.parametrize("text", ["kubeadm", "kubeadm:", "kubeadm:1.36", "rke2:1.36.3", "1.36.3", "kubeadm:1.36.3;x"])
def test_what_names_no_kubernetes_is_told(text: str) -> None:
    with pytest.raises(InvalidInput):
        reference.kubernetes(text)


def test_the_name_follows_palettes_rule() -> None:
    k3s = reference.kubernetes("k3s:1.32.3+k3s1")
    assert str(reference.name("ttl.sh/ubuntu", k3s, "v4.10.0", "demo").reference) == (
        "ttl.sh/ubuntu:k3s-1.32.3-v4.10.0-demo"
    )
    assert reference.name("ttl.sh/ubuntu", k3s, "v4.10.0").tag == "k3s-1.32.3-v4.10.0"


@pytest.mark.parametrize(
    ("push", "custom"),
    [
        ("ubuntu", ""),
        ("you/ubuntu", ""),
        ("ttl.sh/ubuntu:tag", ""),
        ("https://ttl.sh/ubuntu", ""),
        ("my_registry.example/ubuntu", ""),
        ("ttl.sh/ubuntu", "Demo"),
        ("ttl.sh/ubuntu", "x" * 120),
    ],
)
def test_a_name_against_the_rule_is_refused(push: str, custom: str) -> None:
    with pytest.raises(InvalidInput):
        reference.name(push, reference.kubernetes("k3s:1.32.3"), "v4.10.0", custom)


@pytest.mark.parametrize("custom", ["demo", "", "1234"])
def test_the_pack_block_gives_the_name_that_was_pushed(custom: str) -> None:
    name = reference.name(
        "registry.example:5000/edge/ubuntu", reference.kubernetes("kubeadm:1.36.3"), "v4.10.0", custom
    )
    values = yaml.safe_load(pack.block(name, "ubuntu", "22.04"))
    text = values["options"]["system.uri"]
    for key, value in values["options"].items():
        if key != "system.uri":
            assert isinstance(value, str)
            text = text.replace("{{ .spectro.pack.edge-native-byoi.options." + key + " }}", value)
    assert text.replace("{{ .spectro.system.kubernetes.version }}", "1.36.3") == str(name.reference)
    assert values["options"]["system.osVersion"] == "22.04"
    image = values["pack"]["content"]["images"][0]["image"]
    assert image == "{{ .spectro.pack.edge-native-byoi.options.system.uri }}"


@pytest.mark.parametrize(
    ("registry", "loopback"),
    [("127.0.0.1:5000", True), ("localhost", True), ("[::1]:5000", True), ("10.0.0.1:5000", False), ("quay.io", False)],
)
def test_loopback_is_told_from_the_network(registry: str, loopback: bool) -> None:
    assert references.is_loopback(registry) is loopback
