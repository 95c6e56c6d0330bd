"""The counts of the start screen: fleet, sites, tokens and certificates; the feed; and the board of the wall."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.core import times
from tui.screens.pulse.content import Endings, Pulse, TagCount
from tui.widgets.lines import Line, Piece, Role, Span, heading, line, pad, spread

BARS = "▁▂▃▄▅▆▇█"
CERTIFICATE_SOON = 25 * times.DAY
"""Seconds before its end from which a certificate is marked: the hub renews its own earlier."""


def rate_text(rate: float | None) -> str:
    """Return heartbeats a second, for a small fleet a minute: `8.1/s`, `20/min`; `-` while not measured."""
    if rate is None:
        return "-"
    if rate >= 1:
        return f"{rate:,.1f}/s"
    return f"{rate * 60:.0f}/min" if rate * 60 >= 1 or not rate else f"{rate * 60:.1f}/min"


def spark(values: Sequence[float | None], width: int) -> str:
    """Return a line of bars for `values`, the newest at the right; what is not known is blank.

    The common height is half of the line, so that an even hour looks calm and both a fall and a rush are seen.
    """
    shown = list(values)[-width:]
    known = sorted(value for value in shown if value is not None)
    usual = known[len(known) // 2] if known else 0.0
    top = max(known[-1] if known else 0.0, usual * 2) or 1.0
    steps = len(BARS) - 1

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        return BARS[0] if value <= 0 else BARS[max(min(round(value / top * steps), steps), 1)]

    return "".join(map(bar, shown))


def fleet_lines(pulse: Pulse, width: int) -> list[Line]:
    """Return the three lines of counts: fleet, sites, tokens and certificates."""
    fleet = _count_pieces(pulse.healthy, pulse.unhealthy, pulse.unknown, word=True)
    if not pulse.total:
        fleet = [("- loading" if pulse.loading else "- no host yet", "muted")]
    counts: list[Piece] = [
        (pad("FLEET", 9), "head"),
        *fleet,
    ]
    if pulse.simulated:
        counts.append((f"   {pulse.simulated:,} simulated", "work"))
    room = max(min(width - line(*counts).width - 22, 60), 0)
    beats: list[Piece] = []
    if pulse.heartbeats and room >= 6:
        beats = [("heartbeats ", "muted"), (spark(pulse.heartbeats, room), "info")]
        beats.append((f" {rate_text(pulse.rate)}", "muted"))
    return [spread(counts, beats, width), _site_line(pulse, width), _ending_line(pulse, width)]


def _count_pieces(healthy: int, unhealthy: int, unknown: int, word: bool = False) -> list[Piece]:
    pieces: list[Piece] = [("• ", "ok"), (f"{healthy:,}" + (" healthy" if word else ""), "")]
    if unhealthy:
        pieces += [("   ▲ ", "bad"), (f"{unhealthy:,}" + (" unhealthy" if word else ""), "strong")]
    if unknown:
        pieces += [("   ○ ", "muted"), (f"{unknown:,}" + (" unknown" if word else ""), "")]
    return pieces


def _site_line(pulse: Pulse, width: int) -> Line:
    bad = sum(1 for site in pulse.sites if site.unhealthy)
    unknown = sum(1 for site in pulse.sites if not site.unhealthy and site.unknown == site.total)
    left: list[Piece] = [(pad("SITES", 9), "head")]
    if pulse.sites:
        left += _count_pieces(len(pulse.sites) - bad - unknown, bad, unknown)
    elif pulse.reading:
        left.append(("… counting", "muted"))
    else:
        left.append(("- no host has the tag site", "muted"))
    right: list[Piece] = []
    for state, count in pulse.by_state:
        right += [(f"  {state} ", "muted"), (f"{count:,}", "")]
    if pulse.clusters.total:
        left += ["   ", *_cluster_pieces(pulse)]
        right = right if line(*left, *right).width < width else []
    return spread(left, right, width)


def _cluster_pieces(pulse: Pulse) -> list[Piece]:
    count = pulse.clusters
    pieces: list[Piece] = [(pad("CLUSTERS", 9), "head"), *_count_pieces(count.healthy, count.unhealthy, count.unknown)]
    if count.working:
        pieces += [("   ► ", "work"), (f"{count.working:,}", "")]
    if count.simulated:
        pieces.append((f"   {count.simulated:,} simulated", "work"))
    return pieces


def _ending_line(pulse: Pulse, width: int) -> Line:
    """Return what ends, and certificates, side by side; the certificates give way on a narrow screen."""
    left: list[Piece] = []
    for each in pulse.endings:
        gap: list[Piece] = ["  "] if left else []
        left += gap + _ending_pieces(each, pulse.now)
    if pulse.loading:
        return spread(left, [(f"loading {pulse.loading}", "work")], width)
    return spread(left, _certificate_pieces(pulse), width)


def _ending_pieces(endings: Endings, now: float) -> list[Piece]:
    left: list[Piece] = [(pad(endings.title, 9), "head")]
    if endings.soon:
        name, ends = endings.soon[0]
        left_time = ends - now
        role: Role = "warn" if left_time < 7 * times.DAY else ""
        when = f"ends in {times.age(left_time)}" if left_time > 0 else f"ended {times.age(-left_time)} ago"
        left += [(f"{name} {when}", role)]
        more = len(endings.soon) - 1
        left.append((f", {more} more within 30d" if more > 0 else "", "muted"))
    else:
        left.append((f"{endings.stored:,}, none ends within 30d" if endings.stored else "- none yet", "muted"))
    return left


def _certificate_pieces(pulse: Pulse) -> list[Piece]:
    """Return the plane's own certificates with the time left, the soonest first; nothing where none is known."""
    pieces: list[Piece] = []
    for name, ends in sorted(pulse.certificates, key=lambda item: item[1]):
        left = ends - pulse.now
        role: Role = "bad" if left <= 0 else "warn" if left < CERTIFICATE_SOON else ""
        pieces += [("  " if pieces else "CERTS  ", "head" if not pieces else "")]
        pieces += [(f"{name} ", "muted"), (times.age(left) if left > 0 else "ended", role)]
    return pieces


def board_lines(pulse: Pulse, width: int, height: int) -> list[Line]:
    """Return the third column: sites and tags, worst first, each with its counts; enter shows their hosts."""
    out: list[Line] = []
    for title, prefix, rows in (("SITES", "site:", pulse.sites), ("TAGS", "", pulse.tags)):
        if not rows:
            continue
        if out:
            out.append(line())
        room = max((height - len(out)) // (2 if title == "SITES" and pulse.tags else 1) - 2, 3)
        out.append(heading(title, width, "hosts"))
        out.extend(_tag_line(row, prefix, width) for row in rows[:room])
        if len(rows) > room:
            out.append(line((f"  and {len(rows) - room:,} more, none worse", "muted")))
    return out or [line(("Counting sites and tags." if pulse.reading else "No host has a tag yet.", "muted"))]


def _tag_line(row: TagCount, prefix: str, width: int) -> Line:
    sign: Span = Span("▲ ", "bad") if row.unhealthy else Span("• ", "ok") if row.healthy else Span("○ ", "muted")
    calm: Role = "muted" if not row.unhealthy else ""
    count = f"{row.unhealthy:,} of {row.total:,}" if row.unhealthy else f"{row.total:,}"
    return spread(
        [sign, (row.tag, calm)],
        [(count, "bad" if row.unhealthy else "muted")],
        width,
        key=f"hosts/tag.{prefix}{row.tag}",
    )
