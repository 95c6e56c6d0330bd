"""What the Boot page shows: the slot, why, the images, what can be done and what not. Plain lines."""

from __future__ import annotations

from collections.abc import Mapping

from edgewright.core import times
from edgewright.core.boot.actions import Action, actions
from edgewright.core.boot.state import ACTIVE, EDGEWRIGHT, KAIROS, NONE, UKI, BootState, slot_text, why
from edgewright.core.text import clean
from tui.widgets.lines import Line, Role, blocks, facts, heading, line, wrap, wrapped_facts

LABEL = 16
KINDS = {
    KAIROS: "Kairos, GRUB", UKI: "Kairos, Trusted Boot (UKI)", EDGEWRIGHT: "Edgewright appliance, GRUB", NONE: "no A/B",
}  # fmt: skip
HISTORY = (
    ("first-install", "installed"),
    ("first-install-source", "installed from"),
    ("last-active-upgrade", "last upgrade"),
    ("last-active-upgrade-source", "upgraded from"),
    ("last-recovery-upgrade", "recovery upgrade"),
    ("last-reset", "last reset"),
)


def boot_lines(state: BootState, keys: Mapping[str, str], width: int) -> list[Line]:
    """Return everything; `keys`: the key of each action by its name."""
    return blocks([_slot(state, width), _images(state, width), _history(state, width), _actions(state, keys, width)])


def _slot(state: BootState, width: int) -> list[Line]:
    text = slot_text(state)
    role: Role = "ok" if state.slot == ACTIVE and not state.upgrade_failure else "warn"
    if state.kind == NONE:
        role = "muted"
    lines = [line((f"{'•' if role == 'ok' else '○' if role == 'muted' else '▲'} ", role), (text, role))]
    lines += [row for sentence in why(state) for row in wrap(sentence, width, "  ", "  ")]
    uptime = "-" if state.uptime is None else times.duration(int(state.uptime))
    return [
        heading("SLOT THAT RUNS", width),
        *lines,
        *facts([("up", uptime), ("boot loader", KINDS[state.kind])], LABEL),
    ]


def _images(state: BootState, width: int) -> list[Line]:
    if state.kind == NONE:
        return []
    pairs = [
        (clean(name, LABEL), f"{size / 1048576:,.0f} MB, {times.rfc3339(changed)[:16].replace('T', ' ')}")
        for name, size, changed in state.images[:12]
    ]
    env = {**(state.env or {}), **state.assessment}
    pairs += [(name[:LABEL], value) for name, value in list(env.items())[:12] if value]
    pairs += [("/oem/grubenv", "not there")] if state.env is None else []
    return [heading("ON THE DISK", width), *wrapped_facts(pairs or [("images", "-")], LABEL, width)]


def _history(state: BootState, width: int) -> list[Line]:
    pairs = [(label, state.history[key]) for key, label in HISTORY if state.history.get(key)]
    lines = wrapped_facts(pairs, LABEL, width)
    lines += [row for text in state.upgrade_log for row in wrap(text, width, "  ", "    ", role="muted")]
    return [heading("UPGRADES", width), *lines] if lines else []


def _actions(state: BootState, keys: Mapping[str, str], width: int) -> list[Line]:
    lines = [heading("WHAT CAN BE DONE", width)]
    for action in actions(state):
        lines += _action(action, keys.get(action.name, ""), width)
    return lines


def _action(action: Action, key: str, width: int) -> list[Line]:
    if action.reason:
        return [
            line(("– ", "muted"), (action.title, "muted")),
            *wrap(f"{action.reason} {action.hint}".strip(), width, "  ", "  ", role="muted"),
        ]
    lines = [line((f"{key} ", "accent"), action.title, key=action.name)]
    lines += [row for text in action.lines for row in wrap(text, width, "  ", "    ", role="muted")]
    return [*lines, *(row for text in action.commands for row in wrap(text, width, "  $ ", "    ", role="muted"))]
