"""What one start compiled is used by the next one, and only if it is of this Python and of this user."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.css import stylesheet
from textual.widgets import Input, Static

from tests.tui.fleet import session_of
from tui.app import EdgewrightApp
from tui.terminal import start_cache, style_rules, toolkit
from tui.terminal.start_cache import NAME, StartCache

PATTERN = r"(?P<size>\d+)(?:%|fr)\b|\s+start_cache"


def use() -> tuple[object, ...]:
    """Make what libraries make at import, and return what it does."""

    @dataclasses.dataclass(order=True, frozen=True)
    class Point:
        x: int
        y: int = 2

    pair = collections.namedtuple("pair", "left right", defaults=(7,))
    re.purge()
    patterns = re.compile(PATTERN), re.compile(PATTERN.encode(), re.IGNORECASE)
    match = patterns[0].search("is 30fr wide")
    assert match is not None and patterns[1].search(b"is 3FR") is not None
    assert patterns[0].groupindex == {"size": 1} and patterns[0].pattern == PATTERN
    return repr(Point(1)), Point(1) < Point(2), hash(Point(1)) == hash(Point(1)), pair(1), match["size"]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "start" / NAME
    start_cache.finish()


def start(path: Path) -> StartCache:
    """Use a cache as a start does; returns it after its end."""
    cache = StartCache(path)
    cache.begin()
    try:
        assert repr(use()[0]) and use() == EXPECTED
    finally:
        ended = cache.finish()
    assert ended == bool(cache.new)
    return cache


EXPECTED = use()


def test_the_second_start_compiles_nothing_and_does_the_same(path: Path) -> None:
    first = start(path)
    assert first.new >= 8
    first.write()
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    second = start(path)
    assert second.new == 0 and len(second.patterns) == 2
    assert [file.name for file in path.parent.iterdir()] == [NAME]


def test_the_libraries_are_as_before_when_it_ends(path: Path) -> None:
    compiler = re._compiler  # type: ignore[attr-defined]
    before = compiler.compile, compiler._sre
    start_cache.begin(path.parent)
    assert compiler.compile != before[0] and "exec" in vars(dataclasses) and "eval" in vars(collections)
    use()
    assert start_cache.finish() is not None
    assert (compiler.compile, compiler._sre) == before
    assert "exec" not in vars(dataclasses) and "eval" not in vars(collections)
    assert start_cache.finish() is None


@pytest.mark.parametrize("harm", ["damaged", "short", "empty", "other Python", "writable by others", "no code"])
def test_a_file_that_cannot_be_used_is_written_again(path: Path, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = start(path)
    first.write()
    data = path.read_bytes()
    if harm == "damaged":
        path.write_bytes(data[:-9] + b"\0" + data[-8:])
    elif harm == "short":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "other Python":
        monkeypatch.setattr(start_cache, "build", lambda: b"Python 2.7\n")
    elif harm == "writable by others":
        path.chmod(0o666)
    else:
        known = start_cache.read(path)[1]
        first.patterns = {key: (flags, [1, 2], *rest) for key, (flags, _, *rest) in known.items()}
        first.write()
    again = start(path)
    assert again.new == (2 if harm == "no code" else first.new)
    again.write()
    assert start(path).new == 0


def test_a_folder_that_cannot_be_written_is_no_error(path: Path) -> None:
    path.parent.write_text("a file")
    cache = start(path)
    cache.write()
    assert path.parent.read_text() == "a file"


async def test_the_console_writes_it_after_its_first_frame(path: Path) -> None:
    start_cache.begin(path.parent)
    use()
    app = EdgewrightApp(session_of())
    async with app.run_test() as pilot:
        for _ in range(200):
            await pilot.pause()
            if path.exists():
                break
            await asyncio.sleep(0.01)
    assert start(path).new == 0


class Sheets(App[None]):
    """An app with rules of every kind that is stored."""

    CSS = """
    $size: 30%;
    Static#a.-b:hover > .c, Static { color: $primary; width: $size; border: round red; &:focus { layout: grid; } }
    """

    def compose(self) -> ComposeResult:
        yield Static("a", id="a", classes="-b")
        yield Input(id="i")


async def rules_of(path: Path, variables: dict[str, str] | None = None) -> tuple[StartCache, Sheets]:
    """Start the app with a cache and end it; returns both."""
    start_cache.begin(path.parent)
    cache = start_cache.present()
    assert cache is not None
    app = Sheets()
    toolkit.use_stored_rules(app)
    app.stylesheet.set_variables({**app.get_css_variables(), **(variables or {})})
    async with app.run_test():
        pass
    if (write := start_cache.finish()) is not None:
        write()
    return cache, app


def described(app: App[None]) -> list[str]:
    return [
        f"{rule.selectors} {sorted(rule.selector_names)} {rule.is_default_rules} {rule.tie_breaker} "
        f"{sorted(rule.pseudo_classes)} "
        f"{rule.styles.get_rules()} {sorted(rule.styles.important)} {[set_.specificity for set_ in rule.selector_set]}"
        for rule in app.stylesheet.rules
    ]


async def test_style_sheets_are_parsed_once_and_give_the_same_rules(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Sheets()
    async with plain.run_test():
        pass
    first, first_app = await rules_of(path)
    assert first.new and described(first_app) == described(plain)
    parsed: list[str] = []
    stock: Any = vars(stylesheet)["parse"]

    def parse(scope: str, css: str, *more: Any, **options: Any) -> Any:
        parsed.append(css)
        return stock(scope, css, *more, **options)

    monkeypatch.setattr(stylesheet, "parse", parse)
    second, second_app = await rules_of(path)
    assert not second.new and not parsed and described(second_app) == described(plain)
    rule = next(rule for rule in second_app.stylesheet.rules if rule.styles.has_rule("width"))
    assert rule.styles.get_rule("width", None) is rule.styles.get_rules()["width"]
    third, _ = await rules_of(path, {"primary": "#123456"})
    assert third.new == len(parsed) > 5


async def test_rules_of_another_textual_are_not_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = await rules_of(path)
    monkeypatch.setattr(style_rules, "stamp", lambda: (1, 2, 3, 4))
    other, _ = await rules_of(path)
    assert other.new == len(other.rules.sheets) == len(first.rules.sheets)
