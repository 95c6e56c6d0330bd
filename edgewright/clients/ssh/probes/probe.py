"""What one probe is: a constant piece of shell with limits of its own."""

from __future__ import annotations

from typing import Literal, NamedTuple

Root = Literal["no", "better", "needed"]
"""Whether a probe wants root: `needed` is not run without it, `better` then reads less."""


class Probe(NamedTuple):
    """One thing that is read from a host.

    `script` is the body of a shell function for BusyBox ash, dash and bash; it changes nothing on the host and contains
    no text from outside. `seconds` and `size` (bytes) are the limits after which the host itself ends or cuts it.
    `have COMMAND` and `$LINES_OF_LOG` are what a script may use of the prelude (`shell`).
    """

    id: str
    title: str
    script: str
    seconds: int = 5
    size: int = 8192
    root: Root = "no"
    waits: bool = False
    """Whether it mostly waits for other machines: it runs beside the others then, and prints little."""

    @property
    def set(self) -> str:
        """Return the name of its probe set: what is before the point of its id."""
        return self.id.partition(".")[0]
