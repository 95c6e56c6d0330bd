"""The words of `edgewright-agent appliance ...`; an agent that only reports loads nothing else of the appliance."""

from __future__ import annotations

from typing import Any


def add_parser(verbs: Any, epilog: str) -> None:
    """Add the verb `appliance` to the agent's command line."""
    parser = verbs.add_parser("appliance", help="what runs on the box of the reference appliance", epilog=epilog)
    parts = parser.add_subparsers(dest="part", required=True, metavar="install|boot|console|status")
    parts.add_parser("install", help="install this live system to disk, as its user-data asks", epilog=epilog)
    boot = parts.add_parser("boot", help="do what a start of the box needs", epilog=epilog)
    boot.add_argument("stage", choices=("early", "late"), help="early: before services; late: once they run")
    console = parts.add_parser("console", help="show the identity of this box, and repair its network", epilog=epilog)
    console.add_argument("--tty", default="", metavar="PATH", help="the terminal that it runs on, for the login prompt")
    status = parts.add_parser("status", help="show which slot runs and what was installed", epilog=epilog)
    status.add_argument("-o", "--output", choices=("table", "json"), default="table")
