"""Roles: which includes which, uids that are the same everywhere, rights by project, and their limits."""

from __future__ import annotations

import pytest

from edgewright.core import roles
from edgewright.core.roles import ADMIN, EVERYTHING, OPERATOR, VIEWER, Grants, Scope

UIDS = ["97fb845404da24b144e942d6", "4eefd0b80198d9b837de084e", "f51feed2790e96bc8b707b23"]


def test_each_role_includes_those_below_it() -> None:
    for scope in (roles.TENANT_SCOPE, roles.PROJECT_SCOPE):
        admin, operator, viewer = (set(roles.permissions(role, scope)) for role in roles.ROLES)
        assert admin > operator > viewer and roles.permissions("", scope) == []
    assert roles.covers(ADMIN, VIEWER) and roles.covers(VIEWER, "") and not roles.covers("", VIEWER)


def test_uids_never_change() -> None:
    """Terraform configurations and stored roles name them."""
    assert {roles.uid(role): role for role in roles.ROLES} == roles.by_uid()
    assert [roles.uid(role) for role in roles.ROLES] == UIDS


def test_a_role_is_found_by_uid_and_name() -> None:
    assert roles.parse(roles.uid(OPERATOR)) == roles.parse("Operator") == OPERATOR
    assert roles.parse("owner") is None and roles.parse("") is None


@pytest.mark.parametrize(
    "permission", ["user.update", "apiKey.create", "edgeToken.get", "project.create", "filter.get"]
)
def test_what_belongs_to_the_tenant_is_no_permission_in_a_project(permission: str) -> None:
    assert permission in roles.permissions(ADMIN) and permission not in roles.permissions(ADMIN, roles.PROJECT_SCOPE)


def test_a_role_of_the_tenant_counts_in_every_project() -> None:
    grants = Grants(VIEWER, {"a": ADMIN})
    assert [grants.role(), grants.role("a"), grants.role("b")] == [VIEWER, ADMIN, VIEWER]
    assert grants.highest == ADMIN and grants.sees("b")
    alone = Grants("", {"a": OPERATOR})
    assert [alone.role(), alone.role("a"), alone.role("b")] == ["", OPERATOR, ""] and not alone.sees("b")


def test_a_limit_takes_rights_and_gives_none() -> None:
    grants = Grants(OPERATOR, {"a": ADMIN, "b": VIEWER})
    assert grants.limited(ADMIN) == grants
    assert grants.limited(OPERATOR) == Grants(OPERATOR, {"a": OPERATOR, "b": VIEWER})
    assert grants.limited(VIEWER) == Grants(VIEWER, {"a": VIEWER, "b": VIEWER})
    assert Grants("", {}).limited(VIEWER).highest == ""


def test_scopes() -> None:
    assert EVERYTHING.everything and EVERYTHING.covers("") and EVERYTHING.covers("a")
    assert Scope.of("a").covers("a") and not Scope.of("a").covers("") and not Scope.of().covers("a")
    assert hash(Scope.of("a", "b")) == hash(Scope.of("b", "a"))
