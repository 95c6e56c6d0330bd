"""`lab rehearse`: the seven steps of the guide on a lab, by the command line that a user has, each with its proof.

From nothing to an application that answers through the API of its cluster. The lab is removed afterwards, unless it is
to stay or a step failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from edgewright.core.errors import Failed
from edgewright.lab import fleet, product
from edgewright.lab.kubernetes import build, cluster
from edgewright.lab.state import Folder, LabState

Report = Callable[[str], None]

TITLES = (
    "Address of the hub", "Registration token", "Install command", "First host", "Profile", "Cluster", "Application",
)  # fmt: skip
"""The steps of the guide in their order. Hosts of a lab have no installer: the agent's own `install` sets them up."""
ANSWERS_WITHIN = 180.0
"""Seconds from a healthy cluster until its application must answer."""


class Proof(NamedTuple):
    """A step that was done: what proves it, and how long it took in seconds."""

    title: str
    fact: str
    seconds: float

    def document(self, number: int) -> dict[str, Any]:
        """Return it for programs."""
        return {"step": number, "title": self.title, "fact": self.fact, "seconds": round(self.seconds, 1)}


class Rehearsal:
    """One rehearsal. `proofs` has the steps that are done."""

    def __init__(self, folder: Folder, log: Report, patience: float = ANSWERS_WITHIN, every: float = 3.0) -> None:
        self._folder, self._log, self._patience, self._every = folder, log, patience, every
        self.proofs: list[Proof] = []

    def run(self, hosts: int, version: str) -> None:
        """Do all steps. Raises what one of them raises; the lab is up then."""
        built = build.find(version)
        with self._step() as prove:
            with self._folder.locked():
                state = fleet.bring_up(self._folder, fleet.LabOptions(hosts=hosts, kubernetes=version), self._log)
            prove(f"sites use {state.endpoint}")
        with self._step() as prove:
            tokens = self._call(state, "token", "list")
            prove(f"{tokens[0]['metadata']['name']} is usable")
        with self._step() as prove:
            cluster.registered(self._folder, state, self._log)
            known = self._call(state, "host", "list")
            versions = sorted({_of(host, "status", "health", "agentVersion") for host in known} - {""})
            prove(f"agent {', '.join(versions) or '-'} on {len(known)} of {hosts}")
        with self._step() as prove:
            prove(self._healthy_host(state))
        with self._step() as prove:
            cluster.publish(self._folder, state, built)
            prove(f"{cluster.NAME} is published")
        with self._step() as prove:
            cluster.create(self._folder, state)
            cluster.follow(self._folder, state, self._log)
            prove(f"{cluster.NAME} runs and is healthy")
        with self._step() as prove:
            prove(self._application(state))

    @contextmanager
    def _step(self) -> Iterator[Callable[[str], None]]:
        """Measure a step; its body names the proof."""
        title, began = TITLES[len(self.proofs)], time.monotonic()

        def prove(fact: str) -> None:
            self.proofs.append(Proof(title, fact, time.monotonic() - began))
            self._log(f"{len(self.proofs)} of {len(TITLES)} {title}: {fact}")

        yield prove

    def _call(self, state: LabState, *arguments: str) -> Any:
        return product.call(cluster.environment(self._folder, state), *arguments, timeout=90.0)

    def _healthy_host(self, state: LabState) -> str:
        """Return the first host that is healthy, as the hub judges it. Raises `Failed` after the patience."""
        deadline = time.monotonic() + self._patience
        while True:
            known = self._call(state, "host", "list")
            healthy = [host for host in known if _of(host, "status", "health", "state") == "healthy"]
            if healthy:
                return f"{healthy[0]['metadata']['name']} is registered and healthy"
            if time.monotonic() > deadline:
                raise Failed("No host is healthy.", "See: edgewright --context " + state.name + " host list")
            time.sleep(self._every)

    def _application(self, state: LabState) -> str:
        """Return the answer of the application. Raises the last refusal after the patience."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return str(self._call(state, "kube", "ask", cluster.NAME)[0]["sentence"])
            except Failed as error:
                if time.monotonic() > deadline:
                    raise
                self._log(error.message)
                time.sleep(self._every)


def lines(proofs: list[Proof]) -> str:
    """Return the steps as text: number, title, proof, seconds; the next one where not all are done."""
    rows = [
        f"{number} {proof.title:<20} {proof.seconds:5.0f} s  {proof.fact}" for number, proof in enumerate(proofs, 1)
    ]
    if len(proofs) < len(TITLES):
        return "\n".join([*rows, f"{len(proofs) + 1} {TITLES[len(proofs)]:<20}     -    not done"])
    total = sum(proof.seconds for proof in proofs)
    return "\n".join([*rows, f"All {len(TITLES)} steps are done, in {total / 60:.1f} min."])


def _of(document: Any, *keys: str) -> str:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, str) else ""
