"""SSH keys that the plane stores, for the users of a new or changed user-data file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import entries, one_of
from edgewright.config import contexts
from edgewright.core.cloudconfig.sshkeys import COPY, key_problem
from edgewright.core.errors import InvalidInput

USERS = {"palette": "stylus.site.users", "kairos": "users"}
"""Where a profile has the users of the operating system."""
FIRST_USER = "edge"
"""The user that gets the keys where the file has none, as in the wizard."""


class UserKey(NamedTuple):
    """A line of a public key for a user; the user is empty for the first one of the file."""

    user: str
    line: str


async def stored_keys(ctx: CommandContext, given: Sequence[object]) -> list[UserKey]:
    """Return the keys of texts `KEY` or `USER=KEY`, found at the plane by name, uid or fingerprint.

    Raises `NotFound`, `Conflict`, `InvalidInput` for a key that a host would refuse, `UsageError` without a context.
    """
    if not given:
        return []
    there = ctx
    if ctx.context is None:  # the verb itself works without a plane
        there = CommandContext(ctx.settings, context=contexts.load().choose(), timeout=ctx.timeout)
    try:
        items = (await entries(there, "key")).items
    finally:
        if there is not ctx:
            await there.aclose()
    keys = []
    for text in map(str, given):
        known = any(text in (item.row.name, item.row.fingerprint) for item in items)
        user, _, name = ("", "", text) if known or "=" not in text else text.partition("=")
        row = one_of("key", items, name).row
        line = " ".join(row.public_key.split())
        if problem := key_problem(line):
            raise InvalidInput(f"The SSH key {row.name} {problem}.", COPY)
        keys.append(UserKey(user.strip(), line))
    return keys


def assigned(document: Mapping[str, Any], keys: Sequence[UserKey], profile: str) -> dict[str, Any]:
    """Return what to set in a document so that its users have the keys, by path; a user that is not there is added.

    Raises `InvalidInput` where something else than users is.
    """
    home = USERS[profile]
    here: Any = document
    for step in home.split("."):
        here = here.get(step) if isinstance(here, Mapping) else None
    users = [dict(each) if isinstance(each, Mapping) else {} for each in here] if isinstance(here, list) else []
    if here is not None and not isinstance(here, list):
        raise InvalidInput(f"{home} is not a list of users.", "Correct it, then add the keys.", "Type")
    changes: dict[str, Any] = {}
    for key in keys:
        place = next((at for at, user in enumerate(users) if key.user in ("", str(user.get("name") or ""))), len(users))
        if place == len(users):
            users.append({"name": key.user or FIRST_USER, "groups": ["sudo"]})
            changes[f"{home}[{place}].name"] = users[place]["name"]
            changes[f"{home}[{place}].groups"] = ["sudo"]
        old = users[place].get("ssh_authorized_keys")
        lines = [str(line) for line in old] if isinstance(old, list) else []
        lines += [key.line] if key.line not in lines else []
        users[place]["ssh_authorized_keys"] = changes[f"{home}[{place}].ssh_authorized_keys"] = lines
    return changes
