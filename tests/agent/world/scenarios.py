"""Scenarios over a scripted world: forming, releasing, deleting, each with one fault at one stage of one step."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

from edgewright.agent.simulate.world.machines import MACHINES
from edgewright.agent.simulate.world.runner import ERROR, HANG, KILL, Upset
from edgewright.agent.simulate.world.site import ScriptedHost, Site
from edgewright.core.clusters import steps
from edgewright.core.clusters.document import sealed
from edgewright.core.clusters.model import ClusterDocument
from tests.core.clusters.documents import document

HOUR = 3600.0
AT_A_STAGE = ("error", "kill -9", "reconciler kill -9", "power cut")
AT_THE_START = ("hang", "disk full", "registry down", "plane down")
FAULTS = (*AT_A_STAGE, *AT_THE_START)
LASTS = {"disk full": 90.0, "registry down": 120.0, "plane down": 300.0, "power cut": 30.0}


class Outcome(NamedTuple):
    """What came of a scenario: seconds until all was as wanted, starts of the step, and what was wrong."""

    seconds: float
    starts: int
    problem: str = ""


def without(doc: ClusterDocument, *hosts: str) -> ClusterDocument:
    """Return the next document, in which hosts are to leave."""
    members = tuple(
        dataclasses.replace(m, state="absent", release_id="r1") if m.host_uid in hosts else m for m in doc.members
    )
    return sealed(dataclasses.replace(doc, members=members, generation=doc.generation + 1))


def following(step: str, doc: ClusterDocument) -> ClusterDocument | None:
    """Return the document after the formation in which a step occurs, `None` when it occurs in the formation."""
    if step in (steps.DRAIN, steps.REMOVE_MEMBER, steps.REMOVE_NODE, steps.RELEASE):
        return without(doc, doc.members[2].host_uid, doc.members[-1].host_uid)
    if step == steps.DELETE:
        return without(doc, *(member.host_uid for member in doc.members))
    if step == steps.REMOVE_LAYER:
        return sealed(dataclasses.replace(doc, layers=doc.layers[:1], generation=doc.generation + 1))
    return None


class Scenario:
    """One run of a site with a fault that begins when a step reaches a stage for the first time."""

    def __init__(self, folder: Path, step: str = "", fault: str = "", stage: int = 0) -> None:
        self.step, self.fault, self.stage = step, fault, stage
        self.document = document(3, 1)
        self.site = Site(self.document, str(folder))
        self.struck = ""
        self.over_at = 0.0
        self.problem = ""
        kinds = {"error": ERROR, "kill -9": KILL, "hang": HANG}
        if fault in kinds:
            self.site.upsets.append(Upset(step, kinds[fault], stage))

    def run(self, close: bool = True) -> Outcome:
        """Form the cluster, then do what the step needs; return how it ended."""
        try:
            if self._until(lambda: self.site.settled(), 3 * HOUR):
                if self.step == steps.ETCD_SPACE:
                    full = self.site.world.cluster.full
                    full.update(member.host_uid for member in self.document.members[:2])
                    self._until(lambda: not full and self.site.settled(), 3 * HOUR)
                after = following(self.step, self.document) if self.step else None
                if after is not None:
                    self.site.document = after
                    self._until(lambda: self._left(after), 3 * HOUR)
            starts = sum(host.runner.starts.count(self.step) for host in self.site.hosts.values())
            problem = self.problem or ("" if self._struck() else "the fault never happened")
            return Outcome(self.site.world.now, starts, problem)
        finally:
            if close:
                self.site.close()

    def _struck(self) -> bool:
        return not self.fault or bool(self.struck) or any(not upset.left for upset in self.site.upsets)

    def _until(self, done: object, limit: float) -> bool:
        ok = self.site.run(lambda site: bool(self.problem) or done(), limit, lambda site: self._each())  # type: ignore[operator]
        if not ok and not self.problem:
            shown = [
                f"{host.machine.name}: {place.action.step if place.action else ''} {place.waiting_for}"
                for host in self.site.hosts.values()
                for place in host.positions
                if not place.done
            ]
            self.problem = f"not settled: {'; '.join(shown)} | {self.site.world.cluster}"
        return ok and not self.problem

    def _left(self, doc: ClusterDocument) -> bool:
        """Return whether everything is as the last document wants it, and those who left are clean."""
        machines = self.site.world.machines
        leaving = [m for m in doc.members if m.state == "absent"]
        if not all(machines[m.host_uid].clean for m in leaving):
            return False
        if doc.ending:
            return True
        names = {m.node_name for m in doc.present}
        cluster = self.site.world.cluster
        wanted = {layer.name for layer in doc.layers}
        return set(cluster.nodes) == names and set(cluster.layers) == wanted and self.site.settled()

    def _each(self) -> None:
        world = self.site.world
        learners = [entry for entry in world.cluster.members if not entry.voter]
        if world.formed > 1:
            self.problem = "formed twice"
        if len(learners) > 1:
            self.problem = "two learners"
        if self.struck and self.over_at and world.now >= self.over_at:
            self._end()
        if not self.struck and self.step and self.fault:
            for host in self.site.hosts.values():
                if self._at_stage(host):
                    self._strike(host)
                    return

    def _at_stage(self, host: ScriptedHost) -> bool:
        return any(
            program.step == self.step and program.code is None and program.stage >= self.stage
            for program in host.runner.programs.values()
        )

    def _strike(self, host: ScriptedHost) -> None:
        world = self.site.world
        self.struck = host.machine.uid
        self.over_at = world.now + LASTS.get(self.fault, 0.0)
        if self.fault == "disk full":
            host.machine.full = True
        elif self.fault == "registry down":
            world.registry_up = False
        elif self.fault == "plane down":
            world.plane_up = False
        elif self.fault == "power cut":
            host.power_off()
        elif self.fault == "reconciler kill -9":
            host.kill_reconciler()

    def _end(self) -> None:
        world = self.site.world
        self.over_at = 0.0
        world.registry_up = world.plane_up = True
        host = self.site.hosts[self.struck]
        host.machine.full = False
        if self.fault == "power cut":
            host.power_on()


def stages_of(step: str) -> int:
    """Return how many stages a step has."""
    return len(MACHINES[step])
