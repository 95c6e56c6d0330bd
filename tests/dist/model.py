"""What the plane acknowledged, as several writers know it, and what must therefore be true at every hub."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.dist.plane import Member, Plane

WITHIN: Final = 5.0
"""Seconds after which a revoked secret is refused, and an acknowledged write is at every hub (rule P68)."""
MOST_ADDED: Final = 20.0
"""Seconds that a crowded machine adds at most."""
MOST_OFFERED: Final = 12
"""Revoked secrets that a schedule offers to each hub: from 100 wrong ones a minute on a hub looks up no unknown one."""
CHANGE_REASONS: Final = ("HostUnhealthy", "HostRecovered")
"""Reasons of the events that report a change of health."""
Get = Callable[[str], httpx.Response]
"""Reads a path of one hub as admin."""
Wanted = Callable[[Get], "str | None"]
"""Asks one hub; returns what is wrong, or `None`."""


@dataclass
class Secret:
    """A revoked secret: `use` offers it to a hub, `at` is when its revocation was acknowledged."""

    name: str
    at: float
    use: Callable[[Member], httpx.Response]
    offered: set[int] = field(default_factory=set)


@dataclass
class Field:
    """A value with one writer: `now` was acknowledged, `maybe` was sent since then without a clear answer."""

    now: Any = None
    maybe: list[Any] = field(default_factory=list)

    def sent(self, value: Any, *, acknowledged: bool) -> None:
        """Note a write and whether it was acknowledged."""
        if acknowledged:
            self.now, self.maybe = value, []
        else:
            self.maybe.append(value)

    def allows(self, value: Any) -> bool:
        """Return whether a hub may show this value."""
        return value == self.now or value in self.maybe


@dataclass
class Changes:
    """How often the health of a host changed, by the heartbeats that were sent: each change has one event.

    Whether a heartbeat without an answer counts is unknown, and one that is followed by another state at once need not
    be noticed. So `most` has all that were sent, `least` only what must have been noticed.
    """

    state: str = "healthy"
    most: int = 0
    least: int = 0

    def report(self, state: str) -> None:
        """Note the state of a heartbeat that is sent."""
        self.most += state != self.state
        self.state = state


class Model:
    """Shared by all writers; each method may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.problems: list[str] = []
        self.counts: dict[str, int] = {}
        self._wanted: dict[str, Wanted] = {}
        self._lasting: list[tuple[float, str, Wanted]] = []
        self.revoked: list[Secret] = []
        self._offers: dict[int, int] = {}
        self.generations: dict[tuple[str, str], int] = {}
        self.changes: defaultdict[str, Changes] = defaultdict(Changes)
        """Host -> changes of its health."""
        self.reported: dict[str, str] = {}
        """Host -> the state of its newest heartbeat, where that was acknowledged."""

    def wrong(self, text: str) -> None:
        """Note that a property does not hold."""
        with self._lock:
            if len(self.problems) < 20:
                self.problems.append(text)

    def acknowledged(self, kind: str, name: str, wanted: Wanted, *, lasting: bool = False) -> None:
        """Note an acknowledged write: `wanted` must hold at every hub, of a `lasting` one from 5 s later on."""
        with self._lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self._wanted[f"{kind} {name}"] = wanted
            if lasting:
                self._lasting.append((time.monotonic(), f"{kind} {name}", wanted))

    def revoke(self, name: str, use: Callable[[Member], httpx.Response]) -> None:
        """Note an acknowledged revocation."""
        with self._lock:
            self.counts["revocation"] = self.counts.get("revocation", 0) + 1
            self.revoked.append(Secret(name, time.monotonic(), use))

    def answered(self, who: str, answer: httpx.Response, *fine: int) -> bool:
        """Judge an answer: returns whether it acknowledges; 503 does not, and anything outside `fine` is a problem."""
        if answer.status_code in fine:
            return True
        with self._lock:
            self.counts[str(answer.status_code)] = self.counts.get(str(answer.status_code), 0) + 1
        if answer.status_code != 503:
            self.wrong(f"{who}: {answer.request.method} {answer.request.url} {answer.status_code} {answer.text[:300]}")
        return False

    def saw_generation(self, reader: str, uid: str, generation: int) -> None:
        """Note what one reader of one hub saw of a host: it never goes back."""
        with self._lock:
            before = self.generations.get((reader, uid), 0)
            self.generations[(reader, uid)] = max(before, generation)
        if generation < before:
            self.wrong(f"the generation of {uid} went back at {reader}: {before} to {generation}")

    def take_wanted(self) -> dict[str, Wanted]:
        """Return what must hold, by name, and begin with nothing."""
        with self._lock:
            wanted, self._wanted = self._wanted, {}
            return wanted

    def offer_revoked(self, members: list[Member], chance: random.Random) -> None:
        """Offer secrets that were revoked long enough ago to live hubs, each once to each; none may be accepted."""
        for member in members:
            with self._lock:
                due = [
                    secret
                    for secret in self.revoked
                    if time.monotonic() - secret.at > WITHIN and member.number not in secret.offered
                ]
                room = MOST_OFFERED - self._offers.get(member.number, 0)
                due = chance.sample(due, max(0, min(len(due), room)))
                for secret in due:
                    secret.offered.add(member.number)
                self._offers[member.number] = self._offers.get(member.number, 0) + len(due)
            for secret in due:
                self._offer(secret, member)

    def _offer(self, secret: Secret, member: Member) -> None:
        began = time.monotonic()
        try:
            answer = secret.use(member)
        except httpx.HTTPError:
            return  # this hub is down
        if answer.status_code not in (401, 404, 503):
            self.wrong(
                f"hub {member.number} answered {answer.status_code} to {secret.name} {began - secret.at:.2f} s "
                f"after its revocation: {answer.text[:200]}"
            )

    def look_for_late(self, members: list[Member], chance: random.Random, get: Callable[[Member], Get]) -> None:
        """Ask live hubs for lasting writes that were acknowledged more than 5 s ago: each shows them or answers 503."""
        now = time.monotonic()
        with self._lock:
            due = [each for each in self._lasting if now - each[0] > WITHIN]
        for at, name, wanted in chance.sample(due, min(len(due), 2)):
            member = chance.choice(members)
            began = time.monotonic()
            try:
                text = wanted(get(member))
            except httpx.HTTPError:
                continue
            if text is not None and "503" not in text and "PlaneBehind" not in text and "Storage" not in text:
                self.wrong(f"{began - at:.2f} s after its acknowledgement hub {member.number} has no {name}: {text}")


def waited_for_cpu() -> float:
    """Return the seconds since the machine's start in which a process waited for a processor (PSI); 0 without it."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/pressure/cpu").read_text().split()[4].partition("=")[2]) / 1e6
    return 0.0


class Deadline:
    """Seconds in which hubs and database had a processor: on a crowded machine the time without is added."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within, self._began, self._waited = within, time.monotonic(), waited_for_cpu()

    def over(self, at: float | None = None) -> bool:
        """Return whether the time was over at a moment (now)."""
        added = min(max(0.0, waited_for_cpu() - self._waited), MOST_ADDED)
        return (time.monotonic() if at is None else at) > self._began + self._within + added


def settled(plane: Plane, wanted: dict[str, Wanted], get: Callable[[Member], Get]) -> list[str]:
    """Wait until everything wanted is true at every hub, `WITHIN` seconds for all; returns what is not.

    Each hub is asked at once; a busy machine adds the time of one round, which is measured from its begin.
    """
    deadline, members = Deadline(), plane.members
    open_now = [(member, name, ask) for member in members for name, ask in wanted.items()]
    while True:
        begun, still, texts = time.monotonic(), [], []
        for member, name, ask in open_now:
            try:
                text = ask(get(member))
            except httpx.HTTPError as error:
                text = repr(error)
            if text is not None:
                still.append((member, name, ask))
                texts.append(f"hub {member.number}: {name}: {text}")
        if not still or deadline.over(begun):
            return texts
        open_now = still
        time.sleep(0.1)
