"""The search of clusters: Palette's filter groups over the few properties that clusters have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from edgewright.core import times
from edgewright.core.hosts.tags import labels_to_tags
from edgewright.hub.clusters import status
from edgewright.hub.clusters.index import Cluster
from edgewright.hub.clusters.tables import DELETED_PHASE
from edgewright.hub.http import problems
from edgewright.hub.http.filter_text import order
from edgewright.hub.http.problems import invalid
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

Json = Mapping[str, Any]
Check = Callable[["Row"], bool]
MOST = 200
"""Filters of one search."""
_TEXTS = ("string", "keyValue")


class Property(NamedTuple):
    """A property: its name, its title, its type (string, bool, date or tags), and the values that it may have."""

    name: str
    title: str
    kind: str
    enum: tuple[str, ...] = ()


PROPERTIES = (
    Property("clusterName", "Name", "string"),
    Property("clusterState", "State", "string", wire.STATES),
    Property("healthState", "Health", "string", (status.HEALTHY, status.UNHEALTHY, status.UNKNOWN_HEALTH)),
    Property("environment", "Environment", "string"),
    Property("tags", "Tags", "tags"),
    Property("uid", "UID", "string"),
    Property("kubernetesVersion", "Kubernetes", "string"),
    Property("profileName", "Profile", "string"),
    Property("simulated", "Simulated", "bool"),
    Property("isDeleted", "Deleted", "bool"),
    Property("creationTimestamp", "Created", "date"),
    Property("lastModifiedTimestamp", "Changed", "date"),
)
_BY_NAME = {item.name: item for item in PROPERTIES}


class Row:
    """A cluster whose properties are read when they are asked for, each once."""

    def __init__(self, hub: Services, item: Cluster, now: float) -> None:
        self._hub, self.item, self._now = hub, item, now
        self._known: dict[str, list[str]] = {}
        self._members: list[status.Member] | None = None

    def texts(self, name: str) -> list[str]:
        """Return the texts of a property."""
        if name not in self._known:
            self._known[name] = self._texts(name)
        return self._known[name]

    def _texts(self, name: str) -> list[str]:
        record, head = self.item.record, self.item.head
        if name == "clusterName":
            return [record.name]
        if name == "uid":
            return [record.uid]
        if name == "environment":
            return [wire.CLOUD_TYPE]
        if name == "tags":
            return list(labels_to_tags(head["metadata"].get("labels") or {}))
        if name == "kubernetesVersion":
            return [str(head["kubernetes"].get("version") or "")]
        if name == "profileName":
            return [str(profile["name"]) for profile in head["profiles"]]
        if self._members is None:
            self._members = status.members(self._hub, self.item)
        listed = self._members
        if name == "clusterState":
            return [status.state(self.item, listed)]
        return [status.health(self._hub, self.item, listed, self._now)[0]]

    def flag(self, name: str) -> bool:
        """Return a property that is true or false."""
        return self.item.record.phase == DELETED_PHASE if name == "isDeleted" else bool(self.item.head["simulated"])

    def moment(self, name: str) -> float:
        """Return a property that is a time, epoch seconds."""
        return self.item.record.created if name == "creationTimestamp" else self.item.record.modified


class Search:
    """A search that was checked; raises `Problem` 422 for one that cannot be evaluated."""

    def __init__(self, body: Json) -> None:
        spec = body.get("filter") or {}
        self.names: set[str] = set()
        self._groups: list[tuple[list[Check], bool]] = []
        self._either = spec.get("conjunction") == "or"
        count = 0
        for group in spec.get("filterGroups") or ():
            checks = [self._check(item) for item in group.get("filters") or ()]
            count += len(checks)
            if checks:
                self._groups.append((checks, group.get("conjunction") == "or"))
        if count > MOST:
            raise invalid(problems.MAX_ITEMS, f"filter in body should have at most {MOST} filters")
        self._sorts = order(body, "clusterName")

    def matches(self, row: Row) -> bool:
        """Return whether a cluster passes; deleted ones pass only where the search asks for them."""
        if "isDeleted" not in self.names and row.flag("isDeleted"):
            return False
        results = (
            any(check(row) for check in checks) if either else all(check(row) for check in checks)
            for checks, either in self._groups
        )
        if not self._groups:
            return True
        return any(results) if self._either else all(results)

    def ordered(self, rows: list[Row]) -> list[Row]:
        """Return clusters in the order of the search, then by name."""
        rows = sorted(rows, key=lambda row: (row.item.record.name.casefold(), row.item.uid))
        for field, descending in self._sorts:
            rows.sort(key=partial(_key, field), reverse=descending)
        return rows

    def prepare(self, row: Row) -> None:
        """Read what the order needs of a row, which costs most: the caller can rest between two rows."""
        for field, _descending in self._sorts:
            _key(field, row)

    def _check(self, item: Json) -> Check:
        name = str(item.get("property") or "")
        known = _BY_NAME.get(name)
        if known is None:
            raise invalid(problems.ENUM, f"filter property in body should be one of [{' '.join(_BY_NAME)}]")
        self.names.add(name)
        condition = item.get("condition") or {}
        if known.kind == "bool":
            wanted = bool((condition.get("bool") or {}).get("value"))  # Go leaves out false
            return lambda row: row.flag(name) is wanted
        if known.kind == "date":
            return _dates(name, condition.get("date") or {})
        kind = next((kind for kind in _TEXTS if condition.get(kind)), "string")
        return _texts(name, kind, condition.get(kind) or {})


def _key(field: str, row: Row) -> Any:
    if field in ("creationTimestamp", "lastModifiedTimestamp"):
        return row.moment(field)
    return [text.casefold() for text in row.texts(field if field in _BY_NAME else "clusterName")]


def _equal(text: str, value: str) -> bool:
    return text == value


def _contains(text: str, value: str) -> bool:
    return value in text


def _begins(text: str, value: str) -> bool:
    return text.startswith(value)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {"eq": _equal, "contains": _contains, "beginsWith": _begins}


def _texts(name: str, kind: str, condition: Json) -> Check:
    match = condition.get("match") or {}
    fold = bool(condition.get("ignoreCase"))
    wanted = [str(value or "") for value in match.get("values") or ()]
    if kind == "keyValue":
        key = str(condition.get("key") or "")
        wanted = [f"{key}:{value}" if value else key for value in wanted] or [key]
    wanted = [value.casefold() if fold else value for value in wanted]
    every, negated = match.get("conjunction") == "and", bool(condition.get("negation"))
    test = _OPERATORS[str(condition.get("operator") or "eq")]

    def check(row: Row) -> bool:
        if not wanted:
            return True
        texts = [text.casefold() if fold else text for text in row.texts(name)]
        results = (any(test(text, value) for text in texts) for value in wanted)
        return (all(results) if every else any(results)) is not negated

    return check


def _dates(name: str, condition: Json) -> Check:
    match = condition.get("match") or {}
    moments = [times.parse(str(value)) or 0.0 for value in match.get("values") or ()]
    operator, negated = str(condition.get("operator") or "eq"), bool(condition.get("negation"))

    def check(row: Row) -> bool:
        if not moments:
            return True
        value, first = row.moment(name), moments[0]
        results = {"gt": value > first, "gte": value >= first, "lt": value < first, "lte": value <= first}
        passed = min(moments) <= value <= max(moments) if operator == "range" else results.get(operator, value == first)
        return passed is not negated

    return check


def schema() -> dict[str, Any]:
    """Return the properties that the search knows (`v1SearchFilterSchemaSpec`)."""
    rows = []
    for item in PROPERTIES:
        row: dict[str, Any] = {
            "name": item.name,
            "displayName": item.title,
            "type": "string" if item.kind == "tags" else item.kind,
            "hideDisplay": False,
            "isDeprecated": False,
            "default": "",
        }
        if item.enum:
            row["enum"] = list(item.enum)
            row["enumValues"] = [{"displayValue": value, "value": value} for value in item.enum]
        rows.append(row)
    return {"schema": {"properties": rows}}
