"""Views are imported ahead of the keys that open them, while no key comes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest

from tests.support import ROOT
from tui.navigation import ahead
from tui.navigation.views import VIEWS

PROGRAM = """
import asyncio, sys, time
from tui.navigation import ahead
ahead.AFTER = 0.0
asyncio.run(ahead.import_ahead(lambda: 0.0, lambda: False))
print(*sys.modules)
"""
HEAVY = ("lightkube", "cryptography", "paramiko")
"""What most consoles never need."""


def test_all_of_them_exist_and_what_is_heavy_is_left_to_its_key() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(run, check=True, capture_output=True, text=True, env=environment)
    loaded = set(done.stdout.split())
    assert set(ahead.modules()) <= loaded and set(ahead.NEXT) <= set(VIEWS)
    assert not loaded & set(HEAVY)


async def test_no_import_begins_while_keys_come(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    monkeypatch.setattr(ahead, "AFTER", 0.1)
    monkeypatch.setattr(ahead, "LOOK", 0.01)
    monkeypatch.setattr(ahead, "import_module", imported.append)
    keys = [time.monotonic()]
    task = asyncio.create_task(ahead.import_ahead(lambda: keys[-1], lambda: False))
    for _ in range(30):
        keys.append(time.monotonic())
        await asyncio.sleep(0.01)
        assert imported == []
    await asyncio.wait_for(task, 10)
    assert imported == ahead.modules()


async def test_the_end_of_the_console_ends_it_and_one_that_fails_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imported: list[str] = []

    def failing(name: str) -> None:
        imported.append(name)
        raise ImportError(name)

    monkeypatch.setattr(ahead, "AFTER", 0.0)
    monkeypatch.setattr(ahead, "import_module", failing)
    await ahead.import_ahead(lambda: 0.0, lambda: len(imported) == 2)
    assert imported == ahead.modules()[:2]
