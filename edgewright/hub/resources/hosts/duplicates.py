"""Two records of one machine: the same machine-id, firmware UUID or set of network cards in two hosts (rule P39).

Looked for in slices after records have changed, not with each report: thirty thousand hosts are some ten milliseconds.
Simulated hosts are left out, they have no hardware.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from edgewright.core import times
from edgewright.core.text import clean
from edgewright.hub.controllers.membership import SWEEPS
from edgewright.hub.db.events import host_event
from edgewright.hub.readmodel.alert_board import TENANT, Alert

if TYPE_CHECKING:
    from edgewright.hub.services import Services

REASON: Final = "DuplicateHardware"
KIND: Final = "duplicate-hardware"
EVERY = 10.0
"""Seconds between two looks at least."""
_SLICE = 250
_SHOWN = 12
"""Hosts that a message names."""
_MOST_HOSTS = 100
"""Hosts that one alert lists."""
_NAMES: Final = {"machine": "machine-id", "product": "firmware UUID or serial number", "macs": "network cards"}


class Duplicates:
    """Finds hosts with the same hardware, and maintains their alerts."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._seen = -1
        self._looked = float("-inf")

    async def look(self) -> None:
        """Compare all hosts if one of them changed since the last look; of several hubs one does that."""
        state, now = self._hub.state, times.now()
        if not self._hub.membership.has(SWEEPS):
            return
        if state.version == self._seen or 0 <= now - self._looked < EVERY:
            return
        self._seen, self._looked = state.version, now
        first: dict[str, str] = {}
        groups: dict[str, list[str]] = {}
        for index, entry in enumerate(list(state.hosts.values())):
            if index % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            if entry.facts.simulated:
                continue
            for key in entry.facts.hardware:
                other = first.setdefault(key, entry.record.uid)
                if other != entry.record.uid:
                    groups.setdefault(key, [other]).append(entry.record.uid)
        self._report(self._merged(groups), now)

    def _merged(self, groups: dict[str, list[str]]) -> dict[tuple[str, ...], list[str]]:
        """Return the signs that are the same, by the hosts that share them: one alert for each set of hosts."""
        patterns: dict[tuple[str, ...], list[str]] = {}
        for key, uids in groups.items():
            patterns.setdefault(tuple(sorted(set(uids))), []).append(key.partition(":")[0])
        return patterns

    def _report(self, matches: dict[tuple[str, ...], list[str]], now: float) -> None:
        hub, present = self._hub, set()
        for uids, patterns in matches.items():
            entries = [hub.state.hosts[uid] for uid in uids if uid in hub.state.hosts]
            if len(entries) < 2:
                continue
            key = f"{KIND}/{uids[0]}/{'+'.join(sorted(patterns))}"
            present.add(key)
            names = ", ".join(uids[:_SHOWN]) + (f" and {len(uids) - _SHOWN} more" if len(uids) > _SHOWN else "")
            same = " and ".join(_NAMES[sign] for sign in sorted(patterns))
            message = f"{len(uids)} host records have the same {same}: {names}."
            stored = hub.alerts.get(key)
            if stored is not None and (stored.host_uids, stored.message) == (uids[:_MOST_HOSTS], clean(message, 1000)):
                continue
            projects = {entry.record.project_uid for entry in entries}
            hub.alerts.report(
                Alert(
                    uid=key, kind=KIND, subject=entries[0].facts.name,
                    text=f"same {same} as {uids[1] if len(uids) == 2 else f'{len(uids) - 1} other hosts'}",
                    message=message, code=REASON, project_uid=projects.pop() if len(projects) == 1 else TENANT,
                    host_uids=uids[:_MOST_HOSTS], since=now, last=now, quiet=None,
                    hint="If it is one machine that was installed again, delete the record that is silent (edgewright "
                    "host delete). If they are several made from one image, empty /etc/machine-id in the image.",
                ),
                event=host_event(uids[0], uids[0], "Warning", REASON, message),
            )  # fmt: skip
        for alert in hub.alerts.all():
            if alert.kind == KIND and alert.uid not in present:
                hub.alerts.drop(alert.uid)
