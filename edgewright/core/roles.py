"""The fixed roles of users: what each may do, for the tenant or in single projects.

A role of the tenant counts in every project. Permissions have Palette's names (`edgehost.update`); its predefined
roles Admin, Editor and Viewer of the scopes Tenant and Project are the model. Standard library only, Python 3.9.
"""

from __future__ import annotations

from functools import cache
from typing import Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Tuple

ADMIN, OPERATOR, VIEWER = "admin", "operator", "viewer"
ROLES: Tuple[str, ...] = (ADMIN, OPERATOR, VIEWER)
"""From the most rights to the least; each role includes those after it."""
DESCRIPTIONS: Mapping[str, str] = {
    ADMIN: "Every action",
    OPERATOR: "Reads, changes hosts, handles problems",
    VIEWER: "Reads",
}
TENANT_SCOPE, PROJECT_SCOPE = "tenant", "project"
_RANK: Mapping[str, int] = {"": 0, VIEWER: 1, OPERATOR: 2, ADMIN: 3}
_READABLE = ("apiKey", "audit", "edgeToken", "edgehost", "filter", "project", "role", "sshKey", "user")
_WRITABLE = ("apiKey", "edgeToken", "edgehost", "filter", "project", "sshKey", "user")
_OPERATOR = ("edgehost.sshUpdate", "edgehost.sshUserUpdate", "edgehost.update", "tag.update")
_NOT_IN_A_PROJECT = ("apiKey.", "edgeToken.", "filter.", "role.", "user.", "project.create", "project.delete")


def uid(role: str) -> str:
    """Return the uid of a role: the same at every hub, so that a configuration may name it."""
    import hashlib  # not before the first frame of the console: it loads OpenSSL

    return hashlib.sha256(f"edgewright-role {role}".encode()).hexdigest()[:24]


@cache
def by_uid() -> Mapping[str, str]:
    """Return the roles by their uids; made at the first use, since it needs OpenSSL."""
    return {uid(role): role for role in ROLES}


def parse(text: str) -> Optional[str]:
    """Return the role that a uid or a name means; `None` for another text."""
    return by_uid().get(text) or (text.lower() if text.lower() in ROLES else None)


def covers(role: str, needed: str) -> bool:
    """Return whether a role (`""`: none) includes the rights of `needed`."""
    return _RANK[role] >= _RANK[needed]


def higher(item: str, other: str) -> str:
    """Return the role with more rights."""
    return item if covers(item, other) else other


def lower(item: str, other: str) -> str:
    """Return the role with fewer rights; `""` when one of them is none."""
    return other if covers(item, other) else item


def highest(several: Iterable[str]) -> str:
    """Return the role with the most rights; `""` for none."""
    most = ""
    for role in several:
        most = higher(most, role)
    return most


def permissions(role: str, scope: str = TENANT_SCOPE) -> List[str]:
    """Return the permissions of a role (`""`: none) for the tenant or in a project, sorted."""
    names: List[str] = []
    if covers(role, VIEWER):
        names += [f"{kind}.{verb}" for kind in _READABLE for verb in ("get", "list")]
    if covers(role, OPERATOR):
        names += _OPERATOR
    if covers(role, ADMIN):
        names += [f"{kind}.{verb}" for kind in _WRITABLE for verb in ("create", "delete", "update")]
    if scope == PROJECT_SCOPE:
        names = [name for name in names if not name.startswith(_NOT_IN_A_PROJECT)]
    return sorted(set(names))


class Grants(NamedTuple):
    """What a user may do: the role for the tenant (`""`: none) and the roles in single projects, by uid."""

    tenant: str = ""
    projects: Mapping[str, str] = {}

    def role(self, project_uid: str = "") -> str:
        """Return the role in a project, or for the tenant; `""` for none."""
        return higher(self.tenant, self.projects.get(project_uid, "")) if project_uid else self.tenant

    @property
    def highest(self) -> str:
        """Return the role with the most rights that the user has anywhere."""
        return higher(self.tenant, highest(self.projects.values()))

    def sees(self, project_uid: str) -> bool:
        """Return whether the user may know of a project and of what belongs to it."""
        return bool(self.role(project_uid))

    def limited(self, limit: str) -> Grants:
        """Return these rights where none is higher than `limit`."""
        if limit == ADMIN:
            return self
        projects: Dict[str, str] = {key: lower(role, limit) for key, role in self.projects.items()}
        return Grants(lower(self.tenant, limit), projects)


class Scope(NamedTuple):
    """The projects that a request is about; `None`: the tenant with all of them."""

    projects: Optional[FrozenSet[str]] = None
    member: bool = False
    """Whether the reader has no role of the tenant: what belongs to no project may name hosts and sites of others."""

    @classmethod
    def of(cls, *project_uids: str, member: bool = False) -> Scope:
        """Return the scope of those projects; without one it covers nothing."""
        return cls(frozenset(project_uids), member)

    @property
    def everything(self) -> bool:
        """Return whether it is the tenant."""
        return self.projects is None

    def covers(self, project_uid: str) -> bool:
        """Return whether what belongs to a project (`""`: to the tenant) is in this scope."""
        return self.projects is None or project_uid in self.projects


EVERYTHING = Scope()
