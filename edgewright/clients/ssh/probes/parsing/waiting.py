"""What pods wait for, claims of volumes that are not bound, and admission webhooks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from edgewright.clients.ssh.probes.parsing.lines import first, with_word, without_secrets
from edgewright.clients.ssh.probes.parsing.network import port
from edgewright.core import times
from edgewright.core.doctor.facts import Claim, Waiting, Webhook
from edgewright.core.text import clean

Lines = Sequence[str]
MOST = 300
"""Letters of one message."""
_UID = re.compile(r"[0-9a-zA-Z-]{1,64}")


def waits(lines: Lines) -> dict[str, Any]:
    """Return uid, pods that wait, claims and webhooks; what the cluster was not asked for is unknown."""
    classes = [row.split() for row in with_word(lines, "class")]
    return {
        "waiting": _pods(lines),
        "claims": _claims(lines) if "claims" in lines else None,
        "storage_classes": {row[0]: (row[1], row[2]) for row in classes if len(row) == 3},
        "webhooks": _webhooks(lines),
        "cluster_uid": uid if _UID.fullmatch(uid := first(lines, "cluster")) else "",
    }


def _pods(lines: Lines) -> dict[str, Waiting]:
    """Return pods by `NAMESPACE/NAME`; events of an earlier pod of this name are none of this one."""
    results: dict[str, Waiting] = {}
    names: dict[str, str] = {}
    for row in with_word(lines, "pod"):
        parts = row.split()
        if len(parts) >= 4:
            names[parts[2]] = f"{parts[0]}/{parts[1]}"
            results[f"{parts[0]}/{parts[1]}"] = Waiting(_moment(parts[3]), tuple(parts[4:]))
    for row in with_word(lines, "why"):
        parts = row.split(None, 2)
        if len(parts) == 3 and f"{parts[0]}/{parts[1]}" in results:
            name = f"{parts[0]}/{parts[1]}"
            result = results[name]
            results[name] = result._replace(reasons=(*result.reasons, _message(parts[2])))
    for row in with_word(lines, "event"):
        parts = row.split(None, 2)
        if len(parts) == 3 and parts[0] in names:
            result = results[names[parts[0]]]
            event = (_moment(parts[1]), _message(parts[2]))
            results[names[parts[0]]] = result._replace(events=(*result.events, event))
    return results


def _claims(lines: Lines) -> tuple[Claim, ...]:
    results = []
    for row in with_word(lines, "claim"):
        parts = row.split()
        if len(parts) >= 4:
            named = parts[3][1:-1] if parts[3].startswith('"') and parts[3].endswith('"') else None
            node = parts[4] if len(parts) > 4 and not parts[4].startswith("<") else ""
            results.append(Claim(parts[0], parts[1], _moment(parts[2]), named, node))
    return tuple(results)


def _webhooks(lines: Lines) -> tuple[Webhook, ...]:
    rows = [row.split() for row in with_word(lines, "end")]
    served = {f"{row[0]}/{row[1]}" for row in rows if len(row) == 5 and row[2] != "false"}
    tried = {}
    for row in (row.split(None, 2) for row in with_word(lines, "tried")):
        result = port(row[2]) if len(row) == 3 else None
        if result is not None:
            tried[result.host if row[0] == "url" else f"{row[0]}/{row[1]}"] = result
    results = []
    for parts in (row.split() for row in with_word(lines, "hook")):
        if len(parts) == 3:
            name = f"{parts[1]}/{parts[2]}"
            state = "no-endpoint" if "slices" in lines and name not in served else ""
            results.append(Webhook(parts[0], name, state, tried.get(name)))
        elif len(parts) == 2:
            host = parts[1].partition("://")[2].partition("/")[0].partition(":")[0]
            results.append(Webhook(parts[0], parts[1], "", tried.get(host)))
    return tuple(results)


def _message(text: str) -> str:
    """Return a message that the template wrote as a quoted text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text.strip('"').replace('\\"', '"')
    return without_secrets(clean(" ".join(str(value).split()), MOST))


def _moment(text: str) -> float | None:
    try:
        return times.parse(text)
    except ValueError:
        return None
