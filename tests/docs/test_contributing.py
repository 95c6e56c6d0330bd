"""docs/contributing.md, "Add a resource in seven files", followed literally: its files and edits, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import ROOT

PAGE = ROOT / "docs" / "contributing.md"


class Block(NamedTuple):
    path: str
    language: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^`([\w./]+)`:\n\n```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(*each) for each in found]


def edited(text: str, difference: str) -> str:
    """Return a text with the lines of a difference: each is placed by the line above it, which occurs once."""
    lines, at = text.split("\n"), 0
    for line in difference.rstrip("\n").split("\n"):
        if line.startswith("+"):
            at += 1
            lines.insert(at, line[1:])
            continue
        assert lines.count(line[1:]) == 1, f"{line[1:]!r} is there {lines.count(line[1:])} times"
        at = lines.index(line[1:])
        if line.startswith("-"):
            del lines[at]
            at -= 1
    return "\n".join(lines)


def test_the_page_has_the_seven_files_and_they_are_python() -> None:
    new = [each for each in blocks() if each.language != "diff"]
    own = [each.path for each in new if not each.path.startswith("tests/") and not each.path.endswith("__init__.py")]
    assert len(own) == 7
    for each in new:
        assert not (ROOT / each.path).exists(), each.path
        if each.language == "python":
            compile(each.text, each.path, "exec")


@pytest.mark.parametrize("block", [each for each in blocks() if each.language == "diff"], ids=lambda each: each.path)
def test_each_edit_has_its_place(block: Block) -> None:
    text = (ROOT / block.path).read_text("utf-8")
    assert edited(text, block.text) != text


def test_the_revision_of_the_page_is_the_next_one() -> None:
    revisions = sorted((ROOT / "edgewright" / "hub" / "db" / "migrations" / "versions").glob("r[0-9]*.py"))
    last = int(revisions[-1].name[1:5])
    (new,) = [each for each in blocks() if "/migrations/" in each.path]
    assert f'revision = "{last + 1:04}"' in new.text and f'down_revision = "{last:04}"' in new.text


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Path]:
    """Return a copy of the sources to which the page was applied."""
    skipped = shutil.ignore_patterns("__pycache__", "*.svg")
    for name in ("edgewright", "tui", "themes", "tests", "tools", "docs", "snapshots"):
        patterns = skipped if name != "snapshots" else shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=patterns)
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    for each in blocks():
        file = tmp_path / each.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(edited(file.read_text("utf-8"), each.text) if each.language == "diff" else each.text, "utf-8")
    yield tmp_path


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_a_resource_by_the_page_meets_its_rules(followed: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(followed)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=followed, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run("-m", "tools.write_reference")
    overview = run("-m", "edgewright.cli.help")
    assert "runbook" in overview
    (followed / "edgewright" / "cli" / "overview.txt").write_text(overview, "utf-8")
    options = ("-q", "-n", "0", "-p", "no:cacheprovider")
    run("-m", "pytest", *options, "tests/tui/screens/test_runbooks_screen.py", "--snapshot-update")
    tests = ("tests/hub/runbooks", "tests/quality", "tests/store/test_collections.py", "tests/commands/test_scopes.py")
    run("-m", "pytest", *options, *tests)
    called = ("test_audits.py::test_every_write_of_a_user_is_in_the_audit_log", "test_stream_scope.py")
    described = "tests/hub/http/test_openapi.py::test_the_hub_answers_as_described"
    run("-m", "pytest", *options, described, *(f"tests/hub/resources/{each}" for each in called))
