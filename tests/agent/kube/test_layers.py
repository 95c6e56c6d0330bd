"""Rules of a layer's objects without a cluster: order, readiness, pruning, and releases of charts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgewright.agent.kube.applyset import check_prune, prune_plan, set_id
from edgewright.agent.kube.helm import Revision, read_revisions, repair, settled, upgrade
from edgewright.agent.kube.objects import Ref, in_order, read_objects, removal_order, split_definitions
from edgewright.agent.kube.ready import readiness
from edgewright.core.errors import InvalidInput, Refused


def thing(kind: str, name: str = "x", version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


def test_json_documents_and_lists_are_opened() -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [thing("ConfigMap", "b"), thing("Secret", "c")]}
    objects = read_objects(json.dumps(thing("Pod", "a")) + "\n" + json.dumps(listed))
    assert [value["metadata"]["name"] for value in objects] == ["a", "b", "c"]


@pytest.mark.parametrize("text", ["{", "[1]", '{"kind":"Pod"}', "1", '{"apiVersion":"v1","kind":"Pod","metadata":[]}'])
def test_what_is_not_an_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_objects(text)


def test_definitions_and_namespaces_are_first_and_webhooks_last() -> None:
    kinds = [
        "ValidatingWebhookConfiguration",
        "Deployment",
        "Service",
        "Namespace",
        "CustomResourceDefinition",
        "Secret",
    ]
    order = [value["kind"] for value in in_order([thing(kind) for kind in kinds])]
    assert order[:3] == ["CustomResourceDefinition", "Namespace", "Secret"] and order[-1] == kinds[0]
    definitions, namespaces, rest = split_definitions([thing(kind) for kind in kinds])
    assert (len(definitions), len(namespaces), len(rest)) == (1, 1, 4)
    refs = [Ref("v1", kind, "", "x") for kind in kinds]
    assert [ref.kind for ref in removal_order(refs)] == order[::-1]


def test_the_id_of_a_set_follows_kep_3659() -> None:
    # sha256("edgewright-layer-web.kube-system.ConfigMap."), base64 for URLs without padding.
    assert set_id("edgewright-layer-web").startswith("applyset-") and set_id("edgewright-layer-web").endswith("-v1")
    assert set_id("a") != set_id("b") and "=" not in set_id("a") and len(set_id("a")) == len("applyset-") + 43 + 3


WEB, CLAIM = Ref("apps/v1", "Deployment", "shop", "web"), Ref("v1", "PersistentVolumeClaim", "shop", "data")


def test_lasting_kinds_are_removed_only_when_the_layer_says_so() -> None:
    assert prune_plan([WEB, CLAIM], [], "orphan") == ((WEB,), (CLAIM,))
    assert prune_plan([WEB, CLAIM], [], "delete") == ((WEB, CLAIM), ())
    older = WEB._replace(api_version="apps/v1beta2")
    assert prune_plan([older], [WEB]) == ((), ())  # another version of the same object is not another object


def test_a_large_removal_needs_an_approved_plan() -> None:
    refs = [Ref("v1", "ConfigMap", "shop", f"c{n:02}") for n in range(30)]
    few = prune_plan(refs, refs[15:])
    check_prune("web", few, 30)
    with pytest.raises(Refused, match="Layer web would remove 16 of its 30 objects") as caught:
        check_prune("web", prune_plan(refs, refs[16:]), 30)
    assert caught.value.code == "PruneNotApproved"
    with pytest.raises(Refused):
        check_prune("web", prune_plan(refs, refs[21:]), 100)  # a fifth of the set, but more than 20
    check_prune("web", prune_plan(refs, refs[16:]), 30, frozenset(str(ref) for ref in refs[:16]))
    check_prune("web", prune_plan(refs[:1], []), 1)  # a set of one


@pytest.mark.parametrize(
    ("value", "ready", "text"),
    [
        (
            thing(
                "Deployment", spec={"replicas": 2}, status={"updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}
            ),
            True,
            "",
        ),
        (
            thing("Deployment", spec={"replicas": 2}, status={"updatedReplicas": 2, "availableReplicas": 1}),
            False,
            "1 of 2 replicas available",
        ),
        (
            thing(
                "Deployment", spec={"replicas": 1}, status={"updatedReplicas": 1, "availableReplicas": 1, "replicas": 2}
            ),
            False,
            "1 old replicas",
        ),
        (thing("Deployment", spec={"replicas": 0}, status={}), True, ""),
        (thing("Deployment", spec={}, status={}), False, "0 of 1"),
        (thing("DaemonSet", status={}), False, "not seen it"),
        (
            thing(
                "DaemonSet",
                status={
                    "observedGeneration": 1,
                    "desiredNumberScheduled": 3,
                    "updatedNumberScheduled": 3,
                    "numberAvailable": 2,
                },
            ),
            False,
            "2 of 3 pods available",
        ),
        (
            thing("StatefulSet", spec={"replicas": 2}, status={"readyReplicas": 2, "updatedReplicas": 1}),
            False,
            "1 of 2",
        ),
        (
            thing("Job", status={"conditions": [{"type": "Failed", "status": "True", "message": "deadline"}]}),
            False,
            "it failed: deadline",
        ),
        (thing("Job", status={"conditions": [{"type": "Complete", "status": "True"}]}), True, ""),
        (thing("CustomResourceDefinition", status={}), False, "Established is unknown"),
        (
            thing("Node", status={"conditions": [{"type": "Ready", "status": "False", "message": "no network"}]}),
            False,
            "no network",
        ),
        (thing("Namespace", status={"phase": "Terminating"}), False, "Terminating"),
        (thing("ConfigMap"), True, ""),
    ],
)
def test_readiness(value: dict[str, Any], ready: bool, text: str) -> None:
    seen, why = readiness(value)
    assert seen is ready and text in why and bool(why) is not ready


def test_a_change_that_no_controller_has_seen_is_not_ready() -> None:
    value = thing("Deployment", spec={"replicas": 0}, status={"observedGeneration": 1})
    value["metadata"]["generation"] = 2
    assert readiness(value)[0] is False
    value["metadata"].update(generation=1, deletionTimestamp="2026-01-01T00:00:00Z")
    assert readiness(value) == (False, "it is being deleted")


def history(*states: str) -> list[Revision]:
    return [Revision(number, state) for number, state in enumerate(states, 1)]


@pytest.mark.parametrize(
    ("states", "verb"),
    [
        ([], None),
        (["deployed"], None),
        (["superseded", "failed"], None),
        (["failed"], None),
        (["pending-install"], "uninstall"),
        (["failed", "pending-upgrade"], "uninstall"),
        (["deployed", "pending-upgrade"], "rollback"),
        (["superseded", "deployed", "pending-rollback"], "rollback"),
        (["deployed", "uninstalling"], "uninstall"),
    ],
)
def test_an_interrupted_release_is_resolved_before_an_upgrade(states: list[str], verb: str | None) -> None:
    todo = repair(history(*states), "web", "shop")
    assert (todo.arguments[0] if todo else None) == verb
    if todo and verb == "rollback":
        assert todo.arguments[2] == str(len(states) - 1)  # the newest revision that was in use


def test_revisions_are_read_from_labels_and_sorted() -> None:
    secrets = [{"metadata": {"labels": {"version": number, "status": state}}} for number, state in
               [("10", "deployed"), ("9", "superseded"), ("x", "deployed")]]  # fmt: skip
    assert read_revisions([*secrets, {"metadata": {}}, {}]) == [Revision(9, "superseded"), Revision(10, "deployed")]
    assert settled(read_revisions(secrets)) and not settled([])


def test_helm_ends_before_its_step_does() -> None:
    arguments = upgrade("web", "shop", "/x/web.tgz", ["/x/values.json"], 900.0)
    assert "--timeout=870s" in arguments and "--skip-crds" in arguments and "--force-conflicts" not in arguments
