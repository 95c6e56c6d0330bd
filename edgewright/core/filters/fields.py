"""What can be filtered by: tables of fields, one for each kind of row."""

from __future__ import annotations

import difflib
from typing import Dict, NamedTuple, Optional, Tuple

KINDS: Tuple[str, ...] = ("text", "word", "number", "memory", "percent", "age", "until", "flag", "tags")


class FilterField(NamedTuple):
    """One field of a filter.

    `kind`: `text` (`:` finds a part, `=` the exact text), `word` (always exact), `number`, `memory` (MB, units M G T),
    `percent`, `age` (the row contains epoch seconds, the filter compares the time since then), `until` (the time from
    now to it, negative once it is past), `flag`, `tags` (a tuple of `key:value`). `source` is the row's name of the
    value, the field's own name unless given. `searched` fields are looked at by free text.
    """

    name: str
    kind: str
    help: str
    source: str = ""
    aliases: Tuple[str, ...] = ()
    searched: bool = False

    @property
    def get(self) -> str:
        """Return the name under which a row gives the value."""
        return self.source or self.name


FILTER_FIELDS: Tuple[FilterField, ...] = (
    FilterField("uid", "text", "host UID", aliases=("id",), searched=True),
    FilterField("name", "text", "name of the host", aliases=("host",), searched=True),
    FilterField("state", "word", "unpaired, ready or in-use"),
    FilterField("health", "word", "healthy, unhealthy or unknown"),
    FilterField("reason", "text", "why it is as it is", searched=True),
    FilterField("site", "text", "site, from the tag site", searched=True),
    FilterField("tag", "tags", "a tag: tag:key, tag.key:value", source="tags", aliases=("tags", "label")),
    FilterField("cpu", "number", "CPU cores", aliases=("cores",)),
    FilterField("memory", "memory", "memory: 8192 (MB) or 8G", source="memory_mb", aliases=("mem", "ram")),
    FilterField("disk", "percent", "fullest file system in percent", source="disk_percent"),
    FilterField("load", "percent", "CPU in use in percent", source="cpu_percent"),
    FilterField("used", "percent", "memory in use in percent", source="memory_percent"),
    FilterField("os", "text", "operating system", searched=True),
    FilterField("kernel", "text", "kernel version"),
    FilterField("ip", "text", "address", searched=True),
    FilterField("mac", "text", "hardware address", searched=True),
    FilterField("address", "text", "address from which it calls"),
    FilterField("arch", "word", "amd64 or arm64", aliases=("architecture",)),
    FilterField("gpu", "text", "graphics processor", searched=True),
    FilterField("cluster", "text", "cluster that uses it", searched=True),
    FilterField("agent", "text", "version of its agent"),
    FilterField("type", "word", "appliance or agent-mode", source="host_type"),
    FilterField("slot", "word", "boot slot: active, passive or recovery", source="boot_slot"),
    FilterField("who", "word", "who must act: host, plane, operator or none"),
    FilterField("token", "text", "uid of the token that it registered with", source="token_uid"),
    FilterField("project", "text", "uid of its project", source="project_uid"),
    FilterField("simulated", "flag", "a program that plays a host"),
    FilterField("observed", "flag", "watched only"),
    FilterField("age", "age", "time since its record was made: age<2h", source="created"),
    FilterField("seen", "age", "time since its last heartbeat: seen>10m", source="last_seen"),
    FilterField("since", "age", "time since it is as it is: since<1d"),
    FilterField("changed", "age", "time since its record changed", source="modified"),
)

EVENT_FIELDS: Tuple[FilterField, ...] = (
    FilterField("severity", "word", "info, normal, warning or error", searched=True),
    FilterField("reason", "text", "reason in one word", searched=True),
    FilterField("message", "text", "the sentence", aliases=("what",), searched=True),
    FilterField(
        "name", "text", "host that it is about", source="object_name", aliases=("host", "about"), searched=True
    ),
    FilterField("uid", "text", "uid of the thing it is about", source="object_uid", aliases=("id",), searched=True),
    FilterField("kind", "word", "kind of the thing it is about"),
    FilterField("site", "text", "site of the host", searched=True),
    FilterField("component", "text", "source: hub, agent", aliases=("by",)),
    FilterField("event", "text", "uid of the event itself", source="uid", searched=True),
    FilterField("age", "age", "time since it happened", source="at"),
)
"""Fields of a component event. `site` is worked out by the list that shows it."""

AUDIT_FIELDS: Tuple[FilterField, ...] = (
    FilterField("actor", "text", "who did it", aliases=("user", "who"), searched=True),
    FilterField("action", "word", "create, update, delete and so on", aliases=("did",), searched=True),
    FilterField("kind", "word", "kind of the thing it was done to", searched=True),
    FilterField("name", "text", "thing it was done to", source="resource", aliases=("resource", "what"), searched=True),
    FilterField("uid", "text", "uid of that thing", source="resource_uid", aliases=("id",), searched=True),
    FilterField("message", "text", "the sentence", searched=True),
    FilterField("note", "text", "note by an operator", searched=True),
    FilterField("project", "text", "project", searched=True),
    FilterField("address", "text", "address from which it was done", aliases=("from", "ip"), searched=True),
    FilterField("entry", "text", "uid of the entry itself", source="uid", searched=True),
    FilterField("age", "age", "time since then", source="at"),
)


def index(fields: Tuple[FilterField, ...]) -> Dict[str, FilterField]:
    """Return the fields by name and alias, in small letters."""
    matches: Dict[str, FilterField] = {}
    for field in fields:
        for name in (field.name, *field.aliases):
            matches[name.casefold()] = field
    return matches


def nearest(name: str, fields: Tuple[FilterField, ...]) -> Optional[str]:
    """Return the field or alias that is most like `name`; `None` when nothing is."""
    close = difflib.get_close_matches(name.casefold(), list(index(fields)), n=1, cutoff=0.5)
    return close[0] if close else None
