"""Rules about pods and what they wait for, claims of volumes, and admission webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.facts import Claim, Node, Pod, Port, Waiting, Webhook
from edgewright.core.doctor.findings import DESTRUCTIVE, LIKELY, SURE, UNSURE, Diagnosis
from tests.core.doctor.healthy import HEALTHY, NOW, log

MOUNT = 'MountVolume.SetUp failed for volume "data" : configmap "prices" not found'
SCHEDULE = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
OLD = NOW - 600
TILL = Claim("shop", "till", OLD)
LOCAL = {"local": ("rancher.io/local-path", "WaitForFirstConsumer")}


def diagnosed(**changes: Any) -> Diagnosis:
    return diagnose(HEALTHY._replace(**changes))


def waits(status: str, *reasons: str, made: float = OLD, claims: tuple[str, ...] = ()) -> dict[str, Any]:
    pods = (Pod("shop", "till", "0/1", status),)
    return {"pods": pods, "waiting": {"shop/till": Waiting(made, claims, reasons)}}


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        ("ContainerCreating", MOUNT, "waits for the ConfigMap prices, which is not there"),
        ("CreateContainerConfigError", 'secret "pw" not found', "waits for the Secret pw, which is not there"),
        (
            "CreateContainerConfigError",
            "couldn't find key a.b in ConfigMap shop/prices",
            "the key a.b of the ConfigMap",
        ),
        ("PodInitializing", "references non-existent secret key: tls.crt", "waits for the key tls.crt"),
        ("Pending", 'persistentvolumeclaim "till" not found', "waits for the PersistentVolumeClaim till"),
    ],
)
def test_a_pod_waits_for_what_is_not_there(status: str, reason: str, words: str) -> None:
    (found,) = diagnosed(**waits(status, "timed out waiting for the condition", reason)).findings
    assert (found.symptom, found.certainty) == ("pods-fail", LIKELY) and words in found.text
    assert "shop" in found.next_step and {line.probe for line in found.evidence} >= {"kubernetes.waits"}
    (young,) = diagnosed(**waits(status, reason, made=NOW - 3)).findings
    assert young.certainty == UNSURE, "it was made a moment ago"


def test_an_event_counts_while_the_kubelet_would_write_it_again() -> None:
    for at, count in ((NOW - 100, 1), (NOW - 300, 0), (None, 1)):
        pods = (Pod("shop", "till", "0/1", "ContainerCreating"),)
        found = diagnosed(pods=pods, waiting={"shop/till": Waiting(OLD, (), (), ((at, MOUNT),))}).findings
        assert len(found) == count and all("ConfigMap prices" in each.text for each in found)


def test_a_pod_that_is_just_being_made_is_no_fault_and_one_that_finds_no_node_is_unsure() -> None:
    assert not diagnosed(**waits("ContainerCreating")).findings
    assert not diagnosed(**waits("ContainerCreating", "timed out waiting for the condition")).findings
    (found,) = diagnosed(**waits("Pending", "0/1 nodes are available: 1 Insufficient memory.")).findings
    assert found.certainty == UNSURE and found.text.endswith("1 Insufficient memory.")


@pytest.mark.parametrize(
    ("claim", "classes", "words"),
    [
        (TILL, {}, "no default one is there"),
        (TILL._replace(storage_class="fast"), LOCAL, "its storage class fast is not there"),
        (
            TILL._replace(storage_class="local", node="edge-1"),
            LOCAL,
            "the provisioner rancher.io/local-path has not made",
        ),
        (TILL._replace(storage_class="local"), {"local": ("x", "Immediate")}, "the provisioner x has not made"),
        (TILL._replace(storage_class="m"), {"m": ("kubernetes.io/no-provisioner", "Immediate")}, "has no provisioner"),
        (TILL._replace(storage_class=""), LOCAL, "made manually"),
        (TILL._replace(storage_class="local"), LOCAL, ""),
        (TILL._replace(storage_class="local", node="edge-1", made=NOW - 20), LOCAL, ""),
    ],
)
def test_a_claim_that_gets_no_volume(claim: Claim, classes: dict[str, tuple[str, str]], words: str) -> None:
    changes = {"claims": (claim,), "storage_classes": classes}
    (found,) = diagnosed(**waits("Pending", SCHEDULE, claims=("till",)), **changes).findings
    assert found.symptom == "pods-fail" and found.certainty == (LIKELY if words else UNSURE)
    assert words in found.text and ("claim till" in found.text) == bool(words)
    alone = diagnosed(**changes).findings
    assert [(f.object, f.certainty) for f in alone] == (
        [("claim till", UNSURE)] if words and claim.storage_class != "" else []
    )


def test_the_log_of_the_kubelet_tells_it_where_the_cluster_is_not_asked() -> None:
    line = r"MountVolume.SetUp failed for volume \"data\" pod \"till\" (UID: \"1\") : configmap \"prices\" not found"
    unknown: dict[str, Any] = {"pods": None, "nodes": None, "kubelet_log": log(line)}
    (found,) = diagnosed(**unknown).findings
    assert (found.symptom, found.certainty) == ("pods-fail", LIKELY)
    assert found.text == "A pod of this node (till) waits for the ConfigMap prices, which is not there."
    old = tuple(line._replace(at=NOW - 300) for line in log(line))
    assert not diagnosed(**{**unknown, "kubelet_log": old}).findings, "a kubelet tries again within two minutes"
    assert not diagnosed(kubelet_log=log(line), nodes=(Node("edge-1", "Ready"),)).findings


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (Webhook("checks", "shop/hook", "no-endpoint"), "no pod serves it (shop/hook)"),
        (Webhook("checks", "shop/hook", "", Port("10.244.0.9", 9443, "refused")), "shop/hook refuses connections"),
        (Webhook("checks", "https://10.0.0.9/x", "", Port("10.0.0.9", 443, "silent")), "does not answer"),
        (Webhook("checks", "shop/hook", "", Port("10.244.0.9", 9443, "open")), ""),
        (Webhook("checks", "shop/hook"), ""),
    ],
)
def test_a_webhook_that_must_answer(hook: Webhook, words: str) -> None:
    found = diagnosed(webhooks=(hook, hook)).findings
    assert [(f.symptom, f.certainty) for f in found] == ([("webhook-down", LIKELY)] if words else [])
    assert all(words in f.text and f.fixes[0].danger != DESTRUCTIVE for f in found)


def test_a_node_that_is_not_ready_explains_pods_and_no_webhook() -> None:
    hook = Webhook("checks", "shop/hook", "no-endpoint")
    found = diagnosed(nodes=(Node("edge-1", "NotReady"),), webhooks=(hook,), **waits("Pending", SCHEDULE)).findings
    assert [f.symptom for f in found if f.certainty == SURE] == ["node-not-ready"]
    assert {f.symptom for f in found} == {"node-not-ready", "webhook-down", "pods-fail"}
