"""The chart, the compose file and the unit of the hub: secrets in files alone, probes, no rights, updates."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from edgewright import __version__
from edgewright.hub.process.cli import build_parser
from tests.deploy import parts
from tests.support import ROOT

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "edgewright-hub"


def _rendered(*settings: str) -> dict[str, Any]:
    words = [word for setting in ("image.repository=r/hub", *settings) for word in ("--set", setting)]
    command = [parts.helm(), "template", "plane", str(CHART), *words]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {document["kind"]: document for document in yaml.safe_load_all(text) if document}


def _check_arguments(words: list[str]) -> None:
    assert not [word for word in words if "://" in word or "password" in word.lower()], "no secret is an argument"
    build_parser().parse_args(words)


@pytest.mark.e2e
def test_a_hub_of_the_chart_has_probes_and_no_rights() -> None:
    documents = _rendered("replicas=1", "advertise={hub.example.net}")
    assert set(documents) == {"Deployment", "Service", "NetworkPolicy"}
    deployment = documents["Deployment"]["spec"]
    assert (deployment["replicas"], deployment["strategy"]["type"]) == (1, "Recreate")
    pod = deployment["template"]["spec"]
    (hub,) = pod["containers"]
    _check_arguments(hub["args"])
    assert "--advertise=hub.example.net" in hub["args"]
    assert hub["env"] == [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}], "no secret"
    assert hub["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert hub["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "https", "scheme": "HTTPS"}
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["automountServiceAccountToken"] is False
    for container in (hub, *pod["initContainers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    mounted = {mount["name"] for mount in hub["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == documents["Service"]["spec"]["selector"] == labels
    assert documents["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels


@pytest.mark.e2e
def test_two_replicas_are_updated_one_after_the_other() -> None:
    documents = _rendered("image.digest=sha256:" + "a" * 64)
    deployment = documents["Deployment"]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert documents["PodDisruptionBudget"]["spec"]["minAvailable"] == 1
    pod = deployment["template"]["spec"]
    assert pod["containers"][0]["image"] == "r/hub@sha256:" + "a" * 64
    assert [item["topologyKey"] for item in pod["topologySpreadConstraints"]] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]


def test_the_compose_file_has_no_secret_in_an_argument_or_variable() -> None:
    document = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    services = document["services"]
    assert set(services) == {"database", "hub-1", "hub-2", "proxy"}
    for name in ("hub-1", "hub-2"):
        hub = services[name]
        _check_arguments(["serve", *(word for word in hub["command"] if "HUB_NAME" not in word)])
        assert hub["hostname"] == name and 'serve --advertise="$$(cat /etc/hostname)" "$$@"' in hub["entrypoint"][2]
        assert hub["read_only"] is True and hub["cap_drop"] == ["ALL"] and "environment" not in hub
        assert set(hub["secrets"]) <= set(document["secrets"])
        assert {volume.partition(":")[0] for volume in hub["volumes"]} <= set(document["volumes"])
        assert set(hub["networks"]) <= set(document["networks"])
    assert services["database"]["environment"]["POSTGRES_PASSWORD_FILE"] == "/run/secrets/database-password"
    assert all(set(secret) == {"file"} for secret in document["secrets"].values())
    proxy = (DEPLOY / "compose" / "haproxy.cfg").read_text()
    assert "balance source" in proxy and "/readyz" in proxy
    assert all(f"server {name} {name}:8443" in proxy for name in ("hub-1", "hub-2"))


def test_the_chart_is_for_this_release() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


def test_each_value_of_the_chart_is_used() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    templates = "".join(path.read_text() for path in (CHART / "templates").iterdir())
    for name, value in values.items():
        used = [f".Values.{name}.{key}" for key in value] if isinstance(value, dict) and name != "resources" else []
        for path in used or [f".Values.{name}"]:
            assert path in templates or f"with .Values.{name} " in templates, f"{path} is used nowhere"


def test_the_unit_has_no_rights_and_a_watchdog() -> None:
    unit = (DEPLOY / "systemd" / "edgewright-hub.service").read_text()
    lines = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert lines["Type"] == "notify" and int(lines["WatchdogSec"]) == 60
    assert lines["CapabilityBoundingSet"] == "" and lines["ProtectSystem"] == "strict"
    assert lines["User"] == "edgewright-hub"
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "security", "--offline=true", "--threshold=25"]
        done = subprocess.run(
            [*command, str(DEPLOY / "systemd" / "edgewright-hub.service")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-400:] + done.stderr
