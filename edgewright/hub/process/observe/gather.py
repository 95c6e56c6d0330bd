"""The metrics of one hub. Every set of labels is bounded by the program, never by hosts, users or paths."""

from __future__ import annotations

import os
import platform
import resource
from collections import Counter
from pathlib import Path

import edgewright
from edgewright.core import times
from edgewright.hub.process.clock import boottime
from edgewright.hub.process.observe.exposition import Family, Sample, metric
from edgewright.hub.process.observe.readiness import Fact, Readiness
from edgewright.hub.process.observe.requests import RequestMeter
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.view import View
from edgewright.hub.security import pki
from edgewright.hub.services import Services

FRESH = 10.0
"""Seconds for which a count of all hosts serves every reader: it walks the fleet."""


class Census:
    """Hosts by state and health, counted at most once in `FRESH` seconds."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._at = float("-inf")
        self._counted: Counter[tuple[str, str]] = Counter()

    async def count(self, pace: Pace) -> Counter[tuple[str, str]]:
        """Return (state, health) -> hosts; gives way to the event loop after each slice of `pace`."""
        if boottime() - self._at < FRESH:
            return self._counted
        view, counted = View(self._hub.renderer, times.now()), Counter[tuple[str, str]]()
        async with pace:
            for entry in list(self._hub.state.hosts.values()):
                view.entry = entry
                counted[entry.record.state, view.health()] += 1
                if pace.due:
                    await pace.rest()
        self._at, self._counted = boottime(), counted
        return counted


async def gather(hub: Services, pace: Pace) -> list[Family]:
    """Return every metric."""
    counted = await hub.part(Census).count(pace)
    facts = await hub.part(Readiness).facts()
    return [*_fleet(hub, counted), *hub.part(RequestMeter).families(), *_storage(hub), *_ready(facts), *_process(hub)]


def _fleet(hub: Services, counted: Counter[tuple[str, str]]) -> list[Family]:
    hosts = [Sample(count, {"state": state, "health": health}) for (state, health), count in sorted(counted.items())]
    return [
        Family("edgewright_hub_hosts", "gauge", "Registered hosts by state and health.", hosts),
        metric(
            "edgewright_hub_heartbeats_total", "counter", "Heartbeats acknowledged by this process.",
            hub.writer.beats_written,
        ),
        metric("edgewright_hub_streams_open", "gauge", "Open change streams.", hub.changes.readers.total()),
        metric(
            "edgewright_hub_refused_credentials_total", "counter", "Requests with no, a wrong or an ended credential.",
            hub.part(RequestMeter).refused,
        ),
    ]  # fmt: skip


def _storage(hub: Services) -> list[Family]:
    writer, storage = hub.writer, hub.storage
    return [
        metric("edgewright_hub_write_batches_total", "counter", "Transactions of the writer.", writer.batches),
        metric("edgewright_hub_write_jobs_total", "counter", "Changes in these transactions.", writer.jobs_written),
        metric("edgewright_hub_write_seconds_total", "counter", "Time of these transactions.", writer.seconds),
        metric("edgewright_hub_write_slowest_seconds", "gauge", "The slowest of the latest ones.", writer.slowest),
        metric("edgewright_hub_write_queue", "gauge", "Changes that wait for the writer.", writer.queued),
        metric("edgewright_hub_storage_working", "gauge", "1 while the storage takes writes.", storage.since is None),
        metric(
            "edgewright_hub_events_waiting", "gauge", "Events that wait in memory until the storage works again.",
            float(storage.as_dict()["storageWaiting"]),
        ),
    ]  # fmt: skip


def _ready(facts: list[Fact]) -> list[Family]:
    ready = [Sample(not fact.reason, {"check": fact.name}) for fact in facts]
    return [Family("edgewright_hub_ready", "gauge", "1 for each check of /readyz that is passed.", ready)]


def _process(hub: Services) -> list[Family]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    ends = [
        Sample(end, {"certificate": row["name"]})
        for row in pki.certificates(hub.data)
        if (end := times.parse(row["ends"])) is not None
    ]
    build = {
        "version": edgewright.__version__,
        "python": platform.python_version(),
        "database": hub.engine.dialect.name,
    }
    return [
        Family("edgewright_hub_certificate_end_seconds", "gauge", "When a certificate ends, epoch seconds.", ends),
        Family("edgewright_hub_build_info", "gauge", "1; the labels are the build.", (Sample(1, build),)),
        metric("process_start_time_seconds", "gauge", "When this process started, epoch seconds.", hub.started),
        metric("process_cpu_seconds_total", "counter", "CPU time of this process.", usage.ru_utime + usage.ru_stime),
        metric("process_resident_memory_bytes", "gauge", "Resident memory of this process.", _resident()),
    ]


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
