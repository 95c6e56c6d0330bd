"""The pages of the console as plain lines for a width and a height: pure, so that a golden text covers each."""

from __future__ import annotations

import textwrap
from typing import List, Sequence

from edgewright.agent.appliance.console.facts import Facts
from edgewright.core.text import clean, clip

PHASES = {
    "registered": "registered",
    "refused": "refused",
    "waiting": "waiting for approval",
    "unreachable": "the plane is not reachable",
    "faulty": "cannot be tried",
    "stopped": "the agent was stopped",
}


def frame(title: str, body: Sequence[str], keys: str, width: int, height: int) -> List[str]:
    """Return exactly `height` lines: title, rule, body (cut to what fits), rule, keys."""
    room = height - 4
    shown = list(body[:room])
    if len(body) > room:
        shown[-1] = "   ..."
    shown += [""] * (room - len(shown))
    lines = [f" Edgewright  {title}", "-" * width, *shown, "-" * width, " " + keys]
    return [clip(clean(line, width * 2), width) for line in lines]


def row(name: str, value: str) -> str:
    """Return one line of names and values."""
    return f" {name:<14} {value or '-'}"


def wrapped(name: str, text: str, width: int, most: int = 4) -> List[str]:
    """Return a row whose value takes several lines."""
    parts = textwrap.wrap(clean(text, 1000), max(20, width - 17)) or ["-"]
    parts = parts[:most]
    return [row(name, parts[0]), *(" " * 16 + part for part in parts[1:])]


def device_info(facts: Facts, width: int, height: int) -> List[str]:
    """Return the page that is shown when no key is pressed: the box's identity and state."""
    if facts.installing:
        return installing(facts, width, height)
    body = [
        row("Host name", facts.host_name),
        row("Host ID", facts.uid),
        row("Machine ID", facts.machine_id),
        row("System", _system(facts)),
        "",
    ]
    for nic in facts.nics[:6]:
        state = ", ".join(nic.addresses) or ("no address yet" if nic.up else "no link")
        body.append(row(nic.name, f"{state:<28} {nic.mac}"))
    if not facts.nics:
        body.append(row("Network", "this machine shows no network card"))
    body += [row("Gateway", facts.gateway), row("DNS", ", ".join(facts.dns)), ""]
    if facts.slot != "live":
        body += registration(facts, width)
    if facts.boot_note:
        body += ["", *wrapped("Attention", facts.boot_note, width)]
    return frame("Device Info", body, key_line(facts), width, height)


def registration(facts: Facts, width: int) -> List[str]:
    """Return the state of the host with its plane, with the reason and the next step when it does not."""
    lines = [row("Plane", facts.endpoint or "none: the user-data names no paletteEndpoint")]
    state = "registered" if facts.registered else PHASES.get(facts.phase, "not registered yet")
    if facts.registered and facts.phase not in ("registered", ""):
        state = f"registered; {PHASES.get(facts.phase, facts.phase)}"
    lines.append(row("Registration", state))
    if facts.message and facts.phase not in ("registered", "stopped"):
        lines += wrapped("Reason", f"{facts.message} {facts.hint}".strip(), width)
    if facts.code_url:
        lines += wrapped("Register at", facts.code_url, width, 3)
    return lines


def key_line(facts: Facts) -> str:
    """Return the keys of the first page; a read-only console offers no change."""
    keys = [] if facts.read_only or facts.installing else ["ENTER settings"]
    keys += ["r QR code"] if facts.code_url else []
    keys += ["l log in"] if facts.people else []
    return "   ".join([*keys, "read-only console"] if facts.read_only else keys) or "no account can log in here"


def code_page(facts: Facts, code: "Sequence[str] | None", width: int, height: int) -> List[str]:
    """Return the QR code over the full screen; where it does not fit, the address as text."""
    if code is None:
        body = ["", " The QR code does not fit on this screen, or cannot be made here.", ""]
        return frame(
            "Registration", [*body, *wrapped("Register at", facts.code_url, width, 8)], "ESC back", width, height
        )
    pad = " " * max(0, (width - max(map(len, code))) // 2)
    lines = [pad + line for line in code]
    lines += [""] * (height - len(lines))
    return lines[:height]


def installing(facts: Facts, width: int, height: int) -> List[str]:
    """Return the page of the live installer."""
    state = facts.install
    phase = str(state.get("phase") or "")
    step, steps = _number(state.get("step")), max(1, _number(state.get("steps")))
    body = ["", row("Disk", str(state.get("device") or "not chosen yet")), ""]
    keys = "l log in" if facts.people else ""
    if phase == "running":
        percent = _number(state.get("percent"))
        done = (step - 1) * 100 + percent
        filled = min(40, 40 * done // (steps * 100))
        body += [row("Step", f"{step} of {steps}: {state.get('text', '')}"), ""]
        body += [row("", "[" + "#" * filled + "." * (40 - filled) + f"] {100 * done // (steps * 100)} %")]
        body += ["", row("", "Do not switch the machine off.")]
        title = "Installing"
    elif phase == "waiting":
        title = "Installer"
        body = ["", *wrapped("Waiting", f"{state.get('message', '')} Nothing is installed by itself.", width), ""]
        keys = "ENTER choose a disk to install on" + ("   " + keys if keys else "")
    elif phase == "failed":
        title = "Installation failed"
        body += wrapped("Reason", str(state.get("message") or ""), width, 8)
    elif phase in ("done", "in-place"):
        title = "Installation Complete" if phase == "done" else "Installed already"
        body += wrapped("", str(state.get("message") or ""), width, 6)
    else:
        title, body = "Installer", ["", row("", "Looking for user-data and disks ...")]
    return frame(title, body, keys or "ESC redraw", width, height)


def menu(entries: Sequence[str], at: int, message: str, width: int, height: int) -> List[str]:
    """Return the main menu, or any list of choices."""
    body = ["", *(f" {'>' if at == number else ' '} {entry}" for number, entry in enumerate(entries)), ""]
    body += wrapped("", message, width) if message else []
    return frame("Settings", body, "TAB/arrows move   ENTER open   ESC back", width, height)


def form_page(title: str, lines: Sequence[str], wrong: Sequence[str], keys: str, width: int, height: int) -> List[str]:
    """Return a form with what is wrong in it below."""
    body = ["", *lines, ""]
    for sentence in wrong:
        body += textwrap.wrap(clean(sentence, 400), width - 6, initial_indent=" ! ", subsequent_indent="   ")
    return frame(title, body, keys, width, height)


def confirm_page(facts: Facts, left: int, width: int, height: int) -> List[str]:
    """Return the question whether new network settings stay."""
    body = ["", " The new network settings are in use. Is this machine reachable as it should be?", ""]
    body += [row(nic.name, ", ".join(nic.addresses) or "no address yet") for nic in facts.nics[:6]]
    body += [row("Gateway", facts.gateway), row("DNS", ", ".join(facts.dns)), ""]
    body += [f" Without an answer the settings before come back in {left} s."]
    return frame("Apply these settings?", body, "ENTER apply   ESC go back to the settings before", width, height)


def _system(facts: Facts) -> str:
    names = {"live": "live system, not installed", "": "unknown slot"}
    return f"{names.get(facts.slot, 'slot ' + facts.slot)}; agent {facts.version}"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
