"""Pages and questions of the cluster wizard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from edgewright.commands.cluster.wizard_answers import number, taint
from edgewright.core.clusters import definition
from edgewright.core.clusters.definition import CONTROL_PLANE, EFFECTS, WORKER
from edgewright.core.installer.checks import ssh_key
from edgewright.core.installer.questions import Choice, Question


class WizardStep(NamedTuple):
    """A page: its key (also the word in the row of steps), its headline, and why it asks."""

    key: str
    question: str
    why: str


ABOUT, PROFILE, VARIABLES, NETWORK, HOSTS = "about", "profile", "variables", "network", "hosts"
PREFLIGHT, SETTINGS, SUMMARY = "preflight", "settings", "summary"
ANSWERS: dict[str, tuple[str, ...]] = {
    ABOUT: ("name", "tags"),
    PROFILE: ("profiles",),
    VARIABLES: ("variables",),
    NETWORK: ("endpoint", "vip", "dns"),
    HOSTS: ("pools",),
    SETTINGS: ("ntp", "ssh_keys", "timezone", "namespaces", "role_bindings"),
}
"""Keys of the answers of each page."""
PAGES: tuple[WizardStep, ...] = (
    WizardStep(
        ABOUT,
        "What is the cluster called?",
        "The name is in certificates and kubeconfigs, so it never changes. Tags can change at any time; filters and "
        "rights of users go by them.",
    ),
    WizardStep(
        PROFILE,
        "Which profiles does it have?",
        "One full or infrastructure profile has what runs: operating system, Kubernetes, network, storage. Add-on "
        "profiles add to it. The cluster gets a copy of the published version: a later change of the profile changes "
        "no cluster until you apply it.",
    ),
    WizardStep(
        VARIABLES,
        "Which values does it have of its own?",
        "Profiles ask for what differs from cluster to cluster. A field that stays empty has the default of the "
        "profile.",
    ),
    WizardStep(
        NETWORK,
        "At which address is its API?",
        "A VIP is a free address in the network of the control planes; one of them has it at a time, and another one "
        "takes it over. With a DNS name you serve the name and its balancing yourself. One host needs one too: it is "
        "in the certificates, and more control planes can join later. The networks of pods and services come from the "
        "profile and must not overlap networks of the site.",
    ),
    WizardStep(
        HOSTS,
        "Which hosts form it?",
        "One or three control planes; two are less available than one. Hosts must be registered, healthy and in no "
        "other cluster. An address or a network card of a host is set only where it has several; the address must be "
        "on the host already.",
    ),
    WizardStep(
        PREFLIGHT,
        "Are the hosts ready?",
        "Each host checks itself and reports all that is wrong at once, with what to do. The plane checks the "
        "entire cluster. Hosts check again before they form it and wait where something is wrong.",
    ),
    WizardStep(
        SETTINGS,
        "Which settings does it have?",
        "All of them can change later. Time servers and SSH keys are those of its hosts; namespaces and role bindings "
        "are made in the cluster.",
    ),
)


def _name(value: Any, _answers: Mapping[str, Any]) -> str:
    return definition.name_problem(str(value)) if value else ""


def _vip(value: Any, _answers: Mapping[str, Any]) -> str:
    return definition.vip_problem(str(value)) if value else ""


def _dns(value: Any, _answers: Mapping[str, Any]) -> str:
    return definition.dns_problem(str(value)) if value else ""


def _keys(value: Any, _answers: Mapping[str, Any]) -> str:
    return next((f"{text[:30]}: {wrong}" for text in value or () if text.strip() and (wrong := ssh_key(text))), "")


def _taints(value: Any, _answers: Mapping[str, Any]) -> str:
    for text in filter(None, (str(item).strip() for item in value or ())):
        parts = taint(text)
        if not parts.get("key"):
            return f"{text[:40]} has no key; write KEY=VALUE:NoSchedule."
        if parts.get("effect", EFFECTS[0]) not in EFFECTS:
            return f"The effect of {text[:40]} is none of {', '.join(EFFECTS)}."
    return ""


def _most(value: Any, _answers: Mapping[str, Any]) -> str:
    return "Write a number above 0." if value is not None and value < 1 else ""


def _amount(value: Any, _answers: Mapping[str, Any]) -> str:
    amount = number(value)
    fits = isinstance(amount, int | float) and amount > 0
    return "" if value in ("", None) or fits else "Write a number above 0, such as 2 or 0.5."


def _subjects(row: Mapping[str, Any]) -> str:
    return "" if any(row.get(key) for key in ("users", "groups", "accounts")) else "Name a user, a group or an account."


ABOUT_FIELDS: tuple[Question, ...] = (
    Question("name", "name", help="Small letters, digits and -, at most 63. It never changes.", required=True,
             check=_name, example="store-7"),
    Question("tags", "tags", "map", help="Tags, one on each line: NAME=VALUE.", example="site=berlin"),
)  # fmt: skip
NETWORK_FIELDS: tuple[Question, ...] = (
    Question("endpoint", "API", "choice", help="Where kubectl and the hosts find the API. It never changes.",
             choices=(Choice("vip", "a VIP: its control planes share an address"),
                      Choice("dns", "a DNS name: you serve it")), default="vip"),
    Question("vip", "VIP", help="An address that nothing uses, in the network of the control planes.", required=True,
             shown=lambda answers: answers.get("endpoint") == "vip", check=_vip, example="10.0.0.100"),
    Question("dns", "DNS name", help="A name that leads to the control planes at port 6443.", required=True,
             shown=lambda answers: answers.get("endpoint") == "dns", check=_dns, example="api.store-7.example.org"),
)  # fmt: skip
NAMESPACE = (
    Question("name", "name", required=True, help="A namespace that the cluster gets.", example="tills"),
    Question("cpu", "CPUs", help="How many CPUs its pods may ask for; empty: no limit.", check=_amount, example="2"),
    Question("memory", "memory MiB", help="How much memory its pods may ask for.", check=_amount, example="4096"),
)
BINDING = (
    Question("name", "name", required=True, help="Name of the binding.", example="viewers"),
    Question("role", "role", required=True, help="A ClusterRole, such as view, edit or admin.", example="view"),
    Question("namespace", "namespace", help="Empty: in all namespaces."),
    Question("users", "users", "lines", help="Names of users, one on each line.",
             check=lambda value, row: _subjects(row)),
    Question("groups", "groups", "lines", help="Names of groups, one on each line."),
    Question("accounts", "accounts", "lines", help="Service accounts of the namespace, one on each line."),
)  # fmt: skip
SETTING_FIELDS: tuple[Question, ...] = (
    Question("ntp", "time servers", "lines", help="NTP servers of the hosts, one on each line; empty: as they are.",
             example="ntp.example.org"),
    Question("ssh_keys", "SSH keys", "lines", help="Public keys that may log in at the hosts.", check=_keys,
             example="ssh-ed25519 AAAA... ana@example.org"),
    Question("timezone", "time zone", help="For maintenance windows.", placeholder="UTC", example="Europe/Berlin"),
    Question("namespaces", "namespaces", "rows", help="Namespaces with what their pods may ask for.",
             fields=NAMESPACE),
    Question("role_bindings", "role bindings", "rows", help="Who may do what in the cluster.", fields=BINDING),
)  # fmt: skip
POOL_FIELDS = Question(
    "pools", "pool", "rows",
    fields=(
        Question("name", "name", required=True, check=_name, help="Name of the pool.", example="workers"),
        Question("role", "role", "choice", help="Control planes run the API and etcd. A pool never changes its role.",
                 choices=(Choice(WORKER, "workers"), Choice(CONTROL_PLANE, "control planes")), default=WORKER),
        Question("works", "workloads", "flag", help="Control planes run workloads too.",
                 shown=lambda row: row.get("role") == CONTROL_PLANE),
        Question("max_unavailable", "at a time", "int", help="Hosts that change at a time; empty: one.", check=_most),
        Question("labels", "labels", "map", help="Labels of its nodes, one on each line: KEY=VALUE."),
        Question("annotations", "annotations", "map", help="Annotations of its nodes, one on each line: KEY=VALUE."),
        Question("taints", "taints", "lines", help="Taints of its nodes: KEY=VALUE:NoSchedule.", check=_taints),
    ),
)  # fmt: skip
HOST_FIELDS = Question(
    "hosts", "host", "rows",
    fields=(
        Question("address", "address", help="An address that the host has already; empty: its main one.",
                 check=_vip, example="10.0.0.13"),
        Question("nic", "network card", help="The card with the address; empty: its default one.", example="eth1"),
    ),
)  # fmt: skip
