"""Verbs about tag filters: list, show, create, update, delete."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, ShowVerb, Target, filtered_by

_TAGS = Param(
    "tags",
    "condition on a tag: site:berlin,bonn (any of them), gpu (has the tag), '!ring:3' (not); repeat for more",
    flag="--tag",
    many=True,
    metavar="CONDITION",
    form="e.g. site:berlin,bonn; gpu; !ring:3; several with spaces between",
)
_MATCH = Param("match", "all conditions, or any of them", flag="--match", choices=("all", "any"))


class FilterCreate(Command):
    """Create a tag filter: named conditions on tags that `host list --filter NAME` uses."""

    name = "filter create"
    role = "admin"
    implementation = "filter.actions"
    needs = ("CanManageFilters",)
    title = "create"
    keys = ("plus",)
    scope = "filters"
    danger = "write"
    asks = "Create a tag filter"
    params = (Param("name", "name of the filter", required=True, metavar="NAME"), _TAGS, _MATCH)


class FilterList(ListVerb):
    """List tag filters with their conditions."""

    name = "filter list"
    needs = ("CanListFilters",)
    title = "tag filters"
    no_key = "Tag filters rarely change; type :filters."
    aliases = ("filters", "tag-filters")
    params = filtered_by("condition:site changed<7d")
    opens = "filters"


class FilterShow(ShowVerb):
    """Show one tag filter with its conditions."""

    name = "filter show"
    needs = ("CanListFilters",)
    scope = "filters"
    target = Target("filter", 1, 1)
    opens = "filter"


class FilterUpdate(Command):
    """Change the name or the conditions of a tag filter; conditions that are given take the place of all."""

    name = "filter update"
    role = "admin"
    implementation = "filter.actions"
    needs = ("CanListFilters", "CanManageFilters")
    title = "update"
    keys = ("e",)
    scope = "filters"
    danger = "write"
    target = Target("filter", 1, 1)
    asks = "Change the tag filter; what is empty stays as it is"
    params = (Param("name", "new name", flag="--name", metavar="NAME"), _TAGS, _MATCH)


class FilterDelete(Command):
    """Delete tag filters from the plane; hosts and their tags do not change."""

    name = "filter delete"
    role = "admin"
    implementation = "filter.actions"
    needs = ("CanListFilters", "CanManageFilters")
    title = "delete"
    keys = ("ctrl+d",)
    scope = "filters"
    danger = "destructive"
    target = Target("filter")


COMMANDS: tuple[type[Command], ...] = (FilterCreate, FilterList, FilterShow, FilterUpdate, FilterDelete)
