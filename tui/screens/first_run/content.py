"""What the guide of the first run shows: four ways to begin, addresses to choose from, steps, what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from edgewright.core import times
from tui.widgets.lines import Line, Role, line, pad, spread, wrap

if TYPE_CHECKING:
    from tui.session import MachineAddress

LOOPBACK = "127.0.0.1"
MAX_ADDRESSES = 7
"""Addresses that are offered; with the two other answers each has a digit."""
Way = Literal["start", "connect", "ssh", "demo"]

WAYS: tuple[tuple[Way, str, str, str], ...] = (
    (
        "start",
        "Start a hub here",
        "the usual beginning",
        (
            "A management plane of your own on this machine, ready in seconds. It continues to run when you leave, "
            "until you stop it. This machine registers as its first host, observed only: nothing on it is changed."
        ),
    ),
    (
        "connect",
        "Connect to a hub or a Palette",
        "",
        (
            "Somewhere a plane runs already. You need its address and an API key; for a hub also its CA certificate, "
            "or you compare a fingerprint."
        ),
    ),
    ("ssh", "Open a site by SSH", "", "Reach one host without any plane: what is wrong with it, and the next step."),
    (
        "demo",
        "See a demo fleet",
        "simulated",
        (
            "500 simulated hosts report over the real protocol to a hub of their own, with faults happening. Every "
            "screen shows that they are simulated."
        ),
    ),
)


class Step(Struct, frozen=True):
    """One step that was reported, and when."""

    text: str
    at: float


def option_line(number: int, title: str, note: str, width: int, key: str, role: Role = "accent") -> Line:
    """Return one answer with the digit that chooses it; from the tenth on there is none."""
    digit = f"{number} " if number < 10 else "  "
    return spread([("  ", ""), (digit, "muted"), (title, role)], [(note, "muted")], width, key=key)


def menu_lines(width: int, height: int) -> list[Line]:
    """Return the question with the four answers."""
    out = [line(("No plane is known yet. How do you want to begin?", "strong")), line()]
    for number, (key, title, note, text) in enumerate(WAYS, 1):
        out.append(option_line(number, title, note, width, key, "accent"))
        if height >= 14 or key == "start":
            out += wrap(text, width, first="      ", rest="      ", role="muted")
        if height >= 20:
            out.append(line())
    return out


def address_lines(
    addresses: Sequence[MachineAddress] | None, width: int, height: int, registered: int = 0
) -> list[Line]:
    """Return the question which address hosts use, with an answer for each address; None: they are looked up.

    `registered` hosts call the present address and would lose the hub.
    """
    out = [line(("Which address will your sites use to reach this hub?", "strong"))]
    if height >= 14:
        text = (
            "Every host calls this address, and the hub's certificate is issued for it. It can be changed later: "
            ":first-steps here, or `edgewright hub configure`."
        )
        out += wrap(text, width, role="muted")
    if registered:
        hosts = "1 registered host calls" if registered == 1 else f"{registered:,} registered hosts call"
        text = f"{hosts} the present address and will not find the hub at another one."
        out += wrap(
            f"{text} Change it there first, or leave the present one.", width, first="‼ ", rest="  ", role="warn"
        )
    out.append(line())
    if addresses is None:
        return [*out, line("  ", ("► ", "work"), "Looking up the addresses of this machine ...")]
    room = max((len(address.address) for address in addresses), default=0)
    for number, address in enumerate(addresses, 1):
        title = f"{pad(address.address, max(room, 15))}  {address.card}"
        out.append(option_line(number, title, address.note, width, f"address/{address.address}"))
    if not addresses:
        out.append(line("  ", ("This machine has no address that another machine could reach.", "warn")))
    count = len(addresses)
    out.append(option_line(count + 1, "Another address or a name", "e.g. hub.example.net", width, "other"))
    note = "no other machine can reach it"
    out.append(option_line(count + 2, f"{LOOPBACK}, only to try it here", note, width, f"address/{LOOPBACK}"))
    return out


def steps_lines(title: str, steps: Sequence[Step], began: float, now: float, width: int) -> list[Line]:
    """Return the steps of the way so far, the present one last, with the time that each took."""
    out = [spread([(title, "strong")], [(f"{max(now - began, 0):.0f} s", "muted")], width), line()]
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        end = now if last else steps[index + 1].at
        sign: tuple[str, Role] = ("► ", "work") if last else ("• ", "ok")
        took = "" if last else f"{max(end - step.at, 0):.1f} s"
        out.append(spread(["  ", sign, step.text], [(took, "muted")], width))
    if not steps:
        out.append(line("  ", ("► ", "work"), "Beginning ..."))
    return out


def failed_lines(title: str, steps: Sequence[Step], message: str, hint: str, width: int) -> list[Line]:
    """Return what was done, what did not work and what to do; the first line under the cursor tries again."""
    out = [line((title, "strong")), line()]
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        sign: tuple[str, Role] = ("▲ ", "bad") if last else ("• ", "ok")
        out.append(line("  ", sign, step.text))
    if steps:
        out.append(line())
    out += wrap(message, width, first="  ", rest="  ", role="bad")
    out += wrap(hint, width, first="  ", rest="  ") if hint else []
    out += [
        line(),
        option_line(1, pad("Try again", 24), "", width, "again"),
        option_line(2, pad("Choose something else", 24), "", width, "menu"),
    ]
    return out


def certificate_lines(subject: str, issuer: str, ends: float | None, fingerprint: str) -> tuple[str, ...]:
    """Return the sentences by which the user decides whether to trust a certificate authority."""
    until = f" It is valid until {times.rfc3339(ends)[:10]}." if ends else ""
    return (
        f"The plane shows a certificate for {subject}, issued by {issuer}, which this machine does not know.{until}",
        f"SHA-256 of that authority: {fingerprint}",
        (
            "Compare it with the value from the plane's owner, received by another way. On the hub: openssl x509 "
            "-noout "
            "-fingerprint -sha256 -in DIR/ca.crt"
        ),
    )
