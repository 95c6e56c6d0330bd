"""The one place that knows every collection of the store, in the order in which their lists are read."""

from __future__ import annotations

from typing import Any, Final

from edgewright.store.collection import Collection
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.audits import AUDITS
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.catalogue.macros import MACROS
from edgewright.store.collections.catalogue.packs import PACKS
from edgewright.store.collections.catalogue.profiles import PROFILES
from edgewright.store.collections.catalogue.registries import REGISTRIES
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.filters import FILTERS
from edgewright.store.collections.handling import HANDLING
from edgewright.store.collections.hosts import HOSTS
from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.collections.projects import PROJECTS
from edgewright.store.collections.roles import ROLES
from edgewright.store.collections.ssh_keys import SSH_KEYS
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.collections.users import USERS

COLLECTIONS: Final[tuple[Collection[Any], ...]] = (
    HOSTS,  # first, since they are what people look for
    OPERATIONS,
    ALERTS,
    HANDLING,
    PROJECTS,
    TOKENS,
    FEED,
    AUDITS,
    USERS,
    ROLES,
    SSH_KEYS,
    FILTERS,
    REGISTRIES,
    PACKS,
    PROFILES,
    MACROS,
    CLUSTERS,
)


ENDING: Final = tuple(each for each in COLLECTIONS if each.ending is not None)
"""Collections whose rows end."""


def of_audit(kind: str) -> Collection[Any] | None:
    """Return the collection of the things that an audit entry or an event is about, `None` for none of the store."""
    named = (each for each in COLLECTIONS if kind in (each.audit_kind or each.change_kind, each.noun))
    return next(named, None) if kind else None


def of_noun(noun: str) -> Collection[Any] | None:
    """Return the collection of a noun of the command line, `None` for one that the store does not have."""
    return next((each for each in COLLECTIONS if each.noun == noun), None)
