"""The summary of the cluster wizard: what is missing, what is created, what can and cannot change later."""

from __future__ import annotations

from typing import Any

from edgewright.core.clusters.definition import CONTROL_PLANE
from edgewright.core.text import amount
from tui.widgets.lines import Line, cut, heading, line, pad, wrap
from tui.wizards.cluster import content
from tui.wizards.cluster.pages import ABOUT, HOSTS, NETWORK, PREFLIGHT, PROFILE, SETTINGS, VARIABLES
from tui.wizards.cluster.wizard_state import ClusterState

LABEL = 14


def summary_lines(state: ClusterState, refused: str, plane: str, width: int) -> list[Line]:
    """Return everything again; enter on a line goes back to its page."""
    return [*_verdict(state, refused, plane, width), line(), *_answers(state, width), line(), *_fixed(state, width)]


def _verdict(state: ClusterState, refused: str, plane: str, width: int) -> list[Line]:
    if state.problems:
        count = f"{amount(len(state.problems), 'thing')} must be fixed first"
        return [line(("▲ ", "bad"), (count, "strong")), *content.problem_lines(state.problems, width)]
    if state.refused:
        head = line(("▲ ", "bad"), ("The plane refuses this cluster:", "strong"))
        return [head, *(each for text in state.refused for each in wrap(text, width, "  ", "  ", role="bad"))]
    out: list[Line] = []
    if state.unasked:
        out += wrap(f"The plane could not check it: {state.unasked} b asks again.", width, "‼ ", "  ", role="warn")
    unready = state.unready()
    if unready:
        text = f"Preflight failed on {', '.join(unready[:5])}: these hosts wait until it is corrected."
        out += wrap(text, width, "‼ ", "  ", role="warn")
    elif state.unchecked():
        names = content.host_names(state.unchecked())
        out += wrap(f"No preflight yet on {names}; hosts check before they form it.", width, "‼ ", "  ", role="warn")
    if refused:
        return [*out, *wrap(refused, width, "▬ ", "  ", role="parked")]
    if plane:
        return [*out, line(("► ", "work"), plane)]
    if state.unasked:
        return out
    return [*out, line(("• ", "ok"), ("The plane would accept it. Create the cluster: ", "strong"), ("b", "accent"))]


def _answers(state: ClusterState, width: int) -> list[Line]:
    answers = state.answers
    out = [heading("YOUR ANSWERS", width, "enter goes back to the page")]

    def row(page: str, label: str, text: str) -> None:
        out.append(line((pad(label, LABEL), "muted"), cut(text or "-", max(width - LABEL, 8)), key=f"page/{page}"))

    row(ABOUT, "name", answers["name"])
    if answers["tags"]:
        row(ABOUT, "tags", ", ".join(f"{key}={value}" for key, value in answers["tags"].items()))
    for item in state.profiles:
        row(PROFILE, "profile", f"{item['name']} {item['version']}")
    for uid, variable in state.asked:
        value = state.value(uid, variable.name)
        shown = "********" if value and variable.masked else value or "default of the profile"
        row(VARIABLES, "variable", f"{variable.display or variable.name}: {shown}")
    row(NETWORK, "API", f"{answers[answers['endpoint']] or '-'}:6443")
    for pool in state.pools:
        row(HOSTS, "pool", f"{pool['name']} ({content.pool_text(pool)}): {content.host_names(pool['hosts'])}")
    row(PREFLIGHT, "preflight", _preflight(state))
    for label, text in _settings(answers):
        row(SETTINGS, label, text)
    return out


def _preflight(state: ClusterState) -> str:
    left, unready = state.unchecked(), state.unready()
    if unready:
        return f"failed on {', '.join(unready)}"
    return f"not done on {content.host_names(left)}" if left else "all hosts are ready"


def _settings(answers: dict[str, Any]) -> list[tuple[str, str]]:
    named = [
        ("time servers", ", ".join(answers["ntp"])),
        ("SSH keys", amount(len(answers["ssh_keys"]), "key") if answers["ssh_keys"] else ""),
        ("time zone", answers["timezone"]),
        ("namespaces", ", ".join(str(row.get("name")) for row in answers["namespaces"])),
        ("role bindings", ", ".join(str(row.get("name")) for row in answers["role_bindings"])),
    ]
    return [(label, text) for label, text in named if text] or [("settings", "none")]


def _fixed(state: ClusterState, width: int) -> list[Line]:
    networks = state.kubernetes
    out = [heading("NEVER CHANGES", width)]
    rows = [("name", state.answers["name"]), ("API", str(state.answers[state.answers["endpoint"]]))]
    if networks is not None:
        rows += [("pods", networks.pod_cidr), ("services", networks.service_cidr)]
    rows.append(("of a host", "its node name, address and role, while it is in the cluster"))
    controls = sum(pool["role"] == CONTROL_PLANE for pool in state.pools)
    if controls:
        rows.append(("of a pool", "its name, and whether it has control planes"))
    out += [line((pad(label, LABEL), "muted"), cut(text or "-", max(width - LABEL, 8))) for label, text in rows]
    text = "Hosts, pools, profiles and their versions, variables, tags and settings can change later."
    return [*out, *wrap(text, width, role="muted")]
