"""Each of the three signals ends a program that cleans up, however it was started."""

from __future__ import annotations

import signal

import pytest

from edgewright.core.interrupt import terminated_is_interrupted
from tests.signals import give_back, inherited


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("before", [signal.default_int_handler, signal.SIG_IGN], ids=["terminal", "background"])
def test_one_signal_ends_it(number: signal.Signals, before: object) -> None:
    """A background program of a script starts with SIGINT ignored; the others are passed on as SIGINT."""
    original = signal.signal(signal.SIGINT, before)  # type: ignore[arg-type]
    try:
        with pytest.raises(KeyboardInterrupt), terminated_is_interrupted():
            signal.raise_signal(number)
        assert signal.getsignal(signal.SIGINT) is before
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, original)


def test_hangups_ignored_by_nohup_stay_ignored() -> None:
    original = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminated_is_interrupted():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, original)


def test_what_a_test_leaves_ignored_or_blocked_is_given_back() -> None:
    """As the hook of `tests/conftest.py` does after each test."""
    before = inherited()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    assert give_back(before) == "SIGTERM is ignored, SIGHUP is blocked"
    assert inherited() == before and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert give_back(before) == ""
