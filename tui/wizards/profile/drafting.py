"""The draft of the profile wizard: JSON in the state folder, readable by its user alone, secrets included."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import MAX_TOTAL
from tui.wizards.parts.json_draft import read_json_draft, write_json_draft
from tui.wizards.profile.pages import PAGES
from tui.wizards.profile.wizard_state import UNNAMED, ProfileState

FORMAT = 1


def draft_document(state: ProfileState) -> dict[str, Any]:
    """Return what is stored of an unfinished wizard, plain values alone."""
    profile = dataclasses.replace(state.profile, name=state.profile.name or UNNAMED)
    base = None
    if state.base is not None:
        document = exchange.to_document(state.base.profile, secrets=True, uids=True)
        base = {"uid": state.base.uid, "document": document}
    return {
        "format": FORMAT,
        "profile": exchange.to_document(profile, secrets=True, uids=True),
        "base": base,
        "edit": state.edit,
        "page": state.key,
        "layer": state.layer,
        "given": dict(state.given),
    }


def state_of(draft: Mapping[str, Any], make_base: Callable[[str, Any], Any]) -> ProfileState:
    """Return the wizard as it was left. Raises `InvalidInput` for a draft that is not of its form."""
    profile = exchange.from_document(draft.get("profile"), "The stored draft")
    if profile.name == UNNAMED:
        profile = dataclasses.replace(profile, name="")
    base, stored = None, draft.get("base")
    if isinstance(stored, Mapping):
        base = make_base(str(stored.get("uid")), exchange.from_document(stored.get("document"), "The stored draft"))
    state = ProfileState(profile, base, draft.get("edit") is True)
    state.resumed = True
    state.go(str(draft.get("page")))
    state.seen = {page.key for page in PAGES[: state.at]}
    layer = draft.get("layer")
    state.layer = layer if isinstance(layer, int) and 0 <= layer < len(profile.layers) else 0
    given = draft.get("given")
    state.given = {str(key): str(value) for key, value in given.items()} if isinstance(given, Mapping) else {}
    return state


def read_draft(path: Path) -> dict[str, Any]:
    """Return a stored draft. Blocking. Raises `InvalidInput` when it is not one."""
    return read_json_draft(path, "profile", FORMAT, 4 * MAX_TOTAL)


write_draft = write_json_draft
