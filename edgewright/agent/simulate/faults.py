"""Faults of a made-up fleet: silence, trouble of single hosts, sites cut off, reboots; and how they end again."""

from __future__ import annotations

import math
import random
from typing import Callable, Dict, List, NamedTuple, Sequence

from edgewright.agent.simulate.symptoms import SYMPTOMS, Symptom

EVERY = 45.0
"""Seconds between two new faults for 500 hosts, at speed 1."""
SICK_AT_START = 0.02
"""Part of the fleet that has a fault when it starts."""


class Trouble(NamedTuple):
    """The fault of one host until `until` (seconds of the fleet's own clock)."""

    kind: str
    """`silent`, `sick` or `reboot`."""
    until: float
    symptom: Symptom = Symptom("")
    """What a `sick` host measures; it reports what follows from that, by the rules of the real agent."""


class Faults:
    """Causes faults. `tell` gets each as a line; times are seconds of the caller's clock."""

    def __init__(
        self, sites: Dict[str, List[int]], rng: random.Random, announce: Callable[[str], None], speed: float = 1.0
    ) -> None:
        self._sites = sites
        self._rng = rng
        self._announce = announce
        self._speed = max(0.01, speed)
        self._count = sum(len(hosts) for hosts in sites.values())
        self.troubles: Dict[int, Trouble] = {}

    def begin(self, now: float) -> None:
        """Give a few hosts a fault, as in every real fleet."""
        for index in self._rng.sample(range(self._count), max(1, int(self._count * SICK_AT_START))):
            self._put(index, Trouble("sick", now + self._span(300, 1800), self._rng.choice(SYMPTOMS)))

    def next_in(self) -> float:
        """Return the seconds until the next fault."""
        rate = EVERY * math.sqrt(500 / max(20, self._count)) / self._speed
        return self._rng.uniform(0.3, 1.7) * rate

    def strike(self, now: float, silence_limit: float) -> None:
        """Let something happen. A silence lasts past the limit, so that the plane notices."""
        what = self._rng.choices(("sick", "silent", "site", "reboot"), (40, 25, 10, 25))[0]
        index = self._rng.randrange(self._count)
        if what == "sick":
            self._put(index, Trouble("sick", now + self._span(120, 1200), self._rng.choice(SYMPTOMS)))
        elif what == "silent":
            self._put(index, Trouble("silent", now + silence_limit * self._rng.uniform(0.6, 2.0)))
        elif what == "reboot":
            self._put(index, Trouble("reboot", now + self._span(40, 120)))
        else:
            self._cut(self._rng.choice(sorted(self._sites)), now + silence_limit * self._rng.uniform(1.1, 2.2))

    def of(self, index: int, now: float) -> "Trouble | None":
        """Return the fault of a host now."""
        trouble = self.troubles.get(index)
        if trouble is not None and trouble.until <= now and trouble.kind != "reboot":
            del self.troubles[index]
            return None
        return trouble

    def over(self, index: int) -> None:
        """End a host's fault."""
        self.troubles.pop(index, None)

    def _cut(self, site: str, until: float) -> None:
        self._announce(f"the link of {site} is cut")
        for index in self._sites[site]:
            self.troubles[index] = Trouble("silent", until)

    def _put(self, index: int, trouble: Trouble) -> None:
        if index in self.troubles:
            return
        self.troubles[index] = trouble
        self._announce(f"host {index + 1}: {trouble.kind} {trouble.symptom.name}".rstrip())

    def _span(self, shortest: float, longest: float) -> float:
        return self._rng.uniform(shortest, longest) / self._speed


def by_site(sites: Sequence[str]) -> Dict[str, List[int]]:
    """Return the indices of the hosts of each site."""
    matches: Dict[str, List[int]] = {}
    for index, site in enumerate(sites):
        matches.setdefault(site, []).append(index)
    return matches
