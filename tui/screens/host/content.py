"""What the screen of one host shows: its health with reason and clock first, then what it is, as lines."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from edgewright.core import times
from edgewright.core.hosts import nics, work_text
from edgewright.core.hosts.condition import Condition
from edgewright.core.hosts.link import link_rows
from edgewright.core.hosts.states import HEALTHY, SILENCE, UNHEALTHY_SILENT
from edgewright.core.text import clean
from edgewright.store.collections.operations import OperationRow
from tui.frame.ages import age_of, calm_age
from tui.frame.document_values import UNKNOWN, find, many, number, size, text, when
from tui.frame.exact_times import exact
from tui.frame.feed import FeedLine, feed_lines
from tui.frame.signs import HEALTH_SIGNS
from tui.screens.host.condition import condition_lines
from tui.screens.host.operations import operation_lines
from tui.widgets.lines import Line, Piece, Role, Span, cut, facts, heading, line, pad, spread, wrap, wrapped_facts

LABEL = 12


class HostFacts(Struct, frozen=True):
    """What the screen knows of a host. `doc` is None while only the row of the list is known."""

    name: str
    uid: str
    now: float
    state: str = ""
    health: str = "unknown"
    reason: str = ""
    since: float | None = None
    condition: Condition | None = None
    """Its state as evaluated now; None while it is not in the list."""
    absent: frozenset[str] = frozenset()
    """Verbs that this connection does not have."""
    last_seen: float | None = None
    site: str = ""
    tags: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """What is not as it should be beside its health, as sentences."""
    simulated: bool = False
    observed: bool = False
    operations: tuple[OperationRow, ...] = ()
    """What it was asked to do, the newest first."""
    doc: Mapping[str, Any] | None = None
    fetched_at: float | None = None
    """When `doc` was fetched."""
    fetching: bool = False
    error: str = ""
    """Why `doc` could not be fetched, a complete sentence."""
    sources: str = ""
    """Where all this is from, with ages, for a host that was read without the plane; empty for one of the plane."""
    lost: bool = False
    """Whether the plane is unreachable, so that all here is of the past."""


def health_lines(host: HostFacts, width: int) -> list[Line]:
    """Return how it is, since when, why, its owner, until when, and the last heartbeat."""
    glyph, role = HEALTH_SIGNS.get(host.health, HEALTH_SIGNS["unknown"])
    unseen = host.health == "unknown" and host.last_seen is None and not host.sources
    word = "never connected" if unseen else host.health
    since = "" if host.since is None else f" for {times.duration(max(host.now - host.since, 0))}"
    state: list[Piece] = [(host.state or UNKNOWN, "strong"), "  "]
    for flag, reported in ((host.simulated, "simulated"), (host.observed, "observed, read-only")):
        if flag:
            state.append((f" {reported} ", "work"))
    out = [spread([(f"{glyph} {word}{since}", role)], state, width)]
    if host.reason:
        out += wrap(clean(host.reason), width, first="  ", rest="  ")
    elif host.health == "healthy" and not host.also:
        out.append(line("  Nothing is wrong with this host."))
    for sentence in host.also:
        out += wrap(sentence, width, first="▲ ", rest="  ", role="warn")
    out += wrap(_clock(host), width, first="  ", rest="  ", role="muted")
    out += work_lines(host, width)
    if host.lost:
        out.append(
            line(
                ("▬ ", "parked"),
                (f"Management plane unreachable; data from {age_of(host.fetched_at, host.now)} ago.", "muted"),
            )
        )
    return out


def work_lines(host: HostFacts, width: int) -> list[Line]:
    """Return the step that runs or waits on the host; none while it reports none."""
    progress = work_text.progress_of(host.doc or {})
    if not progress:
        return []
    waiting = work_text.waiting_text(progress)
    sign: str
    role: Role
    sign, role = ("▲ ", "warn") if progress.get("waitingFor") == "operator" else ("► ", "work")
    clock = work_text.clock_text(progress, host.now)
    sentence = ", ".join(filter(None, (work_text.step_text(progress), clock)))
    waits = f" Waits for: {waiting}." if waiting else ""
    silent = host.lost or (host.condition is not None and host.condition.state.key == UNHEALTHY_SILENT)
    if silent:
        sign, role = "○ ", "muted"
    lead = "Last reported step" if silent else "Step waits" if waiting else "Working"
    return wrap(f"{lead}: {sentence}.{waits}", width, first=sign, rest="  ", role=role)


def _clock(host: HostFacts) -> str:
    """Return owner, deadline and last heartbeat as short sentences; what was read over SSH has its sources instead."""
    if host.sources:
        return host.sources
    condition = host.condition
    beat = "No heartbeat yet." if host.last_seen is None else f"Last heartbeat {age_of(host.last_seen, host.now)} ago."
    if condition is None or condition.state.key == HEALTHY:
        return beat
    owner = f"Owner: {condition.owner}." if condition.owner else ""
    due = ""
    if condition.deadline is not None:
        beats = condition.state.deadline.rule == SILENCE
        if condition.overdue > 0:
            due = f"{'Next heartbeat overdue' if beats else 'Overdue'} by {times.duration(condition.overdue)}."
        else:
            due = f"{'Next heartbeat due' if beats else 'Overdue'} in {times.duration(condition.deadline - host.now)}."
    return " ".join(filter(None, (owner, due, beat)))


def machine_lines(host: HostFacts, width: int) -> list[Line]:
    """Return what the machine is: hardware, system, agent, boot slot, uptime, use now."""
    doc = host.doc or {}
    cores, memory = number(doc, "spec.device.cpu.cores"), number(doc, "spec.device.memory.sizeInMB")
    hardware = f"{text(doc, 'spec.device.archType')}  {UNKNOWN if cores is None else int(cores)} cpu  {size(memory)}"
    gpus = ", ".join(f"{text(gpu, 'vendor')} {text(gpu, 'model')}" for gpu in many(doc, "spec.device.gpus"))
    system = " ".join(text(doc, f"spec.device.os.{part}") for part in ("family", "version"))
    kernel = text(doc, "spec.device.os.kernelVersion")
    load, cpu = number(doc, "spec.edgewright.load1"), number(doc, "spec.edgewright.cpuPercent")
    used = number(doc, "spec.edgewright.memoryUsedMB")
    use = [] if load is None else [f"load {load:.1f}"]
    use += [] if cpu is None else [f"cpu {cpu:.0f} %"]
    use += [] if used is None or not memory else [f"memory {used * 100 / memory:.0f} %"]
    degrees = number(doc, "spec.edgewright.temperatureC")
    use += [] if degrees is None else [f"{degrees:.0f} °C"]
    units = doc.get("spec", {}).get("edgewright", {}).get("failedUnits") if host.doc else None
    failed = ", ".join(clean(unit, 80) for unit in units) if isinstance(units, list) else ""
    uptime = number(doc, "spec.edgewright.uptimeSeconds")
    slot = text(doc, "spec.edgewright.bootSlot")
    pairs: list[tuple[str, Piece]] = [
        ("hardware", hardware + (f"  {gpus}" if gpus else "")),
        ("system", cut(f"{system}  kernel {kernel}", width - LABEL - 2)),
        ("use now", "  ".join(use) or UNKNOWN),
        ("agent", f"{text(doc, 'status.health.agentVersion')}  {_mode(text(doc, 'spec.device.hostType'))}"),
        ("boot slot", (slot, "warn") if slot in ("passive", "recovery") else slot),
        *([("failed units", cut(failed, width - LABEL - 2))] if failed else []),
        ("up for", UNKNOWN if uptime is None else times.duration(uptime)),
    ]
    booted = ("booted", work_text.booted_text(doc, host.last_seen, host.now))
    return [heading("MACHINE"), *facts(pairs, LABEL), *wrapped_facts([booted, *_link(host)], LABEL, width)]


def _link(host: HostFacts) -> list[tuple[str, str]]:
    """Return what the link is, when work starts, and the bytes of the month, all as the host last reported."""
    doc = host.doc or {}
    reported = (doc.get("spec") or {}).get("edgewright")
    interval, limit = number(doc, "status.edgewright.interval"), number(doc, "status.edgewright.silenceLimit")
    return link_rows(reported if isinstance(reported, dict) else {}, interval, limit, host.last_seen, host.now)


def _mode(kind: str) -> str:
    return "" if kind == UNKNOWN else kind


def origin_lines(host: HostFacts, width: int) -> list[Line]:
    """Return what it is here: cluster, site, tags, UID and where that came from, the token it came by."""
    doc = host.doc or {}
    clusters = ", ".join(text(item, "name") for item in many(doc, "status.inUseClusters")) or UNKNOWN
    origin = text(doc, "spec.edgewright.uidFrom")
    token = text(doc, "status.edgewright.tokenName")
    registered = when(doc, "status.edgewright.registeredAt")
    arrived = UNKNOWN if registered is None else exact(registered, seconds=False)
    generation, seen = number(doc, "status.edgewright.generation"), number(doc, "status.edgewright.observedGeneration")
    desired: Piece = UNKNOWN
    if generation is not None:
        behind = seen is not None and seen < generation
        desired = (
            (f"generation {generation:.0f}, host has {seen or 0:.0f}", "work")
            if behind
            else f"generation {generation:.0f}, the host has it"
        )
    pairs: list[tuple[str, Piece]] = [
        ("cluster", clusters),
        ("site", host.site or UNKNOWN),
        ("uid", cut(host.uid, width - LABEL - 2) + ("" if origin == UNKNOWN else f"  from {origin}")),
        ("registered", f"{arrived}  by token {token}" if token != UNKNOWN else arrived),
        ("desired", desired),
        ("remote SSH", text(doc, "spec.host.remoteSsh")),
    ]
    pairs += [(kind, cut(shown, width - LABEL - 2)) for kind, shown in work_text.documents(doc)]
    out = [heading("HERE"), *facts(pairs, LABEL)]
    uid = next((text(item, "uid") for item in many(doc, "status.inUseClusters")), "")
    places = (f"cluster/{uid}" if uid not in ("", UNKNOWN) else "", f"hosts/tag.site:{host.site}" if host.site else "")
    out[1:3] = [each._replace(key=key) for each, key in zip(out[1:3], places, strict=True)]
    tags = [tag for tag in host.tags if not tag.startswith("site:")]
    for index, part in enumerate(wrap("  ".join(tags) or UNKNOWN, max(width - LABEL - 2, 10))):
        out.append(line((pad("" if index else "tags", LABEL), "muted"), "  ", *part.spans))
    return out


def network_lines(host: HostFacts, width: int, unfold: bool = False) -> list[Line]:
    """Return the real network cards; those that Kubernetes makes are folded into one line."""
    cards = many(host.doc, "spec.device.nics")
    real = cards if unfold else list(nics.fold(cards).real)
    out = [heading("NETWORK", width, "gateway and DNS" if width >= 76 else "")]
    for card in real:
        address = text(card, "ip") + _prefix(text(card, "subnet"))
        names = ", ".join(clean(item) for item in many(card, "dns"))
        mark: Piece = ("► ", "accent") if find(card, "isDefault") else "  "
        left: list[Piece] = [mark, (pad(text(card, "nicName"), 16), "strong"), pad(address, 19)]
        left.append((text(card, "macAddr"), "muted"))
        gateway = text(card, "gateway")
        reported = " ".join(part for part in (gateway if gateway != UNKNOWN else "", names) if part)
        out.append(spread(left, [(reported, "muted")] if width >= 76 else [], width))
        if reported and width < 76:
            out.append(line((f"  {'':16}gateway {gateway}  DNS {names or UNKNOWN}", "muted")))
    folded = len(cards) - len(real)
    if folded:
        out.append(
            line(
                (
                    f"  {folded} virtual card{'s' if folded > 1 else ''} of Kubernetes hidden, v shows them",
                    "muted",
                ),
                key="fold",
            )
        )
    if not cards:
        out.append(line(("  - not reported yet", "muted")))
    return out


def _prefix(subnet: str) -> str:
    if subnet in ("", UNKNOWN):
        return ""
    if "/" in subnet:
        return "/" + subnet.rsplit("/", 1)[1]
    try:
        bits = sum(int(part).bit_count() for part in subnet.split("."))
    except ValueError:
        return ""
    return f"/{bits}" if subnet.count(".") == 3 else ""


def disk_lines(host: HostFacts, width: int) -> list[Line]:
    """Return the partitions with a bar each, fullest first."""
    rows: list[tuple[float, str, float, float]] = []
    for disk in many(host.doc, "spec.device.disks"):
        for part in many(disk, "partitions"):
            total, used = number(part, "totalSpace") or 0, number(part, "usedSpace") or 0
            if total > 0:
                rows.append((used / total, text(part, "mountPoint"), used, total))
    out = [heading("DISKS", width, "used of")]
    shown = sorted(rows, reverse=True)[:8]
    longest = min(max((len(mount) for _, mount, _, _ in shown), default=0), max(width - 37, 12))
    for share, mount, used, total in shown:
        role: Role = "bad" if share >= 0.95 else "warn" if share >= 0.85 else "ok"
        room = max(min(width - longest - 28, 40), 6)
        full = min(round(share * room), room)
        bar: list[Piece] = [("█" * full, role), ("░" * (room - full), "muted")]
        message = f"{_space(used)} of {_space(total)}"
        out.append(
            spread(
                ["  ", pad(mount, longest), " ", *bar, (f" {share * 100:3.0f} %", role if role != "ok" else "")],
                [(message, "muted")],
                width,
            )
        )
    if not rows:
        out.append(line(("  - not reported yet", "muted")))
    return out


def _space(amount: float) -> str:
    """Palette reports disk space in bytes; small numbers of older agents are megabytes."""
    return size(amount / 1048576 if amount > 10_000_000 else amount)


def key_lines(host: HostFacts, width: int) -> list[Line]:
    """Return the fingerprints of the host's SSH keys, to compare with what ssh shows."""
    keys = [clean(item).partition(" ") for item in many(host.doc, "spec.edgewright.sshHostKeys")]
    kinds = [kind.removeprefix("ssh-").split("-")[0] for kind, _, _ in keys]
    longest = max(map(len, kinds), default=0)
    out = [heading("SSH HOST KEYS")]
    for name, (_, _, rest) in zip(kinds, keys, strict=True):
        shown = fingerprint(rest)
        if longest + len(shown) + 4 <= width:
            out.append(line("  ", (pad(name, longest), "strong"), "  ", shown))
        else:  # half a fingerprint compares with nothing
            out += [line("  ", (name, "strong")), *wrap(shown, width, "  ", "  ")]
    return out if keys else [*out, line(("  - none handed over", "muted"))]


def fingerprint(base64_key: str) -> str:
    """Return `SHA256:...` of a public key as OpenSSH prints it, or the reason why not."""
    parts = base64_key.split()
    try:
        blob = base64.b64decode(parts[0] if parts else "", validate=True)
    except (binascii.Error, ValueError):
        return "not readable as a key"
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else UNKNOWN


def fetch_line(host: HostFacts, width: int) -> Line:
    """Return how old the document is, or why it cannot be shown."""
    if host.fetching:
        return line(("► ", "work"), ("Fetching this host from the plane ... esc stops it.", ""))
    if host.error:
        return line(("▲ ", "bad"), (cut(host.error, width - 2), ""))
    if host.doc is None:
        return line(("○ ", "muted"), ("Only the row of the list is known yet.", "muted"))
    return line(("• ", "muted"), (f"fetched {calm_age(host.fetched_at, host.now)}", "muted"))


def _state_lines(host: HostFacts, width: int) -> list[list[Line]]:
    if host.condition is None:
        return []
    return [condition_lines(host.condition, host.now, width, host.reason, host.absent)]


def body(host: HostFacts, events: Sequence[FeedLine], width: int, unfold: bool = False) -> list[Line]:
    """Return all of it in one column, most needed first."""
    blocks = [health_lines(host, width)]
    if host.doc is None or host.fetching or host.error:
        blocks.append([fetch_line(host, width)])
    if host.doc is not None:
        blocks += [
            origin_lines(host, width),
            machine_lines(host, width),
            network_lines(host, width, unfold),
            disk_lines(host, width),
        ]
        blocks.append(key_lines(host, width))
    next_block = 2 if host.doc is None or host.fetching or host.error else 1
    state = _state_lines(host, width)
    calm = host.condition is None or host.condition.state.key == HEALTHY
    blocks[next_block:next_block] = [
        operation_lines(host.operations, host.now, width, 3),
        event_lines(events, width, 3, host.now),
        *([] if calm else state),
    ]
    blocks += state if calm else []
    return _joined(blocks)


def columns_of(
    host: HostFacts, width: int, unfold: bool = False, right: int | None = None
) -> tuple[list[Line], list[Line]]:
    """Return two columns for wide screens: the answer, what it is here and the machine; network, disks and keys.

    `right` is the width of the second column, which a border makes narrower than the first.
    """
    other = width if right is None else right
    left = [health_lines(host, width)]
    if host.doc is None or host.fetching or host.error:
        left.append([fetch_line(host, width)])
    left.append(operation_lines(host.operations, host.now, width))
    state = _state_lines(host, width)
    if host.doc is None:
        return _joined([*left, *state]), []
    rest = [origin_lines(host, width), machine_lines(host, width)]
    calm = host.condition is None or host.condition.state.key == HEALTHY
    left += [*rest, *state] if calm else [*state, *rest]
    return _joined(left), _joined([network_lines(host, other, unfold), disk_lines(host, other), key_lines(host, other)])


def event_lines(
    events: Sequence[FeedLine], width: int, limit: int | None = None, now: float | None = None, most: int = 1
) -> list[Line]:
    """Return the events of this host, newest first, on at most `most` lines each."""
    lines = [
        Line((Span("  "), *feed_line.spans), feed_line.key)
        for feed_line in feed_lines(events, width - 2, limit, now, most)
    ]
    return [heading("EVENTS", width, f"{len(events)} known" if events else ""), *lines]


def _joined(blocks: Sequence[Sequence[Line]]) -> list[Line]:
    out: list[Line] = []
    for block in blocks:
        if out and block:
            out.append(Line())
        out.extend(block)
    return out
