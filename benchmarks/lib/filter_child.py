"""One program with N hosts: prints how long a filter takes, or how much memory it has. For `list_filter.py`.

filter_child.py filter N     the console: seconds until the frame, for setting and clearing filters, and a plain loop
filter_child.py console N    the console at rest: RSS in bytes
filter_child.py plain N      a trivial app and the same rows as plain objects: RSS in bytes
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

from benchmarks.lib.console_child import NOW, filled

ROUNDS = 15
FILTERS = ("health:unhealthy", "site-01", "tag.line:pos cpu>=4", "nothing-matches-this")


def rss() -> int:
    """Return the resident memory of this process, bytes."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def console(count: int) -> Any:
    """Return the console over `count` hosts."""
    from tui.app import EdgewrightApp
    from tui.session import Session

    session = Session(store=filled(count), context_name="bench", start_view="hosts", now=lambda: NOW)
    return EdgewrightApp(session)


async def _frame(app: Any, act: Any) -> float:
    """Return seconds from `act` until the frame with its rows was made."""
    painted = asyncio.Event()

    def hook() -> None:
        if app.screen.is_settled:  # else the frame has the crumb of the filter and the rows of the one before
            painted.set()

    app.post_display_hook = hook
    began = time.perf_counter()
    act()
    await asyncio.wait_for(painted.wait(), 30)
    return time.perf_counter() - began


async def _longest_wait(until: asyncio.Event) -> float:
    """Return the longest time in seconds for which a callback of the event loop had to wait, as a key would."""
    longest = 0.0
    while not until.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - before - 0.001)
    return longest


async def filters(count: int) -> dict[str, float]:
    """Return seconds by what was done."""
    app = console(count)
    found: dict[str, list[float]] = {}
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.pause(1.0)
        screen = app.screen
        hosts = app.session.store.model.hosts
        for _ in range(ROUNDS):
            for text in FILTERS:
                done = asyncio.Event()
                waiting = asyncio.create_task(_longest_wait(done))
                await asyncio.sleep(0.01)
                found.setdefault(f"set {text}", []).append(
                    await _frame(app, lambda text=text: screen.action_filter(text))
                )
                done.set()
                found.setdefault(f"wait {text}", []).append(await waiting)
                await pilot.pause(0.02)
                found.setdefault("clear", []).append(await _frame(app, lambda: screen._filter_by("")))
                await pilot.pause(0.02)
            began = time.perf_counter()
            keys = [key for key, row in hosts.items() if row.health == "unhealthy"]
            keys.sort(key=lambda key: hosts[key].name)
            found.setdefault("loop", []).append(time.perf_counter() - began)
            began = time.perf_counter()
            sorted(hosts, key=lambda key: (hosts[key].health, hosts[key].name))
            found.setdefault("sort", []).append(time.perf_counter() - began)
    return {name: median(times) for name, times in found.items()}


async def at_rest(app: Any) -> int:
    """Return the memory of an app that shows its first frame and waits."""
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.pause(2.0)
        return rss()


def plain(count: int) -> int:
    """Return the memory of the floor: a trivial app, and each row as an object with attributes."""
    from benchmarks.lib.trivial_app import Trivial

    rows = [
        SimpleNamespace(**{name: getattr(row, name) for name in row.__struct_fields__})
        for row in filled(count).model.hosts.values()
    ]
    gc.collect()
    size = asyncio.run(at_rest(Trivial()))
    assert len(rows) == count
    return size


if __name__ == "__main__":
    mode, number = sys.argv[1], int(sys.argv[2])
    if mode == "filter":
        print(json.dumps(asyncio.run(filters(number))))
    else:
        print(json.dumps(plain(number) if mode == "plain" else asyncio.run(at_rest(console(number)))))
