"""The contract of import-linter that nouns of the command line are apart names each of them."""

from __future__ import annotations

import tomllib

from tests.layout.imports import modules
from tests.support import ROOT

COMMANDS = "edgewright.commands"


def part_below(package: str, module: str) -> str:
    """Return the first name of a module below a package; empty for one that is not below it."""
    return module.removeprefix(f"{package}.").partition(".")[0] if module.startswith(f"{package}.") else ""


def test_the_contract_of_nouns_names_every_noun() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = set(next(each["modules"] for each in contracts if each["id"] == "nouns-are-apart"))
    nouns = {part_below(COMMANDS, each) for each in modules()} - {"", "kernel"}
    assert named == {f"{COMMANDS}.{noun}" for noun in nouns}, "add the noun to `nouns-are-apart` in pyproject.toml"
