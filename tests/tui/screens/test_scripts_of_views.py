"""The scripts of keys that `tests/e2e` plays in a real terminal: every view has one, and each can be read."""

from __future__ import annotations

import pytest

from tests.e2e.terminal.screen_scripts import GUIDE, GUIDE_TO_ITS_END, PLANE, REPLAY
from tests.e2e.terminal.script import ESCAPE_ALONE, Step, at_once, steps_of
from tui.navigation.views import VIEWS


def test_every_view_has_a_script() -> None:
    assert set(VIEWS) - {*PLANE, *GUIDE, *REPLAY} == set(), "write a script in tests/e2e/terminal/screen_scripts.py"


@pytest.mark.parametrize("script", [*PLANE.values(), *GUIDE.values(), *REPLAY.values(), GUIDE_TO_ITS_END])
def test_a_script_ends_with_what_the_screen_shows(script: str) -> None:
    assert steps_of(script)[-1].shows


def test_a_line_is_keys_and_what_is_shown() -> None:
    step = Step(("2", "/", "<enter>"), ("Hosts", "kiel"), ("berlin",), works=True)
    assert steps_of("2 / <enter> => Hosts | kiel | not berlin") == [step]
    assert at_once(["2", "<esc>", "<down>"]) == b"2" + ESCAPE_ALONE + b"\x1b[B"
    with pytest.raises(ValueError, match="not a key <nosuch>"):
        steps_of("<nosuch> -> Hosts")
