"""What the pages of the cluster wizard show: lines of profiles, pools and hosts, preflights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright.core.clusters import quorum
from edgewright.core.clusters.definition import CONTROL_PLANE
from edgewright.core.text import amount, clean
from tui.widgets.lines import Line, Piece, Role, cut, heading, line, pad, spread, wrap
from tui.wizards.cluster.pages import PAGES, SUMMARY
from tui.wizards.cluster.wizard_state import ClusterState, HostResult, done
from tui.wizards.parts.steps import steps_line as title_line

if TYPE_CHECKING:
    from edgewright.commands.cluster.candidates import Candidate
    from edgewright.commands.host.operations import Check
    from edgewright.commands.kernel.described import Entry
    from edgewright.core.errors import DocumentProblem

TITLE = "New cluster"
MOST_FREE, MOST_OTHERS = 200, 100
"""Hosts that are listed; `o` finds any of the free ones."""
MOST_CHECKS = 3
"""Checks that are shown of a host; enter shows all."""
SIGNS: dict[str, tuple[str, Role]] = {
    "ok": ("• ", "ok"),
    "warning": ("▲ ", "warn"),
    "failed": ("‼ ", "bad"),
    "unknown": ("○ ", "muted"),
}


def steps_line(state: ClusterState, width: int) -> Line:
    """Return the title with the number of the page and the steps."""
    parts = [page.key for page in PAGES] + [SUMMARY]
    return title_line(f"{TITLE}  {state.at + 1} of {len(parts)}", parts, parts.index(state.key), done(state), width)


def problem_lines(problems: Sequence[DocumentProblem], width: int, most: int = 5) -> list[Line]:
    """Return what is wrong, each a sentence with the next step."""
    out: list[Line] = []
    for problem in problems[:most]:
        out += wrap(f"{problem.message} {problem.hint}".strip(), width, "▲ ", "  ", role="bad")
    if len(problems) > most:
        out.append(line((f"  and {len(problems) - most} more", "muted")))
    return out


# Profiles ------------------------------------------------------------------------------------------------------------


def profile_lines(state: ClusterState, entries: Sequence[Entry] | None, problem: str, width: int) -> list[Line]:
    """Return the profiles to choose from; those that are chosen have a mark. `problem` is why they are not known."""
    if entries is None and problem:
        return [*wrap(problem, width, "▲ ", "  ", role="bad"), line(("c asks again", "muted"))]
    if entries is None:
        return [line(("Asking the plane for its profiles ...", "muted"))]
    chosen = {item["uid"] for item in state.profiles}
    out: list[Line] = []
    room = max((len(entry.row.name) for entry in entries), default=8)
    for title, rows in (
        ("FULL OR INFRASTRUCTURE", [entry.row for entry in entries if entry.row.kind != "add-on"]),
        ("ADD-ONS", [entry.row for entry in entries if entry.row.kind == "add-on"]),
    ):
        infra = title != "ADD-ONS"
        out.append(heading(title, width, "one" if infra else "any number, or none"))
        for row in rows:
            mark = ("(•) " if infra else "[x] ") if row.uid in chosen else "( ) " if infra else "[ ] "
            right = f"  {amount(len(row.variables), 'variable')}" if row.variables else ""
            left: list[Piece] = [
                (mark, "accent"), (pad(row.name, min(room, 30)), "strong" if row.uid in chosen else ""),
                f"  {pad(row.version, 9)}", (f"  {row.description or row.stack}", "muted"),
            ]  # fmt: skip
            out.append(spread(left, [(right, "muted")], width, key=f"profile/{row.uid}"))
        if not rows:
            text = "None is published. Make one: :profile new" if infra else "None is published."
            out.append(line((f"    {text}", "muted")))
        out.append(line())
    return out[:-1]


# Hosts ---------------------------------------------------------------------------------------------------------------


def pool_text(pool: dict[str, Any]) -> str:
    """Return what a pool is, in a few terms."""
    parts = ["control planes" if pool["role"] == CONTROL_PLANE else "workers"]
    if pool["role"] == CONTROL_PLANE and pool["works"]:
        parts.append("run workloads")
    if pool["max_unavailable"]:
        parts.append(f"{pool['max_unavailable']} change at a time")
    if pool["labels"]:
        parts.append(amount(len(pool["labels"]), "label"))
    taints = [text for text in pool["taints"] if text.strip()]
    return ", ".join([*parts, *([amount(len(taints), "taint")] if taints else [])])


def hosts_lines(state: ClusterState, known: Sequence[Candidate], width: int) -> list[Line]:
    """Return the pools with their hosts, the free hosts, and the others with the reason."""
    by_uid = {item.row.uid: item for item in known}
    room = max((len(item.row.name) for item in known), default=8)
    room = min(room, 30)
    out = [heading("POOLS", width, "enter changes, x removes, + adds a pool")]
    for place, pool in enumerate(state.pools):
        sign = "► " if place == state.pool and len(state.pools) > 1 else "  "
        left: list[Piece] = [(sign, "accent"), (pool["name"], "strong"), (f"  {pool_text(pool)}", "muted")]
        out.append(spread(left, [amount(len(pool["hosts"]), "host")], width, key=f"pool/{place}"))
        out += [_member(host, by_uid.get(host["uid"]), room, width) for host in pool["hosts"]]
    taken = {host["uid"] for host in state.hosts}
    free = [item for item in known if item.free and item.row.uid not in taken]
    target = state.pools[state.pool]["name"] if state.pools else "a pool"
    out += [line(), heading(f"FREE HOSTS  {len(free):,}", width, f"enter adds to {target}")]
    out += [line(f"    {_facts(item, room)}", key=f"host/{item.row.uid}") for item in free[:MOST_FREE]]
    if len(free) > MOST_FREE:
        out.append(line((f"    and {len(free) - MOST_FREE:,} more: o finds one by its name", "muted")))
    if not free:
        out.append(line(("    No host is free.", "muted")))
    others = [item for item in known if not item.free and item.row.uid not in taken]
    if others:
        out += [line(), heading(f"NOT OFFERED  {len(others):,}", width, "why")]
        for item in others[:MOST_OTHERS]:
            reason = item.reason.removeprefix(item.row.name).strip()
            pieces: list[Piece] = [("  ○ ", "muted"), pad(item.row.name, room), (f"  {reason}", "muted")]
            out.append(line(*pieces, key=f"other/{item.row.uid}"))
        if len(others) > MOST_OTHERS:
            out.append(line((f"    and {len(others) - MOST_OTHERS:,} more", "muted")))
    return out


def _member(host: dict[str, Any], item: Candidate | None, room: int, width: int) -> Line:
    own = "  ".join(filter(None, (host["address"], host["nic"])))
    key = f"member/{host['uid']}"
    if item is None:
        return line(("  ▲ ", "bad"), pad(host["name"], room), ("  not registered any more", "bad"), key=key)
    if not item.free:
        reason = item.reason.removeprefix(item.row.name).strip()
        return line(("  ▲ ", "bad"), pad(host["name"], room), (f"  {reason}", "bad"), key=key)
    return spread([("  • ", "ok"), _facts(item, room)], [(own, "accent")] if own else [], width, key=key)


def _facts(item: Candidate, room: int) -> str:
    row = item.row
    memory = f"{row.memory_mb / 1024:.0f} GB" if row.memory_mb else "-"
    cpu = f"{row.cpu} CPU" if row.cpu else "-"
    kind = "  simulated" if row.simulated else ""
    return f"{pad(row.name, room)}  {pad(row.ip or '-', 15)}  {cpu:>6}  {memory:>7}  {row.site}{kind}".rstrip()


def quorum_text(state: ClusterState) -> str:
    """Return what the number of control planes means."""
    count = len(state.control_planes)
    if count == 0:
        return "The cluster needs a control plane."
    if count == 2:
        return "Two control planes are less available than one: without one of them etcd has no quorum."
    lost = quorum.tolerated(count)
    survives = f"survives the loss of {lost}" if lost else "does not survive the loss of its host"
    return f"{amount(count, 'control plane')}: the cluster {survives}. {state.control_planes[0]['name']} forms it."


# Preflight -----------------------------------------------------------------------------------------------------------


def preflight_lines(state: ClusterState, plane: str, now: float, width: int) -> list[Line]:
    """Return the result of each host, what is not ok below it, and what the plane found."""
    out = [heading("HOSTS", width, "enter shows all checks, c checks again")]
    for host in state.hosts:
        result = state.results.get(host["uid"])
        out += _result(host, result, now, width)
    if not state.hosts:
        out.append(line(("  No host is chosen.", "muted")))
    out += [line(), heading("THE ENTIRE CLUSTER", width, "checked by the plane")]
    if plane:
        out.append(line(("► ", "work"), plane))
    elif state.unasked:
        out += wrap(f"Not checked: {state.unasked}", width, "‼ ", "  ", role="warn")
    elif state.refused:
        for text in state.refused:
            out += wrap(text, width, "▲ ", "  ", role="bad")
    elif state.accepted is not None:
        out.append(line(("• ", "ok"), "The plane would accept it."))
    else:
        out.append(line(("○ ", "muted"), ("Not checked yet: something is missing on a page before.", "muted")))
    return out


def _result(host: dict[str, Any], result: HostResult | None, now: float, width: int) -> list[Line]:
    key = f"result/{host['uid']}"
    if result is None:
        return [line(("○ ", "muted"), host["name"], ("  not checked", "muted"), key=key)]
    if result.state == "running":
        took = max(now - result.began, 0)
        text = result.message or "waiting for the host"
        return [spread([("► ", "work"), host["name"], (f"  {text}", "muted")], [f"{took:.0f} s"], width, key=key)]
    if result.state == "error":
        head = spread([("‼ ", "bad"), (host["name"], "strong")], [f"{result.took:.0f} s"], width, key=key)
        return [head, *wrap(result.message, width, "    ", "    ", role="bad")]
    wrong = [check for check in result.checks if check.state != "ok"]
    worst = wrong[0].state if wrong else "ok"
    sign, role = SIGNS.get(worst, SIGNS["unknown"])
    count = f"{len(result.checks) - len(wrong)} of {amount(len(result.checks), 'check')} ok"
    out = [spread([(sign, role), host["name"], (f"  {count}", "muted")], [f"{result.took:.1f} s"], width, key=key)]
    for check in wrong[:MOST_CHECKS]:
        out += check_lines(check, width)
    if len(wrong) > MOST_CHECKS:
        out.append(line((f"      and {len(wrong) - MOST_CHECKS} more: enter", "muted")))
    return out


def check_lines(check: Check, width: int) -> list[Line]:
    """Return one check: sign, name, result, and what to do."""
    sign, role = SIGNS.get(check.state, SIGNS["unknown"])
    first, *rest = wrap(check.text or check.state, max(width - 20, 20))
    out = [line("    ", (sign, role), pad(check.id, 12), "  ", *first.spans)]
    out += [line(" " * 20, *more.spans) for more in rest]
    if check.next and check.state != "ok":
        out += [line(" " * 20, *more.spans) for more in wrap(check.next, max(width - 20, 20), "→ ", "  ", role="muted")]
    return out


# Network -------------------------------------------------------------------------------------------------------------


def network_lines(state: ClusterState, width: int) -> list[Line]:
    """Return the networks that the profile gives."""
    known = state.kubernetes
    if known is None:
        return [line(("Networks of pods and services: from the profile, not known yet.", "muted"))]
    text = f"pods {known.pod_cidr or 'not set'}, services {known.service_cidr or 'not set'}"
    out = [line(("The profile gives the networks: ", "muted"), cut(text, max(width - 32, 10)))]
    if not known.pod_cidr or not known.service_cidr:
        out += wrap("Set podSubnet and serviceSubnet in the values of its Kubernetes layer.", width, "▲ ", "  ", "bad")
    return out


def host_names(hosts: Sequence[dict[str, Any]], most: int = 6) -> str:
    """Return names of hosts, the first few."""
    names = [clean(host["name"]) for host in hosts]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"
