"""The kept reference appliance: built once, used again, built anew when what goes in has changed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from edgewright.commands.forge import base_cache
from edgewright.config.locations import folder
from edgewright.core.errors import Cancelled, Failed
from edgewright.forge import manifest
from edgewright.forge.appliance import build
from edgewright.forge.progress import Job


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stand in for the real build, which needs root and minutes; returns what was asked for."""
    asked: list[Path] = []

    def build_base(out: Path, job: Job, **words: Any) -> Any:
        assert words["agent"].read_bytes().startswith(b"#!/usr/bin/env python3") and words["lock"].packages
        asked.append(out)
        out.write_bytes(b"a base")
        told = {"kind": "InstallerManifest", "iso": {"file": out.name, "size": 6, "sha256": "ab"}}
        manifest.write_manifest(out, told)
        return None

    monkeypatch.setattr(build, "build_base", build_base)
    return asked


def test_it_is_built_once_and_kept(built: list[Path]) -> None:
    first = base_cache.cached_base(Job())
    assert base_cache.cached_base(Job()) == first and built == [first]
    assert first.parent == folder("cache") / "bases"
    first.write_bytes(b"cut")
    base_cache.cached_base(Job())
    assert len(built) == 2 and first.read_bytes() == b"a base"


def test_another_agent_wants_another_base_and_old_ones_go(built: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for mark in "abc":
        monkeypatch.setattr(base_cache, "_mark", lambda mark=mark: mark)
        base_cache.cached_base(Job())
    assert len(built) == 3
    kept = sorted(path.name for path in (folder("cache") / "bases").glob("*.iso"))
    assert len(kept) == base_cache.MAX_BASES and "appliance-c.iso" in kept
    assert not list((folder("cache") / "bases").glob("appliance-a.iso*"))


def test_one_that_fails_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: Any, **more: Any) -> None:
        raise Failed("No mirror.")

    monkeypatch.setattr(build, "build_base", fail)
    with pytest.raises(Failed):
        base_cache.cached_base(Job())
    assert not list((folder("cache") / "bases").glob("*.iso"))


def test_a_second_one_waits_and_can_be_stopped(built: list[Path]) -> None:
    folder("cache").joinpath("bases").mkdir(parents=True)
    job = Job()
    threading.Timer(0.5, job.cancel).start()
    lock = folder("cache") / "bases" / ".lock"
    with base_cache._alone(lock, Job()), pytest.raises(Cancelled):
        base_cache.cached_base(job)
    assert built == []
    assert base_cache.cached_base(Job()) == built[0]
