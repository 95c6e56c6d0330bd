"""What the rows of all collections share, and the lines of the message log.

A row is what a table shows of one thing, plain, clean and small. It is made from a plane's document once, when the
document arrives. Every text in it has passed `core.text.clean`, so it may go to a terminal as it is. Times are epoch
seconds UTC; an unknown number or time is `None`, an unknown text is `""`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

LINKS: Final[Mapping[str, str]] = {
    "open": "by SSH",
    "lost": "SSH lost",
    "connecting": "connects",
    "shut": "SSH shut",
}
"""States of the connection to what is known by SSH alone, and how lists show them."""


def targets_of(sites: Iterable[str]) -> tuple[str, ...]:
    """Return the targets of `LINK TARGET` texts."""
    return tuple(each.partition(" ")[2] for each in sites)


def connections(sites: Iterable[str]) -> list[str]:
    """Return the targets of `LINK TARGET` texts, with the state of those that are not open."""
    pairs = [each.partition(" ") for each in sites]
    return [target if link == "open" else f"{target} ({LINKS.get(link, link)})" for link, _, target in pairs]


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What all rows share: fields are reached by name, so that filters and sorting need no table of their own."""

    def get(self, field: str) -> object:
        """Return the value of `field`; `None` for a field that this kind of row does not have.

        `tag.NAME` gives the value of the tag NAME (`""` for a tag without a value, `None` when it is not there).
        """
        if field in self.__struct_fields__:
            value: object = getattr(self, field)
            return value
        return None


class MessageRow(Row, frozen=True, array_like=True, gc=False):
    """One line of the message log; `level` is info, ok, warn or bad, `reply` a key or command that was refused."""

    seq: int
    at: float = 0.0
    level: str = "info"
    text: str = ""
    reply: bool = False


def tag_value(tags: tuple[str, ...], name: str) -> str | None:
    """Return the value of the tag `name` among `key:value` texts, `""` when it has none, `None` when not there."""
    prefix = name + ":"
    for tag in tags:
        if tag == name:
            return ""
        if tag.startswith(prefix):
            return tag[len(prefix) :]
    return None
