"""The verb `relay`, which systemd starts when the plane asks for a stream."""

from __future__ import annotations

from typing import Any

from edgewright.agent.kernel.settings import DATA
from edgewright.agent.relay.notice import SOCKET


def add_relay_parser(verbs: Any, epilog: str) -> None:
    """Add the verb."""
    verb = verbs.add_parser("relay", help="bring streams that the plane asks for, then end", epilog=epilog)
    verb.add_argument("--endpoint", default="", metavar="URL", help="as for run")
    verb.add_argument("--ca", default="", metavar="FILE", help="the plane's ca.crt (default: the system's store)")
    verb.add_argument("--data", default=DATA, metavar="DIR", help="the agent's own folder (%(default)s)")
    verb.add_argument("--user-data", default="", metavar="FILE", help="the #cloud-config file with stylus.site")
    verb.add_argument("--root", default="/", metavar="DIR", help="read the host below DIR")
    verb.add_argument("--socket", default=SOCKET, metavar="PATH", help="where requests arrive (%(default)s)")
