"""What problems can be filtered by."""

from __future__ import annotations

from typing import Tuple

from edgewright.core.filters.fields import FilterField

PROBLEM_FIELDS: Tuple[FilterField, ...] = (
    FilterField("name", "text", "host, site, cluster, token or plane", aliases=("subject", "host"), searched=True),
    FilterField("text", "text", "what is wrong", source="sentence", aliases=("reason",), searched=True),
    FilterField(
        "kind",
        "word",
        "silent, link, disk, unit, memory, heat, clock, certificate, token, rejected, quorum, vip, node, layer",
    ),
    FilterField("owner", "word", "host, plane or operator", aliases=("who",)),
    FilterField("assignee", "text", "who works on it", searched=True),
    FilterField("note", "text", "note on it", searched=True),
    FilterField("site", "text", "site of the host", searched=True),
    FilterField("section", "word", "attention, unhealthy or working"),
    FilterField("acknowledged", "flag", "acknowledged", aliases=("ack",)),
    FilterField("hosts", "number", "hosts behind it"),
    FilterField("since", "age", "time since it began: since>1h", aliases=("age",)),
)
"""Fields of a problem in the console's list."""
