"""Resources, nouns and screens are apart from each other; import-linter holds nouns and screens, the hub's are here.

The hub's application object reaches every resource for types, so that import-linter, which follows imports of imports,
would find each resource in each other one.
"""

from __future__ import annotations

import tomllib

from tests.layout.imports import imports, modules
from tests.support import ROOT

RESOURCES, COMMANDS = "edgewright.hub.resources", "edgewright.commands"
KNOWN = {
    ("feed", "hosts"),  # the share of a host in what is retained is checked where events come in
    ("hosts", "alerts"),  # clones, duplicates and rejections raise an alert
    ("hosts", "feed"),  # what happens to a host is an event
    ("hosts", "operations"),  # a heartbeat carries operations, health ends them
    ("hosts", "tenants"),  # a search names its project
    ("operations", "feed"),
    ("operations", "hosts"),
}
"""Resources of the hub that import another one. It may only become smaller."""


def part_below(package: str, module: str) -> str:
    """Return the first name of a module below a package; empty for one that is not below it."""
    return module.removeprefix(f"{package}.").partition(".")[0] if module.startswith(f"{package}.") else ""


def test_no_resource_of_the_hub_imports_another_but_those_that_did() -> None:
    pairs = {(part_below(RESOURCES, each.importer), part_below(RESOURCES, each.imported)) for each in imports()}
    assert {(a, b) for a, b in pairs if a and b and a != b} - KNOWN == set(), (
        "a resource uses services, not another resource"
    )


def test_the_contract_of_nouns_names_every_noun() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = set(next(each["modules"] for each in contracts if each["id"] == "nouns-are-apart"))
    nouns = {part_below(COMMANDS, each) for each in modules()} - {"", "kernel"}
    assert named == {f"{COMMANDS}.{noun}" for noun in nouns}, "add the noun to `nouns-are-apart` in pyproject.toml"
