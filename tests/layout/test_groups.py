"""Tests that share hubs or labs run in one of several processes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.groups import group_of, pytest_xdist_make_scheduler

DIST = "tests/dist/test_several_hubs.py::"


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/e2e/terminal/test_real_terminal.py::test_no_color_sends_no_colour", "terminals"),
        ("tests/e2e/test_lab.py::test_a_second_up_is_a_conflict", "labs"),
        ("tests/dist/test_schedules.py::test_a_schedule_loses_nothing[10]", "three hubs"),
        ("tests/dist/test_schedules.py::test_a_schedule_loses_nothing[7]", "two hubs, 1"),
        (f"{DIST}test_what_one_hub_stored_is_at_the_other_at_once", "pair"),
        (f"{DIST}test_p66_a_hub_that_dies_leaves_its_tasks_to_the_other", ""),
    ],
)
def test_the_group_of_a_test(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == (group or nodeid), "an empty group is a test that shares nothing"


@pytest.mark.parametrize(("dist", "own"), [("loadgroup", True), ("loadfile", False), ("no", False)])
def test_the_scheduler_asks_for_groups(dist: str, own: bool) -> None:
    config = SimpleNamespace(getvalue={"dist": dist, "tx": ["popen"]}.get)
    scheduler = pytest_xdist_make_scheduler(config, None)  # type: ignore[arg-type]
    assert (scheduler is not None) is own
