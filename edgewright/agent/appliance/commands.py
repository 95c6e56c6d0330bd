"""What `edgewright-agent appliance ...` does."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any, Dict

from edgewright.agent.appliance import boot, bootloader
from edgewright.agent.appliance import paths as places
from edgewright.agent.appliance.bootloader import slot_of
from edgewright.agent.appliance.console.app import run_console
from edgewright.agent.appliance.medium import Medium
from edgewright.agent.appliance.progress import read_json
from edgewright.agent.appliance.runner import Runner, read_text
from edgewright.core.errors import Refused


def run(namespace: argparse.Namespace) -> int:
    """Run one part; return its exit code."""
    if namespace.part == "status":
        return _status(namespace.output)
    if os.geteuid() != 0:
        raise Refused(f"`appliance {namespace.part}` needs root.", "Run it as root, on the box itself.")
    if namespace.part == "console":
        return run_console(namespace.tty)
    _only_on_the_box()
    if namespace.part == "install":
        return Medium(Runner()).run()
    return boot.early(Runner()) if namespace.stage == "early" else boot.late(Runner())


def _only_on_the_box() -> None:
    """Refuse to touch a machine that is not an appliance: `install` wipes disks."""
    line = read_text("/proc/cmdline")
    if not slot_of(line) and "edgewright." not in line:
        raise Refused(
            "This machine was not started from the reference appliance.",
            "Start it from the appliance's medium or disk; `edgewright forge base` makes the medium.",
            code="NoAppliance",
        )


def _status(output: str) -> int:
    facts = _facts()
    if output == "json":
        print(json.dumps(facts, indent=2, sort_keys=True))
        return 0

    hidden = "only root may read it" if facts["slot"] and os.geteuid() != 0 else "-"
    rows = {
        "Slot": facts["slot"] or "unknown",
        "Installed": facts.get("installed") or hidden,
        "Failed slot": facts["boot"].get("failed_slot") or "-",
        "Missing": ", ".join(facts["missing"]) or "-",
    }
    for name, value in rows.items():
        print(f"{name:<12} {value}")
    return 0


def _facts() -> Dict[str, Any]:

    record = read_json(os.path.join(places.OEM, places.INSTALL_RECORD))
    return {
        "slot": bootloader.slot_of(read_text("/proc/cmdline")),
        "installed": record.get("at", "") if record.get("phase") == "done" else "",
        "boot": bootloader.read_env(read_text(places.GRUBENV).encode()),
        "missing": read_json(places.BOOT_STATE).get("missing", []),
    }
