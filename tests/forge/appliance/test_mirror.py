"""Mirrors are read out of apt's sources, in both of their forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.core.errors import NotFound
from edgewright.forge.appliance.mirror import addresses, mirrors


def sources(folder: Path, **files: str) -> Path:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        (folder / "sources.list.d" / name.replace("__", ".")).write_text(text)
    return folder


def test_both_forms_are_read_and_what_is_off_is_passed_over(tmp_path: Path) -> None:
    given = sources(
        tmp_path,
        a__sources="# note\nTypes: deb deb-src\nURIs: http://one.example/debian\nSuites: bookworm\n\n"
        "Types: deb\nEnabled: no\nURIs: http://off.example/debian\n\nTypes: deb-src\nURIs: http://src.example/debian\n",
        b__list="#deb http://no.example/debian x main\ndeb [arch=amd64] http://two.example/debian-security x main\n",
        c__bak="deb http://bak.example/debian x main\n",
    )
    (tmp_path / "sources.list").write_text("deb http://list.example/other x main\n")
    expected = ["http://list.example/other", "http://one.example/debian", "http://two.example/debian-security"]
    assert list(addresses(given)) == expected
    assert mirrors(None, given) == {
        "debian": "http://one.example/debian",
        "debian-security": "http://two.example/debian-security",
    }


def test_a_given_mirror_brings_its_sibling() -> None:
    assert mirrors("http://m.example/debian/", Path("/nowhere")) == {
        "debian": "http://m.example/debian",
        "debian-security": "http://m.example/debian-security",
    }


def test_no_mirror_is_told_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://u.example/ubuntu noble main\n")
    with pytest.raises(NotFound) as caught:
        mirrors(None, tmp_path)
    assert "debian" in caught.value.message and "--mirror" in caught.value.hint
