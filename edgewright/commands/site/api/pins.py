"""Certificates of local APIs that the user accepted, by host and port: a bounded file that the user alone can read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from edgewright.clients.local_api.pinned import fingerprint
from edgewright.clients.ssh.auth.asking import Asker
from edgewright.config import locations
from edgewright.core.errors import EdgewrightError, Refused
from edgewright.core.text import clean

MOST = 1000
MOST_BYTES = 262_144
_YES = ("y", "Y", "yes")


def _path() -> Path:
    return locations.folder("state") / "local-api-pins.json"


def stored() -> dict[str, str]:
    """Return fingerprints by `host:port`. Blocking; what cannot be read counts as empty, and is asked for again."""
    try:
        with _path().open("rb") as file:
            pins = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    entries = pins.items() if isinstance(pins, dict) else ()
    return {place: pin for place, pin in entries if isinstance(place, str) and isinstance(pin, str)}


def store(place: str, pin: str) -> None:
    """Remember one; the oldest leave. Blocking. Raises `Failed`."""
    pins = {each: known for each, known in stored().items() if each != place}
    pins[place] = pin
    newest = dict(list(pins.items())[-MOST:])
    locations.ensure(_path().parent)
    locations.write_private(_path(), json.dumps(newest, indent=1) + "\n")


async def accept(place: str, der: bytes, asker: Asker) -> str:
    """Return the fingerprint of a certificate that is known for a place, or that the user accepts now.

    Raises `Refused` for another one than before, and for one that is not accepted.
    """
    shown = fingerprint(der)
    known = (await asyncio.to_thread(stored)).get(place)
    if known == shown:
        return shown
    if known is not None:
        raise Refused(
            f"The local API at {clean(place)} shows another certificate than before: {shown}, known is {known}.",
            f"If the host was installed again, remove {clean(place)} from {locations.shown(_path())}.",
            "PinChanged",
        )
    prompt = f"The certificate of the local API at {clean(place)} is not known:\n  {shown}\nAccept it? [y/N] "
    if (await asker.secret(prompt, shown=True) or "").strip() not in _YES:
        raise Refused(
            f"The certificate of the local API at {clean(place)} is not known: {shown}.",
            "Compare it on the host, and run this in a terminal to accept it; or leave out --direct.",
            "UnknownPin",
        )
    try:
        await asyncio.to_thread(store, place, shown)
    except EdgewrightError:
        pass  # a full disk or a read-only home: it is asked for the next time too
    return shown
