"""Memory of the console over a shift: 8 simulated hours of heartbeats, events and keys in a minute or two.

python benchmarks/soak.py [--hours 8] [--hosts 300] [--step 30] [--trace]
Heartbeats of all hosts every `--step` simulated seconds, events and audit entries in bursts, a host that becomes
unhealthy and healthy again, and an operator who goes through the views. Documents come as JSON, as from a plane, whose
feeds are full at the start.
Prints RSS and live objects after the warm-up (two walks, 1.5 h) and at the end, at the same place of the walk; 1 when
RSS grew by more than 10 % or the objects by more than 5 %. `--trace` lists what grew (tracemalloc; slow).
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import gc
import math
import random
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import msgspec

from benchmarks.lib.console_child import NOW, document
from benchmarks.lib.ending import run_main
from edgewright.core import times
from edgewright.store.collections.audits import AUDITS
from edgewright.store.collections.feed import FEED
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store
from tui.app import EdgewrightApp
from tui.session import Session

RSS_MOST, OBJECTS_MOST = 1.10, 1.05
WALK = (
    *("2", "down", "down", "enter", "escape", "slash", "e", "d", "g", "enter", "escape", "H", "3", "enter", "escape"),
    *("4", "tab", "5", "exclamation_mark", "escape", "question_mark", "escape", "colon", "x", "enter", "1", "down"),
    *("2", "t", "escape", "4", "enter", "y", "escape", "escape", "1"),
)
"""Keys of the operator; one is pressed each simulated minute."""


class Soak:
    """A console without a terminal, fed by a clock of its own."""

    def __init__(self, hosts: int, step: float) -> None:
        self.now = NOW
        self.hosts = hosts
        self.step = step
        self.random = random.Random(9)
        self.events = 0
        self.store = Store(clock=lambda: self.now)
        self.session = Session(self.store, context_name="soak", plane="hub 10.0.0.1", now=lambda: self.now)

    def feed(self) -> None:
        """Push what a plane sends in one step."""
        docs = []
        for index in range(self.hosts):
            doc = document(index, cpu=round(self.random.uniform(1, 99), 1))
            sick = self.random.random() < 0.002
            doc["status"]["health"]["state"] = doc["status"]["edgewright"]["healthState"] = (
                "unhealthy" if sick else "healthy"
            )
            doc["status"]["edgewright"]["lastHeartbeat"] = times.rfc3339(self.now - index % 10)
            docs.append(doc)
        self._emit(kinds.HOSTS_SEEN, docs)
        made = [self._event() for _ in range(self.random.choice((0, 0, 1, 2, 5)))]
        if made:
            self._emit(FEED.seen, made)
        if self.random.random() < 0.3:
            self._emit(AUDITS.seen, [self._audit()])
        if self.random.random() < 0.05:
            self.store.message(f"edge-{self.random.randrange(self.hosts):05d} is back after {self.events} s")

    def fill_feeds(self) -> None:
        """Push as many events and audit entries as the model stores."""
        for _ in range(FEED.limit // 100):
            self._emit(FEED.seen, [self._event() for _ in range(100)])
            self._emit(AUDITS.seen, [self._audit() for _ in range(100)])

    def _emit(self, kind: str, docs: list[dict[str, Any]]) -> None:
        self.store.emit("plane", kind, {"docs": msgspec.json.decode(msgspec.json.encode(docs))})

    def _event(self) -> dict[str, Any]:
        self.events += 1
        host = self.random.randrange(self.hosts)
        return {
            "metadata": {"uid": f"ev-{self.events}", "creationTimestamp": times.rfc3339(self.now)},
            "severity": "Warning",
            "reason": "DiskPressure",
            "message": f"disk / at {self.events % 100} % (measurement {self.events})",
            "involvedObject": {"kind": "edgehost", "uid": f"uid-{host:05d}", "name": f"edge-{host:05d}"},
            "source": {"component": "agent", "host": f"edge-{host:05d}"},
        }

    def _audit(self) -> dict[str, Any]:
        self.events += 1
        return {
            "metadata": {"uid": f"au-{self.events}", "creationTimestamp": times.rfc3339(self.now)},
            "spec": {
                "actionType": "update",
                "actor": {"actorType": "user", "user": {"emailId": "noc@example.org"}},
                "resource": {"kind": "edgehost", "uid": "uid-1", "name": "edge-00001"},
                "actionMsg": f"change {self.events}",
            },
        }


def rss() -> float:
    """Return the resident memory of this process, MB."""
    for text in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if text.startswith("VmRSS:"):
            return int(text.split()[1]) / 1024
    return 0.0


def census() -> collections.Counter[str]:
    """Return the live objects that the collector knows, by type, after a full collection."""
    gc.collect()
    return collections.Counter(type(each).__qualname__ for each in gc.get_objects())


async def run(hours: float, hosts: int, step: float, trace: bool) -> int:
    """Run the shift and print; 1 when memory grew."""
    soak = Soak(hosts, step)
    app = EdgewrightApp(soak.session)
    minute = max(int(60 / step), 1)
    cycle = minute * len(WALK)
    cycles = max(math.ceil(hours * 3600 / step / cycle), 3)
    steps, warm = cycles * cycle, 2 * cycle - 1  # both counts are taken at the same place of the walk
    began = time.monotonic()
    before: tuple[float, collections.Counter[str]] = (0.0, collections.Counter())
    seen: tracemalloc.Snapshot | None = None
    async with app.run_test(size=(132, 43)) as pilot:
        soak.store.emit("plane", kinds.SOURCE_STATE, {"state": "live", "contact": soak.now})
        soak.fill_feeds()
        for index in range(steps):
            soak.now += step
            soak.feed()
            soak.store.flush()
            if index % minute == 0:
                await pilot.press(WALK[index // minute % len(WALK)])
            await pilot.pause()
            tick = getattr(app.screen, "_tick", None)
            if tick is not None:
                tick()
            if index == warm:
                before = (rss(), census())
                if trace:
                    tracemalloc.start(8)
                    seen = tracemalloc.take_snapshot()
            if index % max(steps // 8, 1) == 0:
                print(f"  {index * step / 3600:4.1f} h  rss {rss():6.1f} MB  {time.monotonic() - began:5.0f} s")
        if trace and seen is not None:
            for stat in tracemalloc.take_snapshot().compare_to(seen, "lineno")[:25]:
                print(f"  {stat.size_diff / 1024:9.0f} KB  {stat.count_diff:8d}  {stat.traceback}")
        after = (rss(), census())
    grown = after[1] - before[1]
    objects = (sum(before[1].values()), sum(after[1].values()))
    print(f"rss      {before[0]:8.1f} MB  -> {after[0]:8.1f} MB   {after[0] / before[0]:.2f} x (at most {RSS_MOST})")
    ratio = objects[1] / objects[0]
    print(f"objects  {objects[0]:8d}     -> {objects[1]:8d}      {ratio:.2f} x (at most {OBJECTS_MOST})")
    print("grown    " + ", ".join(f"{name} +{count}" for name, count in grown.most_common(8)))
    return 0 if after[0] / before[0] <= RSS_MOST and ratio <= OBJECTS_MOST else 1


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hours", type=float, default=8)
    parser.add_argument("--hosts", type=int, default=300)
    parser.add_argument("--step", type=float, default=30)
    parser.add_argument("--trace", action="store_true")
    args = parser.parse_args()
    return asyncio.run(run(args.hours, args.hosts, args.step, args.trace))


if __name__ == "__main__":
    run_main(main)
