"""SIGTERM for programs that end on Ctrl-C: what they clean up then must not stay behind when a supervisor ends them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def terminated_is_interrupted() -> Iterator[None]:
    """Turn SIGTERM into SIGINT while the block runs (main thread only): a `KeyboardInterrupt`, or a cancelled task."""
    try:
        before = signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    except ValueError:  # not the main thread: whoever has it ends it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
