"""The filter of the problem list: by fields of a problem; a filter that only hosts have opens Hosts with it."""

from __future__ import annotations

from edgewright.core.filters.filters import Filter
from edgewright.core.problems.fields import PROBLEM_FIELDS
from tui.frame.lists.filter import completions, judged, parsed, wrong_with
from tui.widgets.lines import Line, line
from tui.widgets.prompt import Asking

NO_FIELD = "There is no field"
EXAMPLE = "kind:disk  owner:operator  assignee:anna  since>1h  -ack:yes  free text; hosts: cpu>=4"


class ProblemFilter:
    """The text of the filter, and the filter; it lasts as long as the screen."""

    def __init__(self) -> None:
        self.text = ""
        self.wanted: Filter | None = None
        self.history: list[str] = []

    def take(self, text: str) -> bool:
        """Take a filter of problems; return whether it is one."""
        if wrong_with(text, PROBLEM_FIELDS):
            return False
        self.text = text.strip()
        self.wanted = parsed(self.text, PROBLEM_FIELDS)
        return True

    def asking(self) -> Asking:
        """Return the prompt that asks for it."""
        return Asking(
            "filter",
            "/",
            self.text,
            judge=_judged,
            complete=lambda text: completions(text, PROBLEM_FIELDS) or completions(text),
            history=self.history,
            wrong=_wrong,
        )


def for_hosts(text: str) -> bool:
    """Return whether a filter is one of hosts and none of problems, e.g. `cpu>=4`."""
    return bool(text.strip()) and bool(wrong_with(text, PROBLEM_FIELDS)) and not wrong_with(text)


def _wrong(text: str) -> str:
    """Return why a text is not a filter; of two reasons the one about its value, which is about a field that exists."""
    if for_hosts(text):
        return ""
    of_problems, of_hosts = wrong_with(text, PROBLEM_FIELDS), wrong_with(text)
    return of_hosts if of_problems.startswith(NO_FIELD) and of_hosts else of_problems


def _judged(text: str) -> Line:
    if for_hosts(text):
        return line(("a filter of hosts: enter opens Hosts with it", "muted"))
    wrong = _wrong(text)
    return line((wrong, "warn")) if wrong else judged(text, PROBLEM_FIELDS, EXAMPLE)
