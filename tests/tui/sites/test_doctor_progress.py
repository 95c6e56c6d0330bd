"""Doctor while it reads: how far it is, whether anything arrives, and how it is stopped."""

from __future__ import annotations

import asyncio

from edgewright.clients.ssh.probes.sets import chosen
from tests.tui.driving import frame_text, press, until
from tests.tui.samples import NOW
from tests.tui.sites.site_host import FULL, Sites, StandInHost
from tests.tui.sites.test_doctor_screen import doctor, fixed_clock, flat

__all__ = ["fixed_clock"]
PROBES = len(chosen())


async def test_a_run_shows_how_far_it_is_and_how_it_is_stopped() -> None:
    host = StandInHost(FULL)
    host.gate, host.part = asyncio.Event(), 330
    async with doctor(Sites(host)) as (pilot, _, made):
        await until(pilot, lambda: "esc stop reading" in frame_text(pilot.app, "keys"))
        pilot.app.screen.tick()
        assert (
            f"Reading {PROBES} probes in one round trip. esc stops it. 1 of {PROBES} answered, 330 B so far, "
            in flat(pilot)
        )
        assert "network.duplicate runs." in flat(pilot)
        made.now = lambda: NOW + 12
        pilot.app.screen.show_frame()
        assert f"reading 1 of {PROBES} answered, 330 B, 12s, nothing for 12s" in frame_text(pilot.app, "crumb")
        made.now = lambda: NOW + 3
        pilot.app.screen.show_frame()
        assert frame_text(pilot.app, "crumb").endswith("330 B, 3s"), "it may be at a probe that takes a while"
        host.gate.set()
        await until(pilot, lambda: "probes in 1 round trip, 2.1 s" in frame_text(pilot.app, "crumb"))
        host.gate.clear()
        await press(pilot, "R")
        await until(pilot, lambda: f"reading 1 of {PROBES} answered" in frame_text(pilot.app, "crumb"))
        assert "esc stop reading" in frame_text(pilot.app, "keys") and "/ is full" in flat(pilot)
