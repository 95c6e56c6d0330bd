"""What events and audit entries show: time, sign of severity, sentence, thing; and one of them in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from edgewright.core import times
from edgewright.store.collections.audits import AuditRow
from edgewright.store.collections.feed import EventRow
from edgewright.store.engine.model import Model
from edgewright.store.every import COLLECTIONS, of_audit
from tui.frame.ages import age_of
from tui.frame.document_values import UNKNOWN
from tui.frame.exact_times import exact
from tui.frame.feed import _named, severity
from tui.navigation.views import OBJECTS
from tui.widgets.lines import Line, Role, Span, heading, line, spread, wrap, wrapped_facts

KINDS = {
    **{each.audit_kind: each.noun for each in COLLECTIONS if each.audit_kind},
    **dict.fromkeys(("apikey", "apiKey"), "API key"),
}
"""Names of the plane's kinds of things."""


def stamp(at: float, now: float) -> str:
    """Return the time of day in UTC; with the date in front when it was not within the last day."""
    text = times.rfc3339(at)
    return f"{text[11:19]}Z" if abs(now - at) < times.DAY else f"{text[5:10]} {text[11:16]}Z"


def event_cells(event: EventRow, now: float, stale: bool = False, name: str = "") -> tuple[Span, ...]:
    """Return the cells of a table row: time, sign, what it is about, message, reason."""
    sign, _, role = severity(event)
    reported: Role = "muted" if stale else role if role != "muted" else ""
    return (
        Span(stamp(event.at, now), "muted"),
        Span(sign, "muted" if stale else role),
        Span(name or event.object_name or event.object_uid or UNKNOWN, "muted" if stale else "strong"),
        Span(_named(event, name) or event.reason or UNKNOWN, reported),
        Span(event.reason or UNKNOWN, "muted"),
    )


def by_people(entry: AuditRow) -> bool:
    """Whether a user or an API key did it; the others are hosts that registered, and the plane itself."""
    return entry.actor_type.lower() not in ("system", "service")


def audit_name(entry: AuditRow, model: Model) -> str:
    """Return the name of the thing that was acted on, as the other lists show it; its uid when it has none."""
    collection = of_audit(entry.kind)
    row = None if collection is None else model.rows(collection).get(entry.resource_uid)
    row = row or model.hosts.get(entry.resource_uid)
    name = "" if row is None else str(row.get("name") or "")
    return name or entry.resource or entry.resource_uid


def audit_text(entry: AuditRow, name: str) -> str:
    """Return the sentence of an entry with the name in the place of the uid."""
    uid = entry.resource_uid
    return entry.message.replace(uid, name) if uid and name and name != uid else entry.message


def leads(kind: str, uid: str, model: Model) -> str:
    """Return where an entry about a thing leads: `host/<uid>`, `user/<uid>`, `""` when there is nothing to open."""
    collection = of_audit(kind)
    if collection is not None and collection.noun in OBJECTS.values() and uid in model.rows(collection):
        return f"{collection.noun}/{uid}"
    return f"host/{uid}" if uid in model.hosts else ""


def audit_actor(entry: AuditRow, model: Model) -> str:
    """Return who did it; a host by its name."""
    kind, _, uid = entry.actor.partition(" ")
    host = model.hosts.get(uid) if kind == "host" else None
    return f"host {host.name}" if host is not None and host.name else entry.actor


def together(entries: Iterable[AuditRow]) -> Iterator[tuple[AuditRow, int]]:
    """Yield each entry with how many equal ones (who, what, words) follow each other, itself the first of them."""
    for _, group in groupby(
        entries, key=lambda item: (item.actor, item.action, item.kind, item.resource_uid, item.message)
    ):
        first, *others = group
        yield first, 1 + len(others)


def audit_cells(
    entry: AuditRow, now: float, stale: bool = False, name: str = "", actor: str = "", times_done: int = 1
) -> tuple[Span, ...]:
    """Return the cells of a table row: time, who, what was done, to which thing, the sentence, from where."""
    calm: Role = "muted" if stale else ""
    role: Role = "warn" if entry.action == "delete" and not stale else calm
    thing = " ".join(part for part in (KINDS.get(entry.kind, entry.kind), name or entry.resource) if part)
    return (
        Span(stamp(entry.at, now), "muted"),
        Span(actor or entry.actor or entry.actor_type or UNKNOWN, calm or "strong"),
        Span(entry.action or UNKNOWN, role),
        Span(thing or UNKNOWN, calm),
        Span((f"{times_done} x  " if times_done > 1 else "") + (audit_text(entry, name) or UNKNOWN), calm),
        Span(entry.address or UNKNOWN, "muted"),
    )


def event_lines(event: EventRow, now: float, width: int, link: str = "") -> list[Line]:
    """Return one event; `link` adds the line that leads to the host."""
    sign, word, role = severity(event)
    out = [spread([(f"{sign} {event.reason or word}", role)], [(f"{age_of(event.at, now)} ago", "muted")], width)]
    out += wrap(event.message or "No sentence came with it.", width, first="  ", rest="  ")
    pairs = [
        ("when", exact(event.at)),
        ("severity", word),
        ("about", f"{event.kind} {event.object_name or event.object_uid}".strip() or UNKNOWN),
        ("source", " on ".join(part for part in (event.component, event.host) if part) or UNKNOWN),
    ]
    out += [Line(), *wrapped_facts(pairs, 9, width, indent=2)]
    return [*out, Line(), _link_line(link)] if link else out


def audit_lines(entry: AuditRow, now: float, width: int, name: str = "", link: str = "") -> list[Line]:
    """Return one audit entry: who, what, when, from where; `link` adds the line that leads to the thing."""
    out = [
        spread(
            [(entry.actor or UNKNOWN, "strong"), f"  {entry.action}"],
            [(f"{age_of(entry.at, now)} ago", "muted")],
            width,
        )
    ]
    out += wrap(audit_text(entry, name) or "No sentence came with it.", width, first="  ", rest="  ")
    if entry.note:
        out += wrap(f"Note: {entry.note}", width, first="  ", rest="  ")
    pairs = [
        ("when", exact(entry.at)),
        ("who", f"{entry.actor or UNKNOWN} ({entry.actor_type})" if entry.actor_type else entry.actor or UNKNOWN),
        ("from", entry.address or UNKNOWN),
        ("did", entry.action or UNKNOWN),
        ("what", f"{KINDS.get(entry.kind, entry.kind)} {name or entry.resource}".strip() or UNKNOWN),
        ("uid", entry.resource_uid or UNKNOWN),
        ("project", entry.project or entry.project_uid or UNKNOWN),
    ]
    out += [Line(), *wrapped_facts(pairs, 9, width, indent=2)]
    return [*out, Line(), _link_line(link)] if link else out


def _link_line(link: str) -> Line:
    return line("  ", ("enter", "accent"), f" opens the {link.partition('/')[0]}", key=link)


def empty_lines(kind: str, filtered: str, lost: bool, loading: bool) -> list[Line]:
    """Return why the list is empty."""
    if loading:
        return [line(("► ", "work"), f"Loading {kind} ...")]
    if filtered:
        return [line(("○ ", "muted"), f"Nothing matches {filtered}. "), line(("  esc takes the filter away", "muted"))]
    if lost:
        return [line(("▬ ", "parked"), f"Management plane unreachable; no cached {kind}.")]
    return [heading("QUIET"), line(f"No {kind} yet. What happens shows here at once.")]
