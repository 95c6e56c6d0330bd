"""The draft of the cluster wizard: its answers as JSON; what hosts and plane reported is asked again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.commands.cluster.wizard_answers import initial
from edgewright.core.errors import InvalidInput
from tui.wizards.cluster.pages import PAGES
from tui.wizards.cluster.wizard_state import ClusterState
from tui.wizards.parts.json_draft import read_json_draft, write_json_draft

FORMAT = 1


def draft_document(state: ClusterState) -> dict[str, Any]:
    """Return what is stored of an unfinished wizard, plain values alone."""
    return {"format": FORMAT, "answers": copy.deepcopy(state.answers), "page": state.key, "pool": state.pool}


def state_of(draft: Mapping[str, Any]) -> ClusterState:
    """Return the wizard as it was left. Raises `InvalidInput` for a draft that is not of its form."""
    answers = draft.get("answers")
    if not isinstance(answers, Mapping) or not _fits(answers):
        raise InvalidInput("The stored draft of the cluster cannot be read.", "The wizard begins without it.")
    state = ClusterState(answers)
    state.go(str(draft.get("page")))
    state.seen = {page.key for page in PAGES[: state.at]}
    pool = draft.get("pool")
    state.pool = pool if isinstance(pool, int) and 0 <= pool < len(state.pools) else 0
    return state


def _fits(answers: Mapping[str, Any]) -> bool:
    """Return whether answers have the kinds of values that the pages work on."""
    kinds = initial()
    if any(key not in kinds or not isinstance(value, type(kinds[key])) for key, value in answers.items()):
        return False
    profiles, pools = answers.get("profiles", []), answers.get("pools", [])
    texts = ("uid", "name", "version", "kind")
    if not all(isinstance(item, Mapping) and all(isinstance(item.get(key), str) for key in texts) for item in profiles):
        return False
    return bool(pools) and all(_pool_fits(pool) for pool in pools)


def _pool_fits(pool: Any) -> bool:
    shape = {
        "name": str,
        "role": str,
        "works": bool,
        "labels": dict,
        "annotations": dict,
        "taints": list,
        "hosts": list,
    }
    if not isinstance(pool, Mapping) or "max_unavailable" not in pool:
        return False
    if any(not isinstance(pool.get(key), kind) for key, kind in shape.items()):
        return False
    texts = ("uid", "name", "address", "nic")
    return all(
        isinstance(host, Mapping) and all(isinstance(host.get(key), str) for key in texts) for host in pool["hosts"]
    )


def read_draft(path: Path) -> dict[str, Any]:
    """Return a stored draft. Blocking. Raises `InvalidInput` when it is not one."""
    return read_json_draft(path, "cluster", FORMAT)


write_draft = write_json_draft
