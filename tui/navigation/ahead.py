"""Views that are likely to be opened next are imported while no key comes: the key that opens one does not pay for it.

Views are imported when they are first opened, since the first frame must not wait for them. The first key to a wizard
then waited half a second for a hundred modules, on a busy machine three times that, with the screen still. Here a
thread imports them one after the other, and begins none while keys come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from typing import Final

from tui.navigation.views import VIEWS

AFTER: Final = 1.0
"""Seconds without a key before the next module is imported, at the start as well."""
LOOK: Final = 0.25
"""Seconds until it is looked again whether keys come."""
NEXT: Final = (
    "hosts", "host", "clusters", "cluster", "pulse", "events", "installers", "cluster-new", "help",
)  # fmt: skip
"""Views in the order of their import. Those of workloads and profiles and the installer's wizard are left out: they
take 25 MB that most consoles never need."""
USED_BY: Final = ("tui.verbs.command_text", "tui.verbs.command_hint", "edgewright.commands.cluster.wizard_api")
"""What the prompt and the cluster wizard load themselves."""


def modules(views: Iterable[str] = NEXT) -> list[str]:
    """Return what is imported, in its order."""
    return list(dict.fromkeys([*(VIEWS[view].partition(":")[0] for view in views), *USED_BY]))


async def import_ahead(last_key: Callable[[], float], ending: Callable[[], bool]) -> None:
    """Import the modules one by one; `last_key` is when a key was read last, by the monotonic clock.

    One that cannot be imported is left to the key that needs it, which shows the error.
    """
    began = time.monotonic()
    for name in modules():
        while time.monotonic() - max(last_key(), began) < AFTER:
            await asyncio.sleep(LOOK)
        if ending():
            return
        with suppress(Exception):
            await asyncio.to_thread(import_module, name)
