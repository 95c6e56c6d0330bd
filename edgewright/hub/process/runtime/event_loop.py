"""The event loop that the hub needs: uvloop, and not one that may mix up responses."""

from __future__ import annotations

import re

from edgewright.core.errors import Failed

UVLOOP_FLOOR = (0, 23)
"""Older releases can send a response to the wrong request."""


def check_event_loop() -> None:
    """Raise `Failed` unless uvloop is installed in a version from `UVLOOP_FLOOR` on."""
    floor = ".".join(map(str, UVLOOP_FLOOR))
    install = f"Install it in the Python environment of edgewright: pip install 'uvloop>={floor}'."
    try:
        import uvloop
    except ImportError:
        raise Failed("The hub needs the Python package uvloop, which is not installed.", install, "EventLoop") from None
    version = str(getattr(uvloop, "__version__", "0"))
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[: len(UVLOOP_FLOOR)])
    if numbers < UVLOOP_FLOOR:
        raise Failed(
            f"uvloop {version} is too old for the hub: it can send a response to the wrong request. "
            f"Version {floor} or newer is required.",
            install,
            "EventLoop",
        )
