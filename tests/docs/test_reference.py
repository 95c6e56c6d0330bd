"""The tables of the pages are those of the registry; the commands that the pages name exist."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from edgewright.commands.installer.apply import Apply
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from tests.forge.image import parts
from tests.support import ROOT

_spec = importlib.util.spec_from_file_location("write_reference", ROOT / "tools" / "write_reference.py")
assert _spec is not None and _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


@pytest.mark.parametrize("page", reference.PAGES)
def test_the_tables_are_in_step(page: str) -> None:
    """Write them anew with: python tools/write_reference.py"""
    text = (ROOT / page).read_text("utf-8")
    assert "<!-- reference: " in text
    assert reference.renewed(text) == text


@pytest.mark.parametrize("page", ["hub", "agent", "cli", "console", "lab", "forge"])
def test_the_pages_name_verbs_that_exist(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    for line in re.findall(r"^(?:    |\$ )+edgewright ([a-z].*)$", text, re.MULTILINE):
        words = line.split()
        names = {c.name for c in registry.for_noun(words[0])}
        assert names & {" ".join(words[:count]) for count in (1, 2, 3)}, line


def test_the_answer_files_of_the_pages_can_be_planned(tmp_path: Path) -> None:
    """Every whole answer file of docs/forge.md is extracted and planned."""
    files = re.findall(r"^```yaml\n(apiVersion: .*?)^```$", (ROOT / "docs/forge.md").read_text("utf-8"), re.M | re.S)
    assert {yaml.safe_load(text)["kind"] for text in files} == {"Installer", "ApplianceImage"}
    parts.programs(tmp_path / "kube")  # what the second one names
    for number, text in enumerate(files):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        path.chmod(0o600)
        plan = asyncio.run(Apply().plan(CommandContext(Settings()), (), {"file": str(path)}))
        assert plan.touches
