"""The panes beside the hosts table: one host in sentences and its events; the words for an empty table."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.core import times
from edgewright.core.problems import owner_of
from edgewright.store.collections.conditions import condition_of_row
from edgewright.store.collections.feed import FEED, EventRow
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.rows import LINKS, connections
from edgewright.store.collections.selectors import alone_by_ssh, open_by_ssh
from edgewright.store.engine.model import Model
from tui.screens.hosts.columns import age_text, health_word, sign
from tui.widgets.lines import Line, Span, clip_line, cut, heading, line, spread, wrap, wrapped_facts


def total_text(model: Model) -> str:
    """Return how many hosts there are: those of the plane, and apart from them those that SSH alone knows."""
    alone = len(alone_by_ssh(model))
    of_plane = f"{model.tally.total:,}"
    return f"{of_plane} + {alone} by SSH" if alone and model.tally.total else f"{alone} by SSH" if alone else of_plane


def stale_rows(model: Model) -> tuple[bool, frozenset[str]]:
    """Return whether rows are old, as those of a plane that does not answer, and of which it is the other way round."""
    away = model.source.away
    return away, frozenset(uid for uid, row in model.site_hosts.items() if (row.link == "open") is away)


def host_lines(row: HostRow, model: Model, now: float, width: int) -> list[Line]:
    """Return what to know of a host: what is wrong and its owner first, then what it is."""
    glyph = sign(row)
    name = row.name or row.uid
    beside = len(name) + len(row.site) + 4 <= width  # a name is complete; the site goes to the next line
    head = [(f"{glyph.text} ", glyph.role), (cut(name, width - 2), "strong")]
    out = [spread([*head], [(row.site, "muted")] if beside else [], width)]
    out += [line()] if beside else [line((f"  {row.site}", "muted")), line()]
    for sentence in _sentences(row, now):
        out += wrap(sentence, width)
    if row.who in ("host", "plane", "person") and row.health != "healthy":
        out.append(line(("Owner: ", "muted"), (owner_of(row.who), "")))
    out.append(line())
    twin = open_by_ssh(model, row.uid)
    facts = [*_facts(row, now), *([("SSH", _by_ssh(twin, now))] if twin is not None else [])]
    out += wrapped_facts(((label, value or "-") for label, value in facts), 9, width)
    if row.tags:
        out.append(line())
        out += wrap(" ".join(row.tags), width, first="", rest="", role="muted")
    return [_short(item, width) for item in out]


def _by_ssh(row: HostRow, now: float) -> str:
    """Return what SSH knows of a host: whether it is connected, and what Doctor found when."""
    read = f"{row.health} {age_text(row.last_seen, now)} ago" if row.last_seen is not None else "not read yet"
    link = "open" if row.link == "open" else LINKS.get(row.link, row.link)
    return f"{link}, {read}" + (f"; by {', '.join(connections(row.sites))}" if len(row.sites) > 1 else "")


def _sentences(row: HostRow, now: float) -> list[str]:
    if row.link:
        return _sentences_by_ssh(row, now)
    if row.reason:
        return [row.reason]
    if row.health == "healthy":
        return [f"Healthy for {age_text(row.since, now)}." if row.since is not None else "Healthy."]
    if row.last_seen is None:
        return [condition_of_row(row, now).state.meaning]
    return [f"{health_word(row).capitalize()} for {age_text(row.since, now)}."]


def _sentences_by_ssh(row: HostRow, now: float) -> list[str]:
    link = "Known by SSH alone." if row.link == "open" else "Known by SSH alone; there is no connection now."
    if len(row.sites) > 1:
        link += f" {len(row.sites)} connections lead to it: {', '.join(connections(row.sites))}."
    if row.last_seen is None:
        return [link, "Nothing was read from this host yet."]
    result = row.reason or ("Doctor found no fault." if row.health == "healthy" else "")
    return [*([result] if result else []), link]


def _facts(row: HostRow, now: float) -> list[tuple[str, str]]:
    machine = "  ".join(
        part
        for part in (
            row.arch,
            f"{row.cpu} cpu" if row.cpu is not None else "",
            f"{row.memory_mb / 1024:.0f} GB" if row.memory_mb else "",
            row.gpu,
        )
        if part
    )
    return [
        ("machine", machine),
        ("address", "  ".join(part for part in (row.ip, row.mac) if part)),
        ("os", "  ".join(part for part in (row.os, row.kernel) if part)),
        ("cluster", row.cluster_text),
        ("agent", "  ".join(part for part in (row.agent, f"slot {row.boot_slot}" if row.boot_slot else "") if part)),
        ("disk", _disk(row)),
        ("token", row.token_name),
        ("read" if row.link else "seen", f"{age_text(row.last_seen, now)} ago" if row.last_seen is not None else ""),
        *([] if row.link else [("checked", f"{age_text(row.fetched_at, now)} ago" if row.fetched_at else "")]),
    ]


def _disk(row: HostRow) -> str:
    if row.disk_percent is None:
        return ""
    return f"{row.disk_mount or 'fullest'} {row.disk_percent:.0f} %"


def _short(item: Line, width: int) -> Line:
    return clip_line(item, width)


def event_lines(events: Sequence[EventRow], width: int, height: int, name: str = "") -> list[Line]:
    """Return what happened, newest first, in at most `height` lines; `name` replaces the uid of the host."""
    out = [heading("EVENTS", width, "newest first")]
    for event in events:
        stamp = f"{times.rfc3339(event.at)[11:19]}Z "
        text = event.message or event.reason
        if name and event.object_uid:
            text = text.replace(event.object_uid, name)
        first, *rest = wrap(text, max(width - len(stamp), 8))
        out.append(Line((Span(stamp, "muted"), *first.spans)))
        out += [Line((Span(" " * len(stamp)), *item.spans)) for item in rest]
        if len(out) >= height:
            break
    del out[max(height, 2) :]
    if not events:
        out.append(line(("No data about this host yet.", "muted")))
    return out


def events_of(model: Model, uid: str, limit: int = 60) -> list[EventRow]:
    """Return the newest events of a host."""
    matches = [event for event in model.rows(FEED).values() if event.object_uid == uid]
    return sorted(matches, key=lambda event: -event.at)[:limit]


def empty_lines(model: Model, filtered: str, now: float, no_plane: bool = False) -> list[Line]:
    """Return why there is no host to show, and the next step."""
    source = model.source
    if no_plane and not filtered:
        return [
            line(),
            line(("  ○ ", "muted"), ("There is no management plane, and no site is open.", "strong")),
            line(),
            line("  Open a host by SSH: ", (":site open user@host", "accent")),
            line("  Or choose a plane: ", (":context use", "accent")),
        ]
    if filtered:
        return [
            line(),
            line(("  No host matches ", ""), (filtered, "accent"), (f", of {total_text(model)}.", "")),
            line(("  / changes the filter, esc takes it away.", "muted")),
        ]
    if source.state in ("lost", "refused"):
        reported = source.message or "The plane does not answer."
        return [line(), line(("  ▬ ", "parked"), (reported, "")), line(("    ctrl+r tries again now.", "muted"))]
    if source.state in ("loading", "cache", "idle"):
        done = f"  {source.done:,} of {source.total:,}" if source.total else ""
        return [line(), line(("  ► ", "work"), ("Asking the plane for its hosts.", ""), (done, "muted"))]
    return [
        line(),
        line(
            ("  ○ ", "muted"),
            ("No hosts registered yet.", "strong"),
            (f"  checked {age_text(source.contact, now)} ago", "muted"),
        ),
        line(),
        line("  A host registers with a registration token. Tokens: ", (":token list", "accent")),
        line("  Or announce one with its pairing key: ", (":host register", "accent")),
    ]
