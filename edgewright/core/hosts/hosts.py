"""Edge hosts: the two axes state and health, and what a host UID and a host name may be.

Sources: Palette's API description 4.8 (enums of `v1EdgeHostState`, `v1EdgeHostHealth`), the installer reference (UID of
at most 128 characters, its forbidden characters, host name rules).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import List


class HostState(str, Enum):
    """Where a host is in its life with the plane, apart from its health."""

    UNPAIRED = "unpaired"
    READY = "ready"
    IN_USE = "in-use"

    def __str__(self) -> str:
        return self.value


class Health(str, Enum):
    """The health of a host; `UNKNOWN` is what cannot be known yet and is never shown as healthy."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return self.value


MAX_UID = 128
"""Characters of a host UID at most; longer ones are cut by `fit_uid`."""

FORBIDDEN = frozenset("/?#&+%,$~!@*(){}|=;:<>'.^\"")
"""Characters that a host UID must not contain, from the installer reference."""

ARCHITECTURES = ("amd64", "arm64")
HOST_TYPES = ("appliance", "agent-mode")
DEVICE_STATES = ("registration", "cluster", "recovery")

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def uid_character_ok(character: str) -> bool:
    """Return whether a character may be in a UID: it prints, and it is none of the forbidden ones."""
    return character not in FORBIDDEN and character.isprintable()


def check_uid(uid: str) -> List[str]:
    """Return what is wrong with a host UID, as sentences; an empty list when it is good."""
    if not uid:
        return ["The host UID is empty."]
    problems = []
    if len(uid) > MAX_UID:
        problems.append(f"The host UID has {len(uid)} characters; {MAX_UID} are allowed.")
    bad = sorted({character for character in uid if not uid_character_ok(character)})
    if bad:
        shown = " ".join(
            f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}" for character in bad[:12]
        )
        problems.append(f"The host UID must not contain {shown}.")
    if uid != uid.strip():
        problems.append("The host UID begins or ends with a space.")
    return problems


def fit_uid(raw: str) -> str:
    """Return `raw` as a UID: forbidden characters removed, cut to 128; may be empty when nothing is left."""
    return "".join(character for character in raw if uid_character_ok(character)).strip()[:MAX_UID].rstrip()


def check_hostname(name: str) -> List[str]:
    """Return what is wrong with an OS host name, as sentences; an empty list when it is good.

    At most 253 ASCII characters, labels of at most 63 made of a to z, 0 to 9 and `-`, alphanumeric at both ends.
    """
    if not name:
        return ["The host name is empty."]
    problems = []
    if len(name) > 253:
        problems.append(f"The host name has {len(name)} characters; 253 are allowed.")
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            problems.append(
                f"The part {label[:70]!r} of the host name must be 1 to 63 of a-z, 0-9 and '-', "
                "with a letter or digit at both ends."
            )
            break
    return problems
