"""The content of a message: one document for every kind of receiver, the same for every attempt."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.core.problems import CERTIFICATE, CLOCK, DISK
from edgewright.core.times import duration
from edgewright.hub.resources.alerts.incidents import OPENED, RESOLVED, TEST, Message

if TYPE_CHECKING:
    from edgewright.hub.resources.alerts.handling import HandlingRecord

COMPONENT = "ClusterHealth"
"""Palette's name for the alerts about health."""
NAMED_HOSTS = 50
"""Hosts that a message names; `hosts` is the number of all."""


def document(
    message: Message, delivery: str, project: tuple[str, str], record: HandlingRecord | None, now: float
) -> dict[str, Any]:
    """Return the JSON document of a message. `project` is uid and name, empty for a plane-wide receiver."""
    problem, incident = message.problem, message.incident
    since = problem.get("since")
    lasted = f" after {duration(now - incident.opened)}" if message.event == RESOLVED else ""
    subject, text = str(problem.get("subject", "")), str(problem.get("text", ""))
    lead = "" if message.event == OPENED else f"{message.event}{lasted}: "
    return {
        "component": COMPONENT,
        "event": message.event,
        "deliveryId": delivery,
        "time": times.rfc3339(now),
        "severity": severity(message),
        "message": f"{lead}{subject}: {text}",
        "project": {"uid": project[0], "name": project[1]},
        "incident": incident.name,
        "problem": {
            "key": incident.key,
            "kind": problem.get("kind", ""),
            "subject": subject,
            "text": text,
            "since": None if since is None else times.rfc3339(since),
            "owner": problem.get("owner", ""),
            "nextStep": problem.get("nextStep", ""),
            "hosts": problem.get("hosts", 0),
            "hostUids": list(incident.uids[:NAMED_HOSTS]),
        },
        "acknowledgedBy": record.acknowledged_by if record else "",
        "assignee": record.assignee if record else "",
        "note": record.note if record else "",
    }


def severity(message: Message) -> str:
    """Return `ok` for an end, `info` for a test, else by harm: `critical` down to a full disk, `warning` beyond."""
    if message.event in (RESOLVED, TEST):
        return "ok" if message.event == RESOLVED else "info"
    return "critical" if int(message.problem.get("harm", CLOCK)) <= DISK < CERTIFICATE else "warning"


def flat(doc: dict[str, Any]) -> dict[str, Any]:
    """Return the values that the body of a webhook may name (see `template.FIELDS`)."""
    return {**doc, **doc["problem"], "project": doc["project"]["name"]}


def mail_text(doc: dict[str, Any]) -> tuple[str, str]:
    """Return subject and text of the e-mail."""
    problem = doc["problem"]
    count = problem["hosts"]
    lines = [
        doc["message"] + ".",
        "",
        *(f"{label:<12} {value}" for label, value in (
            ("Event", doc["event"]),
            ("Subject", problem["subject"]),
            ("Problem", problem["text"]),
            ("Since", problem["since"] or "-"),
            ("Hosts", f"{count}"),
            ("Project", doc["project"]["name"] or "all"),
            ("Owner", problem["owner"]),
            ("Assignee", doc["assignee"] or "-"),
            ("Next step", problem["nextStep"] or "-"),
            ("Key", problem["key"]),
        )),
    ]  # fmt: skip
    if doc["note"]:
        lines.append(f"{'Note':<12} {doc['note']}")
    if problem["hostUids"]:
        named = problem["hostUids"]
        more = f" and {count - len(named)} more" if count > len(named) else ""
        lines += ["", "Hosts: " + ", ".join(named) + more]
    if doc["event"] not in (RESOLVED, TEST) and not problem["key"].startswith(("fleet/", "gateway/")):
        lines += ["", f"Acknowledge: edgewright alert acknowledge {shlex.quote(problem['key'])}"]
    return f"[Edgewright] {doc['message']}"[:200], "\n".join(lines) + "\n"
