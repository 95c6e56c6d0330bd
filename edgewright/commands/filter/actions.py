"""Actions: verbs that create, change and delete tag filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanManageFilters
from edgewright.commands.filter import verbs as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import complete, entries, find, one_of
from edgewright.core.errors import InvalidInput, UsageError
from edgewright.core.filters.tag_filter import condition, condition_text
from edgewright.store.collections.document_values import part

_EXAMPLE = "For example: --tag site:berlin,bonn --tag gpu --tag '!ring:3'"
_CONJUNCTION = {"all": "and", "any": "or"}


class FilterCreate(declared.FilterCreate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return the conditions. Raises `InvalidInput`."""
        name, items = _name(args["name"]), _conditions(args.get("tags") or ())
        if not items:
            raise InvalidInput("A tag filter needs a condition.", _EXAMPLE)
        spec = {"filterGroup": {"conjunction": _CONJUNCTION[str(args.get("match") or "all")], "filters": items}}
        return Plan(f"Create tag filter {name}", _lines(spec), (name,), (), self.cli_line(targets, args), None, spec)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Create the filter. Raises `Conflict` for a name that exists."""
        name = plan.touches[0]
        uid = await (await ctx.port(CanManageFilters)).create(name, plan.payload)
        return Outcome((uid,), (), f"Tag filter {name} created.")


class FilterUpdate(declared.FilterUpdate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return the conditions before and after. Raises `NotFound`, `InvalidInput`, `UsageError`."""
        entry = await complete(ctx, "filter", await find(ctx, "filter", targets[0]))
        items, match = _conditions(args.get("tags") or ()), str(args.get("match") or "")
        name = _name(args["name"]) if args.get("name") else entry.row.name
        if not items and not match and name == entry.row.name:
            raise UsageError("Nothing to change is given.", "See: edgewright filter update --help")
        spec = dict(part(entry.document, "spec"))
        group = dict(part(spec, "filterGroup"))
        before = _lines(spec)
        group["conjunction"] = _CONJUNCTION[match] if match else group.get("conjunction") or "and"
        group["filters"] = items or group.get("filters") or []
        spec["filterGroup"] = group
        lines = [f"{line} (now)" for line in before] + [f"{line} (after)" for line in _lines(spec)]
        if name != entry.row.name:
            lines.insert(0, f"The name becomes {name}.")
        names = {entry.row.uid: entry.row.name}
        cli = self.cli_line((entry.row.name,), args)
        title = f"Change tag filter {entry.row.name}"
        return Plan(title, tuple(lines), (entry.row.uid,), (), cli, None, (name, spec), names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Change the filter. Raises `Conflict` for a name that exists."""
        uid = plan.touches[0]
        name, spec = plan.payload
        await (await ctx.port(CanManageFilters)).update(uid, name, spec)
        return Outcome((uid,), (), f"Tag filter {name} changed.")


class FilterDelete(declared.FilterDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which filters. Raises `NotFound`, `Conflict`."""
        items = (await entries(ctx, "filter")).items
        rows = {row.uid: row for row in [one_of("filter", items, text).row for text in targets]}
        names = [row.name for row in rows.values()]
        lines = [f"{row.name}: {row.get('conditions') or 'conditions not in the list'}" for row in rows.values()]
        lines.append("Commands that name them fail; hosts and their tags do not change.")
        title = f"Delete tag filter {names[0]}" if len(names) == 1 else f"Delete {len(names)} tag filters"
        by_uid = dict(zip(rows, names, strict=True))
        return Plan(title, tuple(lines), tuple(rows), (), self.cli_line(names, {}), None, None, by_uid)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete, filter by filter."""
        filters = await ctx.port(CanManageFilters)
        return await for_each(plan, filters.delete, report, "deleted")


def _name(given: object) -> str:
    name = str(given).strip()
    if not name or len(name) > 253 or not name.isprintable():
        raise InvalidInput("A tag filter needs a name of 1 to 253 printable characters.")
    return name


def _conditions(given: Sequence[object]) -> list[dict[str, Any]]:
    try:
        return [condition(str(text)) for text in given]
    except ValueError as error:
        raise InvalidInput(f"{str(error)[:1].upper()}{str(error)[1:]}.", _EXAMPLE) from None


def _lines(spec: Mapping[str, Any]) -> tuple[str, ...]:
    group = part(spec, "filterGroup")
    items = [condition_text(item) for item in group.get("filters") or [] if isinstance(item, dict)]
    return ((" or " if group.get("conjunction") == "or" else " and ").join(items),)
