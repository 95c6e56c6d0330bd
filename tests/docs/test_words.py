"""The checker of words: what it finds, what it lets pass, and that the project stays under its limits."""

from pathlib import Path

import pytest

from tests.support import ROOT
from tools.words import (
    AREAS,
    Settings,
    in_name,
    in_source,
    in_text,
    read_settings,
    search,
    too_many,
    unreleased,
    without_sources,
)

NONE = Settings((), {})


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Nothing is wrong: all 486 hosts are well.", "well"),
        ("No word from edge-7f3a for 14 min.", "word"),
        ("Hosts can come in by it.", "comes in"),
        ("new ones are turned\n    away", "turned away"),
        ("the hub keeps a hash", "keep"),
        ("99999 is no port", "is no"),
        ("the plane tells when", "tell"),
        ("press the key again to mend it later", "mend"),
    ],
)
def test_a_private_word_is_found(text: str, rule: str) -> None:
    assert rule in {hit.rule for hit in in_text("ui", "a.py", 1, text, NONE)}


@pytest.mark.parametrize(
    "text",
    [
        "There is no token.",
        "it is no longer valid",
        "holds the lease",
        "as well as others",
        "The list comes in order",
        "Keep-Alive",
    ],
)
def test_plain_english_passes(text: str) -> None:
    assert not list(in_text("ui", "a.py", 1, text, read_settings(ROOT / "tools" / "words.toml")))


def test_a_source_is_searched_by_area() -> None:
    source = 'def need_host():\n    """Say why."""\n    told = f"{1} is kept"  # in its midst\n    return told\n'
    hits = [(hit.area, hit.line, hit.rule) for hit in in_source("a.py", source, NONE)]
    expected = [
        ("ui", 3, "keep"),
        ("docstrings", 2, "say"),
        ("comments", 3, "midst"),
        ("names", 1, "need"),
        ("names", 3, "told"),
    ]
    assert sorted(hits) == sorted(expected)


@pytest.mark.parametrize(
    "source",
    [
        "self._told = 1",
        "from a import log as say",
        "def need(): ...",
        "def f(told): ...",
        "try: ...\nexcept E as said: ...",
    ],
)
def test_every_binding_is_a_name(source: str) -> None:
    assert [hit.area for hit in in_source("a.py", source, NONE)] == ["names"]


def test_sources_in_a_page_are_left_out() -> None:
    page = "Say it.\n\n```python\nsay = 1\n```\n\n    Say it.\n"
    assert [hit.line for hit in in_text("docs", "a.md", 1, without_sources(page), NONE)] == [1, 7]


def test_a_name_is_judged_by_its_parts() -> None:
    assert [hit.rule for hit in in_name("a.py", 1, "_hostsTold", NONE)] == ["told"]
    assert [hit.rule for hit in in_name("a.py", 1, "found", NONE)] == ["found"]
    assert not list(in_name("a.py", 1, "foundation", NONE)) and not list(in_name("a.py", 1, "not_found", NONE))


def test_an_exception_needs_a_reason_and_stays_in_its_files(tmp_path: Path) -> None:
    settings = tmp_path / "words.toml"
    settings.write_text('[[allow]]\ntext = "by hand"\nwhere = "docs/*"\nreason = "a quote"\n')
    allowed = read_settings(settings)
    assert not list(in_text("docs", "docs/a.md", 1, "By\nhand", allowed))
    assert list(in_text("ui", "tui/a.py", 1, "by hand", allowed))
    settings.write_text('[[allow]]\ntext = "by hand"\n')
    with pytest.raises(ValueError, match="has no reason"):
        read_settings(settings)


def test_released_parts_of_the_changelog_are_left_alone() -> None:
    text = "# Changelog\n\n## [Unreleased]\n\nnew\n\n## [0.1.0]\n\nold is kept\n"
    assert "kept" not in unreleased(text) and "new" in unreleased(text)
    assert unreleased(text).count("\n") == text.count("\n")


def test_the_pages_stay_under_their_limits() -> None:
    """The sources are searched by `make lint`, since they take seconds."""
    settings = read_settings(ROOT / "tools" / "words.toml")
    hits = search(ROOT, settings, packages=())
    assert too_many(hits, settings.limits) == []
    assert {hit.area for hit in hits} <= set(AREAS)
