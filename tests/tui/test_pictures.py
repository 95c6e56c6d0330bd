"""Pictures are compared, written and found unused by `tests/pictures.py`; no picture is without its test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests import pictures
from tests.support import ROOT


def functions_of(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            names.add(node.name)
    return names


def test_each_picture_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    """By the parameters where the module was collected, by the test's name elsewhere."""
    orphans: list[str] = []
    collected = request.config.stash[pictures.PICTURES]
    modules = {picture.parent for picture in collected}
    for picture in sorted(pictures.STORED.rglob("*.svg")):
        module = pictures.TESTS / picture.parent.relative_to(pictures.STORED).with_suffix(".py")
        name = re.split(r"[\[.]", picture.name, maxsplit=1)[0]
        known = module.is_file() and name in functions_of(module)
        if not known or (picture.parent in modules and whole(request, module) and picture not in collected):
            orphans.append(str(picture.relative_to(ROOT)))
    assert not orphans, f"pictures without a test, remove them with --snapshot-unused delete: {orphans}"


def whole(request: pytest.FixtureRequest, module: Path) -> bool:
    """Whether all tests of a module were collected."""
    return not request.config.getoption("--last-failed", False) and not any(
        "::" in each for each in request.config.args
    )


class Words(App[None]):
    """An app that shows one line."""

    def __init__(self, text: str, style: str = "") -> None:
        super().__init__()
        self.text, self.style = text, style

    def compose(self) -> ComposeResult:
        yield Static(f"[{self.style}]{self.text}[/]" if self.style else self.text)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store pictures in a folder of this test."""
    monkeypatch.setattr(pictures, "ROOT", tmp_path)
    monkeypatch.setattr(pictures, "STORED", tmp_path / "snapshots")
    monkeypatch.setattr(pictures, "ACTUAL", tmp_path / "build")
    return tmp_path


def test_the_difference_is_a_few_short_lines() -> None:
    old, new = (pictures.svg_of(Words(text), (40, 3), None) for text in ("12 hosts healthy", "13 hosts healthy"))
    assert pictures.rows_of(old)[0] == "12 hosts healthy"
    message = pictures.difference(old, new)
    assert "row 0, column 1: '12 hosts healthy' is now '13 hosts healthy'" in message
    assert "1 rows with other text" in message
    assert len(message) < 300


def test_a_difference_of_colours_is_named_as_such() -> None:
    old, new = (pictures.svg_of(Words("edge", style), (40, 3), None) for style in ("red", "blue"))
    assert "the text is the same: colours or styles differ" in pictures.difference(old, new)


class Late(Words):
    """An app whose colour comes after its first picture, as on a busy machine."""

    TITLE = "Words"

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        svg = super().export_screenshot(title=title, simplify=simplify)
        self.query_one(Static).update("[red]edge[/]")
        return svg


def test_a_picture_is_that_of_an_idle_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "PAUSE", 0.01)
    idle = pictures.svg_of(Words("edge", "red"), (40, 3), None)
    assert pictures.svg_of(Late("edge"), (40, 3), None, "") == idle
    assert pictures.svg_of(Late("edge"), (40, 3), None, idle) == idle


@pytest.mark.parametrize("update", [False, True])
def test_a_changed_picture_fails_in_short_and_is_written_when_asked(
    stored: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    monkeypatch.setattr(request.config.option, "snapshot_update", update)
    compare = request.getfixturevalue("snap_compare")
    picture = pictures.picture_of(request.node)
    other = picture.with_name("test_not_run.svg")
    for path in (picture, other):
        pictures.write(path, pictures.svg_of(Words("before"), (40, 3), None))
    if update:
        assert compare(Words("after"), terminal_size=(40, 3))
        assert pictures.rows_of(picture.read_text())[0] == "after"
    else:
        with pytest.raises(pytest.fail.Exception) as failure:
            compare(Words("after"), terminal_size=(40, 3))
        message = str(failure.value)
        assert request.node.nodeid in message and "'before' is now 'after'" in message
        assert str(picture.relative_to(stored)) in message and "<svg" not in message and len(message) < 900
        assert pictures.rows_of((stored / "build" / picture.relative_to(pictures.STORED)).read_text())[0] == "after"
        assert pictures.rows_of(picture.read_text())[0] == "before"
    assert pictures.rows_of(other.read_text())[0] == "before"


def test_a_picture_is_unused_only_if_its_module_was_looked_at_or_is_gone(stored: Path) -> None:
    here, gone, elsewhere = "tui/test_pictures", "tui/test_that_is_gone", "tui/widgets/test_widths"
    asked, old, lost, far = (
        pictures.STORED / folder / name
        for folder, name in (
            (here, "test_a.svg"),
            (here, "test_b.svg"),
            (gone, "test_c.svg"),
            (elsewhere, "test_d.svg"),
        )
    )
    for path in (asked, old, lost, far):
        pictures.write(path, "<svg/>")
    assert pictures.unused({asked}, {Path(__file__)}) == [old, lost]
