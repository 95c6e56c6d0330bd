"""Pictures of screens: the fixture `snap_compare` compares what an app shows with an SVG file under `snapshots/`.

The picture of `tests/tui/test_x.py::test_y[z]` is `snapshots/tui/test_x/test_y[z].svg`: one test, one picture. It is
written with `--snapshot-update`, by its own test only; `--snapshot-unused list|delete` finds those that no test wants.
"""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from tests.support import ROOT

Before = Callable[[Pilot[Any]], Awaitable[None] | None]
TESTS, STORED = ROOT / "tests", ROOT / "snapshots"
ACTUAL = ROOT / "build" / "snapshots"  # what a failed comparison saw
FORBIDDEN = re.compile(r'[\\/?*:|"<>\x00-\x1f\x7f]')
TEXT = re.compile(r'<text [^>]*?x="([\d.]+)"[^>]*clip-path="url\(#terminal-line-(\d+)\)">([^<]*)</text>')
PAUSE = 0.1  # seconds between two pictures
IDLE, MOST = 4, 100  # a screen is idle when so many pictures in a row are equal; how many are taken at most
CELL = 12.2  # width of a cell in Rich's SVG
PICTURES = pytest.StashKey[set[Path]]()  # those of the tests that were collected, also of deselected ones


def picture_of(item: pytest.Item) -> Path:
    """Return where the picture of a test is stored."""
    return STORED / item.path.relative_to(TESTS).with_suffix("") / f"{FORBIDDEN.sub('', item.name)}.svg"


def svg_of(app: App[Any], size: tuple[int, int], before: Before | None, expected: str | None = None) -> str:
    """Run an app without a terminal and return what it shows, without Rich's random identifier.

    Without `expected` it is taken once. One that is not as expected can be too early on a busy machine: a style or the
    result of a thread comes when no message waits. It is taken again until the screen is idle.
    """
    seen = ""

    async def pilot(pilot: Pilot[Any]) -> None:
        nonlocal seen
        if before is not None and inspect.isawaitable(waiting := before(pilot)):
            await waiting
        for _ in range(2):  # the second for what the end of an animation set off
            await pilot.pause()
            await pilot.wait_for_scheduled_animations()
        seen, equal = _svg(app), 1
        for _ in range(MOST):
            if expected is None or seen == expected or equal == IDLE:
                break
            await pilot.pause(PAUSE)
            earlier, seen = seen, _svg(app)
            equal = equal + 1 if seen == earlier else 1
        app.exit()

    app.run(headless=True, auto_pilot=pilot, size=size)
    assert seen, "the app ended before its picture was taken"
    return seen


def _svg(app: App[Any]) -> str:
    svg = app.export_screenshot(title=app.title, simplify=True)
    return re.sub(r"\bterminal-\d+-([\w-]+)", r"terminal-\1", svg)


def rows_of(svg: str) -> list[str]:
    """Return the text of each row of a picture."""
    rows: dict[int, str] = {}
    for x, row, text in TEXT.findall(svg):
        rows[int(row)] = rows.get(int(row), "").ljust(round(float(x) / CELL)) + html.unescape(text).replace("\xa0", " ")
    return [rows.get(number, "").rstrip() for number in range(max(rows, default=-1) + 1)]


def difference(expected: str, actual: str) -> str:
    """Describe in a few short lines how two pictures differ: count of SVG lines, first rows with other text."""
    old, new = expected.splitlines(), actual.splitlines()
    lines = sum(a != b for a, b in zip(old, new, strict=False)) + abs(len(old) - len(new))
    parts = [f"{lines} lines of the SVG differ"]
    before, after = rows_of(expected), rows_of(actual)
    height = max(len(before), len(after))
    pairs = zip(before + [""] * (height - len(before)), after + [""] * (height - len(after)), strict=True)
    changed = [(row, a, b) for row, (a, b) in enumerate(pairs) if a != b]
    for row, a, b in changed[:3]:
        column = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        start = max(column - 10, 0)
        parts.append(
            f"row {row}, column {column}: {a[start : start + 60].rstrip()!r} is now {b[start : start + 60].rstrip()!r}"
        )
    parts.append(
        f"{len(changed)} rows with other text" if changed else "the text is the same: colours or styles differ"
    )
    return "\n  ".join(parts)


@pytest.fixture
def snap_compare(request: pytest.FixtureRequest) -> Iterator[Callable[..., bool]]:
    """Compare an app with its stored picture: `assert snap_compare(app, terminal_size=(80, 24), run_before=...)`."""
    picture, used = picture_of(request.node), False

    def compare(app: App[Any], *, terminal_size: tuple[int, int] = (80, 24), run_before: Before | None = None) -> bool:
        nonlocal used
        assert not used, "a test has one picture: parametrize it for more"
        used = True
        expected = picture.read_text("utf-8") if picture.is_file() else None
        actual = svg_of(app, terminal_size, run_before, expected or "")
        if actual == expected:
            return True
        if request.config.getoption("--snapshot-update"):
            write(picture, actual)
            return True
        write(seen := ACTUAL / picture.relative_to(STORED), actual)
        names = f"  expected {picture.relative_to(ROOT)}\n  actual   {seen.relative_to(ROOT)}"
        what = "there is no picture yet" if expected is None else difference(expected, actual)
        pytest.fail(f"{request.node.nodeid}\n{names}\n  {what}\n  accept it with --snapshot-update", pytrace=False)

    yield compare


def write(path: Path, svg: str) -> None:
    """Write a picture as the bytes it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(svg.encode())


def unused(collected: set[Path], whole: set[Path]) -> list[Path]:
    """Return the pictures that no collected test asks for, of modules in `whole` or of modules that are gone."""
    pictures = sorted(STORED.rglob("*.svg"))
    modules = {picture: TESTS / picture.parent.relative_to(STORED).with_suffix(".py") for picture in pictures}
    return [p for p, module in modules.items() if p not in collected and (module in whole or not module.is_file())]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of pictures."""
    group = parser.getgroup("pictures of screens")
    group.addoption("--snapshot-update", action="store_true", help="write the pictures of the tests that run")
    group.addoption(
        "--snapshot-unused", choices=("list", "delete"), help="list or delete pictures without a test; runs no test"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Look for unused pictures in this process, whatever `-n` was given."""
    if config.getoption("--snapshot-unused"):
        config.option.dist, config.option.tx = "no", []


@pytest.hookimpl(tryfirst=True)  # before -m and -k deselect: an unselected picture is not unused
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the pictures that the collected tests ask for, and list or delete the others if that is what was asked."""
    asking = [item for item in items if "snap_compare" in getattr(item, "fixturenames", ())]
    config.stash[PICTURES] = {picture_of(item) for item in asking}
    wanted = config.getoption("--snapshot-unused")
    if not wanted:
        return
    if any("::" in argument for argument in config.args) or config.getoption("--last-failed", False):
        raise pytest.UsageError("--snapshot-unused looks at modules and folders, not at single tests")
    found = unused(config.stash[PICTURES], {item.path for item in items})
    for picture in found:
        print(f"unused: {picture.relative_to(ROOT)}")
        if wanted == "delete":
            picture.unlink()
    count = f"{len(found)} unused pictures{' deleted' if wanted == 'delete' else ''}"
    pytest.exit(count, returncode=int(bool(found) and wanted == "list"))
