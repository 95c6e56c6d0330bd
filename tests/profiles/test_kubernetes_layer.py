"""Nothing of a Kubernetes layer is dropped in silence: it is used, refused by name, or has a warning."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from edgewright.core.profiles.problems import ERROR
from edgewright.profiles.kubernetes_layer import configuration


def looked(config: Any, k3s: bool = False, **values: Any) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    used = configuration({"cluster": {"config": config}, **values}, "k8s", k3s, "v1.36.3")
    return used.config, [(row.severity, row.path, row.message) for row in used.problems]


def node(**registration: Any) -> dict[str, Any]:
    return {"initConfiguration": {"nodeRegistration": registration}}


def test_arguments_as_an_object_become_the_list_of_v1beta4() -> None:
    config = {
        "clusterConfiguration": {
            "apiServer": {"extraArgs": {"max-age": 30, "anonymous-auth": True, "profiling": "false", "v": None}},
            "etcd": {"local": {"dataDir": "/etcd", "extraArgs": {"quota": "8"}}},
        },
        **node(kubeletExtraArgs={"max-pods": 50}),
    }  # fmt: skip
    before = copy.deepcopy(config)
    made, problems = looked(config)
    assert problems == [] and config == before, "the values of the layer stay as they are"
    assert made["clusterConfiguration"]["apiServer"]["extraArgs"] == [
        {"name": "max-age", "value": "30"},
        {"name": "anonymous-auth", "value": "true"},
        {"name": "profiling", "value": "false"},
        {"name": "v", "value": ""},
    ]
    assert made["clusterConfiguration"]["etcd"]["local"] == {
        "dataDir": "/etcd",
        "extraArgs": [{"name": "quota", "value": "8"}],
    }
    assert made["initConfiguration"]["nodeRegistration"]["kubeletExtraArgs"] == [{"name": "max-pods", "value": "50"}]


def test_a_configuration_in_the_present_form_stays_as_it_is() -> None:
    config = {
        "clusterConfiguration": {
            "apiServer": {"extraArgs": [{"name": "v", "value": "2"}]},
            "scheduler": {"extraArgs": []},
        },
        "kubeletConfiguration": {"maxPods": 9},
        "patches": {"etcd+json.json": [{"op": "add"}]},
    }  # fmt: skip
    assert looked(config) == (config, [])
    assert looked("# Palette's layers have a text here\n" + yaml.safe_dump(config)) == (config, [])
    assert looked(None) == looked("") == looked({}) == ({}, [])


@pytest.mark.parametrize(
    ("config", "path", "message"),
    [
        (7, "cluster.config", "It is not an object."),
        ("a: [", "cluster.config", "cluster.config of the layer k8s"),
        ({"clusterConfigurations": {"x": 1}}, "cluster.config.clusterConfigurations", "no such configuration"),
        ({"kubeletConfiguration": ["x"]}, "cluster.config.kubeletConfiguration", "It is not an object."),
        (node(kubeletExtraArgs="v=4"), "cluster.config.initConfiguration.nodeRegistration.kubeletExtraArgs",
         "neither a list nor an object"),
        (node(kubeletExtraArgs=["v=4"]), "cluster.config.initConfiguration.nodeRegistration.kubeletExtraArgs[0]",
         "has no name"),
        (node(kubeletExtraArgs={"v": ["4"]}), "cluster.config.initConfiguration.nodeRegistration.kubeletExtraArgs[0]",
         "its value is not a text"),
        ({"clusterConfiguration": {"apiServer": "x"}}, "cluster.config.clusterConfiguration.apiServer.extraArgs",
         "apiServer is not an object."),
    ],
)  # fmt: skip
def test_what_hosts_could_not_use_is_refused_by_name(config: Any, path: str, message: str) -> None:
    _, problems = looked(config)
    assert [(severity, place) for severity, place, _ in problems] == [(ERROR, path)]
    assert message in problems[0][2]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"config": node(taints=[{"key": "a"}])}, "cluster.config.initConfiguration.nodeRegistration.taints"),
        ({"config": node(name="n1")}, "cluster.config.initConfiguration.nodeRegistration.name"),
        ({"config": node(kubeletExtraArgs={"node-ip": "10.0.0.1"})},
         "cluster.config.initConfiguration.nodeRegistration.kubeletExtraArgs.node-ip"),
        ({"config": {"joinConfiguration": {"discovery": {"tlsBootstrapToken": "x"}}}},
         "cluster.config.joinConfiguration.discovery"),
        ({"config": {"clusterConfiguration": {"kubernetesVersion": "v1.27.2"}}},
         "cluster.config.clusterConfiguration.kubernetesVersion"),
        ({"config": {"clusterConfiguration": {"apiServer": {"timeoutForControlPlane": "10m0s"}}}},
         "cluster.config.clusterConfiguration.apiServer.timeoutForControlPlane"),
        ({"kubevipArgs": {"vip_interface": "eth0", "svc_enable": True}}, "cluster.kubevipArgs.svc_enable"),
        ({"providers": {"x": 1}}, "cluster.providers"),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_a_warning(values: dict[str, Any], path: str) -> None:
    (row,) = configuration({"cluster": values}, "k8s", False, "v1.36.3").problems
    assert (row.severity, row.path, row.code) == ("warning", path, "NoEffect") and row.hint


def test_other_keys_of_the_layer_and_of_k3s() -> None:
    _, rows = looked({}, stages={"boot": [{"name": "x"}]}, pack={"namespace": "kube-system"}, tree={"ref": "r"})
    assert [path for _, path, _ in rows] == ["stages"]
    config, rows = looked({"token": "x", "disable": ["traefik"], "node-label": ["a=b"]}, k3s=True)
    assert [(severity, path) for severity, path, _ in rows] == [("warning", "cluster.config.token")]
    assert config["disable"] == ["traefik"], "flags of k3s are not judged"


def test_empty_places_and_equal_values_have_no_warning() -> None:
    config = node(name="", taints=[], imagePullPolicy="IfNotPresent")
    config["clusterConfiguration"] = {"kubernetesVersion": "1.36.3", "dns": {}}
    config["extra"] = {}
    made, problems = looked(config, providerCredentials={})
    assert problems == [] and "extra" not in made
