"""Where the user is in the cluster wizard, and what was answered; no widgets, nothing is asked of anybody."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.commands.cluster import wizard_answers
from edgewright.commands.host.operations import Check
from edgewright.core.clusters.definition import CONTROL_PLANE
from edgewright.core.errors import DocumentProblem
from edgewright.core.profiles.model import Variable
from tui.wizards.cluster.pages import ANSWERS, PAGES, PREFLIGHT, SUMMARY, VARIABLES, WizardStep


class HostResult(NamedTuple):
    """The preflight of a host: `state` is running, done or error; `took` counts seconds."""

    state: str
    began: float
    took: float = 0.0
    checks: tuple[Check, ...] = ()
    message: str = ""
    asked: tuple[str, str] = ("", "")
    """Address and network card for which it was checked."""

    @property
    def failed(self) -> list[Check]:
        """Return the checks that failed."""
        return [check for check in self.checks if check.state == "failed"]


class ClusterState:
    """The answers, the page in front, and what hosts and plane reported about them.

    `at` counts the pages; one past the last of them is the summary.
    """

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers: dict[str, Any] = {**wizard_answers.initial(), **copy.deepcopy(dict(answers or {}))}
        self.variables: dict[str, tuple[Variable, ...]] = {}
        """Variables of the chosen profiles, by uid, where they are known."""
        self.at = 0
        self.pool = 0
        """Place of the pool that gets the next host."""
        self.seen: set[str] = set()
        self.problems: tuple[DocumentProblem, ...] = ()
        self.results: dict[str, HostResult] = {}
        """Preflights by the uid of a host."""
        self.refused: tuple[str, ...] = ()
        """What the plane refuses, as sentences."""
        self.unasked = ""
        """Why the plane could not be asked, "" when it could."""
        self.accepted: dict[str, Any] | None = None
        """The document that the plane has accepted."""
        self.kubernetes: Any = None
        """What the profile gives (`wizard_api.Kubernetes`), where that is known."""
        self.resumed = bool(answers)
        self._begun = copy.deepcopy(self.answers)

    @property
    def page(self) -> WizardStep | None:
        """Return the page in front, None on the summary."""
        return PAGES[self.at] if self.at < len(PAGES) else None

    @property
    def key(self) -> str:
        """Return the key of the page in front."""
        return self.page.key if self.page is not None else SUMMARY

    @property
    def touched(self) -> bool:
        """Whether something was answered since the beginning, or was when it began."""
        return self.resumed or self.answers != self._begun

    # Pages ----------------------------------------------------------------------------------------------------------

    def go(self, key: str) -> None:
        """Go to the page of this key; the summary is `summary`."""
        self.at = next((at for at, page in enumerate(PAGES) if page.key == key), len(PAGES))

    def step(self, step: int) -> None:
        """Go to the next page (1) or the one before (-1); profiles that ask for nothing have no page of variables."""
        if step > 0 and self.page is not None:
            self.seen.add(self.page.key)
        self.at = min(max(self.at + step, 0), len(PAGES))
        if self.key == VARIABLES and not self.asked:
            self.at += step

    def problems_of(self, key: str) -> list[DocumentProblem]:
        """Return what is wrong on a page; what failed in a preflight stops nothing and is none."""
        return [problem for problem in self.problems if wizard_answers.page_of(problem) == key]

    def first_wrong(self) -> str:
        """Return the key of the first page with something wrong, "" when there is none."""
        return next((page.key for page in PAGES if self.problems_of(page.key)), "")

    # Profiles -------------------------------------------------------------------------------------------------------

    @property
    def profiles(self) -> list[dict[str, str]]:
        """Return the chosen profiles, the one with the infrastructure first."""
        chosen: list[dict[str, str]] = self.answers["profiles"]
        return chosen

    @property
    def asked(self) -> list[tuple[str, Variable]]:
        """Return the variables that are asked for, each with the uid of its profile."""
        return [
            (item["uid"], variable)
            for item in self.profiles
            for variable in self.variables.get(item["uid"], ())
            if not variable.hidden and not variable.read_only
        ]

    def take_profile(self, uid: str, name: str, version: str, kind: str) -> None:
        """Choose a profile: an infrastructure replaces the one before, an add-on comes to the others or leaves."""
        item = {"uid": uid, "name": name, "version": version, "kind": kind}
        there = any(each["uid"] == uid for each in self.profiles)
        if kind == "add-on":
            rest = [each for each in self.profiles if each["kind"] != "add-on" or each["name"] != name]
            chosen = rest if there else [*rest, item]
        else:
            before = next((each for each in self.profiles if each["kind"] != "add-on"), None)
            values = self.answers["variables"]
            if before is not None and before["name"] == name and before["uid"] != uid:
                values[uid] = values.get(before["uid"], {})  # another version: what was typed stays
            chosen = [item, *(each for each in self.profiles if each["kind"] == "add-on")]
        self.answers["profiles"] = chosen

    def value(self, uid: str, name: str) -> str:
        """Return the value of a variable, "" where none was given."""
        return str((self.answers["variables"].get(uid) or {}).get(name, ""))

    def put_value(self, uid: str, name: str, value: str) -> bool:
        """Set the value of a variable; returns whether it is another one now."""
        before = self.value(uid, name)
        self.answers["variables"].setdefault(uid, {})[name] = value
        return before != value

    @property
    def masked(self) -> list[str]:
        """Return `UID/VARIABLE` of the masked variables."""
        return [f"{uid}/{item.name}" for uid, rows in self.variables.items() for item in rows if item.masked]

    # Pools and hosts ------------------------------------------------------------------------------------------------

    @property
    def pools(self) -> list[dict[str, Any]]:
        """Return the pools."""
        pools: list[dict[str, Any]] = self.answers["pools"]
        return pools

    @property
    def hosts(self) -> list[dict[str, Any]]:
        """Return the chosen hosts, pool by pool."""
        return wizard_answers.hosts_of(self.answers)

    @property
    def control_planes(self) -> list[dict[str, Any]]:
        """Return the hosts that are control planes; the first one forms the cluster."""
        return [host for pool in self.pools if pool["role"] == CONTROL_PLANE for host in pool["hosts"]]

    def add_host(self, uid: str, name: str) -> None:
        """Add a host to the pool in front."""
        self.pools[self.pool]["hosts"].append({"uid": uid, "name": name, "address": "", "nic": ""})

    def remove_host(self, uid: str) -> None:
        """Take a host out of its pool."""
        for pool in self.pools:
            pool["hosts"] = [host for host in pool["hosts"] if host["uid"] != uid]
        self.results.pop(uid, None)

    def put_pool(self, place: int, row: Mapping[str, Any]) -> None:
        """Change the pool at a place, or add one at the end; its hosts stay."""
        if place < len(self.pools):
            self.pools[place] = {**self.pools[place], **row}
        else:
            self.pools.append({**wizard_answers.pool(str(row["name"]), str(row["role"])), **row})
        self.pool = min(place, len(self.pools) - 1)

    def remove_pool(self, place: int) -> None:
        """Remove a pool; its hosts are free again."""
        del self.pools[place]
        self.pool = min(self.pool, max(len(self.pools) - 1, 0))

    def unchecked(self) -> list[dict[str, Any]]:
        """Return the hosts without a preflight for their address and card."""
        return [
            host
            for host in self.hosts
            if (result := self.results.get(host["uid"])) is None or result.asked != (host["address"], host["nic"])
        ]

    def unready(self) -> list[str]:
        """Return the names of hosts whose preflight failed or did not end well."""
        every = {host["uid"]: host["name"] for host in self.hosts}
        return [
            name
            for uid, name in every.items()
            if (result := self.results.get(uid)) is not None and (result.failed or result.state == "error")
        ]

    # The document ---------------------------------------------------------------------------------------------------

    def document_before(self, names: Iterable[str], covered: Sequence[str]) -> dict[str, Any]:
        """Return the answer file without the answers of the page in front."""
        empty = wizard_answers.initial()
        reset = {key: empty[key] for key in ANSWERS.get(self.key, ())}
        return wizard_answers.document({**self.answers, **reset}, names, covered)

    def document(self, names: Iterable[str] = (), covered: Sequence[str] = ()) -> dict[str, Any]:
        """Return the answer file that these answers mean."""
        return wizard_answers.document(self.answers, names, covered)


def done(state: ClusterState) -> set[str]:
    """Return the keys of the pages that were left without anything wrong."""
    ready = {key for key in state.seen if not state.problems_of(key)}
    if state.unready() or state.unchecked():
        ready.discard(PREFLIGHT)
    return ready
