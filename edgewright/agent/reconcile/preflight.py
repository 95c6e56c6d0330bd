"""Operation `preflight`: every check at once, so that one visit to the site fixes all that is wrong (rule P71)."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from typing import Any, Callable, List, Mapping, Optional, Tuple

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.operations import Outcome
from edgewright.agent.reconcile import checks
from edgewright.agent.reconcile.checks import FAILED, OK, UNKNOWN, WARNING, Check
from edgewright.agent.reconcile.requests import Request
from edgewright.core import times
from edgewright.core.text import amount, clean
from edgewright.wire import protocol

NETWORK = 8.0
"""Seconds that a check over the network may take."""
CLOCK_WARNING, CLOCK_FAILED = 5.0, 60.0
MAX_TEXT = 300


class Network:
    """What a preflight asks of the network; a test brings its own."""

    def resolve(self, host: str) -> List[str]:
        """Return the addresses of a name. Raises `OSError`."""
        return sorted({str(item[4][0]) for item in socket.getaddrinfo(host, None)})

    def connect(self, host: str, port: int) -> None:
        """Open and close a TCP connection. Raises `OSError`."""
        socket.create_connection((host, port), timeout=NETWORK).close()


def bounded(work: Callable[[], Any], seconds: float = NETWORK) -> Tuple[Any, str]:
    """Return the result of `work`, or why there is none; a call of a name server may take minutes."""
    answer: List[Tuple[Any, str]] = []

    def run() -> None:
        try:
            answer.append((work(), ""))
        except OSError as error:
            answer.append((None, (error.strerror or str(error)).lower()))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return answer[0] if answer else (None, f"no answer within {seconds:.0f} s")


def clock(off: object) -> Check:
    """Check this host's clock against the plane's `Date`; `off` is its lead in seconds, `None` when not known."""
    if isinstance(off, bool) or not isinstance(off, (int, float)):
        return Check("clock", UNKNOWN, "the plane's clock is not known", "Look at it: timedatectl")
    side = "ahead of" if off > 0 else "behind"
    if abs(off) > CLOCK_WARNING:
        state = FAILED if abs(off) > CLOCK_FAILED else WARNING
        text = f"{times.duration(abs(off))} {side} the plane's"
        return Check("clock", state, text, "Set up time synchronisation: timedatectl set-ntp true")
    return Check("clock", OK, "within 5 s of the plane's")


def plane(context: Mapping[str, Any], network: Network) -> List[Check]:
    """Check name resolution and the way to the plane, or to the proxy that leads there."""
    host, port = context.get("planeHost"), context.get("planePort")
    if not isinstance(host, str) or not host or not isinstance(port, int):
        text = "the address of the plane is not known"
        return [Check("dns", UNKNOWN, text, "Look at it: getent hosts NAME"), Check("plane", UNKNOWN, text, "")]
    addresses, problem = bounded(lambda: network.resolve(host))
    if problem:
        step = "Check /etc/resolv.conf and the name server of the site."
        dns = Check("dns", FAILED, f"{host} does not resolve: {problem}", step)
    else:
        dns = Check("dns", OK, f"{host} is {', '.join(addresses[:3])}")
    _, problem = bounded(lambda: network.connect(host, port))
    if problem:
        step = "Check the cable, the gateway and the firewall of the site."
        return [dns, Check("plane", FAILED, f"{host}:{port} cannot be reached: {problem}", step)]
    return [dns, Check("plane", OK, f"{host}:{port} answers")]


def all_checks(
    root: Root, context: Mapping[str, Any], network: Optional[Network] = None, space: checks.Space = checks.real_space
) -> List[Check]:
    """Return every check, in the order in which they are shown. One that breaks is `unknown`, not an end."""
    local: List[Tuple[str, Callable[[], Check]]] = [
        ("disk", lambda: checks.disk(root, space)),
        ("memory", lambda: checks.memory(root)),
        ("cpu", lambda: checks.cpu(root)),
        ("clock", lambda: clock(context.get("clockOff"))),
        ("name", lambda: checks.name(root)),
        ("machine-id", lambda: checks.machine_id(root)),
        ("ports", lambda: checks.ports(root)),
        ("swap", lambda: checks.swap(root)),
        ("modules", lambda: checks.modules(root)),
        ("cgroup", lambda: checks.cgroup(root)),
        ("security", lambda: checks.security(root)),
        ("route", lambda: checks.route(root)),
        ("foreign", lambda: checks.foreign(root)),
    ]
    results = []
    for name, look in local:
        try:
            results.append(look())
        except Exception as error:
            results.append(Check(name, UNKNOWN, f"the check broke: {type(error).__name__}: {error}", "Report this."))
    return results + plane(context, network or Network())


def summary(results: List[Check]) -> str:
    """Return one sentence with the numbers and what failed."""
    count = Counter(check.state for check in results)
    failed = [check.id for check in results if check.state == FAILED]
    numbers = [f"{count[OK]} ok", amount(count[WARNING], WARNING), f"{count[FAILED]} failed"]
    numbers += [f"{count[UNKNOWN]} unknown"] if count[UNKNOWN] else []
    text = f"{amount(len(results), 'check')}: {', '.join(numbers)}"
    return text + (f". Failed: {', '.join(failed)}." if failed else ".")


def preflight(root: Root, network: Optional[Network] = None, space: checks.Space = checks.real_space) -> Any:
    """Return the handler of `preflight`."""

    def run(request: Request) -> Outcome:
        results = all_checks(root, request.context, network, space)
        documents = tuple(
            {name: clean(value, MAX_TEXT) for name, value in check._asdict().items() if value} for check in results
        )
        return Outcome(protocol.OP_SUCCEEDED, summary(results), checks=documents)

    return run
