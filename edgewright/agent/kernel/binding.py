"""Which machine the identity of this data folder belongs to.

A copied data folder, or a cloned disk, makes a second machine that speaks as the first. So the identity is bound to the
machine that first used it; another machine does not use it, and reports what to do. A part that was exchanged does not
make another machine: one sign that stayed is enough, as long as the firmware's UUID does not differ.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from edgewright.agent.facts.hardware import MAX_MACS, Hardware
from edgewright.agent.kernel.state import StateFolder
from edgewright.core import times
from edgewright.core.errors import Refused

NAME = "binding"
E_OTHER_MACHINE = "OtherMachine"


class OtherMachine(Refused):
    """The identity belongs to another machine, and the host has registered with it."""


def is_other_machine(bound: Hardware, present: Hardware) -> bool:
    """Return whether `present` is clearly another machine than the one that the identity is bound to.

    The firmware's UUID differs: another machine, unless machine-id and a card are the same (a firmware update may
    change it). The UUID is not known on one side: another machine when machine-id and all cards differ. In all other
    cases, a new machine-id or new cards alone among them, it is the same machine.
    """
    cards_known = bool(bound.macs and present.macs)
    card_same = bool(set(bound.macs) & set(present.macs))
    machine_known = bool(bound.machine and present.machine)
    machine_same = machine_known and bound.machine == present.machine
    if bound.product and present.product:
        return bound.product != present.product and not (machine_same and card_same)
    return machine_known and not machine_same and cards_known and not card_same


class Binding:
    """The machine that this identity is bound to, in `binding.json`."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder

    def check(self, uid: str, present: Hardware) -> Optional[OtherMachine]:
        """Compare this machine with the stored one, and store what is new of the same; return what is wrong.

        A folder without a binding (a new host, or one of v0.1.0) is bound to the present machine.
        """
        bound = _read(self._folder.load(NAME))
        if bound is not None and is_other_machine(bound, present):
            differences = _differences(bound, present)
            return OtherMachine(
                f"The identity in {self._folder.folder} ({uid}) belongs to another machine: {differences}. "
                "It is not used here.",
                "If this is a copy, remove identity.json*, registration.json* and binding.json* there and restart the "
                "agent: it registers as a new host. If the hardware of this host was replaced, remove binding.json* "
                "alone.",
                code=E_OTHER_MACHINE,
            )  # fmt: skip
        if bound is None or _merged(bound, present) != bound:
            self._save(uid, present if bound is None else _merged(bound, present))
        return None

    def _save(self, uid: str, hardware: Hardware) -> None:
        body = {"uid": uid, "machine": hardware.machine, "product": hardware.product, "macs": list(hardware.macs)}
        self._folder.save(NAME, {**body, "since": times.rfc3339(times.now())})


def _merged(bound: Hardware, present: Hardware) -> Hardware:
    """Return the binding with what is known now; cards that are not plugged in at the moment stay in it."""
    macs = [*present.macs, *(mac for mac in bound.macs if mac not in present.macs)]
    return Hardware(
        present.machine or bound.machine, present.product or bound.product, tuple(sorted(macs[:MAX_MACS]))
    )  # fmt: skip


def _read(body: Optional[Mapping[str, Any]]) -> Optional[Hardware]:
    if body is None:
        return None
    macs = body.get("macs")
    cards: List[str] = [mac for mac in macs if isinstance(mac, str)] if isinstance(macs, list) else []
    texts = [value if isinstance(value, str) else "" for value in (body.get("machine"), body.get("product"))]
    return Hardware(texts[0], texts[1], tuple(cards[:MAX_MACS]))


def _differences(bound: Hardware, present: Hardware) -> str:
    patterns = []
    if bound.product and present.product and bound.product != present.product:
        patterns.append("the firmware's UUID or serial number differs")
    if bound.machine and present.machine and bound.machine != present.machine:
        patterns.append("machine-id differs")
    if bound.macs and present.macs and not set(bound.macs) & set(present.macs):
        patterns.append(f"network cards are {', '.join(present.macs[:4])} instead of {', '.join(bound.macs[:4])}")
    return ", ".join(patterns)
