"""A console that stops for a minute: after the first frame it prints `blocked` on its screen and sleeps.

Its event loop sleeps; with the argument `thread` a thread that the end of the app waits for.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from edgewright.main.console import run_app
from edgewright.store.engine.store import Store
from tui.session import Session


def main() -> int:
    session = Session(Store())

    async def block() -> None:
        await asyncio.sleep(0.5)  # the first frame is out
        os.write(2, b"\x1b[1;1Hblocked")
        if "thread" in sys.argv:
            await asyncio.to_thread(time.sleep, 60)
        time.sleep(60)

    session.start = block
    return run_app(session, lambda: os.write(2, b"last step\r\n"))


if __name__ == "__main__":
    raise SystemExit(main())
