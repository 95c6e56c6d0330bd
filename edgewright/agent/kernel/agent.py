"""The agent's loop: register, send heartbeats and facts, take the desired state, answer for operations, wait.

Nothing ends it but a signal. Every failure becomes a sentence, a wait with jitter, and another try. The rules (P8
and so on) are those of `docs/protocol.md`.
"""

from __future__ import annotations

import random
import time
from typing import Optional, Sequence, Set

from edgewright import __version__
from edgewright.agent.facts import device, system
from edgewright.agent.kernel import agent_log, conditions
from edgewright.agent.kernel.binding import NAME as BINDING
from edgewright.agent.kernel.binding import Binding, OtherMachine
from edgewright.agent.kernel.connection import Connection
from edgewright.agent.kernel.enrolment import IDENTITY, REGISTRATION, Enrolment
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.operations import Operations
from edgewright.agent.kernel.outbox import Outbox
from edgewright.agent.kernel.plane_link import PlaneLink, unexpected
from edgewright.agent.kernel.settings import Flags, Settings, find_labels, load_settings
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.kernel.systemd_notify import Notifier, Stopped
from edgewright.agent.plane import documents
from edgewright.agent.plane.client import parse_endpoint
from edgewright.agent.plane.clock_watch import ClockWatch
from edgewright.agent.plane.clusters import ClusterLink
from edgewright.agent.plane.contents import Contents
from edgewright.agent.plane.delivery import Delivery
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.refusals import CEILING, CredentialLost, PlaneRefusal, retryable
from edgewright.agent.reconcile.desired import Answer, Desired
from edgewright.agent.reconcile.handover import Handover
from edgewright.agent.relay.notice import notify
from edgewright.core import times
from edgewright.core.cloudconfig.userdata import Site
from edgewright.core.errors import EdgewrightError
from edgewright.core.hosts.link import link_text
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import Position
from edgewright.wire.protocol.relay import Asked

FACTS_EVERY = 60.0
"""Seconds between two readings of all facts at least."""
DUPLICATE_HINT = (
    "On the copy, stop the agent and remove identity.json*, registration.json* and binding.json* from its data folder."
)
RESULT_LOOK = 0.5
"""Seconds between two looks for the result of an operation."""
TRANSITIONS = "transitions"
OBSERVED = "This host is only observed: its agent changes nothing. Install the agent on it to manage it."


class Agent:
    """One host's agent. `run` ends only when `life` is stopped."""

    def __init__(self, flags: Flags, console_log: agent_log.AgentLog, life: Notifier) -> None:
        self.flags = flags
        self.agent_log = console_log
        self.life = life
        self.root = Root(flags.root)
        self.folder = StateFolder(flags.data, console_log)
        self.connection: Connection
        self.handover = Handover(flags.data, flags.run, flags.root)
        self.meter = system.Meter(self.root)
        self.facts: Optional[device.Facts] = None
        self.interval = flags.interval or protocol.HEARTBEAT_INTERVAL
        self._facts_at = -FACTS_EVERY
        self._reported_digest = ""
        self._seq = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)  # above every earlier beat of this boot (P17)
        self._clock_off = 0.0
        self._duplicate = ""
        self._other_machine: Optional[OtherMachine] = None

    # --- life ------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Work until stopped; return the exit code. Raises `Conflict` when another agent has the data folder."""
        self.folder.open()
        try:
            self._begin()
            self.life.notify("READY=1")
            while True:
                self._rest(self.step())
        except Stopped:
            self.agent_log(agent_log.NOTICE, "Stopped as asked.")
            self.plane_link.note("stopped", "The agent was stopped.", self.interval)
            self.connection.end()
            return 0
        finally:
            self.life.notify("STOPPING=1")
            self.folder.close()

    def _begin(self) -> None:
        settings = self._settings()
        self.connection = Connection(self.flags, self.folder, self.life)
        self.clock = ClockWatch(self.connection.floor, self.handover, self.agent_log, self.flags.observe)
        self.enrolment = Enrolment(self.folder, settings, self.agent_log)
        self.plane_link = PlaneLink(self.folder, self.agent_log, self.enrolment)
        self._read_facts(force=True)
        assert self.facts is not None
        self._bind(settings)
        self.outbox = Outbox(self.folder, self.enrolment.uid, self.facts.host_name)
        self.operations = Operations(self.folder, self.handover.exchange)
        self.operations.hand_over_again()
        self.delivery = Delivery(self.operations, self.outbox, self.agent_log)
        self.clusters = ClusterLink(self.flags.data, self.folder, self.handover, self.agent_log)
        self.contents = Contents(self.flags.data, self._content, self.handover.content_arrived, self.agent_log)
        self.desired = Desired(self.folder)
        before = self.folder.load("boot") or {}
        if before.get("bootId") != self.facts.boot_id:
            if before:
                self.outbox.event("HostBooted", f"{self.facts.host_name} has booted.")
            self.folder.save("boot", {"bootId": self.facts.boot_id})
        self._reported_digest = str((self.folder.load("facts") or {}).get("digest", ""))
        kind = "observes" if self.flags.observe else "runs on"
        self.agent_log(agent_log.INFO, f"Agent {__version__} {kind} {self.facts.host_name} as {self.enrolment.uid}.")
        if not self.enrolment.registered:
            self.agent_log.announce(
                agent_log.NOTICE, f"MachineID: {self.enrolment.uid}  MachineIP: {self.facts.address or '-'}"
            )

    def _bind(self, settings: Settings) -> None:
        """Bind the identity to this machine; one of another machine that was never used is made again."""
        assert self.facts is not None
        binding = Binding(self.folder)
        self._other_machine = binding.check(self.enrolment.uid, self.facts.hardware)
        if self._other_machine is not None and self.enrolment.unused:
            for name in (IDENTITY, REGISTRATION, BINDING):
                self.folder.forget(name)
            self.agent_log(
                agent_log.NOTICE, f"{self._other_machine.message} It was never registered; this machine makes its own."
            )
            self.enrolment = Enrolment(self.folder, settings, self.agent_log)
            self.plane_link = PlaneLink(self.folder, self.agent_log, self.enrolment)
            self._other_machine = binding.check(self.enrolment.uid, self.facts.hardware)

    def _check_machine(self) -> None:
        """Raise `OtherMachine` while the identity belongs to another machine."""
        if self._other_machine is not None:
            self._read_facts(force=True)
            assert self.facts is not None
            self._other_machine = Binding(self.folder).check(self.enrolment.uid, self.facts.hardware)
        if self._other_machine is not None:
            raise self._other_machine

    def _rest(self, seconds: float) -> None:
        """Wait for the next heartbeat, or for the result of an operation, which goes out at once. Raises `Stopped`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            waiting = self.operations.waiting
            link, pause = self.connection.wait_for_work(self.desired.position)
            left = min(left, RESULT_LOOK if waiting else left, left if pause is None else max(0.1, pause))
            left = min(left, self.handover.look_every or left)
            if self.life.wait(left, link) or (waiting and self._collect()):
                return
            work = self.connection.has_work()
            self._relay(self.connection.streams())
            if work:
                return
            if self.handover.look_every:
                self.handover.look()

    def step(self) -> float:
        """Do what is due now; return how many seconds to wait. Never raises but `Stopped`."""
        self.folder.retry()
        self.handover.look()
        try:
            self._check_machine()
            plane = self._get_plane()
            if not self.enrolment.registered:
                self._register(plane)
            wait = self._beat(plane)
        except CredentialLost as error:
            return self._start_over(error)
        except EdgewrightError as error:
            return self._tried_in_vain(error)
        except Exception as error:
            return self._tried_in_vain(unexpected(error))
        self.plane_link.backoff.reset()
        return wait

    def _start_over(self, error: CredentialLost) -> float:
        self.desired.forget()
        self._reported_digest = ""
        self.connection.drop()
        return self.plane_link.credential_lost(error, self.interval)

    def _tried_in_vain(self, error: EdgewrightError) -> float:
        self.connection.failed()
        return self.plane_link.failed(error, self.interval)

    # --- talking to the plane ----------------------------------------------------------------------------------

    def _settings(self) -> Settings:
        try:
            settings = load_settings(self.flags)
        except EdgewrightError as error:
            self.agent_log.once("user-data", agent_log.ERROR, f"{error.message} {error.hint}", times.now(), loud=True)
            settings = Settings(self.flags, Site({}), self.flags.user_data, ())
        for problem in settings.problems:
            self.agent_log.once("problem:" + problem, agent_log.WARNING, problem, times.now())
        return settings

    def _get_plane(self) -> Plane:
        """Return the plane, set up again from flags and user-data after each failure (a CA or proxy may be fixed)."""
        plane = self.connection.plane
        if plane is None:
            self.settings = settings = self._settings()
            if self.enrolment.go_to(settings.endpoints, settings.plane_identity()):
                self.desired.forget()
                self._reported_digest = ""
                name = parse_endpoint(settings.endpoints[0]).name
                self.agent_log(agent_log.NOTICE, f"The plane is {name} now; it never sees the old credential.")
            plane = self.connection.open(settings, self.enrolment)
        plane.credential = self.enrolment.credential
        return plane

    def _me(self) -> documents.Self:
        return documents.Self(self.enrolment.uid, self.enrolment.how, self.settings.site, self.flags.observe)

    def _register(self, plane: Plane) -> None:
        token, key = self.settings.token(), self.settings.pairing_key()
        if not token and not key:
            raise PlaneRefusal(
                f"This host ({self.enrolment.uid}) has neither a registration token nor a pairing key.",
                "Give --token-file, or set stylus.site.edgeHostToken in the user-data.",
                "NoToken", 401, CEILING,
            )  # fmt: skip
        with self.life.interruptible():
            labels, warnings = find_labels(self.settings)
        for warning in warnings:
            self.agent_log.once("tags:" + warning, agent_log.WARNING, warning, times.now())
        self._read_facts(force=True)
        assert self.facts is not None
        registration_id = self.enrolment.prepare(self.settings.endpoint)
        self.agent_log.milestone(f"registering with {self.settings.endpoint} as {self.enrolment.uid}")
        body = documents.registration_document(
            self._me(), self.facts, self.meter.read(), labels, registration_id, token, key
        )
        welcome = plane.register(body, self.settings.project)
        self.enrolment.accept(welcome.credential)
        plane.credential = welcome.credential
        self._facts_sent()
        self.agent_log.over("plane")
        self.agent_log.announce(
            agent_log.NOTICE, f"Registered with {plane.name[:1].lower() + plane.name[1:]} as {self.enrolment.uid}."
        )
        self.agent_log.milestone(f"registered as {self.enrolment.uid}")
        self.outbox.event("HostRegistered", f"{self.enrolment.uid} has registered.")

    def _beat(self, plane: Plane) -> float:
        now = times.now()
        self._read_facts()
        gauges = self.meter.read()
        progress = self.handover.observed.progress()
        report = conditions.judge(
            self.facts, self.folder.trouble, self._clock_off, now, self._duplicate, gauges.memory_used_mb,
            self.handover.trouble, progress, [stored.uid for stored in self.handover.store.offered()],
        )  # fmt: skip
        self._seq += 1
        here = ("", "", "") if self.facts is None else (self.facts.boot_id, self.facts.address, self.facts.mac)
        observed = Position(self.desired.lineage, self.desired.observed)
        link = self.connection.report()
        body = documents.heartbeat_body(report, gauges, self._seq, observed, *here, progress=progress, link=link)
        pulse = plane.heartbeat(body)
        self._note_duplicate(pulse.duplicate)
        self._clock_off = conditions.clock_difference(times.now(), pulse.date, pulse.clock_doubted)
        clock = self.clock.look(pulse, here[0])
        interval = self.connection.interval(pulse.interval)
        if interval is not None and not 0 < self.flags.interval < 1:
            self.interval = max(1.0, min(3600.0, interval))
        self.plane_link.reached(plane.name, self.outbox.event)
        self._relay(pulse.streams)
        if self.facts is not None and self.facts.digest != self._reported_digest:
            self._send_facts(plane, gauges)
        if self.desired.due(pulse.lineage, pulse.generation):
            self._reconcile(plane, pulse.date)
        if not self.flags.observe:
            self.clusters.look(plane, self.desired.cluster, self.desired.adoption, self.desired.content)
        self._collect()
        self._note_transitions()
        self.delivery.send(plane)
        self.contents.look(self.connection.another)
        self.plane_link.note(
            "registered", report.message, self.interval, lastHeartbeat=times.rfc3339(now), health=report.state.value,
            duplicate=self._duplicate, run=self.flags.run, link=link_text(link), clockOff=f"{self._clock_off:.1f}",
            clock=clock,
        )  # fmt: skip
        return self.interval * random.uniform(0.95, 1.05)  # noqa: S311 - a spread, not a secret

    def _relay(self, streams: Sequence[Asked]) -> None:
        """Hand streams that the plane asks for to the relay, which is a process of its own (P30)."""
        if not streams:
            return
        reason = OBSERVED if self.flags.observe else notify(streams, self.flags.relay)
        if reason:
            self.agent_log.once("relay", agent_log.WARNING, f"A stream is not brought: {reason}", times.now())
        else:
            self.agent_log.over("relay")

    def _note_duplicate(self, others: str) -> None:
        """Report on this host that another machine uses its identity, for as long as the plane sees both."""
        if others:
            sentence = f"Another machine reports to the plane as {self.enrolment.uid}: {others}. {DUPLICATE_HINT}"
            self.agent_log.once("duplicate", agent_log.ERROR, sentence, times.now(), loud=True)
        elif self._duplicate:
            self.agent_log.over("duplicate")
            self.agent_log(agent_log.NOTICE, f"No other machine reports as {self.enrolment.uid} any more.")
        self._duplicate = others

    def _send_facts(self, plane: Plane, gauges: system.Gauges) -> None:
        assert self.facts is not None
        try:
            plane.facts(documents.host_document(self._me(), self.facts, gauges))
        except PlaneRefusal as error:
            if retryable(error.status):
                raise
            self.agent_log(agent_log.WARNING, f"{error.message} It is not sent again until the facts change.")
        self._facts_sent()

    def _reconcile(self, plane: Plane, plane_time: Optional[float]) -> None:
        """Fetch the desired state and act on it (P22, P24, P36)."""
        answer, change = self.desired.take(plane.config(self.desired.position))
        if answer is Answer.INVALID:
            sentence = f"{plane.name} sent a desired state without a valid lineage and generation; it is ignored."
            self.agent_log.once("desired", agent_log.WARNING, sentence, times.now())
        if change is not None:
            self.agent_log(agent_log.WARNING, change.message)
            self._reported_digest = ""  # a restored plane has older facts of this host
        if answer is not Answer.TO_APPLY:
            return
        self.agent_log.over("desired")
        refusal = OBSERVED if self.flags.observe else ""
        endpoint = plane.client.endpoint
        clock_off = None if plane_time is None else self._clock_off
        for offer in self.desired.operations():
            if self.operations.take(
                offer, refusal, plane_time, clockOff=clock_off, inCluster=self.desired.in_cluster,
                planeHost=endpoint.host, planePort=endpoint.port,
            ):  # fmt: skip
                self.agent_log(
                    agent_log.INFO, f"Operation {offer.get('kind')} {offer.get('id')} is with the reconciler."
                )
        status = self.desired.tunnel_answer(refusal)
        if status is not None:
            plane.tunnel_status(*status)
            self.desired.tunnel_answered()
        self.desired.applied()

    def _collect(self) -> bool:
        """Take results of the reconciler; return whether there was one."""
        ended = self.operations.collect()
        for record in ended:
            self.agent_log(agent_log.NOTICE, f"Operation {record.get('kind')} {record.get('id')} has ended.")
            if (record.get("kind"), record.get("state")) == (protocol.OP_RESET, protocol.OP_SUCCEEDED):
                self.desired.leave_cluster()
        return bool(ended)

    def _note_transitions(self) -> None:
        """Make start, end and failure of steps events of this host (P70)."""
        stored = (self.folder.load(TRANSITIONS) or {}).get("n")
        known = stored if isinstance(stored, int) else 0
        changes = self.handover.changes(known)
        for change in changes:
            self.outbox.event(str(change.get("reason")), str(change.get("message")))
        if changes:
            self.folder.save(TRANSITIONS, {"n": changes[-1]["n"]})

    def _content(self) -> Set[str]:
        """Return the digests of all content that documents of this host name."""
        return self.handover.digests() | self.clusters.digests(self.enrolment.uid)

    # --- small things ------------------------------------------------------------------------------------------

    def _read_facts(self, force: bool = False) -> None:
        moment = time.monotonic()
        if force or moment - self._facts_at >= FACTS_EVERY * 0.9:
            self.facts = device.collect(self.root)
            self._facts_at = moment
        work = self.handover.documents(self.enrolment.uid)
        if self.facts is not None:  # why a step failed is reported with the beat that reports the failure
            self.facts.extension.pop("documents", None)
            service = self.facts.extension["timeService"]
            self.facts.extension["clockSource"] = self.clock.source(service, self.facts.boot_id)
            if work:
                self.facts.extension["documents"] = work

    def _facts_sent(self) -> None:
        if self.facts is not None:
            self._reported_digest = self.facts.digest
            self.folder.save("facts", {"digest": self._reported_digest})
