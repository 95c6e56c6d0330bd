"""Expressions of deviceUIDPaths: as RE2 means them, and never without end."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from edgewright.agent.kernel.settings import Flags, Settings, find_identity
from edgewright.core.cloudconfig.userdata import Site
from edgewright.core.hosts.identity import Identity


def identity(folder: Path, text: str, expression: str) -> Identity:
    (folder / "serial").write_text(text)
    site = Site({"deviceUIDPaths": [{"name": "/serial", "regex": expression}]})
    return find_identity(Settings(Flags(root=str(folder)), site, "", ()))


def test_an_expression_that_would_take_years_is_given_up(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGALRM)
    signal.alarm(20)  # without a bound this test would never end
    began = time.monotonic()
    found = identity(tmp_path, "a" * 60 + "!", "(a+)+$")
    assert time.monotonic() - began < 10
    assert found.how == "random" and "given up: it took more than 2 s" in found.warnings[0]
    assert signal.getsignal(signal.SIGALRM) is before


@pytest.mark.parametrize(
    ("expression", "uid"),
    [(r"SN-([[:digit:]]+)", "4711"), (r"[[:upper:]][[:alnum:]-]+", "SN-4711-dg"), (r"([[:alpha:]]+)\z", "dg")],
)
def test_posix_classes_mean_what_they_mean_in_re2(tmp_path: Path, expression: str, uid: str) -> None:
    assert identity(tmp_path, "digit: SN-4711-dg", expression)[:2] == (f"edge-{uid}", "deviceUIDPaths")


def test_a_class_that_is_none_is_told(tmp_path: Path) -> None:
    found = identity(tmp_path, "SN-1", "[[:serial:]]+")
    assert found.how == "random" and "is not valid" in found.warnings[0]
