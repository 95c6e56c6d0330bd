"""SIGTERM ends what Ctrl-C ends, in the background of a shell too, where SIGINT is ignored."""

from __future__ import annotations

import signal

import pytest

from edgewright.cli.interrupt import terminated_is_interrupted


@pytest.mark.parametrize("interrupt", [signal.default_int_handler, signal.SIG_IGN])
def test_sigterm_is_an_interrupt(interrupt: signal.Handlers) -> None:
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt), terminated_is_interrupted():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)
