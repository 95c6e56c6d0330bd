"""Tests of properties (Hypothesis) on a machine that other work shares: how long an example takes is no result."""

from __future__ import annotations

from functools import cache
from pathlib import Path

PROFILE = "shared-machine"


@cache
def load_profile() -> None:
    """Let neither a slow example nor slow data fail a test. A test whose time matters measures it."""
    from hypothesis import HealthCheck, settings

    settings.register_profile(PROFILE, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile(PROFILE)


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Load the profile before the first module that names Hypothesis, which others need not import."""
    if b"hypothesis" in module_path.read_bytes():
        load_profile()
