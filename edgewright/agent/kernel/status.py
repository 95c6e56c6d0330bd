"""`status`: what the agent on this host knows and how old it is, read from its folder without disturbing it."""

from __future__ import annotations

import fcntl
import json
import os
from typing import Any, Callable, Dict, List, Optional, Tuple

from edgewright.agent.kernel.enrolment import IDENTITY, REGISTRATION
from edgewright.agent.kernel.state import read_checked
from edgewright.agent.reconcile.exchange import DOCUMENTS, folders, run_folder
from edgewright.agent.reconcile.observed import Observed
from edgewright.agent.reconcile.steps import unit_name
from edgewright.agent.reconcile.store import DocumentStore
from edgewright.core import times
from edgewright.core.clusters.actions import with_titles
from edgewright.core.errors import ExitCode, NotFound, Refused
from edgewright.core.hosts.work_text import image_text, waiting_text
from edgewright.core.text import clean

LATE = 3
"""Heartbeats that may be missing before the agent counts as not reaching its plane."""


UNITS_RUN = "/run/edgewright-reconciler"
"""Where the reconciler's units of an installed agent report."""


def show(folder: str, output: str, write: Callable[[str], None]) -> int:
    """Print the status; return 0 when the host is registered and connected, else 1 (not running), 4 or 5.

    Raises `NotFound` when no agent ever ran here and `Refused` when its folder may not be read.
    """
    if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK):
        raise Refused(f"The agent's folder {folder} may not be read by this user.", "Run it as root.")
    facts = gather(folder)
    if not facts.get("uid"):
        raise NotFound(
            f"No agent has run with the data folder {folder}.", "Install one, or name its folder with --data."
        )
    code, verdict = judge(facts, times.now())
    facts["verdict"] = verdict
    if output == "json":
        write(json.dumps(facts, indent=2, sort_keys=True))
    else:
        for line in table(facts, times.now()):
            write(line)
    return int(code)


def gather(folder: str) -> Dict[str, Any]:
    """Return the content of the state files; secrets are left out."""

    def body(name: str) -> Dict[str, Any]:
        path = os.path.join(folder, name + ".json")
        return read_checked(path)[0] or read_checked(path + ".previous")[0] or {}

    status, identity, registration = body("status"), body(IDENTITY), body(REGISTRATION)
    journal, outbox, desired = body("operations"), body("outbox"), body("desired")
    changed = desired.get("lineageChanged")
    changed = changed if isinstance(changed, dict) else {}
    records = [record for record in journal.get("records", []) if isinstance(record, dict)]
    observed = Observed(run_folder(folder, UNITS_RUN if status.get("run") == UNITS_RUN else ""))
    return {
        "progress": observed.progress(),
        "documents": observed.documents(),
        "reconcilerTrouble": observed.trouble,
        "offeredDocuments": [stored.uid for stored in DocumentStore(folders(folder)[DOCUMENTS]).offered()],
        **{name: value for name, value in status.items() if isinstance(value, (str, int, float))},
        "uid": identity.get("uid", ""),
        "uidFrom": identity.get("how", ""),
        "endpoint": registration.get("endpoint", ""),
        "registered": bool(registration.get("credential")),
        "registeredAt": registration.get("registeredAt", ""),
        "running": _running(folder),
        "generation": desired.get("generation", 0),
        "observedGeneration": desired.get("observed", 0),
        "lineage": desired.get("lineage", ""),
        "lineageChangedAt": changed.get("at", ""),
        "lineageMessage": changed.get("message", ""),
        "operations": len(records),
        "resultsWaiting": sum(1 for record in records if not record.get("acknowledged")),
        "eventsWaiting": len(outbox.get("events", [])),
        "intentsWaiting": len(outbox.get("intents", [])),
    }


def _running(folder: str) -> bool:
    try:
        handle = os.open(os.path.join(folder, "agent.lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def judge(facts: Dict[str, Any], now: float) -> Tuple[ExitCode, str]:
    """Return the exit code and the sentence that sums the status up."""
    if not facts["running"]:
        return ExitCode.FAILED, "The agent does not run; start it with `systemctl start edgewright-agent`."
    message = " ".join(str(facts.get(key, "")) for key in ("message", "hint")).strip()
    if facts.get("phase") in ("refused", "waiting", "faulty"):
        return ExitCode.REFUSED, message
    if not facts["registered"]:
        return ExitCode.UNREACHABLE, message or "The agent has not registered yet."
    received = _moment(facts.get("lastHeartbeat"))
    interval = facts.get("interval")
    patience = LATE * (float(interval) if isinstance(interval, (int, float)) else 60.0)
    if received is None or now - received > patience or facts.get("phase") == "unreachable":
        return ExitCode.UNREACHABLE, message or "The plane has taken no heartbeat for a while."
    health = "healthy" if facts.get("health") != "unhealthy" else f"unhealthy: {message}"
    return ExitCode.DONE, f"Registered and connected; {health}."


def table(facts: Dict[str, Any], now: float) -> List[str]:
    """Return the lines for the terminal."""
    rows: List[Tuple[str, str]] = [
        ("Host", f"{facts['uid']} (from {facts['uidFrom']})"),
        ("Plane", facts["endpoint"] or "-"),
    ]
    rows.append(("State", facts["verdict"]))
    for name, key in (("Registered", "registeredAt"), ("Last heartbeat", "lastHeartbeat"), ("Started", "startedAt")):
        moment = _moment(facts.get(key))
        rows.append((name, "-" if moment is None else f"{times.age(now - moment)} ago ({times.rfc3339(moment)})"))
    next_try = _moment(facts.get("nextTry"))
    if next_try is not None and next_try > now:
        rows.append(("Next try", f"in {times.duration(next_try - now)}"))
    rows.append(("Generation", f"{facts['observedGeneration']} of {facts['generation']} applied"))
    if facts.get("link"):
        rows.append(("Link", facts["link"]))
    if facts.get("clock"):
        rows.append(("Clock", facts["clock"]))
    rows += _work(facts, now)
    if facts.get("duplicate"):
        rows.append(("Duplicate", f"another machine reports with this identity: {facts['duplicate']}"))
    changed = _moment(facts.get("lineageChangedAt"))
    if changed is not None:
        rows.append(("Plane restored", f"{times.age(now - changed)} ago: {facts['lineageMessage']}"))
    waiting = f"{facts['resultsWaiting']} results, {facts['eventsWaiting']} events, {facts['intentsWaiting']} intents"
    rows.append(("Waiting", waiting))
    return [f"{name:<15} {clean(value, 400)}" for name, value in rows]


def _work(facts: Dict[str, Any], now: float) -> List[Tuple[str, str]]:
    """Return the rows about the reconciler's work."""
    rows: List[Tuple[str, str]] = []
    progress = facts.get("progress")
    if progress:
        percent = f", {progress['percent']} %" if "percent" in progress else ""
        since = _moment(progress.get("since"))
        age = f", for {times.duration(max(0.0, now - since))}" if since is not None else ""
        waits = f", waits for {waiting_text(progress)}" if progress.get("waitingFor") else ""
        place = f"{progress.get('n', 1)} of {progress.get('of', 1)}"
        attempt = f", attempt {progress.get('attempt', 1)}"
        rows.append(("Step", f"{with_titles(progress['step'])} ({place}){percent}{attempt}{age}{waits}"))
        rows.append(("Log of the step", f"journalctl -u {unit_name(progress['step'])}"))
    for document in facts.get("documents") or []:
        wanted, applied = (_generation(document.get(name)) for name in ("wanted", "applied"))
        text = f"{_name(document)}: wanted generation {wanted}, applied {applied}"
        booted = image_text(document.get("booted") or {})
        if booted:
            text += f", booted {booted}"
        failed = document.get("failed")
        rows.append(("Document", text + (f", failed: {failed.get('error')}" if isinstance(failed, dict) else "")))
    for uid in facts.get("offeredDocuments") or []:
        text = f"{uid} of a restored plane waits; to apply it: edgewright-agent accept {uid}"
        rows.append(("Document", text))
    if facts.get("reconcilerTrouble"):
        rows.append(("Reconciler", facts["reconcilerTrouble"]))
    return rows


def _name(document: Dict[str, Any]) -> str:
    """Return kind and uid of a document; one word where they are the same (`trial`)."""
    return " ".join(dict.fromkeys(str(document.get(key)) for key in ("kind", "uid") if document.get(key)))


def _generation(place: object) -> str:
    return str(place.get("generation", "-")) if isinstance(place, dict) else "-"


def _moment(text: object) -> Optional[float]:
    try:
        return times.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None
