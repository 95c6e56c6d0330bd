"""What the guide of the first run says: four ways to begin, the steps of the one that was taken, what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgewright.core import times
from tui.widgets.lines import Line, Role, line, pad, spread, wrap

Way = Literal["start", "connect", "ssh", "demo"]

WAYS: tuple[tuple[Way, str, str, str], ...] = (
    (
        "start",
        "Start a hub here",
        "the usual beginning",
        (
            "A management plane of your own on this machine, ready in seconds. It keeps running when you leave, "
            "until you stop it. This machine comes in as its first host, watched only: nothing on it is changed."
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
    ("ssh", "Open a site by SSH", "comes later", "Reach one host without any plane. This version cannot do it yet."),
    (
        "demo",
        "See a demo fleet",
        "simulated",
        (
            "500 simulated hosts report over the real protocol to a hub of their own, with faults happening. Every "
            "screen says that they are simulated."
        ),
    ),
)


@dataclass(frozen=True)
class Step:
    """One thing that was told while a way is prepared."""

    text: str
    at: float


def menu_lines(width: int, height: int) -> list[Line]:
    """Return the question with the four answers."""
    out = [line(("No plane is known yet. How do you want to begin?", "strong")), line()]
    for key, title, note, words in WAYS:
        later = key == "ssh"
        head: Role = "muted" if later else "accent"
        out.append(spread([("  ", ""), (title, head)], [(note, "muted")], width, key=key))
        if height >= 14 or key == "start":
            out += wrap(words, width, first="    ", rest="    ", role="muted")
        if height >= 20:
            out.append(line())
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
        line("  ", (pad("Try again", 24), "accent"), key="again"),
        line("  ", (pad("Choose another way", 24), "accent"), key="menu"),
    ]
    return out


def certificate_lines(subject: str, issuer: str, ends: float | None, fingerprint: str) -> tuple[str, ...]:
    """Return the sentences by which a person decides whether to trust a certificate authority."""
    until = f" It is valid until {times.rfc3339(ends)[:10]}." if ends else ""
    return (
        f"The plane shows a certificate for {subject}, issued by {issuer}, which this machine does not know.{until}",
        f"SHA-256 of that authority: {fingerprint}",
        (
            "Compare it with what the plane's owner tells you by another way. On the hub: openssl x509 -noout "
            "-fingerprint -sha256 -in DIR/ca.crt"
        ),
    )
