"""The columns of the hosts table: what each shows of a row, and what it sorts by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from edgewright.core import times
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.rows import LINKS
from tui.frame import ages
from tui.frame.lists.export import Value
from tui.widgets.lines import Role, Span
from tui.widgets.table_layout import Column, longest_text

FRESH = 2.0
"""Heartbeats after which a measured value is old."""
NONE = "-"
FROZEN = 2
"""Glyph and name stay when the other columns are moved sideways."""
STATE_LABELS = {"in-use": "in use", "": NONE}
RANK = {"unhealthy": 1, "unknown": 2, "healthy": 3}


class HostColumn(NamedTuple):
    """One column: how it looks, what it shows, by what it sorts."""

    column: Column
    cell: Callable[[HostRow, float], Span]
    order: Callable[[HostRow], object]
    falls: bool = False
    """Whether the first sorting is from the highest value down; the arrow in the header shows it."""


def sign(row: HostRow) -> Span:
    """Return the sign of a host: its glyph and the meaning of its colour."""
    if row.link not in ("", "open"):
        return Span("▬", "parked")
    if row.health == "unhealthy":
        return Span("▲", "bad")
    if row.who == "person" and row.health != "healthy":
        return Span("‼", "warn")
    return Span("•", "ok") if row.health == "healthy" else Span("○", "muted")


def health_word(row: HostRow) -> str:
    """Return the health as text; a host without any heartbeat is marked as such."""
    if row.health == "unknown" and row.last_seen is None:
        return "not read" if row.link else "no contact"
    return row.health or NONE


def rank(row: HostRow) -> int:
    """Return how much a host needs attention: 0 most."""
    return 0 if row.who == "person" and row.health != "healthy" else RANK.get(row.health, 2)


def age_text(moment: float | None, now: float) -> str:
    """Return how long ago, in one unit; `-` when not known."""
    return NONE if moment is None else ages.age(max(now - moment, 0.0))


def _calm(row: HostRow) -> Role:
    return "muted" if row.health == "healthy" else ""


def _old(row: HostRow, now: float) -> Role:
    return "muted" if row.last_seen is None or now - row.last_seen > FRESH * row.beat else ""


def _text(field: str) -> Callable[[HostRow, float], Span]:
    def cell(row: HostRow, now: float) -> Span:
        value = str(row.get(field) or "")
        return Span(value, _calm(row)) if value else Span(NONE, "muted")

    return cell


def cluster_cell(row: HostRow) -> str:
    """Return the cluster with the role in short, or with what is wrong: `store-7 cp`, `store-7 (unknown)`; else ""."""
    role = {"control-plane": "cp"}.get(row.cluster_role, row.cluster_role)
    return f"{row.cluster} {role}" if row.cluster_state == "member" and role else row.cluster_text


def _cluster(row: HostRow, now: float) -> Span:
    return Span(cluster_cell(row), _calm(row)) if row.cluster else Span(NONE, "muted")


def _order(field: str) -> Callable[[HostRow], object]:
    def order(row: HostRow) -> object:
        value = row.get(field)
        return value.lower() if isinstance(value, str) else value

    return order


def _percent(field: str) -> Callable[[HostRow, float], Span]:
    def cell(row: HostRow, now: float) -> Span:
        value = row.get(field)
        if not isinstance(value, int | float):
            return Span(NONE, "muted")
        role: Role = _old(row, now) or ("bad" if value >= 95 else "warn" if value >= 85 else _calm(row))
        return Span(f"{value:.0f}", role)

    return cell


def _age(field: str, plain: bool = False) -> Callable[[HostRow, float], Span]:
    def cell(row: HostRow, now: float) -> Span:
        value = row.get(field)
        moment = float(value) if isinstance(value, int | float) else None
        return Span(age_text(moment, now), "" if plain and row.health == "unhealthy" else "muted")

    return cell


def _newest_first(field: str) -> Callable[[HostRow], object]:
    def order(row: HostRow) -> object:
        value = row.get(field)
        return -float(value) if isinstance(value, int | float) else None

    return order


def _highest_first(field: str) -> Callable[[HostRow], object]:
    """Sort by a number, the highest first: who sorts by a load looks for the fullest."""
    return _newest_first(field)


MOMENTS = frozenset({"since", "last_seen", "created"})
"""Fields that contain epoch seconds."""


def value(row: HostRow, field: str) -> Value:
    """Return what an exported file contains of a host: the value itself, a moment as RFC 3339, None when not known."""
    result = row.get(field)
    if field in MOMENTS:
        return times.rfc3339(float(result)) if isinstance(result, int | float) else None
    if isinstance(result, str | int | float | tuple):
        return result or None if isinstance(result, str) else result
    return None


def longest(hosts: Collection[HostRow], column: str) -> int:
    """Return the cells of the longest text in a column whose width follows its texts, 0 for any other column."""
    if column not in BY_ID or not BY_ID[column].column.most:
        return 0
    texts: Iterable[str] = map(cluster_cell if column == "cluster" else attrgetter(column), hosts)
    return longest_text(
        (text or row.uid for text, row in zip(texts, hosts, strict=True)) if column == "name" else texts
    )


def _name(row: HostRow, now: float) -> Span:
    return Span(row.name or row.uid, "strong" if row.health == "unhealthy" else "")


def _state(row: HostRow, now: float) -> Span:
    if row.link:
        return Span(LINKS.get(row.link, row.link), "info" if row.link == "open" else "parked")
    return Span(STATE_LABELS.get(row.state, row.state), "work" if row.state == "unpaired" else _calm(row))


def _health(row: HostRow, now: float) -> Span:
    return Span(health_word(row), "muted" if row.health == "healthy" else sign(row).role)


def _memory(row: HostRow, now: float) -> Span:
    if row.memory_mb is None:
        return Span(NONE, "muted")
    return Span(f"{row.memory_mb / 1024:.0f} GB" if row.memory_mb >= 1024 else f"{row.memory_mb} MB", _calm(row))


def _cores(row: HostRow, now: float) -> Span:
    return Span(NONE if row.cpu is None else str(row.cpu), "muted" if row.cpu is None else _calm(row))


def _tags(row: HostRow, now: float) -> Span:
    text = " ".join(tag for tag in row.tags if not tag.startswith("site:"))
    return Span(text, _calm(row)) if text else Span(NONE, "muted")


def _type(row: HostRow, now: float) -> Span:
    if row.simulated:
        return Span("simulated", "work")
    return Span("observed", "info") if row.observed else _text("host_type")(row, now)


_C = Column
COLUMNS: tuple[HostColumn, ...] = (
    HostColumn(_C("sign", "", 1), lambda row, now: sign(row), rank),
    HostColumn(_C("name", "HOST", 8, most=40), _name, _order("name")),
    HostColumn(_C("site", "SITE", 6, most=24), _text("site"), _order("site")),
    HostColumn(_C("state", "STATE", 8), _state, _order("state")),
    HostColumn(_C("health", "HEALTH", 10), _health, rank),
    HostColumn(_C("since", "SINCE", 5, "right"), _age("since", plain=True), _newest_first("since")),
    HostColumn(_C("cluster", "CLUSTER", 7, most=24), _cluster, _order("cluster")),
    HostColumn(
        _C("cpu_percent", "CPU", 3, "right"), _percent("cpu_percent"), _highest_first("cpu_percent"), falls=True
    ),
    HostColumn(
        _C("memory_percent", "MEM", 3, "right"),
        _percent("memory_percent"),
        _highest_first("memory_percent"),
        falls=True,
    ),
    HostColumn(
        _C("disk_percent", "DISK", 4, "right"), _percent("disk_percent"), _highest_first("disk_percent"), falls=True
    ),
    HostColumn(_C("agent", "AGENT", 7, most=14), _text("agent"), _order("agent")),
    HostColumn(_C("last_seen", "SEEN", 4, "right"), _age("last_seen"), _order("last_seen"), falls=True),
    # the sentence first: it takes the cells in which a long MACHINE ID does not fit
    HostColumn(_C("tags", "TAGS", 20, weight=2, optional=True), _tags, _order("tags")),
    HostColumn(_C("uid", "MACHINE ID", 10, most=48, optional=True), _text("uid"), _order("uid")),
    HostColumn(_C("cpu", "CORES", 5, "right"), _cores, _highest_first("cpu"), falls=True),
    HostColumn(_C("memory_mb", "MEMORY", 6, "right"), _memory, _highest_first("memory_mb"), falls=True),
    HostColumn(_C("os", "OS", 8, most=24), _text("os"), _order("os")),
    HostColumn(_C("ip", "IP ADDRESS", 11, most=39), _text("ip"), _order("ip")),
    HostColumn(_C("mac", "MAC ADDRESS", 17), _text("mac"), _order("mac")),
    HostColumn(_C("arch", "ARCH", 6, most=8), _text("arch"), _order("arch")),
    HostColumn(_C("gpu", "GPU", 4, most=28), _text("gpu"), _order("gpu")),
    HostColumn(_C("host_type", "TYPE", 10), _type, _order("host_type")),
    HostColumn(_C("boot_slot", "SLOT", 8), _text("boot_slot"), _order("boot_slot")),
    HostColumn(_C("address", "ADDRESS", 8, most=39), _text("address"), _order("address")),
    HostColumn(_C("created", "CREATED", 7, "right"), _age("created"), _newest_first("created")),
    HostColumn(_C("kernel", "KERNEL", 8, most=28), _text("kernel"), _order("kernel")),
    HostColumn(_C("token_name", "TOKEN", 8, most=32), _text("token_name"), _order("token_name")),
)
BY_ID: dict[str, HostColumn] = {item.column.id: item for item in COLUMNS}
DEFAULT: tuple[str, ...] = tuple(item.column.id for item in COLUMNS[: len(COLUMNS) - 6])
"""Columns of a user who chose none: what the question needs first, Palette's eleven all among them."""


def chosen(ids: Sequence[str]) -> tuple[HostColumn, ...]:
    """Return the columns of these ids in their order, sign and name always first; unknown ids are passed over."""
    first = ("sign", "name")
    return tuple(BY_ID[item] for item in (*first, *(i for i in ids if i in BY_ID and i not in first)))
