"""Values with which a profile is resolved before there is a cluster: examples, or those of a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from edgewright.core.profiles.model import Profile
from edgewright.profiles import examples
from edgewright.store.collections.hosts import HostRow


class Values(NamedTuple):
    """Values of variables by name, and of the system by what follows `.spectro.system.`."""

    variables: Mapping[str, str]
    system: Mapping[str, str]

    def over(self, other: Values) -> Values:
        """Return these values with `other` in place of their own."""
        return Values({**self.variables, **other.variables}, {**self.system, **other.system})


def example(profile: Profile) -> Values:
    """Return examples for the variables without a default, and for what a cluster gives."""
    return Values(examples.example_values(profile.variables), dict(examples.SYSTEM))


def of_host(row: HostRow, project: str) -> Values:
    """Return what a host decides: its project, and the cluster that it is in."""
    system = {"project.uid": row.project_uid, "project.name": project if row.project_uid else ""}
    if row.cluster:
        system["cluster.name"] = row.cluster
    return Values({}, {name: value for name, value in system.items() if value})
