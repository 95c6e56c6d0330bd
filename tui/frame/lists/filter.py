"""The typed filter as every list offers it: what is wrong with one, what to show while it is typed, what may follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.core.errors import EdgewrightError
from tui.widgets.lines import Line, line

if TYPE_CHECKING:
    from edgewright.core.filters.fields import FilterField
    from edgewright.core.filters.filters import Filter

Fields = tuple["FilterField", ...]
HOSTS_EXAMPLE = "health:unhealthy  tag.site:berlin  age<2h  cpu>=4  -state:ready  /regex/  free text"


def parsed(text: str, fields: Fields | None = None) -> Filter | None:
    """Return the filter in `text`, None for no text; `fields` are the hosts' unless given. Raises `EdgewrightError`."""
    return _filters().parse(text, fields or _filters().FILTER_FIELDS) if text.strip() else None


def wrong_with(text: str, fields: Fields | None = None) -> str:
    """Return what is wrong with a filter, one sentence and its next step; `""` when nothing is."""
    try:
        parsed(text, fields)
    except EdgewrightError as error:
        return f"{error.message} {error.hint}".strip()
    return ""


def judged(text: str, fields: Fields | None = None, example: str = HOSTS_EXAMPLE) -> Line:
    """Return what to show below a filter while it is typed."""
    if not text.strip():
        return line((example, "muted"))
    wrong = wrong_with(text, fields)
    return line((wrong, "warn")) if wrong else line(("enter applies it esc cancels it", "muted"))


def completions(text: str, fields: Fields | None = None) -> list[str]:
    """Return what the last heartbeat of a filter may become: a field and its sign."""
    before, space, last = text.rpartition(" ")
    minus = "-" if last.startswith("-") else ""
    word = last[len(minus) :].lower()
    if not word or ":" in word:
        return []
    matches = [field for field in fields or _filters().FILTER_FIELDS if field.name.startswith(word)]
    return [f"{before}{space}{minus}{field.name}{'<' if field.kind in ('age', 'until') else ':'}" for field in matches]


def _filters() -> Any:
    """Return the grammar of filters: the first frame has none to read."""
    from edgewright.core.filters import filters

    return filters
