"""What is important of one object, from its document: its row in full, containers, conditions, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from edgewright.core.errors import Failed
from edgewright.core.text import clean
from edgewright.store.collections.document_values import part, parts, text, value, when
from edgewright.store.table import Facts, Look
from edgewright.store.workloads.cluster_events import ClusterEvent, event_row
from edgewright.store.workloads.kinds import Kind
from edgewright.store.workloads.objects import since_text

Block = tuple[str, list[tuple[str, str]]]
"""A title, and lines with their roles."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of an object that is shown: etcd stores 1.5 MB of one, JSON is larger."""
LINE = 4096
"""Characters of a line."""


def document_of(data: bytes) -> dict[str, Any]:
    """Return an object of the API. Raises `Failed` for one that cannot be shown."""
    if len(data) > MOST_BYTES:
        raise Failed(f"The object has {len(data):,} bytes, which is too much to show.", "Use kubectl.")
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Failed("The API answers something that is not an object.", "Use kubectl.") from None


def facts_of(kind: Kind, document: Mapping[str, Any], now: float) -> tuple[str, tuple[Facts, ...]]:
    """Return headline and facts of an object; a sentence in place of them for one that cannot be read."""
    try:
        row = kind.row(msgspec.convert(document, kind.decoder.type))
    except (msgspec.ValidationError, ValueError):
        return f"This {kind.single} is not as its kind has it; y shows it.", ()
    return kind.table.headline(row), kind.table.facts(row, Look(now))


def described(kind: Kind, document: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: float) -> list[Block]:
    """Return what follows the facts: containers, conditions, annotations, events."""
    blocks = _containers(document)
    conditions = parts(part(document, "status"), "conditions")
    if conditions:
        blocks.append(("CONDITIONS", [_condition(each, now) for each in conditions]))
    annotations = part(part(document, "metadata"), "annotations")
    shown = [("muted", f"{key}: {text(annotations, key, 200)}") for key in annotations if "last-applied" not in key]
    if shown:
        blocks.append(("ANNOTATIONS", shown))
    if kind.name != "events":
        blocks.append(("EVENTS", _events(events, now)))
    return [(title, [(role, clean(text, LINE)) for role, text in lines]) for title, lines in blocks]


def _containers(document: Mapping[str, Any]) -> list[Block]:
    spec, status = part(document, "spec"), part(document, "status")
    states = {
        text(each, "name"): each
        for name in ("containerStatuses", "initContainerStatuses")
        for each in parts(status, name)
    }
    lines: list[tuple[str, str]] = []
    for name, kind in (("initContainers", "init "), ("containers", "")):
        for each in parts(spec, name):
            state = states.get(text(each, "name"), {})
            sentence, role = _state(state)
            lines.append((role, f"{kind}{text(each, 'name')}: {sentence}"))
            lines.append(("muted", f"  image {text(each, 'image')}"))
            for label in ("requests", "limits"):
                resources = part(part(each, "resources"), label)
                if resources:
                    lines.append(("muted", f"  {label} {', '.join(f'{key} {resources[key]}' for key in resources)}"))
            ports = ", ".join(
                f"{value(port, 'containerPort')}/{text(port, 'protocol') or 'TCP'}" for port in parts(each, "ports")
            )
            if ports:
                lines.append(("muted", f"  ports {ports}"))
    return [("CONTAINERS", lines)] if lines else []


def _state(state: Mapping[str, Any]) -> tuple[str, str]:
    current, restarts = part(state, "state"), value(state, "restartCount") or 0
    again = f", {restarts} restarts" if restarts else ""
    last = part(part(state, "lastState"), "terminated")
    if last:
        again += f", the last end: {text(last, 'reason') or 'exit'} {value(last, 'exitCode')}"
    if part(current, "running") or "running" in current:
        ready = value(state, "ready") is True
        return f"running{'' if ready else ', not ready'}{again}", "" if ready else "warn"
    waiting, ended = part(current, "waiting"), part(current, "terminated")
    if waiting:
        message = text(waiting, "message")
        return (
            f"waiting: {text(waiting, 'reason')}{f': {message}' if message else ''}{again}",
            "bad" if message else "work",
        )
    if ended:
        code = value(ended, "exitCode")
        return f"ended: {text(ended, 'reason')} {code}{again}", "bad" if code else "muted"
    return "not reported yet", "muted"


def _condition(each: Mapping[str, Any], now: float) -> tuple[str, str]:
    since = when(each, "lastTransitionTime") or when(each, "lastProbeTime")
    message = text(each, "message") or text(each, "reason")
    role = "" if text(each, "status") == "True" else "muted"
    behind = f": {message}" if message else ""
    return role, f"{text(each, 'type')} {text(each, 'status')} {since_text(since, now)}{behind}"


def _events(events: Sequence[Mapping[str, Any]], now: float) -> list[tuple[str, str]]:
    rows = []
    for each in events:
        try:
            rows.append(event_row(msgspec.convert(each, ClusterEvent)))
        except (msgspec.ValidationError, ValueError):
            continue
    rows.sort(key=lambda row: -(row.at or 0.0))
    return [
        (
            "warn" if row.type == "Warning" else "",
            f"{since_text(row.at, now):>4}  {row.reason}{f' ({row.count} x)' if row.count > 1 else ''}: {row.message}",
        )
        for row in rows
    ] or [("muted", "none in the last hour")]
