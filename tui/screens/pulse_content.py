"""What the start screen says, as lines: what is wrong worst first, what the fleet is, what was told last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgewright.core import times
from tui.exact import exact
from tui.widgets.lines import Line, Piece, Role, Span, clip_line, columns, cut, heading, line, pad, spread, wrap

Section = Literal["person", "unwell", "working"]

TITLES: dict[Section, str] = {"person": "NEEDS ATTENTION", "unwell": "NOT WELL", "working": "WORKING"}
SIGNS: dict[Section, tuple[str, Role]] = {"person": ("‼", "warn"), "unwell": ("▲", "bad"), "working": ("►", "work")}
BARS = "▁▂▃▄▅▆▇█"
NAME_WIDTH = 13
NARROW = 48
"""Below this many columns a problem is its name and sentence alone."""


@dataclass(frozen=True)
class Item:
    """One thing that is not as it should be, or is on its way."""

    key: str
    """Names the line, so that the cursor stays on it."""
    section: Section
    name: str
    sentence: str
    since: float | None = None
    """Since when, epoch seconds UTC."""
    who: str = ""
    """Who must act: field, plane, carrier, person; or the time left of what is on its way."""
    detail: tuple[str, ...] = ()
    """More sentences for the pane beside the list."""
    acknowledged: bool = False
    opens: str = ""
    """What enter opens: `host/<uid>`, `token/<uid>` or `hosts/<filter>`."""
    problem: str = ""
    """The name by which the store knows the problem, for acknowledging it."""
    uids: tuple[str, ...] = ()
    """The hosts behind it."""
    deadline: float | None = None
    """Until when what is on its way must be there; past it, it is overdue."""
    mild: bool = False
    """It will be a problem if nothing is done, and is none yet."""


@dataclass(frozen=True)
class TagCount:
    """How the hosts of one tag are."""

    tag: str
    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """Return how many hosts carry the tag."""
        return self.healthy + self.unhealthy + self.unknown


@dataclass(frozen=True)
class Told:
    """One line of the event feed."""

    key: str
    at: float
    text: str
    role: Role = ""


@dataclass(frozen=True)
class Pulse:
    """Everything that the start screen shows, already chosen and sorted."""

    now: float
    checked: float | None = None
    """When the plane was last heard, epoch seconds UTC; None when never."""
    items: tuple[Item, ...] = ()
    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0
    by_state: tuple[tuple[str, int], ...] = ()
    sites: tuple[TagCount, ...] = ()
    """Worst first; the tag is the site's name alone."""
    tags: tuple[TagCount, ...] = ()
    """Worst first, all tags but `site`, as `key:value`."""
    tokens_ending: tuple[tuple[str, float], ...] = ()
    """Name and when it ends, soonest first."""
    tokens: int = 0
    heartbeats: tuple[float | None, ...] = ()
    """Heartbeats a second for each minute of the last hour, oldest first; None where the plane was not heard."""
    rate: float | None = None
    """Heartbeats a second now, None when not known."""
    feed: tuple[Told, ...] = ()
    """Newest first."""
    simulated: int = 0
    loading: str = ""
    """What is still on its way (`1,200 of 30,000 hosts`), empty when all is here."""
    reading: bool = False
    """Sites and tags are not counted yet: most hosts are still being read from disk."""
    lost: str = ""
    """Why the plane is not heard, empty when it is."""

    @property
    def total(self) -> int:
        """Return how many hosts there are."""
        return self.healthy + self.unhealthy + self.unknown


def age_of(since: float | None, now: float) -> str:
    """Return the age in one unit, `-` when not known."""
    return "-" if since is None else times.age(max(now - since, 0.0))


def calm_age(since: float | None, now: float) -> str:
    """Return an age that does not tick: `just now`, then steps of ten seconds, then `4m ago`."""
    if since is None:
        return "never"
    whole = max(now - since, 0.0)
    if whole < 10:
        return "just now"
    return f"{times.age(whole if whole >= 60 else whole // 10 * 10)} ago"


def problem_lines(pulse: Pulse, width: int) -> list[Line]:
    """Return the three lists, worst first; one calm line when there is nothing to say."""
    shown: list[Line] = []
    for section, title in TITLES.items():
        items = [item for item in pulse.items if item.section == section]
        if not items:
            continue
        words = "" if width < NARROW or any(one.spans and one.key for one in shown) else "since who      "
        shown.append(heading(title, width, words))
        shown.extend(_item_line(item, pulse.now, width) for item in sorted(items, key=lambda item: item.acknowledged))
    if shown:
        return shown
    return _calm_lines(pulse, width)


def _item_line(item: Item, now: float, width: int) -> Line:
    glyph, role = _sign(item, now)
    told: Role = "muted" if item.acknowledged else ""
    who = "seen" if item.acknowledged else _who(item, now)
    if width < NARROW:
        lead = (f"{glyph} ", "muted" if item.acknowledged else role)
        return clip_line(line(lead, (item.name, told or role), " ", (item.sentence, told), key=item.key), width)
    fixed = 2 + NAME_WIDTH + 1 + 2 + 5 + 2 + 9
    room = max(width - fixed, 8)
    return columns(
        (
            ((f"{glyph} {pad(item.name, NAME_WIDTH)} ", "muted" if item.acknowledged else role), NAME_WIDTH + 3),
            ((cut(item.sentence, room), told), room),
            ((age_of(item.since, now), told or "strong"), -5),
            ((who, "muted"), 9),
        ),
        gap=0 if width < 60 else 1,
        key=item.key,
    )


def _who(item: Item, now: float) -> str:
    """Return who must act; of what is on its way the time that is left, in one unit."""
    if item.deadline is None:
        return item.who
    left = item.deadline - now
    return f"{times.age(left)} left" if left > 0 else "overdue"


def _sign(item: Item, now: float) -> tuple[str, Role]:
    if item.deadline is not None and item.deadline <= now:
        return SIGNS["person"]
    glyph, role = SIGNS[item.section]
    return glyph, "warn" if item.mild else role


def _calm_lines(pulse: Pulse, width: int) -> list[Line]:
    when = "not checked yet" if pulse.checked is None else f"checked {calm_age(pulse.checked, pulse.now)}"
    if pulse.lost:
        known = "Nothing known to be wrong" if pulse.total else "Nothing is known yet"
        return wrap(f"{known}, but the plane is not heard: {pulse.lost}.", width, first="▬ ", rest="  ", role="parked")
    if pulse.loading and not pulse.total:
        return [line(("► ", "work"), (f"Loading the fleet: {pulse.loading}.", ""))]
    if pulse.checked is None and not pulse.total:
        return [line(("○ ", "muted"), "Nothing is known yet: the plane has not answered so far.")]
    if not pulse.total:
        return [
            line(("○ ", "muted"), ("No host has come in yet.", "strong"), (f"  {when}", "muted")),
            line(),
            line("  A host comes in with a registration token: type ", (":tokens", "accent"), ", then"),
            line("  run on the host   ", ("edgewright agent install --endpoint URL --token-file FILE", "accent")),
            line(),
            line(("  What comes in shows here at once.", "muted")),
        ]
    many = f"all {pulse.total:,} hosts are" if pulse.total > 1 else "the one host is"
    sentence = f"Nothing is wrong: {many} well."
    sign: Piece = ("• ", "ok") if pulse.healthy else ("○ ", "muted")
    if pulse.unknown:
        sentence = f"Nothing is known to be wrong: {pulse.healthy:,} well, {pulse.unknown:,} not heard of yet."
    return [line(sign, (cut(sentence, max(width - len(when) - 4, 8)), ""), (f"  {when}", "muted"))]


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
    """Return the three lines of counts: fleet, sites, tokens."""
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
    return [spread(counts, beats, width), _site_line(pulse, width), _token_line(pulse, width)]


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
        left.append(("… counting them", "muted"))
    else:
        left.append(("- no host carries a tag `site`", "muted"))
    right: list[Piece] = []
    for state, count in pulse.by_state:
        right += [(f"  {state} ", "muted"), (f"{count:,}", "")]
    return spread(left, right, width)


def _token_line(pulse: Pulse, width: int) -> Line:
    left: list[Piece] = [(pad("TOKENS", 9), "head")]
    if pulse.tokens_ending:
        name, ends = pulse.tokens_ending[0]
        left_time = ends - pulse.now
        role: Role = "warn" if left_time < 7 * 86400 else ""
        when = f"ends in {times.age(left_time)}" if left_time > 0 else f"ended {times.age(-left_time)} ago"
        left += [(f"{name} {when}", role)]
        more = len(pulse.tokens_ending) - 1
        left.append((f"   and {more} more within 30d" if more > 0 else "", "muted"))
    else:
        left.append((f"{pulse.tokens:,}, none ends within 30d" if pulse.tokens else "- none made yet", "muted"))
    return spread(left, [(pulse.loading and f"loading {pulse.loading}", "work")], width)


def feed_lines(feed: Sequence[Told], width: int, limit: int | None = None, now: float | None = None) -> list[Line]:
    """Return what was told, newest first: time, then the sentence in its colour."""
    out: list[Line] = []
    for told in feed[:limit]:
        text = times.rfc3339(told.at)
        old = now is not None and now - told.at > times.DAY
        stamp = f"{text[5:10]} {text[11:13]}h " if old else f"{text[11:19]}Z "
        out.append(line((stamp, "muted"), (cut(told.text, max(width - len(stamp), 4)), told.role), key=told.key))
    return out or [line(("No event yet.", "muted"))]


def detail_lines(item: Item | None, pulse: Pulse, width: int) -> list[Line]:
    """Return the pane beside the list: the thing under the cursor in whole sentences."""
    if item is None:
        return [line(("Nothing to look at.", "muted"))]
    glyph, role = _sign(item, pulse.now)
    out = [spread([(f"{glyph} {item.name}", role)], [(_who(item, pulse.now), "muted")], width)]
    for sentence in (item.sentence, *item.detail):
        out += wrap(sentence, width - 2, first="  ", rest="  ")
    if item.since is not None:
        since = f"since {exact(item.since)}"
        out.append(line("  ", (f"{since}, {times.words(max(pulse.now - item.since, 0))}", "muted")))
    if item.deadline is not None:
        left = item.deadline - pulse.now
        told = (
            f"until {exact(item.deadline)}, {times.words(left)} left"
            if left > 0
            else f"overdue for {times.words(-left)}"
        )
        out.append(line("  ", (told, "muted" if left > 0 else "warn")))
    return out


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
            out.append(line((f"  and {len(rows) - room:,} more, all well or better than these", "muted")))
    return out or [line(("Counting sites and tags." if pulse.reading else "No host carries a tag yet.", "muted"))]


def _tag_line(row: TagCount, prefix: str, width: int) -> Line:
    sign: Span = Span("▲ ", "bad") if row.unhealthy else Span("• ", "ok") if row.healthy else Span("○ ", "muted")
    calm: Role = "muted" if not row.unhealthy else ""
    told = f"{row.unhealthy:,} of {row.total:,}" if row.unhealthy else f"{row.total:,}"
    return spread(
        [sign, (row.tag, calm)],
        [(told, "bad" if row.unhealthy else "muted")],
        width,
        key=f"hosts/tag.{prefix}{row.tag}",
    )
