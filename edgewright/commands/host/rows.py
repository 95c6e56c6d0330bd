"""How hosts are shown as text: the cells of a listing and the sections of one host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from edgewright.commands.kernel.cells import ago, or_dash, percent, stamp
from edgewright.commands.kernel.lookup import FoundHost
from edgewright.commands.kernel.results import Column, Detail, Item, Section
from edgewright.core import times
from edgewright.core.hosts import condition_text, work_text
from edgewright.core.hosts.link import link_rows
from edgewright.core.hosts.nics import fold
from edgewright.core.text import clean
from edgewright.store.collections.conditions import condition_of_row
from edgewright.store.collections.document_values import number
from edgewright.wire.palette.edgehost import EdgeHost

if TYPE_CHECKING:
    from edgewright.core.hosts.condition import Condition
    from edgewright.store.collections.hosts import HostRow

COLUMNS = (
    Column("HOST"),
    Column("SITE"),
    Column("STATE"),
    Column("HEALTH"),
    Column("SINCE", right=True),
    Column("CLUSTER"),
    Column("SEEN", right=True),
    Column("UID", wide=True),
    Column("CPU", wide=True, right=True),
    Column("MEM", wide=True, right=True),
    Column("DISK", wide=True, right=True),
    Column("AGENT", wide=True),
    Column("OS", wide=True),
    Column("IP", wide=True),
    Column("ARCH", wide=True),
    Column("TAGS", wide=True),
    Column("REASON", wide=True),
    Column("CONDITION", wide=True),
    Column("OWNER", wide=True),
)

GLYPHS = {"healthy": "•", "unhealthy": "▲", "unknown": "○"}


def state_text(row: HostRow) -> str:
    """Return the state as users call it, with what kind of host it is when that matters."""
    marks = " (simulated)" if row.simulated else " (observed)" if row.observed else ""
    return row.state.replace("in-use", "in use") + marks


def health_text(row: HostRow) -> str:
    """Return glyph and word of the health; a host that never spoke is `never connected`."""
    word = "never connected" if row.health == "unknown" and row.last_seen is None else row.health
    return f"{GLYPHS.get(row.health, '○')} {word}"


def condition_cell(condition: Condition) -> str:
    """Return the state by its label, and whether it is overdue."""
    return f"{condition.state.label}, overdue" if condition.overdue > 0 else condition.state.label


def item(host: FoundHost, now: float) -> Item:
    """Return one host as a row of a listing."""
    row, condition = host.row, condition_of_row(host.row, now)
    cells = (
        row.name or row.uid,
        or_dash(row.site),
        state_text(row),
        health_text(row),
        ago(row.since or row.created, now),
        or_dash(row.cluster_text),
        ago(row.last_seen, now),
        row.uid,
        or_dash(row.cpu),
        "-" if row.memory_mb is None else f"{row.memory_mb / 1024:.0f}G",
        percent(row.disk_percent),
        or_dash(row.agent),
        or_dash(row.os),
        or_dash(row.ip),
        or_dash(row.arch),
        or_dash(",".join(row.tags)),
        or_dash(row.reason),
        condition_cell(condition),
        or_dash(condition.owner),
    )
    return Item(row.uid, cells, host.document)


def detail(
    host: FoundHost, condition: Condition, now: float, absent: frozenset[str] = frozenset(), project: str = ""
) -> Detail:
    """Return one host as text; `absent` are verbs that this connection does not have, `project` names the host's."""
    row, document = host.row, EdgeHost(host.document)
    headline = f"{health_text(row)}: {row.reason}" if row.reason else health_text(row)
    health = [
        ("health", health_text(row)),
        ("since", _moment(row.since, now)),
        ("reason", or_dash(row.reason)),
        ("last heartbeat", _moment(row.last_seen, now)),
    ]
    identity = [
        ("uid", row.uid),
        ("state", state_text(row)),
        ("site", or_dash(row.site)),
        ("tags", or_dash(", ".join(row.tags))),
        ("project", or_dash(project or row.project_uid)),
        ("cluster", or_dash(row.cluster_text)),
        *([("", row.cluster_note)] if row.cluster_note else []),
        ("came by token", or_dash(row.token_name or row.token_uid)),
        ("registered", _moment(row.registered, now)),
        ("created", _moment(row.created, now)),
    ]
    machine = [
        ("hardware", f"{or_dash(row.arch)}  {or_dash(row.cpu)} cpu  {_gigabytes(row.memory_mb)}"),
        ("gpu", or_dash(row.gpu)),
        ("system", f"{or_dash(row.os)}  kernel {or_dash(row.kernel)}"),
        ("agent", f"{or_dash(row.agent)}  {or_dash(row.host_type)}"),
        ("boot slot", or_dash(row.boot_slot)),
        ("booted", work_text.booted_text(host.document, row.last_seen, now)),
        ("used", f"cpu {percent(row.cpu_percent)} %  memory {percent(row.memory_percent)} %"),
    ]
    work = work_text.lines(host.document, now)
    link = _link(host, now)
    sections = [
        Section("HEALTH", tuple(health)),
        *([Section("WORK", tuple(work))] if work else []),
        Section("CONDITION", tuple(condition_text.lines(condition, now, absent))),
        Section("HOST", tuple(identity)),
        Section("MACHINE", tuple(machine)),
        *([Section("LINK", tuple(link))] if link else []),
        Section("NETWORK", tuple(_cards(document)) or (("cards", "-"),)),
        Section("DISKS", tuple(_disks(document)) or (("disks", "-"),)),
    ]
    return Detail(row.uid, host.document, headline, tuple(sections))


def _link(host: FoundHost, now: float) -> list[tuple[str, str]]:
    """Return what the link is, when work starts, and the bytes of the month, all as the host last reported."""
    reported = (host.document.get("spec") or {}).get("edgewright")
    judged = (host.document.get("status") or {}).get("edgewright")
    judged = judged if isinstance(judged, dict) else {}
    interval, limit = (number(judged, name) for name in ("interval", "silenceLimit"))
    return link_rows(reported if isinstance(reported, dict) else {}, interval, limit, host.row.last_seen, now)


def _moment(moment: float | None, now: float) -> str:
    if moment is None:
        return "-"
    there = ago(moment, now) + " ago" if moment <= now else "in " + times.age(moment - now)
    return f"{stamp(moment)}  ({there})"


def _gigabytes(megabytes: int | None) -> str:
    return "-" if megabytes is None else f"{megabytes / 1024:.0f} GB"


def _cards(document: EdgeHost) -> Iterable[tuple[str, str]]:

    result = fold(document.nics)
    for nic in result.real:
        parts = [nic.ip or "no address", nic.mac, f"gateway {nic.gateway}" if nic.gateway else ""]
        yield clean(nic.name) or "card", clean("  ".join(filter(None, parts)))
    if result.folded:
        yield "virtual", f"{result.folded} cards of Kubernetes"


def _disks(document: EdgeHost) -> Iterable[tuple[str, str]]:
    for disk in document.disks:
        for part in disk.partitions:
            if part.mount_point:
                used = "-" if part.percent is None else f"{part.percent:.0f} %"
                size = "-" if part.total is None else f"{part.total / 1024:.1f} GB"
                yield clean(part.mount_point), clean(f"{used} of {size}  {part.file_system}")
