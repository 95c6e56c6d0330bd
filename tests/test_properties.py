"""The profile of Hypothesis that tests have: a shared machine makes no test fail by its time."""

from __future__ import annotations

import hypothesis

from tests.properties import PROFILE
from tests.support import ROOT

OWN = hypothesis.settings(max_examples=3)
LIST = "suppress_health_check" + "=["


def test_settings_of_a_module_have_the_profile() -> None:
    assert hypothesis.settings.get_current_profile_name() == PROFILE
    for settings in (hypothesis.settings(), OWN):
        assert settings.deadline is None and hypothesis.HealthCheck.too_slow in settings.suppress_health_check


def test_every_list_of_a_module_has_the_check_of_slow_data() -> None:
    """A list of its own replaces that of the profile."""
    lists = {
        path: line.strip()
        for path in (ROOT / "tests").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if LIST in line
    }
    assert lists and not {str(path): line for path, line in lists.items() if "too_slow" not in line}
