"""The arguments of `kubectl get` that ask for a plain table, and the path of the API that they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

CORE, APPS, BATCH = "/api/v1", "/apis/apps/v1", "/apis/batch/v1"
_NAMESPACED = (
    (CORE, "pods pod po"),
    (CORE, "services service svc"),
    (CORE, "configmaps configmap cm"),
    (CORE, "secrets secret"),
    (CORE, "events event ev"),
    (CORE, "persistentvolumeclaims persistentvolumeclaim pvc"),
    (CORE, "serviceaccounts serviceaccount sa"),
    (APPS, "deployments deployment deploy"),
    (APPS, "daemonsets daemonset ds"),
    (APPS, "statefulsets statefulset sts"),
    (APPS, "replicasets replicaset rs"),
    (BATCH, "jobs job"),
    (BATCH, "cronjobs cronjob cj"),
    ("/apis/networking.k8s.io/v1", "ingresses ingress ing"),
    ("/apis/networking.k8s.io/v1", "networkpolicies networkpolicy netpol"),
    ("/apis/policy/v1", "poddisruptionbudgets poddisruptionbudget pdb"),
)
_OF_CLUSTER = (
    (CORE, "nodes node no"),
    (CORE, "namespaces namespace ns"),
    (CORE, "persistentvolumes persistentvolume pv"),
    ("/apis/storage.k8s.io/v1", "storageclasses storageclass sc"),
)
KINDS = {
    word: (base, spellings.split()[0], inside)
    for inside, rows in ((True, _NAMESPACED), (False, _OF_CLUSTER))
    for base, spellings in rows
    for word in spellings.split()
}
"""By each word that kubectl takes: the path of the group, the plural, and whether it is in namespaces.

Every version is one that API servers will always have. A kind that is missing here is kubectl's work.
"""
_VALUES = {
    "-n": "namespace", "--namespace": "namespace", "-l": "labels", "--selector": "labels",
    "--field-selector": "fields", "-o": "output", "--output": "output",
}  # fmt: skip
_FLAGS = {"-A": "all", "--all-namespaces": "all", "--no-headers": "bare"}
PAGE = 500
"""Objects that are asked for at a time, as kubectl does."""


class Wanted(NamedTuple):
    """A table: where the API has it, and how it is printed."""

    base: str
    resource: str
    name: str = ""
    inside: bool = True
    """Whether the kind is in namespaces."""
    namespace: str = "default"
    everywhere: bool = False
    wide: bool = False
    bare: bool = False
    """Without the line of titles."""
    labels: str = ""
    fields: str = ""

    def path(self, more: str = "") -> str:
        """Return path and query; `more` is the mark from which a list continues."""
        where = f"/namespaces/{quote(self.namespace, safe='')}" if self.inside and not self.everywhere else ""
        path = f"{self.base}{where}/{self.resource}"
        query = {"includeObject": "Metadata" if self.everywhere and self.inside else "None"}
        if self.name:
            return f"{path}/{quote(self.name, safe='')}?{urlencode(query)}"
        query |= {"limit": str(PAGE)}
        given = {"continue": more, "labelSelector": self.labels, "fieldSelector": self.fields}
        return f"{path}?{urlencode(query | {key: value for key, value in given.items() if value})}"

    @property
    def nothing(self) -> str:
        """What kubectl reports of an empty list."""
        return f"No resources found in {self.namespace} namespace." if self._in_one else "No resources found"

    @property
    def _in_one(self) -> bool:
        return self.inside and not self.everywhere


def wanted(arguments: Sequence[str]) -> Wanted | None:
    """Return the table that the arguments of a `kubectl get` ask for, None for what else kubectl can do."""
    plain: list[str] = []
    given: dict[str, str] = {}
    left = list(arguments)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            given[_FLAGS[word]] = "1"
        elif name in _VALUES and (left or equals) and (not equals or name.startswith("--")):
            given[_VALUES[name]] = value if equals else left.pop(0)
        elif word[:2] in ("-n", "-o", "-l") and len(word) > 2 and word[2] not in "=-":
            given[_VALUES[word[:2]]] = word[2:]
        elif word.startswith("-") or not word:
            return None
        else:
            plain.append(word)
    kind = KINDS.get(plain[0]) if 1 <= len(plain) <= 2 else None
    name = plain[1] if len(plain) == 2 else ""
    selects = given.keys() & {"labels", "fields", "all"}
    if kind is None or given.get("output", "wide") != "wide" or (name and selects) or not all(given.values()):
        return None
    base, resource, inside = kind
    return Wanted(
        base, resource, name, inside, given.get("namespace", "default"), "all" in given, "output" in given,
        "bare" in given, given.get("labels", ""), given.get("fields", ""),
    )  # fmt: skip
