"""The answers of the cluster wizard, and the answer file that they mean: `edgewright apply -f` takes the same file.

Answers are one flat map of plain values (so a draft is JSON): `name`, `tags`, `endpoint` (`vip` or `dns`), `vip`,
`dns`, `profiles` (`uid`, `name`, `version`), `variables` (by the uid of a profile, by name), `pools` (fields of
`pool()`, with `hosts`: `uid`, `name`, `address`, `nic`), `ntp`, `ssh_keys`, `timezone`, `namespaces`, `role_bindings`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from edgewright.core.clusters import definition
from edgewright.core.errors import DocumentProblem

COVERED = "********"
"""What is shown in place of the value of a masked variable."""


def initial() -> dict[str, Any]:
    """Return the answers of a new wizard: one pool of control planes that run workloads, no hosts."""
    return {
        "name": "",
        "tags": {},
        "profiles": [],
        "variables": {},
        "endpoint": "vip",
        "vip": "",
        "dns": "",
        "pools": [pool("control-planes", definition.CONTROL_PLANE, works=True)],
        "ntp": [],
        "ssh_keys": [],
        "timezone": "",
        "namespaces": [],
        "role_bindings": [],
    }


def pool(name: str, role: str, works: bool = False) -> dict[str, Any]:
    """Return a pool without hosts; `taints` are texts such as `gpu=yes:NoSchedule`."""
    empty: dict[str, Any] = {"labels": {}, "annotations": {}, "taints": [], "max_unavailable": None, "hosts": []}
    return {"name": name, "role": role, "works": works, **empty}


def hosts_of(answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the hosts of all pools, in order."""
    return [host for each in answers["pools"] for host in each["hosts"]]


def document(answers: Mapping[str, Any], names: Iterable[str] = (), covered: Iterable[str] = ()) -> dict[str, Any]:
    """Return the answer file. `names` are those of all hosts: a name that is there twice gives way to the UID.

    `covered` are `UID/VARIABLE` whose values are covered: for screens.
    """
    count, hidden = Counter(names), frozenset(covered)
    result: dict[str, Any] = {
        "profiles": [
            _profile(item, answers["variables"].get(item["uid"]) or {}, hidden) for item in answers["profiles"]
        ],
        answers["endpoint"]: answers[answers["endpoint"]],
        "pools": [_pool(item, count) for item in answers["pools"]],
        "ntp": _texts(answers["ntp"]),
        "ssh_keys": _texts(answers["ssh_keys"]),
        "timezone": answers["timezone"],
        "tags": dict(answers["tags"]),
        "namespaces": [_filled(row) for row in answers["namespaces"]],
        "role_bindings": [_filled(row) for row in answers["role_bindings"]],
    }
    stored = {key: value for key, value in result.items() if value not in ("", [], {})}
    return {
        "apiVersion": definition.API_VERSION,
        "kind": definition.KIND,
        "metadata": {"name": answers["name"]},
        "answers": stored,
    }


def problems(content: Mapping[str, Any]) -> list[DocumentProblem]:
    """Return what is wrong with an answer file, by the rules of `cluster create` and `apply -f`."""
    return definition.read(content["metadata"]["name"], content["answers"])[1]


def page_of(problem: DocumentProblem) -> str:
    """Return the page of the wizard on which a problem is fixed."""
    head = problem.key.removeprefix("answers.").partition(".")[0].partition("[")[0]
    pages = {"metadata": "about", "tags": "about", "vip": "network", "dns": "network", "pools": "hosts"}
    if head == "profiles":
        return "variables" if ".variables" in problem.key else "profile"
    return pages.get(head, "settings")


def _profile(item: Mapping[str, Any], values: Mapping[str, str], hidden: frozenset[str]) -> dict[str, Any]:
    given = {
        name: COVERED if f"{item['uid']}/{name}" in hidden else value for name, value in values.items() if value != ""
    }
    return {"name": item["name"], "version": item["version"], **({"variables": given} if given else {})}


def _pool(item: Mapping[str, Any], count: Counter[str]) -> dict[str, Any]:
    rest: dict[str, Any] = {key: dict(item[key]) for key in ("labels", "annotations")}
    rest["taints"] = [taint(text) for text in _texts(item["taints"])]
    if item["role"] == definition.CONTROL_PLANE and item["works"]:
        rest["works"] = True
    if item["max_unavailable"] is not None:
        rest["max_unavailable"] = item["max_unavailable"]
    hosts = [_host(host, count) for host in item["hosts"]]
    return {"name": item["name"], "role": item["role"], "hosts": hosts, **{k: v for k, v in rest.items() if v}}


def _host(host: Mapping[str, Any], count: Counter[str]) -> Any:
    name = host["uid"] if count[host["name"]] > 1 or not host["name"] else host["name"]
    more = {key: host[key] for key in ("address", "nic") if host.get(key)}
    return {"name": name, **more} if more else name


def taint(text: str) -> dict[str, str]:
    """Return the taint of `KEY=VALUE:EFFECT`, `KEY:EFFECT` or `KEY`."""
    key, _, effect = text.partition(":")
    name, _, value = key.partition("=")
    parts = {"key": name.strip(), "value": value.strip(), "effect": effect.strip()}
    return {part: word for part, word in parts.items() if word}


def _texts(values: Iterable[Any]) -> list[str]:
    return [str(value).strip() for value in values if str(value).strip()]


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without its empty fields; `cpu` and `memory` are numbers."""
    filled: dict[str, Any] = {}
    for key, value in row.items():
        given = _texts(value) if isinstance(value, list) else value
        if given in ("", [], {}, None):
            continue
        filled[key] = number(given) if key in ("cpu", "memory") else given
    return filled


def number(value: Any) -> Any:
    """Return a number of digits (`2`, `0.5`); what is none stays as it is, for the rules to refuse."""
    for kind in (int, float):
        try:
            return kind(str(value))
        except ValueError:
            continue
    return value
