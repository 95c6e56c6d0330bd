"""The journal's lines for a site that was opened: a journal that is full refuses no site."""

from __future__ import annotations

import contextlib
import shlex
from typing import Any

from edgewright.commands.kernel.journal import open_journal, user_here
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from edgewright.store.engine.journal import Journal


def note_opened(journal: Journal | None, target: str, facts: Any) -> None:
    """Write that a connection was opened (`clients.ssh.connection.ConnectionFacts`); blocks."""
    plan = {
        "title": "Open by SSH",
        "lines": [],
        "cli": f"edgewright site open {shlex.quote(target)}",
        "who": user_here(),
    }
    about = {
        "user": facts.user, "address": facts.address, "via": list(facts.via), "method": clean(facts.method, 120),
        "knownBy": clean(facts.known_by, 200),
    }  # fmt: skip
    with contextlib.suppress(OSError, EdgewrightError):
        where = journal or open_journal()
        where.end(where.begin("site open", (target,), plan), {"done": [target], "failed": [], "facts": about})
