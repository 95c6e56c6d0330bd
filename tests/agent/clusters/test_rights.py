"""Rights of the users of kubeconfigs: viewers read no Secrets, operators cannot become anybody else (P104)."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.agent.clusters.kube.kubeconfigs import ADMIN, OPERATOR, VIEWER, rights

OBJECTS = {(value["kind"], value["metadata"]["name"]): value for value in rights()}


def allows(role: str, verb: str, group: str, resource: str) -> bool:
    """Return whether a role has a rule for it, as the API server judges rules."""
    rules: list[dict[str, Any]] = OBJECTS["ClusterRole", role]["rules"]
    return any(
        {verb, "*"} & set(rule["verbs"]) and {group, "*"} & set(rule["apiGroups"])
        and {resource, "*"} & set(rule["resources"])
        for rule in rules
        if "resources" in rule
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("impersonate", "", "users"),
        ("impersonate", "", "groups"),
        ("impersonate", "", "serviceaccounts"),
        ("create", "", "serviceaccounts/token"),
        ("get", "", "nodes/proxy"),
        ("create", "", "nodes/proxy"),
        ("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
        ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
        ("create", "certificates.k8s.io", "certificatesigningrequests"),
        ("create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        ("update", "apiregistration.k8s.io", "apiservices"),
    ],
)
def test_no_right_leads_to_more_rights(verb: str, group: str, resource: str) -> None:
    assert not allows(OPERATOR, verb, group, resource) and not allows(VIEWER, verb, group, resource)


def test_operators_have_what_workloads_need_and_viewers_read_it() -> None:
    for group, resource in (("", "pods"), ("apps", "deployments"), ("", "nodes"), ("batch", "jobs"), ("", "events")):
        assert all(allows(OPERATOR, verb, group, resource) for verb in ("list", "create", "patch", "delete"))
        assert allows(VIEWER, "list", group, resource) and not allows(VIEWER, "patch", group, resource)
    for resource in ("pods/exec", "pods/eviction", "secrets"):
        assert allows(OPERATOR, "create", "", resource)
        assert not any(allows(VIEWER, verb, "", resource) for verb in ("get", "list", "create"))


def test_people_are_not_in_the_group_that_nothing_can_revoke() -> None:
    bindings = {
        name: value["roleRef"]["name"] for (kind, name), value in OBJECTS.items() if kind == "ClusterRoleBinding"
    }
    groups = {"edgewright:viewers": VIEWER, "edgewright:operators": OPERATOR, "edgewright:admins": ADMIN}
    assert bindings == {OPERATOR: OPERATOR, ADMIN: "cluster-admin", **groups}
    assert allows(ADMIN, "create", "rbac.authorization.k8s.io", "clusterrolebindings")
    assert "system:masters" not in str(OBJECTS)
