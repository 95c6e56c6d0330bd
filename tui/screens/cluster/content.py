"""What the screen of a cluster shows, as lines: what is wrong first, then layers, nodes, etcd, VIP, certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from edgewright.core import times
from edgewright.core.hosts import states
from edgewright.core.text import amount, clean
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.catalogue.clusters import ends_text, nodes_text, sign_of
from edgewright.store.collections.catalogue.measured import Look
from edgewright.store.collections.conditions import state_key
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.rows import connections
from edgewright.wire.protocol import clusters as wire
from tui.frame.ages import age_of, calm_age
from tui.frame.document_values import UNKNOWN, find, many, number, size, text, when
from tui.frame.exact_times import exact
from tui.frame.feed import FeedLine, feed_lines
from tui.frame.signs import HEALTH_SIGNS
from tui.screens.cluster.checklist import checklist_lines, is_done, time_left
from tui.screens.cluster.reach import reach_lines
from tui.widgets.lines import Line, Piece, Role, blocks, columns, cut, heading, line, pad, spread, wrap, wrapped_facts

OURS = "status.edgewright"
FRESH = 600.0
"""Seconds after which the report of a control plane proves nothing any more (P103)."""
SOON = 30 * times.DAY
SIMULATED = "Simulated: these hosts are a program. There is no API, no kubeconfig and no workload behind them."
_LAYERS: Mapping[str, tuple[str, Role, str]] = {
    "ready": ("•", "ok", "ready"),
    "installing": ("►", "work", "installing"),
    "pending": ("►", "work", "installing"),
    "waiting": (" ", "muted", "waiting"),
    "failed": ("▲", "bad", "failed"),
    "error": ("▲", "bad", "failed"),
}
_POOLS = {"control-plane": "control planes", "worker": "workers"}
_VIPS: Mapping[str, tuple[str, Role, str]] = {
    "one": ("•", "ok", "on"),
    "two": ("▲", "bad", "on two hosts:"),
    "none": ("▲", "warn", "on no host"),
}


class Shown(Struct, frozen=True):
    """A cluster as the screen has it: the row, the document of the plane, and what the console knows of its hosts."""

    row: ClusterRow
    doc: Mapping[str, Any]
    now: float
    hosts: Mapping[str, HostRow] = {}
    project: str = ""
    events: Sequence[FeedLine] = ()
    lost: bool = False
    ways: Mapping[str, Look] = {}
    """Ways to the API that were measured on this machine."""
    retry: str = "r"
    """The key that starts failed steps again."""

    @property
    def silent(self) -> frozenset[str]:
        """Hosts that send no heartbeats, by uid."""
        return frozenset(uid for each in self.row.problems if each.kind in ("silent", "quorum") for uid in each.uids)

    @property
    def late(self) -> frozenset[str]:
        """Its hosts whose heartbeat is overdue, although they do not count as unhealthy yet, by uid."""
        rows = [] if self.lost else [self.hosts[uid] for uid in self.row.host_uids if uid in self.hosts]
        return frozenset(row.uid for row in rows if state_key(row, self.now) == states.SILENT)

    @property
    def leader_is_silent(self) -> bool:
        """Whether the control plane that reported last sends no heartbeats any more, or its next one is overdue."""
        leader, silent = text(self.doc, f"{OURS}.leader"), self.silent | self.late
        return any(
            text(each, "uid") in silent
            for each in many(self.doc, f"{OURS}.members")
            if leader in (text(each, "node"), text(each, "name"))
        )

    @property
    def stale(self) -> bool:
        """Whether what a control plane reported is too old to count, or who reported it is out of reach."""
        old = self.row.reported is None or self.now - self.row.reported > FRESH
        return self.lost or old or self.leader_is_silent

    @property
    def calm(self) -> Role:
        """Return the role of reported values: dim when they are old."""
        return "muted" if self.stale else ""


def headline(shown: Shown, width: int) -> list[Line]:
    """Return how it is, why, since when, and how old that is."""
    row, now = shown.row, shown.now
    sign, role = sign_of(row)
    state: list[Piece] = [(row.shown_state or UNKNOWN, "strong")]
    if row.simulated:
        state.append(("  simulated ", "work"))
    if shown.lost:
        sign, role = "○", "muted"
    out = [spread([(f"{sign} ", role), (_health(shown), role)], state, width)]  # type: ignore[list-item]
    for problem in row.problems:
        since = "" if problem.since is None else f" (for {age_of(problem.since, now)})"
        text_ = problem.text[:1].upper() + problem.text[1:]
        mild = problem.kind in ("certificate", "deletion")
        out += wrap(f"{text_}{since}.", width, "▲ ", "  ", role="warn" if mild else "bad")
    if row.failed:
        out += wrap(f"Fix the cause, then {shown.retry} starts it again.", width, "  ", "  ", role="accent")
    if row.state == wire.DELETED:
        out.append(line(("  This cluster is deleted; what follows is what was reported before.", "muted")))
    elif not row.problems and row.reason and row.reported is not None:
        out += wrap(row.reason, width, "  ", "  ", role="muted")
    elif not row.problems and row.health == "healthy" and not shown.lost:
        if late := sorted(shown.hosts[uid].name for uid in shown.late):
            text_ = f"No fault is known; heartbeat overdue: {', '.join(late)}."
            out += wrap(text_, width, "  ", "  ", role="warn")
        else:
            out.append(line(("  Nothing is wrong with this cluster.", "muted")))
    if row.change:
        out.append(line(("► ", "work"), f"Change: {row.change}"))
    out.append(_report_line(shown, width))
    if len(row.sites) > 1:
        out += wrap(f"Read from {', '.join(connections(row.sites))}.", width, "  ", "  ", role="muted")
    if row.may_be:
        names = " or ".join(row.may_be)
        text_ = f"It may be the same cluster as {names}: the nodes have the same names, and no proof was read."
        out += wrap(text_, width, "○ ", "  ", role="warn")
    if row.simulated:
        out += wrap(SIMULATED, width, "  ", "  ", role="muted")
    return out


def _health(shown: Shown) -> str:
    """Return the health as text: one that forms has the time left instead, a plane out of reach knows the last one."""
    row = shown.row
    if shown.lost:
        return f"{row.health or 'unknown'} when last known"
    if not row.forms or row.health in ("healthy", "unhealthy"):
        return row.health or "unknown"
    left = None if row.state == wire.DELETING else time_left(shown.doc, shown.now)
    doing = "deleting" if row.state == wire.DELETING else "forming"
    return f"{doing}, ~{times.age(left)} left" if left else doing


def _report_line(shown: Shown, width: int) -> Line:
    row, leader = shown.row, text(shown.doc, f"{OURS}.leader")
    if row.link:
        read = calm_age(row.reported, shown.now) if row.reported is not None else "not read yet"
        by = "this one host" if len(row.sites) < 2 else clean(row.read_by.removeprefix("ssh:"))
        sentence = f"By SSH, as {by} sees it: {read}."
        lost = " There is no connection now." if shown.lost else ""
        return line(("▬ " if lost else "  ", "parked"), (cut(sentence + lost, width - 2), "muted"))
    if shown.lost:
        return line(
            ("▬ ", "parked"), (cut("Management plane unreachable; this is what was known.", width - 2), "muted")
        )
    if row.reported is None:
        return line(("  No control plane has reported yet.", "muted"))
    by = f" by {leader}" if leader != UNKNOWN else ""
    old = shown.now - row.reported > FRESH
    silent = shown.leader_is_silent
    more = ", which is silent now." if silent else "; what follows is as old." if old else "."
    sentence = f"Last report {calm_age(row.reported, shown.now)}{by}{more}"
    dim = old or silent
    return line(("○ " if dim else "  ", "warn" if dim else "muted"), (cut(sentence, width - 2), "muted"))


def _sign(shown: Shown, good: Any) -> tuple[str, Role]:
    """Return the sign of what a control plane reported; what is too old is neither good nor bad."""
    if shown.stale:
        return "○", "muted"
    return {True: ("•", "ok"), False: ("▲", "bad")}.get(good, ("○", "muted"))  # type: ignore[return-value]


def _nothing(shown: Shown) -> Line:
    """Return what is shown of a part that was not reported, or not read over SSH."""
    return line(("  - not read" if shown.row.link else "  - not reported yet", "muted"))


def layer_lines(shown: Shown, width: int) -> list[Line]:
    """Return the layers in the order of their installation: state, version, and why one is not ready."""
    rows = many(shown.doc, f"{OURS}.layers")
    version = shown.row.version or UNKNOWN
    kubernetes = f"{shown.row.distribution or 'kubernetes'} {version}"
    out = [heading("LAYERS", width, kubernetes)]
    name_width = min(max((len(text(each, "name")) for each in rows), default=8), max(width - 26, 10))
    for each in rows:
        sign, role, word = _LAYERS.get(text(each, "state"), ("○", "muted", UNKNOWN))
        if find(each, "contested"):
            sign, role, word = "▲", "warn", "contested"
        if shown.stale and role == "ok":
            sign, role = "○", "muted"
        cells: list[tuple[Piece, int]] = [
            ((cut(text(each, "name"), name_width), "strong" if role == "bad" else shown.calm), name_width),
            ((text(each, "version"), "muted"), 10),
        ]
        out.append(spread([(f"{sign} ", role), *columns(cells).spans], [(word, shown.calm or role)], width))
        if text(each, "message") != UNKNOWN:
            out += wrap(text(each, "message"), width, "    ", "    ", role="" if role != "bad" else "bad")
    return out if rows else [*out, _nothing(shown)]


def node_lines(shown: Shown, width: int) -> list[Line]:
    """Return the hosts by pool, each with its node: ready, version, VIP, and the step that it works on."""
    members = many(shown.doc, f"{OURS}.members")
    age = f" {age_of(shown.row.reported, shown.now)} ago" if shown.stale and shown.row.reported else ""
    out = [heading("NODES", width, f"{nodes_text(shown.row)} ready{age}, enter opens the host")]
    if not members:
        return [*out, line(("  - none", "muted"))]
    name_width = min(max(len(text(each, "name")) for each in members), max(width // 3, 12))
    leader = text(shown.doc, f"{OURS}.leader")
    group = ("", "")
    for each in members:
        if (text(each, "pool"), text(each, "role")) != group:
            pool, role = group = (text(each, "pool"), text(each, "role"))
            role = _POOLS.get(role, "nodes")
            out.append(line(("  " if pool == UNKNOWN else f"  {pool}: ", "muted"), (role, "muted")))
        out.append(_node_line(shown, each, width, name_width, leader))
    return out


def _node_line(shown: Shown, member: Any, width: int, name_width: int, leader: str) -> Line:
    uid, ready = text(member, "uid"), find(member, "ready")
    host = shown.hosts.get(uid)
    sign, role = _sign(shown, ready)
    state = {True: "ready", False: "not ready"}.get(ready, UNKNOWN)
    if text(member, "state") == "absent":
        sign, role, state = "►", "work", "leaving"
    elif ready is None and shown.row.forms:
        sign, role, state = "►", "work", _step(member)
    if uid in shown.silent:
        seen = age_of(host.last_seen, shown.now) if host is not None and host.last_seen else ""
        sign, role, state = *HEALTH_SIGNS["unhealthy"], f"no heartbeat {seen}".rstrip()
    elif uid in shown.late and host is not None and host.last_seen:
        sign, role, state = "○", "warn", f"{state}, no heartbeat {age_of(host.last_seen, shown.now)}"
    elif host is not None and host.health == "unhealthy":
        sign, role = HEALTH_SIGNS["unhealthy"]
        state += ", host unhealthy"
    marks = [
        "VIP" if _has_vip(shown, member) else "",
        "leader" if text(member, "node") == leader else "",
        "cordoned" if find(member, "cordoned") is True else "",
    ]
    right = [mark for mark in marks if mark]
    version = text(member, "version")
    if width >= 56:
        right += [each for each in (version, text(member, "address")) if each != UNKNOWN]
    cells: list[Piece] = [(f"{sign} ", role), (pad(cut(text(member, "name"), name_width), name_width), "strong"), "  "]
    left: list[Piece] = [*cells, (state, role if role in ("bad", "work") else shown.calm)]
    key = "" if uid == UNKNOWN else f"host/{uid}"
    return spread(left, [("  ".join(part for part in right if part), "muted")], width, key=key)


def _has_vip(shown: Shown, member: Any) -> bool:
    """Return whether a host has the VIP; what a silent one claimed last does not count (as at the plane)."""
    if text(shown.doc, f"{OURS}.vip.state") not in _VIPS:
        return find(member, "vip") is True
    return text(member, "name") in [clean(each) for each in many(shown.doc, f"{OURS}.vip.hosts")]


def _step(member: Any) -> str:
    place, of = number(member, "progress.n"), number(member, "progress.of")
    if place is None or of is None:
        return "joining"
    percent = number(member, "progress.percent")
    return f"step {place:.0f} of {of:.0f}" + (f", {percent:.0f} %" if percent is not None else "")


def etcd_lines(shown: Shown, width: int) -> list[Line]:
    """Return the members of etcd and who has the VIP."""
    rows = many(shown.doc, f"{OURS}.etcd")
    voters = [each for each in rows if find(each, "voter") is True]
    healthy = sum(1 for each in voters if find(each, "healthy") is True)
    out = [heading("ETCD", width, f"{healthy} of {amount(len(voters), 'voter')} healthy" if rows else "")]
    for each in rows:
        good = find(each, "healthy")
        sign, role = _sign(shown, good)
        marks = ["healthy" if good is True else "unhealthy" if good is False else UNKNOWN]
        marks += ["leader"] if find(each, "leader") is True else []
        marks += ["learner"] if find(each, "voter") is False else []
        marks += [clean(alarm) for alarm in many(each, "alarms")]
        stored = number(each, "dbSize")
        right = [(size(stored / 1048576), "muted")] if stored else []
        left: list[Piece] = [(f"{sign} ", role), (text(each, "name"), shown.calm or "strong")]
        out.append(spread([*left, (f"  {', '.join(marks)}", shown.calm)], right, width))  # type: ignore[arg-type]
    if not rows:
        out.append(_nothing(shown))
    return [*out, Line(), *vip_lines(shown, width)]


def vip_lines(shown: Shown, width: int) -> list[Line]:
    """Return the endpoint and who has the VIP now."""
    state, hosts = text(shown.doc, f"{OURS}.vip.state"), [clean(each) for each in many(shown.doc, f"{OURS}.vip.hosts")]
    out = [heading("ENDPOINT", width, "port 6443"), line("  ", (shown.row.endpoint or UNKNOWN, "strong"))]
    if state in _VIPS:
        sign, role, word = _VIPS[state]
        if (shown.lost and role == "ok") or (shown.row.forms and role == "warn"):
            sign, role = "○", "muted"
        out += wrap(
            f"VIP {word} {', '.join(hosts)}".rstrip(), width, f"{sign} ", "  ", role="" if role == "ok" else role
        )
    else:
        out.append(line(("○ VIP -", "muted")))
    return [*out, *reach_lines(shown.doc, shown.ways, shown.now, width)]


def certificate_lines(shown: Shown, width: int) -> list[Line]:
    """Return the certificates, the one that ends first at the top."""
    rows = sorted(
        ((when(each, "notAfter"), each) for each in many(shown.doc, f"{OURS}.certificates")),
        key=lambda row: row[0] if row[0] is not None else float("inf"),
    )
    out = [heading("CERTIFICATES", width, "end in" if rows else "")]
    for end, each in rows:
        left = None if end is None else end - shown.now
        role: Role = "muted" if left is None else "bad" if left <= 0 else "warn" if left < SOON else ""
        named = f"  {text(each, 'name')}"
        out.append(spread([named, (f"  {text(each, 'node')}", "muted")], [(ends_text(end, shown.now), role)], width))
    return out if rows else [*out, _nothing(shown)]


def condition_lines(shown: Shown, width: int) -> list[Line]:
    """Return the conditions, those that are not as wanted first."""
    out = [heading("CONDITIONS", width)]
    rows = sorted(many(shown.doc, f"{OURS}.conditions"), key=lambda each: find(each, "status") == "True")
    for each in rows:
        true = find(each, "status") == "True"
        sign, role = ("•", "ok") if true else ("○", "muted")
        sentence = text(each, "message")
        named = f"{text(each, 'type')}: {sentence}" if sentence != UNKNOWN else text(each, "type")
        out += wrap(named, width, f"{sign} ", "  ", role="muted" if role == "ok" else "")
    return out if rows else []


def fact_lines(shown: Shown, width: int) -> list[Line]:
    """Return what it is: profiles, project, sites, tags, ages, uid; a site and a profile can be opened."""
    row = shown.row
    sites = sorted({host.site for uid in row.host_uids if (host := shown.hosts.get(uid)) is not None and host.site})
    out = [heading("CLUSTER", width)]
    for site in sites:
        out.append(line(("  site      ", "muted"), "  ", (site, "strong"), key=f"hosts/tag.site:{site}"))
    pairs = [
        ("profiles", ", ".join(row.profiles) or UNKNOWN),
        ("project", shown.project or UNKNOWN),
        ("tags", ", ".join(row.tags) or UNKNOWN),
        ("created", f"{exact(row.created)} ({age_of(row.created, shown.now)} ago)" if row.created else UNKNOWN),
        ("uid", row.uid),
    ]
    return [*out, *wrapped_facts(pairs, 10, width, 2)]


def event_lines(shown: Shown, width: int, limit: int | None = None, most: int = 1) -> list[Line]:
    """Return the events of the cluster and its hosts, newest first."""
    known = f"{len(shown.events)} known" if shown.events else ""
    return [heading("EVENTS", width, known), *feed_lines(shown.events, width, limit, shown.now, most)]


def is_forming(shown: Shown) -> bool:
    """Whether the checklist is what matters: something of it is left."""
    return not is_done(many(shown.doc, f"{OURS}.checklist")) or shown.row.forms


def body(shown: Shown, width: int) -> list[Line]:
    """Return all of it in one column, most needed first."""
    steps = checklist_lines(shown.doc, shown.now, width)
    parts = [headline(shown, width), *([steps] if is_forming(shown) else [])]
    parts += [node_lines(shown, width), layer_lines(shown, width), etcd_lines(shown, width)]
    parts += [certificate_lines(shown, width), condition_lines(shown, width), event_lines(shown, width, 8)]
    parts += [fact_lines(shown, width), *([] if is_forming(shown) else [steps])]
    return blocks(parts)


def columns_of(shown: Shown, width: int, right: int) -> tuple[list[Line], list[Line]]:
    """Return two columns for wide screens: the answer, steps and nodes; then what the cluster consists of."""
    steps = checklist_lines(shown.doc, shown.now, width)
    left = [headline(shown, width), *([steps] if is_forming(shown) else []), node_lines(shown, width)]
    left += [fact_lines(shown, width), *([] if is_forming(shown) else [steps])]
    other = [layer_lines(shown, right), etcd_lines(shown, right), certificate_lines(shown, right)]
    return blocks(left), blocks([*other, condition_lines(shown, right)])


def brief(shown: Shown, width: int) -> list[Line]:
    """Return what the pane beside the list shows."""
    steps = checklist_lines(shown.doc, shown.now, width) if is_forming(shown) else []
    title = [line((shown.row.name, "strong"))]
    parts = [[*title, *headline(shown, width)], steps, node_lines(shown, width), layer_lines(shown, width)]
    return blocks([*parts, fact_lines(shown, width)])
