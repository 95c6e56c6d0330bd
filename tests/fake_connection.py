"""A connection made of the ports that a test gives it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from edgewright.clients import ports
from edgewright.core.errors import Refused

P = TypeVar("P")


class FakeConnection:
    """Offers `ports`; any other is refused as a plane refuses it."""

    peer = "plane.test"
    project_uid = None

    def __init__(self, offered: Mapping[type, object]) -> None:
        self._offered = offered

    async def port(self, wanted: type[P]) -> P:
        if wanted not in self._offered:
            raise Refused(ports.sentence(wanted), ports.HINT_HUB, ports.NOT_AVAILABLE)
        return cast("P", self._offered[wanted])

    async def aclose(self) -> None: ...
