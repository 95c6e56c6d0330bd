"""A site of scripted hosts: the real planner, engine and journal of each, over one world and one clock."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from edgewright.agent.reconcile import steps as engine_steps
from edgewright.agent.reconcile.driver import Driver
from edgewright.agent.reconcile.engine import Engine, Position
from edgewright.agent.reconcile.journal import CannotRecord, Journal, Record
from edgewright.agent.reconcile.steps import Seen
from edgewright.agent.simulate.world.look import look
from edgewright.agent.simulate.world.runner import Upset, WorldRunner
from edgewright.agent.simulate.world.state import Machine, World
from edgewright.core.clusters import actions, steps
from edgewright.core.clusters.document import sealed
from edgewright.core.clusters.model import ABSENT, ClusterDocument, Member
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planner import plan
from edgewright.core.clusters.planning.duties import may_lead
from edgewright.core.clusters.planning.judge import judge

KIND = "cluster"
IDLE = 50.0
"""Seconds between two looks of a host that gets its documents from a real plane and has nothing to do."""
POLL = 5.0
"""Seconds between two looks of a host for a newer document, and of its reconciler when nothing runs."""
NOTED = (steps.INIT, steps.JOIN_CONTROL_PLANE, steps.JOIN_WORKER)


class WorldJournal(Journal):
    """The real journal; on a machine whose disk is full nothing can be appended."""

    def __init__(self, folder: str, machine: Machine) -> None:
        super().__init__(folder)
        self._machine = machine

    def append(self, step: str, record: Record) -> None:
        """See `Journal.append`."""
        if self._machine.full:
            raise CannotRecord("The reconciler cannot write its journal: no space left on device. No step is started.")
        super().append(step, record)


class MemoryJournal(WorldJournal):
    """A journal without a file, for fleets of made-up hosts: a real one is an open file."""

    def __init__(self, machine: Machine) -> None:
        super().__init__("", machine)

    def open(self) -> None:
        """See `Journal.open`."""

    def append(self, step: str, record: Record) -> None:
        """See `Journal.append`."""
        if self._machine.full:
            super().append(step, record)
        self.records[step] = {**record, "step": step}


class WorldDriver(Driver):
    """Cluster documents of one scripted host: the planner's actions, judged by what the world shows."""

    kind = KIND

    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.actions: Dict[str, actions.Action] = {}
        self.plan_now = actions.Plan(actions.OUTSIDE, ())

    def lanes(self, document: Mapping[str, Any], release: str = "") -> List[engine_steps.Plan]:
        """Return the lanes of its plan, the host's own actions first."""
        wanted = self.machine.document
        if wanted is None:
            return []
        self.plan_now = plan(wanted, self.observed())
        return [self._plan(wanted, lane) for lane in self.plan_now.lanes]

    def observed(self) -> Observed:
        """Return what this host observes now."""
        assert self.machine.document is not None
        return look(self.world, self.machine.uid, self.machine.document)

    def observe(self, action: engine_steps.Action) -> Tuple[Seen, str]:
        """See `Driver.observe`."""
        assert self.machine.document is not None
        wanted = self.actions[action.step]
        result = judge(wanted, self.machine.document, self.observed())
        member = self.machine.document.member(self.machine.uid)
        if result.done and wanted.step in NOTED and member is not None:
            self.machine.joined = member.join_epoch
        return {True: Seen.DONE, False: Seen.NOT_DONE, None: Seen.UNKNOWN}[result.done], result.text

    def waits_for(self, action: engine_steps.Action) -> str:
        """See `Driver.waits_for`."""
        wait = self.actions[action.step].wait
        return wait.reason if wait is not None else ""

    def command(self, action: engine_steps.Action) -> Sequence[str]:
        """See `Driver.command`."""
        return ["cluster-step", action.step]

    def _plan(self, document: ClusterDocument, lane: Tuple[actions.Action, ...]) -> engine_steps.Plan:
        result: engine_steps.Plan = []
        for n, action in enumerate(lane, 1):
            name = action.step_id(document.uid)
            self.actions[name] = action
            result.append(engine_steps.Action(name, KIND, action.target, {}, action.limit, n, len(lane)))
        return result


class ScriptedHost:
    """One host: its machine, its programs, and a reconciler that can be killed and started again."""

    def __init__(self, site: "Site", machine: Machine, folder: str = "") -> None:
        self.site, self.machine, self.folder = site, machine, folder
        self.noted: List[Tuple[engine_steps.Step, engine_steps.Event]] = []
        """Transitions of steps since whoever reports them has looked."""
        self.driver = WorldDriver(site.world, machine)
        self.runner = WorldRunner(site.world, machine, lambda name: self.driver.actions[name], site.upsets)
        self.boot = 1
        self.positions: List[Position] = []
        self.again = 0.0
        self.engine = self._engine()

    def _engine(self) -> Engine:
        journal = WorldJournal(self.folder, self.machine) if self.folder else MemoryJournal(self.machine)
        journal.open()
        world = self.site.world
        drivers = {KIND: self.driver}
        boot = f"boot-{self.boot}"
        return Engine(journal, self.runner, drivers, lambda: world.now, boot, self._note)

    def _note(self, step: engine_steps.Step, event: engine_steps.Event) -> None:
        self.noted = [*self.noted[-49:], (step, event)]

    def kill_reconciler(self) -> None:
        """Kill -9 of the reconciler: it starts again from its journal."""
        self.engine.journal.close()
        self.engine = self._engine()
        self.again = 0.0

    def power_off(self) -> None:
        """Cut the power."""
        self.machine.power_off()
        self.runner.power_off()

    def power_on(self) -> None:
        """Boot: units in `/run` come from the disk, without the reconciler."""
        self.machine.up = True
        self.boot += 1
        self.kill_reconciler()

    def tick(self) -> None:
        """Look once, as the reconciler does."""
        world, machine = self.site.world, self.machine
        if world.plane_up and self.site.document is not None and not machine.cut:
            machine.document = self.site.document
        if machine.document is None or not machine.up:
            return
        self._lead()
        lanes = self.driver.lanes({})
        wanted: Set[str] = {action.step for lane in lanes for action in lane}
        self.engine.settle(wanted)
        self.positions = self.engine.run_lanes(lanes)
        times = [place.again for place in self.positions if place.again is not None]
        idle = self.site.document is None and all(place.done for place in self.positions)
        self.again = world.now + min([IDLE if idle else POLL, *times])
        if world.plane_up and not machine.cut:
            self._report()

    def _report(self) -> None:
        """Report the proof of formation, and that this host has left: the plane drops its entry then."""
        site, machine = self.site, self.machine
        if machine.done is not None:
            site.world.plane_done = machine.done
        member = site.document.member(machine.uid) if site.document is not None else None
        if site.document is not None and member is not None and member.state == ABSENT and machine.clean:
            machine.resetting = ""
            members = tuple(entry for entry in site.document.members if entry is not member)
            after = dataclasses.replace(site.document, members=members, generation=site.document.generation + 1)
            site.document = sealed(after)

    def _lead(self) -> None:
        """Take or renew the Lease."""
        assert self.machine.document is not None
        cluster, world = self.site.world.cluster, self.site.world
        if cluster.done is not None and may_lead(self.machine.document, self.driver.observed()):
            if cluster.leader != self.machine.uid:
                cluster.leader, cluster.transitions = self.machine.uid, cluster.transitions + 1
                cluster.granted = world.now  # the new leader sees an open grant for the first time
                world.note(f"{self.machine.name} is the leader")
            cluster.renewed = world.now


class Site:
    """All hosts of a cluster. `advance` lets time pass.

    `document` is what a scripted plane gives to all hosts; without it each machine has its own, from a real plane.
    """

    def __init__(self, document: Optional[ClusterDocument] = None, folder: str = "") -> None:
        self.world = World()
        self.upsets: List[Upset] = []
        self.document = document
        self.hosts: Dict[str, ScriptedHost] = {}
        for member in document.members if document is not None else ():
            self.add(member, os.path.join(folder, member.host_uid))

    def add(self, member: Member, folder: str = "") -> ScriptedHost:
        """Add the host of a member; without a folder its journal is in memory."""
        machine = Machine(member.host_uid, member.node_name, member.address)
        self.world.machines[member.host_uid] = machine
        if folder:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        self.hosts[member.host_uid] = ScriptedHost(self, machine, folder)
        return self.hosts[member.host_uid]

    def close(self) -> None:
        """Close the journals."""
        for host in self.hosts.values():
            host.engine.journal.close()

    def due(self) -> float:
        """Return when something is to be done next."""
        times = [host.again for host in self.hosts.values()]
        times += [at for at in (host.runner.next_at() for host in self.hosts.values()) if at is not None]
        return min(times, default=self.world.now)

    def advance(self, now: Optional[float] = None) -> None:
        """Let time pass until something is due, or until `now`, and let everyone act once."""
        self.world.now = max(self.world.now + 0.1, self.due()) if now is None else max(self.world.now, now)
        for host in self.hosts.values():
            host.runner.work()
        for host in self.hosts.values():
            host.tick()

    def run(
        self, until: Callable[["Site"], bool], limit: float, each: Callable[["Site"], None] = lambda s: None
    ) -> bool:
        """Let time pass until a condition is true; return whether that was so within `limit` seconds."""
        end = self.world.now + limit
        while self.world.now < end:
            if until(self):
                return True
            each(self)
            self.advance()
        return until(self)

    def settled(self) -> bool:
        """Return whether every host that runs has done everything, and nothing is left of grants and tokens."""
        cluster = self.world.cluster
        if cluster.grant is not None or cluster.served:
            return False
        for host in self.hosts.values():
            if host.machine.up and not all(place.done for place in host.positions):
                return False
            if host.machine.up and not host.positions and host.driver.plan_now.role != actions.OUTSIDE:
                return False
        if self.document is None or not self.document.present:
            return True
        wanted = {member.host_uid for member in self.document.control_planes}
        names = {member.node_name for member in self.document.present}
        return {entry.uid for entry in cluster.members if entry.voter} == wanted and set(cluster.nodes) == names
