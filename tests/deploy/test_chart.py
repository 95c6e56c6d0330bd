"""The Helm chart for real: linted, rendered with several files of values, and each object valid for Kubernetes' API."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgewright.hub.process.cli import build_parser
from tests.deploy import parts
from tests.support import ROOT

pytestmark = pytest.mark.e2e
CHART = ROOT / "deploy" / "helm" / "edgewright-hub"
VALUES = sorted((Path(__file__).parent / "values").glob("*.yaml"))
RELEASES = ("1.27", "1.31", "1.36")
"""Kubernetes releases whose schemas apply: the oldest that the chart accepts, and newer ones."""
Valid = Callable[[dict[str, Any], str], None]


@pytest.fixture(scope="module")
def valid() -> Valid:
    """Return what raises for an object that a release of Kubernetes would not accept, also for an unknown property."""
    folder = parts.library(parts.VALIDATOR)
    sys.path.append(folder)
    try:
        import kubernetes_validate  # type: ignore[import-not-found]
    finally:
        sys.path.remove(folder)

    def check(document: dict[str, Any], release: str) -> None:
        kubernetes_validate.validate(document, release, strict=True)

    return check


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([parts.helm(), *words], capture_output=True, text=True, check=False, timeout=60)


def rendered(values: Path, *words: str) -> list[dict[str, Any]]:
    done = helm("template", "plane", str(CHART), "-f", str(values), *words)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_each_object_is_valid_for_kubernetes(valid: Valid, values: Path) -> None:
    done = helm("lint", "--strict", str(CHART), "-f", str(values))
    assert done.returncode == 0 and "0 chart(s) failed" in done.stdout, done.stdout + done.stderr
    documents = rendered(values)
    for document in documents:
        for release in RELEASES:
            valid(document, release)
    count = {document["kind"]: document for document in documents}
    assert len(count) == len(documents), "one object of each kind"
    arguments = count["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"]
    build_parser().parse_args(arguments)
    given = yaml.safe_load(values.read_text())
    names = ["$(POD_IP)", *given["advertise"], "plane.default.svc"]
    assert [word for word in arguments if "advertise" in word] == [f"--advertise={name}" for name in names]
    assert ("PodDisruptionBudget" in count) == (given.get("replicas", 2) > 1)
    assert ("NetworkPolicy" in count) == given.get("networkPolicy", {}).get("enabled", True)


def test_the_validator_refuses_what_kubernetes_refuses(valid: Valid) -> None:
    (deployment,) = [each for each in rendered(VALUES[0]) if each["kind"] == "Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["livenessProbes"] = {}
    with pytest.raises(Exception, match="livenessProbes"):
        valid(deployment, RELEASES[0])


def test_every_value_arrives_in_an_object() -> None:
    """What `every.yaml` sets, and the default would not, is in the objects."""
    every = Path(__file__).parent / "values" / "every.yaml"
    leaves = list(_leaves(yaml.safe_load(every.read_text())))
    assert len(leaves) > 30
    shown = set(_leaves(rendered(every)))
    absent = [leaf for leaf in leaves if leaf not in shown and not any(str(leaf) in str(other) for other in shown)]
    assert absent in ([], ["0.2.0"]), "a digest counts more than the tag"


@pytest.mark.parametrize(
    ("settings", "policy", "port"),
    [
        (("type=LoadBalancer",), "Local", None),
        (("type=NodePort", "nodePort=30443"), "Cluster", 30443),
        (("type=NodePort", "externalTrafficPolicy=Local"), "Local", None),
        (("type=ClusterIP", "nodePort=30443"), None, None),
    ],
)
def test_every_node_takes_connections_where_no_balancer_asks_the_nodes(
    settings: tuple[str, ...], policy: str | None, port: int | None
) -> None:
    words = [word for setting in settings for word in ("--set", f"service.{setting}")]
    (service,) = [each for each in rendered(VALUES[-1], *words) if each["kind"] == "Service"]
    assert service["spec"].get("externalTrafficPolicy") == policy
    assert service["spec"]["ports"][0].get("nodePort") == port


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_hubs_reach_each_other_whatever_the_policy_allows(values: Path) -> None:
    """A stream of the relay whose client is at one hub and whose host is at another one passes between them."""
    documents = {document["kind"]: document["spec"] for document in rendered(values)}
    if "NetworkPolicy" not in documents:
        return
    policy, hubs = documents["NetworkPolicy"], {"podSelector": documents["NetworkPolicy"]["podSelector"]}
    for rules, key in ((policy["ingress"], "from"), (policy["egress"], "to")):
        allowed = [rule for rule in rules if {"port": "https", "protocol": "TCP"} in rule["ports"]]
        assert any(hubs in rule.get(key, [hubs]) for rule in allowed), rules


def _leaves(value: Any) -> Any:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif not isinstance(value, bool):
        yield value


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("replica=3", "replica"),
        ("replicas=0", "minimum"),
        ("image.repository=", "image.repository is required"),
        ("image.digest=sha256:abc", "digest"),
        ("podDisruptionBudget.minAvailable=2", "smaller than replicas"),
        ("preStopSeconds=20", "terminationGracePeriodSeconds must be at least preStopSeconds + 30"),
        ("service.nodePort=70000", "nodePort"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(setting: str, message: str) -> None:
    done = helm("template", "plane", str(CHART), "--set", "image.repository=r/hub", "--set", setting)
    assert done.returncode != 0 and message in done.stderr, done.stderr


def test_the_notes_name_what_to_do_next() -> None:
    done = helm("install", "plane", str(CHART), "-f", str(VALUES[-1]), "--dry-run=client", "--namespace", "edge")
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
    assert "rollout status -n edge deployment/plane" in notes and "admin-api-key" in notes and "ca.crt" in notes
