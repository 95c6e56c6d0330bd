"""Print what each resource of the hub's API meets: `python -m tools.quality`.

Each folder of `edgewright/hub/resources` has a `quality.toml` with one table for each resource: what belongs to it and,
under `rules`, a claim for every rule of `RULES`: "done", or `{ exempt = "reason" }`. `tools/quality_checks.py` compares
the claims with routes, verbs, views, docs, pictures and tests; tests/quality fails on a false one.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ROOT / "edgewright" / "hub" / "resources"
RULES = {
    "list": "the API lists it",
    "detail": "the API returns one by its uid",
    "description": "OpenAPI has its bodies: every write has a shape, or is known to need none",
    "contract": "its paths under /v1 are Palette's, and the contract tests call them",
    "access": "writing needs a role above viewer or the host itself, apart from routes that are named",
    "scope": "a reader of one project does not see those of another; a test shows it",
    "audit": "every write of a user leaves an audit entry; the test calls each route",
    "events": "readers of the change stream get its changes",
    "bounded": "there are no more than a limit, or a test shows what is removed",
    "cli": "the command line lists and shows it",
    "filter": "lists of console and command line can be narrowed",
    "plan": "verbs that change it have a plan before",
    "completion": "the shell completes its names",
    "console": "a view of the console lists it",
    "export": "the console writes its table to a file",
    "pictures": "the pictures of its views are compared, small and large",
    "docs": "a section of the docs describes it",
}
"""Name of a rule: what is true where it is done."""
_TEXTS = ("list", "detail", "changes", "command", "view", "detail_view", "keys", "bound", "scope")
_LISTS = ("paths", "docs", "pictures", "bodyless", "open", "undocumented")


@dataclass(frozen=True)
class Resource:
    """One resource as its quality.toml declares it."""

    name: str
    folder: str
    paths: tuple[str, ...] = ()
    """Beginnings of its paths; a route belongs to the resource with the longest."""
    list: str = ""
    """`METHOD path` of the operation that lists it."""
    detail: str = ""
    """`METHOD path` of the operation that returns one."""
    changes: str = ""
    """Its kind in the change stream."""
    command: str = ""
    """First words of its verbs."""
    view: str = ""
    """The view that lists it."""
    detail_view: str = ""
    keys: str = ""
    """The scope of that view's keys (`Command.scope`)."""
    bound: str = ""
    """`module:NAME` of the limit of how many there are, or a test."""
    docs: tuple[str, ...] = ()
    """`FILE#Heading`, below docs/."""
    pictures: tuple[str, ...] = ()
    """Files below snapshots/, without `.svg`."""
    bodyless: tuple[str, ...] = ()
    """`METHOD path` of writes that need no body."""
    open: tuple[str, ...] = ()
    """`METHOD path` of what others than admins may call though it is no GET."""
    undocumented: tuple[str, ...] = ()
    """`METHOD path` under /v1 that Palette's description does not have."""
    scope: str = ""
    """`FILE::test` below tests/ that shows the scope."""
    rules: dict[str, Any] = field(default_factory=dict)

    def done(self, rule: str) -> bool:
        """Return whether the resource claims a rule."""
        return self.rules.get(rule) == "done"


class Invalid(ValueError):
    """A quality.toml that cannot be read, with the place and what is wrong."""


def parse(text: str, folder: str) -> list[Resource]:
    """Return the resources of a quality.toml. Raises `Invalid` for unknown keys, missing or unknown rules."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{folder}/quality.toml: {error}") from None
    found = []
    for name, table in tables.items():
        where = f"{folder}/quality.toml, [{name}]"
        if not isinstance(table, dict):
            raise Invalid(f"{where}: not a table")
        for key, value in table.items():
            right = (
                isinstance(value, dict) if key == "rules"
                else isinstance(value, list) and all(isinstance(item, str) for item in value) if key in _LISTS
                else isinstance(value, str) and key in _TEXTS
            )  # fmt: skip
            if not right:
                raise Invalid(f"{where}: {key} is unknown or has the wrong type")
        _check_rules(table.get("rules", {}), where)
        values: dict[str, Any] = {key: tuple(value) if key in _LISTS else value for key, value in table.items()}
        found.append(Resource(name, folder, **values))
    return found


def _check_rules(rules: dict[str, Any], where: str) -> None:
    if unknown := sorted(rules.keys() - RULES.keys()):
        raise Invalid(f"{where}: unknown rule {', '.join(unknown)}")
    if absent := sorted(RULES.keys() - rules.keys()):
        raise Invalid(f"{where}: no claim for {', '.join(absent)}")
    for rule, claim in rules.items():
        reason = claim.get("exempt") if isinstance(claim, dict) and claim.keys() == {"exempt"} else None
        if claim != "done" and not (isinstance(reason, str) and len(reason) >= 15 and reason.endswith(".")):
            raise Invalid(f'{where}: {rule} is neither "done" nor {{ exempt = "a sentence with the reason." }}')


def load(folders: Path = FOLDERS) -> list[Resource]:
    """Return every resource. Raises `Invalid`, also for a folder without quality.toml."""
    found: list[Resource] = []
    for folder in sorted(path for path in folders.iterdir() if (path / "__init__.py").is_file()):
        file = folder / "quality.toml"
        if not file.is_file():
            raise Invalid(f"{folder.name} has no quality.toml")
        found += parse(file.read_text(encoding="utf-8"), folder.name)
    return found


def table(resources: list[Resource]) -> str:
    """Return the claims as a table: a row for each rule, a column for each resource; reasons below."""
    width = max(map(len, RULES))
    lines = [" " * (width + 2) + "  ".join(resource.name for resource in resources)]
    for rule in RULES:
        cells = [("done" if one.done(rule) else "-").ljust(max(len(one.name), 4)) for one in resources]
        lines.append(f"{rule:<{width}}  " + "  ".join(cells).rstrip())
    lines.append("")
    for one in resources:
        count = sum(one.done(rule) for rule in RULES)
        lines.append(f"{one.name}: {count} of {len(RULES)} rules done")
        lines += [f"  {rule}: {claim['exempt']}" for rule, claim in one.rules.items() if claim != "done"]
    return "\n".join(lines)


def main() -> int:
    """Print the table; return the exit code."""
    try:
        print(table(load()))
    except Invalid as error:
        print(f"{error}", file=sys.stderr)
        return 7
    return 0


if __name__ == "__main__":
    sys.exit(main())
