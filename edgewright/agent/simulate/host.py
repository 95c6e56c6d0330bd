"""Many made-up hosts against a real plane, over the real protocol, in one process.

Each registers with a credential of its own, marked as simulated, beats, reports its facts and answers operations. They
are for demonstrations and for load; a console shows on every screen that they are not real.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from edgewright.agent.facts.system import Gauges
from edgewright.agent.kernel import conditions
from edgewright.agent.plane import documents
from edgewright.agent.plane.beats import Pulse, ShortForm, read_pulse
from edgewright.agent.plane.client import Reply, parse_endpoint
from edgewright.agent.plane.refusals import pause_asked, registration_refused, retryable
from edgewright.agent.plane.tls import make_context
from edgewright.agent.reconcile.preflight import summary
from edgewright.agent.simulate import cluster_link
from edgewright.agent.simulate.clusters import SimulatedClusters
from edgewright.agent.simulate.faults import Faults, Trouble, by_site
from edgewright.agent.simulate.fleet import MadeHost, make_hosts, new_boot_id, registration_id
from edgewright.agent.simulate.link import Link
from edgewright.agent.simulate.log import simulated_log
from edgewright.agent.simulate.preflight import made_up_checks
from edgewright.agent.simulate.symptoms import Symptom, facts_with
from edgewright.agent.simulate.text import made_up_usage
from edgewright.agent.simulate.work import MOST, Work, affordable, make_work
from edgewright.core import times
from edgewright.core.backoff import Backoff
from edgewright.core.cloudconfig.userdata import Site
from edgewright.core.errors import EdgewrightError, Refused
from edgewright.wire import protocol
from edgewright.wire.palette.events import KIND_HOST, event_body
from edgewright.wire.protocol.generations import Position, is_announced, is_late, read_generation, read_lineage

START_PER_SECOND = 120.0
"""Registrations begun in a second: 500 hosts take some four seconds and leave the machine usable."""


class Fleet:
    """All made-up hosts of one run."""

    def __init__(
        self,
        hosts: List[MadeHost],
        link: Link,
        token: str,
        seed: int,
        faults: Optional[Faults],
        work_of: Callable[[int], Work] = lambda index: Work(None, 0),
    ) -> None:
        self.link = link
        self.token = token
        self.seed = seed
        self.faults = faults
        self.work_of = work_of
        self.clusters = SimulatedClusters(time.monotonic)
        self.hosts = [SimulatedHost(self, index, made) for index, made in enumerate(hosts)]
        self.interval = 0.0
        self.short_heartbeats = 0
        self.silence_limit = protocol.SILENCE_LIMIT
        self.registered = 0
        self.heartbeats = 0
        self.refusal: Optional[Refused] = None

    async def run(self) -> None:
        """Run every host until cancelled; end early when the plane refuses the token for good. Raises `Refused`."""
        tasks = [asyncio.ensure_future(host.live(index / START_PER_SECOND)) for index, host in enumerate(self.hosts)]
        tasks.append(asyncio.ensure_future(self.clusters.run()))
        if self.faults is not None:
            tasks.append(asyncio.ensure_future(self._misfortune(self.faults)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await _end(tasks)
            for host in self.hosts:
                host.work.close()
            await self.link.close()

    async def _misfortune(self, faults: Faults) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(len(self.hosts) / START_PER_SECOND)
        faults.begin(clock())
        while True:
            await asyncio.sleep(faults.next_in())
            faults.strike(clock(), self.silence_limit)


async def _end(tasks: Sequence["asyncio.Future[Any]"]) -> None:
    """Cancel tasks until all have ended: `wait_for` of Python 3.11 may lose a cancellation."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=1.0)
    await asyncio.gather(*tasks, return_exceptions=True)


class SimulatedHost:
    """One made-up host and its life."""

    def __init__(self, fleet: Fleet, index: int, made: MadeHost) -> None:
        self.fleet = fleet
        self.index = index
        self.made = made
        self.credential = ""
        self._healthy = made.facts
        self._symptom = Symptom("")
        self.facts = facts_with(made.facts, self._symptom)
        self._facts_sent = ""
        self._rng = random.Random(f"{fleet.seed} life {index}")  # noqa: S311 - made-up hosts, not secrets
        self._boot_id = new_boot_id(random.Random())  # noqa: S311 - a run is a boot, whatever the seed
        self._seq = 0
        self._booted = times.now() - self._rng.uniform(600, 5e6)
        self._cpu = self._rng.uniform(3, 55)
        self._memory = self._rng.uniform(0.2, 0.75)
        self._position = self._observed = Position("", 0)
        self._done: Dict[str, Dict[str, Any]] = {}
        self._backoff = Backoff(1.0, 60.0, self._rng.random)
        self._short = ShortForm()
        self.work = fleet.work_of(index)

    async def live(self, delay: float) -> None:
        """Register after `delay` seconds, then beat for ever."""
        await asyncio.sleep(delay)
        spread = True
        while True:
            try:
                wait = await self._turn()
                self._backoff.reset()
            except EdgewrightError as error:
                wait = self._backoff.next()
                if isinstance(error, Refused) and self.fleet.registered == 0:
                    raise
            if spread and self.credential:
                wait *= self._rng.random()  # the first beats of a fleet spread over the entire interval
                spread = False
            await self._rest(wait)

    async def _rest(self, seconds: float) -> None:
        """Wait for the next heartbeat, or for work; a host that is cut off waits only."""
        if self._cut_off() is not None:
            self.work.close()
            await asyncio.sleep(seconds)
        else:
            await self.work.rest(seconds, self._position, self.credential)

    def _cut_off(self) -> Optional[Trouble]:
        """Return the fault that lets a registered host send nothing, if there is one."""
        if self.credential and self.fleet.clusters.is_off(self.made.uid):
            return Trouble("silent", math.inf)
        now = asyncio.get_running_loop().time()
        trouble = self.fleet.faults.of(self.index, now) if self.fleet.faults is not None else None
        return trouble if trouble is not None and trouble.kind != "sick" and self.credential else None

    async def _turn(self) -> float:
        now = asyncio.get_running_loop().time()
        cut = self._cut_off()
        if cut is not None:
            return await self._absent(cut, now)
        trouble = self.fleet.faults.of(self.index, now) if self.fleet.faults is not None else None
        if not self.credential:
            await self._register()
        self._measure(trouble.symptom if trouble is not None else Symptom(""))
        wait = await self._beat()
        if self.facts.digest != self._facts_sent:
            await self._send_facts()
        if self.credential:
            await cluster_link.report(self.fleet.clusters, self.made.uid, self._send, self._event)
        return wait

    def _measure(self, symptom: Symptom) -> None:
        """Take the facts of a host with this symptom, in the present boot."""
        self._symptom = symptom
        self.facts = facts_with(self._healthy, symptom)
        documents_ = self.fleet.clusters.documents(self.made.uid)
        if documents_:
            self.facts.extension["documents"] = documents_
        else:
            self.facts.extension.pop("documents", None)
        self._name_boot()

    def _name_boot(self) -> None:
        extension = self.facts.extension
        extension["bootId"] = self._boot_id
        extension["booted"] = {**extension.get("booted", {}), "bootId": self._boot_id}

    async def _send_facts(self) -> None:
        reply = await self._own("PUT", protocol.HOST, self._document())
        if reply.status < 300:
            self._facts_sent = self.facts.digest

    async def _absent(self, trouble: Trouble, now: float) -> float:
        if trouble.until > now:
            return min(trouble.until - now, 30.0) + 0.01
        assert self.fleet.faults is not None
        self.fleet.faults.over(self.index)  # only a reboot stays until its host has noticed
        return await self._reboot()

    async def _reboot(self) -> float:
        """Begin another boot; return the seconds to the next heartbeat."""
        self._boot_id, self._seq, self._booted = new_boot_id(self._rng), 0, times.now() - 30
        self._measure(Symptom(""))
        wait = await self._beat()
        await self._send_facts()
        await self._event("HostBooted", f"{self.facts.host_name} has booted.")
        return wait

    def _me(self) -> documents.Self:
        return documents.Self(self.made.uid, "name", Site({"name": self.made.uid}), simulated=True)

    def _document(self) -> Dict[str, Any]:
        document = documents.host_document(self._me(), self.facts, self._gauges())
        document["metadata"]["name"] = self.facts.host_name
        return document

    async def _register(self) -> None:
        made = self.made
        self._name_boot()
        identifier = registration_id(made.uid, self.fleet.seed)
        body = documents.registration_document(
            self._me(), self.facts, self._gauges(), made.labels, identifier, self.fleet.token, ""
        )
        body["metadata"]["name"] = self.facts.host_name
        reply = await self.fleet.link.call("POST", protocol.HOST_REGISTER, body)
        if reply.status not in (200, 201):
            refused = registration_refused(reply, made.uid, "The plane", "")
            if retryable(reply.status):
                await asyncio.sleep(pause_asked(reply))
            raise refused
        self._facts_sent = self.facts.digest
        self.credential = str(reply.json().get("status", {}).get("serviceAuthToken", ""))
        self.fleet.registered += 1

    async def _beat(self) -> float:
        self._seq += 1
        gauges, clock_off = self._gauges(), self._symptom.clock_off
        clock = times.now() + clock_off
        report = conditions.judge(self.facts, "", clock_off, clock, memory_used_mb=gauges.memory_used_mb)
        state, reason = self.work.state
        link = {"wake": state, **({"wakeReason": reason} if reason else {})}
        work = self.fleet.clusters.progress(self.made.uid)
        body = documents.heartbeat_body(
            report, gauges, self._seq, self._observed, self._boot_id, progress=work, link=link
        )
        body[protocol.EXTENSION]["clock"] = round(clock, 3)
        pulse = await self._pulse(body)
        if pulse is None:
            self.credential = ""
            return 5.0
        self.fleet.heartbeats += 1
        if is_announced(self._position, pulse.lineage, pulse.generation):
            await self._reconcile()
        interval = self.fleet.interval or pulse.interval or protocol.HEARTBEAT_INTERVAL
        return max(1.0, interval) * self._rng.uniform(0.95, 1.05)

    async def _pulse(self, body: Dict[str, Any]) -> Optional[Pulse]:
        """Send a heartbeat, in the short form (P75) where it may; return the answer, `None` when it was refused."""
        line = self._short.line(body)
        if line is not None:
            reply = await self.fleet.link.lean(protocol.HEARTBEAT_SHORT, line, self.credential)
            if reply.status == 204:
                self.fleet.short_heartbeats += 1
                return self._short.pulse(body, reply.headers)
            self._short.refused(reply.status)
        reply = await self._own("PATCH", protocol.HOST_HEALTH, body)
        if reply.status == 401:
            return None
        pulse = read_pulse(reply.headers, None)
        if reply.status == 204:
            self._short.full_accepted(body, pulse)
        return pulse

    async def _reconcile(self) -> None:
        reply = await self._own("GET", protocol.HOST_CONFIG)
        extension = reply.json().get(protocol.EXTENSION, {}) if reply.status == 200 else {}
        if not isinstance(extension, dict):
            return
        generation, lineage = read_generation(extension.get("generation")), read_lineage(extension.get("lineage"))
        if generation is None or lineage is None or is_late(self._position, Position(lineage, generation)):
            return
        if not await cluster_link.take(self.fleet.clusters, self.made.uid, extension, self._send):
            return  # the next heartbeat names it again
        self._position = Position(lineage, generation)
        limit = extension.get("silenceLimit")
        if isinstance(limit, (int, float)) and limit > 0:
            self.fleet.silence_limit = float(limit)
        for offer in extension.get("operations") or []:
            done = self._done.get(str(offer.get("id")))
            if done is None:
                await self._operate(offer)
            else:  # the plane was set back and does not know the result any more
                await self._own("POST", protocol.OPERATION_RESULT, done, operationId=offer["id"])
        self._observed = self._position

    async def _operate(self, offer: Dict[str, Any]) -> None:
        state, checks = protocol.OP_SUCCEEDED, []
        message = "Nothing was there to forget: this host is simulated."
        if offer.get("kind") == protocol.OP_COLLECT_LOGS:
            faulty = (*self._symptom.units, *(("chronyd.service",) if self._symptom.clock_off else ()))
            params = offer.get("params") or {}
            lines = self.fleet.clusters.log(self.made.uid, str(params.get("unit") or ""))
            lines = lines or simulated_log(self.facts.host_name, times.now(), params, faulty)
            piece = {"operationId": offer["id"], "offset": 0, "lines": lines, "last": True}
            await self._own("POST", protocol.LOGS, piece)
            message = f"{len(lines)} made-up lines sent."
        elif offer.get("kind") == protocol.OP_DISK_USAGE:
            mount = str((offer.get("params") or {}).get("mount") or "/")
            lines = made_up_usage(self.facts, mount, self._rng)
            await self._own(
                "POST", protocol.LOGS, {"operationId": offer["id"], "offset": 0, "lines": lines, "last": True}
            )
            message = "A made-up list of directories sent."
        elif offer.get("kind") == protocol.OP_PREFLIGHT:
            checks = made_up_checks(self.facts, self._symptom.clock_off, self.made.memory_mb)
            message = summary(checks)
        elif offer.get("kind") == protocol.OP_REBOOT:
            await self._reboot()
            message = "Rebooted; this host is simulated."
        elif offer.get("kind") == protocol.OP_RETRY and self.fleet.clusters.retry(self.made.uid):
            message = "The steps that failed start again; this host is simulated."
        elif offer.get("kind") == protocol.OP_ACCEPT and self.fleet.clusters.accept(self.made.uid, offer.get("params")):
            message = "The document of the plane takes effect; this host is simulated."
        elif offer.get("kind") in (protocol.OP_RETRY, protocol.OP_ACCEPT, protocol.OP_TRIAL):
            state, message = protocol.OP_REFUSED, "Nothing was done: this host is simulated, and no step of it waits."
        result: Dict[str, Any] = {"state": state, "message": message}
        result["finishedAt"] = times.rfc3339(times.now())
        if checks:
            result["checks"] = [{name: value for name, value in check._asdict().items() if value} for check in checks]
        self._done[offer["id"]] = result
        await self._own("POST", protocol.OPERATION_RESULT, result, operationId=offer["id"])

    async def _event(self, reason: str, message: str) -> None:
        identifier = f"{random.getrandbits(96):024x}"
        name = self.facts.host_name
        event = event_body(
            uid=identifier, at=times.now(), kind=KIND_HOST, object_uid=self.made.uid, object_name=name,
            reason=reason, message=message, component="edgewright-agent",
        )  # fmt: skip
        await self._own("POST", protocol.EVENTS_BULK, [event])

    async def _send(self, method: str, path: str, body: Any) -> Reply:
        return await self.fleet.link.call(method, path, body, {protocol.H_AUTHORIZATION: self.credential})

    async def _own(self, method: str, template: str, body: Any = None, **names: str) -> Reply:
        path = protocol.path(template, uid=self.made.uid, **names)
        return await self._send(method, path, body)

    def _gauges(self) -> Gauges:
        self._cpu = max(1.0, min(97.0, self._cpu + self._rng.uniform(-6, 6)))
        self._memory = max(0.1, min(0.93, self._memory + self._rng.uniform(-0.02, 0.02)))
        cores = self.facts.device["cpu"]["cores"]
        load = round(self._cpu / 100 * cores * self._rng.uniform(0.8, 1.3), 2)
        used = int((self._symptom.memory or self._memory) * self.made.memory_mb)
        return Gauges(load, round(self._cpu, 1), used, int(times.now() - self._booted))


async def run_simulated(
    n: int,
    endpoint: str,
    token: str,
    ca: str,
    faults: bool = True,
    seed: int = 1,
    speed: float = 1.0,
    interval: float = 0.0,
    announce: Callable[[str], None] = lambda line: None,
    started: Optional[Callable[[Fleet], None]] = None,
    connections: int = MOST,
    cluster_faults: Optional[Mapping[str, str]] = None,
) -> None:
    """Run `n` made-up hosts until cancelled. `ca` is a file; `announce` gets each fault; `started` gets the fleet.

    The first `connections` hosts have an idle connection, over which work reaches them at once. `cluster_faults` are
    kinds of `cluster_faults.KINDS` by the name of the cluster.

    Raises `Refused` when the plane refuses the very first registration, `EdgewrightError` for a bad endpoint or CA.
    """
    place = parse_endpoint(endpoint)
    context = make_context(ca)
    link = Link(place, context)
    made = make_hosts(n, seed)
    most = affordable(connections)
    rng = random.Random(f"{seed} faults")  # noqa: S311 - made-up faults, not secrets
    dealt = Faults(by_site([host.site for host in made]), rng, announce, speed) if faults and made else None
    fleet = Fleet(
        made, link, token, seed, dealt, lambda index: make_work(place, context, ca, made[index].uid, index, most)
    )
    fleet.interval = interval
    fleet.clusters = SimulatedClusters(time.monotonic, speed, cluster_faults)
    if started is not None:
        started(fleet)
    await fleet.run()
