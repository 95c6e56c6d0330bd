"""The keys that make a cluster in the wizard of a console."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.console import Console
from tests.e2e.kubernetes.formed import Formed


def console_of(lab: Formed, home: Path) -> Console:
    """Return a console on the hub of a lab."""
    hub = lab.fleet.shown["hub"]
    return Console(home, hub["url"], Path(hub["ca"]), Path(hub["apiKeyFile"]), 100, 30)


def make_cluster(console: Console, name: str, vip: str, path: Path) -> None:
    """Answer the questions of the wizard for a cluster of the first free host, write its file, and create it."""
    console.wait("Pulse", patience=60)
    console.press(*":clusters", "Enter")
    console.wait("Clusters")
    console.press("+")
    console.wait("New cluster", "ABOUT")
    console.press(*name, "PageDown")
    console.wait("PROFILE", "lab", patience=60)
    console.press("Enter")
    console.wait("(•) lab")
    console.press("PageDown")
    console.wait("NETWORK", "100.64.0.0/18", patience=60)
    console.press("Tab")
    console.press(*vip, "PageDown")
    console.wait("HOSTS", "FREE HOSTS")
    console.press("Enter")
    console.wait(" 1 host")
    console.press("PageDown")
    console.wait("checks ok", "The plane would accept it", patience=120)
    console.press("PageDown")
    console.wait("SETTINGS", "time servers")
    console.press("PageDown")
    console.wait("SUMMARY", "Create the cluster", "NEVER CHANGES", patience=60, never="Preflight failed")
    console.press("w")
    console.wait("Write the answer file")
    console.press("C-u")
    console.press(*str(path), "Enter")
    console.wait("Written, readable by you alone", patience=20)
    console.press("b")
    console.wait(name, "is created", patience=60)


def ask_by_guide(console: Console) -> None:
    """Open the guide, whose steps are all done, and let it ask the application through the API of the cluster."""
    console.press(*":guide", "Enter")
    console.wait("First steps", "7 Application", "answers its probes on", patience=120)
    console.press("End", "Enter")
    console.wait("answers: HTTP 200", patience=90)
