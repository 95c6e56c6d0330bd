"""A unique constraint that refused a row, as an answer: 409 with a sentence, and never an internal error.

Each job looks first and answers with the names of what collides. Between the look and the write another hub on the same
PostgreSQL may store the same thing; then the constraint decides.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from edgewright.hub.db import schema
from edgewright.hub.http.problems import Problem, conflict

_DUPLICATE: Final = "DuplicateName"
_KNOWN: Final = {
    "api_keys_name": ("An API key with this name exists already.", _DUPLICATE),
    "alert_receivers_name": ("An alert receiver with this name exists already.", _DUPLICATE),
    "cluster_claims_pkey": ("The host belongs to another cluster already.", "EdgeHostInUse"),
    "clusters_name": ("A cluster with this name exists already in this project.", "DuplicateCluster"),
    "hosts_pkey": ("The UID of this host is registered already.", "DuplicateEdgeHostUid"),
    "operations_key": ("This Idempotency-Key was used a moment ago; send the request again.", "Conflict"),
    "packs_pkey": ("This version of the pack exists already.", "DuplicatePack"),
    "packs_registry": ("This version of the pack exists already.", "DuplicatePack"),
    "projects_name_key": ("A project with this name exists already.", _DUPLICATE),
    "registries_name": ("A registry with this name exists already.", _DUPLICATE),
    "ssh_keys_fingerprint": ("This SSH key exists already under another name.", "DuplicateSshKey"),
    "ssh_keys_name": ("An SSH key with this name exists already.", _DUPLICATE),
    "tag_filters_name_key": ("A filter with this name exists already.", _DUPLICATE),
    "tokens_name": ("A registration token with this name exists already.", _DUPLICATE),
    "users_email_key": ("A user with this email address exists already.", _DUPLICATE),
    "users_email_lower": ("A user with this email address exists already.", _DUPLICATE),
}
"""Sentence and code by the name of the constraint in PostgreSQL."""
_OTHER: Final = ("The same thing was stored by another request at the same time; read it and try again.", "Conflict")


def _names() -> dict[str, str]:
    """Return the name of each constraint in PostgreSQL by what SQLite's message has."""
    names: dict[str, str] = {}

    def note(table: Table, columns: list[str], name: str) -> None:
        names[", ".join(f"{table.name}.{column}" for column in columns)] = name
        names[f"index '{name}'"] = name

    for table in schema.metadata.tables.values():
        note(table, [column.name for column in table.primary_key.columns], f"{table.name}_pkey")
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint):
                columns = [column.name for column in constraint.columns]
                note(table, columns, str(constraint.name or f"{table.name}_{'_'.join(columns)}_key"))
        for index in table.indexes:
            if index.unique:
                note(table, [column.name for column in index.columns], _name(index))
    return names


def _name(index: Index) -> str:
    return str(index.name)


_BY_SQLITE: Final = _names()
_SQLITE: Final = "UNIQUE constraint failed: "


def constraint_of(error: IntegrityError) -> str | None:
    """Return the name of the unique constraint that refused a row; `None` for another failure."""
    original = error.orig
    if getattr(original, "sqlstate", None) == "23505":
        return str(getattr(getattr(original, "diag", None), "constraint_name", "") or "")
    text = str(original)
    return _BY_SQLITE.get(text.removeprefix(_SQLITE), "") if text.startswith(_SQLITE) else None


def unique_problem(error: BaseException) -> Problem | None:
    """Return the 409 for a row that exists already; `None` when the failure is something else."""
    name = constraint_of(error) if isinstance(error, IntegrityError) else None
    return None if name is None else conflict(*_KNOWN.get(name, _OTHER))
