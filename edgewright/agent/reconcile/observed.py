"""What the reconciler reports: `progress.json` (where it is now) and `observed.json` (documents, recent transitions).

Small files in a folder in memory where there is one, so that a full disk does not silence them. The link reads them,
checks every field, and sends them; a file that is old, torn or odd counts as absent.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.steps import Beside
from edgewright.core.text import clean
from edgewright.wire import protocol
from edgewright.wire.protocol.work import MAX_PROGRESS, read_progress

MAX_DOCUMENTS = 20
MAX_TRANSITIONS = 50
"""Transitions that wait for a link that does not run; the oldest go first."""


def progress_document(
    step: str,
    n: int,
    of: int,
    since: str,
    attempt: int,
    percent: Optional[int] = None,
    deadline: str = "",
    waiting_for: str = "",
    error_class: str = "",
    error: str = "",
    beside: Beside = None,
) -> Dict[str, Any]:
    """Return the progress of a host, at most 512 bytes: its error is cut to fit, then what it waits for."""
    body: Dict[str, Any] = {"step": _ascii(step, 100), "n": n, "of": of, "since": since, "attempt": attempt}
    if percent is not None:
        body["percent"] = percent
    if beside is not None:
        body["beside"], body["besidePercent"] = _ascii(beside[0], 100), beside[1]
    texts = {"deadline": deadline, "errorClass": _ascii(error_class, 40), "waitingFor": clean(waiting_for, 200)}
    body.update({name: text for name, text in {**texts, "error": clean(error, 300)}.items() if text})
    for name in ("error", "waitingFor", "beside"):
        while body.get(name) and (over := _size(body) - MAX_PROGRESS) > 0:
            body[name] = body[name][: -max(1, over // 6)]
    return body


def _size(body: Dict[str, Any]) -> int:
    return len(json.dumps(body, separators=(",", ":")))


def _ascii(text: str, most: int) -> str:
    return clean(text, most).encode("ascii", "replace").decode()


class Observed:
    """What the link reads of the reconciler's folder."""

    def __init__(self, run: str) -> None:
        self.run = run

    def progress(self) -> Optional[Dict[str, Any]]:
        """Return the present progress, `None` while nothing is in progress."""
        return read_progress((exchange.get(self.run, exchange.PROGRESS) or {}).get("progress"))

    def documents(self) -> List[Dict[str, Any]]:
        """Return wanted, applied, booted and failed of each document."""
        return [
            {name: item[name] for name in ("uid", "kind", "wanted", "applied", "booted", "failed") if item.get(name)}
            for item in self._items("documents")[:MAX_DOCUMENTS]
        ]

    def transitions(self, after: int) -> List[Dict[str, Any]]:
        """Return transitions with a number above `after`, oldest first; all of them when none is as high.

        They are numbered from the clock on: after a restart with an earlier clock all are new.
        """
        items = sorted(self._items("transitions"), key=lambda item: _integer(item.get("n")))
        if items and _integer(items[-1].get("n")) < after:
            return items
        return [item for item in items if _integer(item.get("n")) > after]

    @property
    def trouble(self) -> str:
        """Return why the reconciler starts no step, empty when it can."""
        return clean((exchange.get(self.run, exchange.OBSERVED) or {}).get("trouble", ""), protocol.MAX_MESSAGE // 2)

    def _items(self, name: str) -> List[Dict[str, Any]]:
        items = (exchange.get(self.run, exchange.OBSERVED) or {}).get(name)
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _integer(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
