"""From problems to messages: what is opened, changed, repeated and resolved, and when (rule P58). Pure: no I/O.

An incident is what a receiver knows under one name: a problem, or all silence behind one link, whatever its hosts. So
a link that goes down is one message with a count. Nothing is sent while it can still become part of something larger:
hosts of the same site are late, or its hosts return one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from edgewright.core.problems import Problem
from edgewright.hub.resources.alerts.incident import SILENCE
from edgewright.hub.resources.alerts.incident import Incident as Incident
from edgewright.hub.resources.alerts.joined import by_gateway, describe, incident_name, remaining, storm

OPENED, CHANGED, REPEATED, RESOLVED, TEST = "opened", "changed", "repeated", "resolved", "test"
EVENTS = (OPENED, CHANGED, REPEATED, RESOLVED, TEST)
CHANGED_EVERY, CHANGED_MOST = 60.0, 3_600.0
"""Seconds between two messages that only follow the size of an incident: at first, and at most after doubling."""


MANY = 20
"""Messages of one look that open something; silence at so many places at once is one incident."""
_STORM = "fleet/"


class Rhythm(NamedTuple):
    """Times in seconds. `wait`: how long a problem lasts before it is sent; `settle`: how long a site must be calm."""

    wait: float = 10.0
    settle: float = 70.0
    most: float = 240.0
    """How long a message waits for its site to be calm at most."""


class ReceiverView(NamedTuple):
    """What the rules need of a receiver; `repeat` 0: never. One that is not active gets the end of what it knows."""

    uid: str
    scope: str
    repeat: float = 0.0
    active: bool = True


class Message(NamedTuple):
    """One message for one receiver."""

    receiver: str
    event: str
    incident: Incident
    problem: dict[str, Any]


class Step(NamedTuple):
    """What one look leads to: messages, incidents to store and names of those to delete."""

    messages: list[Message]
    store: list[Incident]
    delete: list[Incident]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.messages or self.store or self.delete)


class Incidents:
    """The incidents of all scopes, and the problems that are not sent yet. Used on the event loop only."""

    def __init__(self, known: Sequence[Incident], rhythm: Rhythm) -> None:
        self.rhythm = rhythm
        self.known = {(incident.scope, incident.name): incident for incident in known}
        self._pending: dict[tuple[str, str], float] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._moved: dict[tuple[str, str], float] = {}
        """Scope and site -> when its number of silent hosts changed last."""

    def watch(self, scope: str, silent: Mapping[str, int], now: float) -> None:
        """Note the number of silent hosts by site, to see which sites are calm."""
        before = {site for where, site in self._counts if where == scope}
        for site in before | set(silent):
            count = silent.get(site, 0)
            last = self._counts.get((scope, site), 0)
            if count < last:
                self._moved[scope, site] = now  # hosts return: more of them may follow
            if count:
                self._counts[scope, site] = count
            else:
                self._counts.pop((scope, site), None)
        for place in [place for place, at in self._moved.items() if not 0 <= now - at < self.rhythm.most]:
            del self._moved[place]

    def calm(self, scope: str, site: str, now: float) -> bool:
        """Whether no silent host of a site has returned just now: more of them may follow."""
        moved = self._moved.get((scope, site))
        return moved is None or now - moved >= self.rhythm.settle

    def step(
        self,
        scope: str,
        problems: Mapping[str, Problem],
        receivers: Sequence[ReceiverView],
        now: float,
        *,
        calm: Callable[[Problem], bool],
        gateway: Callable[[Problem], str],
        over: Callable[[Incident], bool],
        silenced: Callable[[str], bool],
        acknowledged: Callable[[str], bool],
    ) -> Step:
        """Compare the problems of a scope with what its receivers know.

        `calm`: the site of a silence is complete; `gateway`: the address behind which everything is silent; `over`: an
        absent problem has really ended (its hosts respond); `silenced` and `acknowledged` ask the handling record of
        a problem's key. Nothing here is changed: `take` is
        called with the step once it is stored.
        """
        step = Step([], [], [])
        present = {incident_name(key): problem for key, problem in problems.items()}
        every = [receiver for receiver in receivers if receiver.scope == scope]
        mine = [receiver for receiver in every if receiver.active]
        self._forget(scope, present)
        covered = {
            uid
            for (where, _), incident in self.known.items()
            if where == scope and incident.silence
            for uid in incident.uids
        }
        ready: list[tuple[str, Problem]] = []
        waiting: list[tuple[str, Problem]] = []
        for name, problem in present.items():
            incident = self.known.get((scope, name))
            if incident is not None:
                self._follow(step, incident, problem, mine, now, calm, silenced, acknowledged)
            elif problem.kind in SILENCE and covered.issuperset(problem.uids):
                continue
            elif mine and not silenced(problem.key):
                (ready if self._ready(scope, name, now, calm(problem)) else waiting).append((name, problem))
        ready = by_gateway(ready, waiting, gateway)
        self._open(step, scope, ready, mine, now)
        silent = {uid for problem in problems.values() if problem.kind in SILENCE for uid in problem.uids}
        for (where, name), incident in list(self.known.items()):
            if where != scope or name in present:
                continue
            rest = tuple(uid for uid in incident.uids if uid in silent) if incident.silence else ()
            if rest:
                # Its hosts return one by one, or became part of something larger: it lasts until all are back.
                quiet = [receiver._replace(repeat=0.0) for receiver in mine]
                self._follow(step, incident, remaining(incident, rest), quiet, now, calm, silenced, acknowledged)
            else:
                self._absent(step, incident, every, now, over(incident), silenced)
        return step

    def take(self, step: Step) -> None:
        """Take a step that is stored."""
        for incident in step.store:
            self.known[incident.scope, incident.name] = incident
            self._pending.pop((incident.scope, incident.name), None)
        for incident in step.delete:
            self.known.pop((incident.scope, incident.name), None)

    def _forget(self, scope: str, present: Mapping[str, Problem]) -> None:
        for where, name in [place for place in self._pending if place[0] == scope and place[1] not in present]:
            del self._pending[where, name]

    def _ready(self, scope: str, name: str, now: float, calm: bool) -> bool:
        """Whether a problem has lasted long enough to be sent."""
        since = self._pending.setdefault((scope, name), now)
        if now < since:  # the clock was set back
            since = self._pending[scope, name] = now
        return now - since >= (self.rhythm.wait if calm else max(self.rhythm.wait, self.rhythm.most))

    def _open(
        self, step: Step, scope: str, ready: list[tuple[str, Problem]], mine: Sequence[ReceiverView], now: float
    ) -> None:
        """Open incidents; silence at very many places at once is one of them."""
        quiet = [problem for _, problem in ready if problem.kind in SILENCE]
        recent = max(
            (incident for (where, name), incident in self.known.items()
             if where == scope and name.startswith(_STORM) and now - incident.seen < 2 * self.rhythm.settle),
            key=lambda incident: incident.seen, default=None,
        )  # fmt: skip
        if len(quiet) >= MANY or (recent is not None and quiet):
            ready = [(name, problem) for name, problem in ready if problem.kind not in SILENCE]
            if recent is None:
                ready.append((f"{_STORM}{now:.0f}", storm(quiet)))
            elif now - max(recent.notified.values(), default=0.0) >= CHANGED_EVERY:
                problem = storm(quiet, recent)
                newer = msgspec.structs.replace(
                    recent, uids=problem.uids, problem=describe(problem), notified=dict(recent.notified), seen=now
                )
                for receiver in mine:
                    self._send(step, newer, receiver.uid, CHANGED, now)
                step.store.append(newer)
        for name, problem in ready[:MANY]:  # the others follow at the next look
            incident = Incident(name, scope, problem.key, now, describe(problem), problem.uids, seen=now)
            for receiver in mine:
                self._send(step, incident, receiver.uid, OPENED, now)
            step.store.append(incident)

    def _follow(
        self, step: Step, incident: Incident, problem: Problem, mine: Sequence[ReceiverView], now: float,
        calm: Callable[[Problem], bool], silenced: Callable[[str], bool], acknowledged: Callable[[str], bool],
    ) -> None:  # fmt: skip
        newer = msgspec.structs.replace(incident, notified=dict(incident.notified), gone_at=None)
        count = len(step.messages)
        if not silenced(problem.key):
            described = describe(problem)
            differs = problem.key != incident.key or set(problem.uids) != set(incident.uids)
            last = max(incident.notified.values(), default=incident.opened)
            pause = min(CHANGED_EVERY * 2**incident.changes, CHANGED_MOST)
            due = differs and now - last >= pause and calm(problem) and not acknowledged(problem.key)
            if due:
                newer.changes = min(newer.changes + 1, 16)
                newer.key, newer.uids, newer.problem, newer.seen = problem.key, problem.uids, described, now
            for receiver in mine:
                before = incident.notified.get(receiver.uid)
                if before is None:
                    event = OPENED  # a receiver that was added meanwhile, or a silence has ended
                elif due:
                    event = CHANGED
                elif 0 < receiver.repeat <= now - before and not acknowledged(problem.key):
                    event = REPEATED
                else:
                    continue
                if not due:
                    newer.key, newer.uids, newer.problem, newer.seen = problem.key, problem.uids, described, now
                self._send(step, newer, receiver.uid, event, now)
        if len(step.messages) > count or incident.gone_at is not None:
            step.store.append(newer)

    def _absent(
        self, step: Step, incident: Incident, mine: Sequence[ReceiverView], now: float, over: bool,
        silenced: Callable[[str], bool],
    ) -> None:  # fmt: skip
        if not over:
            return
        if silenced(incident.key):
            if incident.gone_at is None:
                step.store.append(msgspec.structs.replace(incident, gone_at=now))
            return  # its end is sent when the silence ends
        for receiver in mine:
            if receiver.uid in incident.notified:
                self._send(step, incident, receiver.uid, RESOLVED, now)
        step.delete.append(incident)

    @staticmethod
    def _send(step: Step, incident: Incident, receiver: str, event: str, now: float) -> None:
        if event != RESOLVED:
            incident.notified[receiver] = now
        step.messages.append(Message(receiver, event, incident, incident.problem))
