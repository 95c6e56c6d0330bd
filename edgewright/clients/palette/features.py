"""What a plane can do, and who the caller is for it."""

from __future__ import annotations

import msgspec

from edgewright.wire import protocol


class Features(msgspec.Struct, frozen=True):
    """What a plane can do. A plane that does not answer the question is a Palette."""

    kind: str = "palette"
    """`hub` or `palette`."""
    version: str = ""
    stream: str = ""
    """Path of the change stream, `""` when there is none."""
    page_limit: int = protocol.PAGE_LIMIT
    started: str = ""
    beats: bool = False
    """Whether its stream has heartbeats in short form."""
    certificates: tuple[tuple[str, float, bool], ...] = ()
    """The plane's own certificates: name, end (epoch seconds), and whether the plane renews it by itself."""

    @property
    def hub(self) -> bool:
        """Whether the other end is a hub."""
        return self.kind == "hub"


class Caller(msgspec.Struct, frozen=True):
    """Who this client is for the plane; everything is empty where the plane does not report it."""

    role: str = ""
    """`admin`, `operator` or `viewer`."""
    name: str = ""
    """User who owns the credential."""
    via: str = ""
    """What was shown, e.g. `API key noc-wall`."""
