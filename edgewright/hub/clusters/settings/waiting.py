"""A change of profiles that waits until it is asked for (`DownloadAndInstallLater`).

It is resolved and checked when it is sent, and the plane has its content from then on. The document, and so the hosts,
stay as they are; other changes of the cluster are made with the profiles that are applied. The profiles that wait, with
values of masked variables, are sealed beside the other secrets of the cluster; the head has their names (`waiting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

Json = dict[str, Any]
_HEAD = "waiting"


class Waiting(NamedTuple):
    """Profiles that wait, and values of their masked variables by profile and name."""

    profiles: list[Json]
    variables: dict[str, dict[str, str]]


def profiles(head: Mapping[str, Any]) -> list[Json]:
    """Return the profiles that a cluster is to have: those that wait, else those that are applied."""
    waits = head.get(_HEAD)
    shown: list[Json] = head["profiles"] if waits is None else waits["profiles"]
    return shown


def blobs(head: Mapping[str, Any]) -> list[str]:
    """Return the digests of the content that waits."""
    return list((head.get(_HEAD) or {}).get("blobs") or ())


def note(head: Json, shown: list[Json], named: list[str], now: float) -> None:
    """Note in a head which profiles wait, and the content that they name."""
    head[_HEAD] = {"profiles": shown, "blobs": named, "since": now}


def since(head: Mapping[str, Any]) -> float | None:
    """Return since when a change waits (epoch seconds); `None` without one."""
    waits = head.get(_HEAD)
    return None if waits is None else float(waits["since"])


def drop(head: Json) -> None:
    """Note that nothing waits."""
    head.pop(_HEAD, None)


def opened(value: Mapping[str, Any]) -> Waiting | None:
    """Return the change that was stored; `None` for an empty value."""
    return Waiting(value["profiles"], value["variables"]) if value else None


def text(waits: Waiting | None) -> str:
    """Return the change as it is stored, "" for none. It contains values of masked variables."""
    return "" if waits is None else msgspec.json.encode(waits._asdict()).decode()
