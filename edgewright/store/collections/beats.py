"""Heartbeats in short form: what they change of a host's row, and of its raw document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from edgewright.core import times
from edgewright.store.collections.hosts import HostRow
from edgewright.wire.protocol import PROGRESS


class Beat(NamedTuple):
    """One heartbeat, the `number`th of its host; `at` is epoch seconds by the plane's clock."""

    uid: str
    at: float
    number: int
    vitals: Mapping[str, Any]


def beats_of(payload: Mapping[str, Any]) -> Iterator[Beat]:
    """Yield the heartbeats of an event; odd ones are skipped."""
    items = payload.get("beats")
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, (list, tuple)) or len(item) != 4:
            continue
        uid, at, count, vitals = item
        if (
            isinstance(uid, str)
            and isinstance(at, (int, float))
            and isinstance(count, int)
            and isinstance(vitals, dict)
            and 0 < at < 1e11
        ):
            yield Beat(uid, float(at), count, vitals)


def row_after(row: HostRow, beat: Beat, fetched_at: float) -> HostRow:
    """Return a host's row after a heartbeat; an older one changes nothing."""
    if row.last_seen is not None and beat.at < row.last_seen:
        return row
    cpu, used = _number(beat.vitals.get("cpuPercent")), _number(beat.vitals.get("memoryUsedMB"))
    memory = row.memory_percent
    if used is not None and row.memory_mb:
        memory = _percent(used * 100.0 / row.memory_mb)
    deadline = row.deadline
    if deadline is not None and row.silence_limit is not None:
        deadline = beat.at + row.silence_limit
    return msgspec.structs.replace(
        row,
        last_seen=beat.at,
        heartbeats=beat.number,
        cpu_percent=row.cpu_percent if cpu is None else _percent(cpu),
        memory_percent=memory,
        deadline=deadline,
        fetched_at=fetched_at,
    )


def document_after(doc: Mapping[str, Any], beat: Beat) -> dict[str, Any]:
    """Return a host's raw document after a heartbeat; what the heartbeat does not change is shared."""
    spec, status = _part(doc, "spec"), _part(doc, "status")
    judgement = {**_part(status, "edgewright"), "lastHeartbeat": times.rfc3339(beat.at), "heartbeats": beat.number}
    limit = _number(judgement.get("silenceLimit"))
    if limit is not None and judgement.get("deadline"):
        judgement["deadline"] = times.rfc3339(beat.at + limit)
    progress = beat.vitals.get(PROGRESS)
    judgement.pop(PROGRESS, None)
    if isinstance(progress, dict):
        judgement[PROGRESS] = progress
    ours = {**_part(spec, "edgewright"), **{name: value for name, value in beat.vitals.items() if name != PROGRESS}}
    return {**doc, "spec": {**spec, "edgewright": ours}, "status": {**status, "edgewright": judgement}}


def _part(doc: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = doc.get(key)
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _percent(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 1)
