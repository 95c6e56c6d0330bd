"""What the start screen shows, as plain values already chosen and sorted, and how ages are written on it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from edgewright.core import times
from tui.frame.ages import age_of
from tui.frame.feed import FeedLine
from tui.widgets.lines import Role

Section = Literal["attention", "unhealthy", "working"]

TITLES: dict[Section, str] = {"attention": "NEEDS ATTENTION", "unhealthy": "UNHEALTHY", "working": "WORKING"}
SIGNS: dict[Section, tuple[str, Role]] = {
    "attention": ("‼", "warn"),
    "unhealthy": ("▲", "bad"),
    "working": ("►", "work"),
}


class Handling(Struct, frozen=True):
    """Who handles a problem, as the plane stores it; times in epoch seconds."""

    assignee: str = ""
    acknowledged: bool = False
    acknowledged_by: str = ""
    """Empty when it was acknowledged in this console alone."""
    acknowledged_at: float | None = None
    note: str = ""
    silenced_until: float | None = None
    updated_by: str = ""

    def silenced(self, now: float) -> bool:
        """Return whether the problem is silenced at `now`."""
        return self.silenced_until is not None and now < self.silenced_until

    def handled(self, now: float) -> bool:
        """Return whether the problem is below the others: acknowledged or silenced."""
        return self.acknowledged or self.silenced(now)


class Step(Struct, frozen=True):
    """The next step of a problem: a sentence, and what its key opens."""

    text: str = ""
    label: str = ""
    """What the key opens, in one or two words (`log of kubelet.service`); empty when there is nothing to open."""
    opens: str = ""
    """View and target (`logs/<uid>/<unit>`)."""


class Item(Struct, frozen=True):
    """One problem, or one operation that is under way."""

    key: str
    """Names the line, so that the cursor stays on it."""
    section: Section
    name: str
    sentence: str
    since: float | None = None
    """Since when, epoch seconds UTC."""
    owner: str = ""
    """Owner class: host, plane or operator; of an operation the time left is shown in its place."""
    detail: tuple[str, ...] = ()
    """More sentences for the pane beside the list."""
    opens: str = ""
    """What enter opens: `host/<uid>`, `token/<uid>` or `hosts/<filter>`."""
    problem: str = ""
    """The key under which the problem is handled; empty when there is nothing to handle."""
    uids: tuple[str, ...] = ()
    """The hosts behind it."""
    deadline: float | None = None
    """When an operation must be done; past it, it is overdue."""
    mild: bool = False
    """It becomes a problem if nothing is done, and is none yet."""
    kind: str = ""
    site: str = ""
    step: Step = Step()
    handling: Handling = Handling()

    def get(self, name: str) -> object:
        """Return the value of a field of `core.problems.fields.PROBLEM_FIELDS`."""
        if name in ("assignee", "note"):
            return getattr(self.handling, name)
        if name == "acknowledged":
            return self.handling.acknowledged
        if name == "hosts":
            return len(self.uids)
        value: object = getattr(self, name, None)
        return value


class TagCount(Struct, frozen=True):
    """How the hosts of one tag are."""

    tag: str
    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """Return how many hosts have the tag."""
        return self.healthy + self.unhealthy + self.unknown


class ClusterCount(Struct, frozen=True):
    """How the clusters are; `working` are formed or deleted now."""

    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0
    working: int = 0
    simulated: int = 0

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.healthy + self.unhealthy + self.unknown + self.working


class Endings(Struct, frozen=True):
    """Things of a resource that end: its title, how many there are, name and end of the next ones, soonest first."""

    title: str
    stored: int = 0
    soon: tuple[tuple[str, float], ...] = ()


class Pulse(Struct, frozen=True):
    """Everything that the start screen shows, already chosen and sorted."""

    now: float
    checked: float | None = None
    """When the plane last responded, epoch seconds UTC; None when never."""
    items: tuple[Item, ...] = ()
    filter: str = ""
    """The filter that chose `items`."""
    problems: int = 0
    """Items without the filter."""
    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0
    by_state: tuple[tuple[str, int], ...] = ()
    sites: tuple[TagCount, ...] = ()
    """Worst first; the tag is the site's name alone."""
    tags: tuple[TagCount, ...] = ()
    """Worst first, all tags but `site`, as `key:value`."""
    endings: tuple[Endings, ...] = ()
    """One for each resource whose things end."""
    certificates: tuple[tuple[str, float], ...] = ()
    """Name and when it ends, of the plane's own certificates."""
    heartbeats: tuple[float | None, ...] = ()
    """Heartbeats a second for each minute of the last hour, oldest first; None where the plane did not respond."""
    rate: float | None = None
    """Heartbeats a second now, None when not known."""
    clusters: ClusterCount = ClusterCount()
    feed: tuple[FeedLine, ...] = ()
    """Newest first."""
    simulated: int = 0
    loading: str = ""
    """What is still on its way (`1,200 of 30,000 hosts`), empty when all is here."""
    reading: bool = False
    """Sites and tags are not counted yet: most hosts are still being read from disk."""
    lost: str = ""
    """Why the plane does not respond, empty when it does."""

    @property
    def total(self) -> int:
        """Return how many hosts there are."""
        return self.healthy + self.unhealthy + self.unknown


def checked_text(checked: float | None, now: float) -> str:
    """Return when the plane last responded: `checked 3s ago`, in steps of ten seconds on a slow link."""
    if checked is None:
        return "not checked yet"
    age = age_of(checked, now)
    return "checked just now" if age == "0s" else f"checked {age} ago"


def sign_of(item: Item, now: float) -> tuple[str, Role]:
    """Return glyph and role of an item; an overdue operation needs attention."""
    if item.deadline is not None and item.deadline <= now:
        return SIGNS["attention"]
    glyph, role = SIGNS[item.section]
    return glyph, "warn" if item.mild else role


def owner_text(item: Item, now: float) -> str:
    """Return the owner class; of an operation the time left, in one unit."""
    if item.deadline is None:
        return item.owner
    left = item.deadline - now
    return f"{times.age(left)} left" if left > 0 else "overdue"
