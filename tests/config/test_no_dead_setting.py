"""Every setting does something: it is read somewhere outside of the module that loads it."""

from __future__ import annotations

import re

import pytest

from edgewright.config.settings import NAMES, Settings
from edgewright.main.console import make_feed, make_session
from tests.support import ROOT
from tui.frame.exact_times import exact, show_local

SOURCES = [
    path.read_text("utf-8")
    for top in ("edgewright", "tui")
    for path in (ROOT / top).rglob("*.py")
    if path.name != "settings.py" or path.parent.name != "config"
]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_read(name: str) -> None:
    wanted = re.compile(rf"settings\.{name}\b")
    assert any(wanted.search(source) for source in SOURCES), f"nothing reads the setting {name}"


def test_refresh_ms_is_the_tick_of_the_store() -> None:
    for milliseconds in (100, 150, 1000):
        store = make_feed(Settings(refresh_ms=milliseconds)).store
        assert store._coalescer.tick == milliseconds / 1000


@pytest.mark.parametrize("on", [True, False])
def test_local_time_stands_beside_utc_when_it_is_asked_for(on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        make_session(Settings(local_time=on), None)
        assert exact(1795442551.0) == "2026-11-23 14:02:31Z" + (" (23:02:31 JST)" if on else "")
        late = exact(1795442551.0 + 3600, seconds=False)
        assert late == "2026-11-23 15:02Z" + (" (2026-11-24 00:02 JST)" if on else "")
    finally:
        show_local(False)
        monkeypatch.undo()
        time.tzset()
