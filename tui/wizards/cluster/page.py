"""The screen of the cluster wizard around its pages: question, body, hint, what the page adds to the answer file."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from edgewright.commands.cluster.candidates import Candidate, candidates
from tui.session import Session
from tui.widgets.frame import FrameLine
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, rule
from tui.wizards.cluster import content
from tui.wizards.cluster.body import PageBody
from tui.wizards.cluster.pages import ANSWERS
from tui.wizards.cluster.wizard_state import ClusterState
from tui.wizards.parts.added import adds_lines, preview_lines
from tui.wizards.parts.difference import changes
from tui.wizards.parts.paged import PagedWizard
from tui.wizards.parts.writing import store_refusal

ADDS = 3
"""Lines for what the page adds."""


class ClusterWizardPage(PagedWizard):
    """What the wizard shows. Its pages ask it for what only the wizard may do."""

    view = "cluster-new"
    hint_lines = 2
    DEFAULT_CSS = """
    ClusterWizardPage {
        & #hint { height: 2; }
        & #adds { height: 3; }
        & #side { display: none; width: 1fr; border-left: solid $muted; padding-left: 1; }
        &.-wide { & #side { display: block; } & #left { width: 2fr; } & #rule-adds, & #adds { display: none; } }
        &.-low, &.-summary { & #rule-adds, & #adds { display: none; } }
        &.-tiny #hint { display: none; }
    }
    """

    def __init__(self, session: Session, target: str = "") -> None:
        super().__init__(session, target)
        self.wizard_state = ClusterState()
        self.api: Any = None
        self.plane: Any = None
        self.body: PageBody | None = None
        self.plane_doing = ""
        self.plane_problem = ""
        self._before: dict[str, Any] = {}
        self._known: list[Candidate] | None = None

    def compose_body(self) -> ComposeResult:
        """Yield question, page, hint and what the page adds; the complete file beside them on a wide screen."""
        with Horizontal():
            with Vertical(id="left"):
                yield FrameLine(id="question")
                yield Vertical(id="page")
                yield LineView(id="hint")
                yield FrameLine(id="rule-adds")
                yield LineView(id="adds")
            yield LineView(id="side")

    # What pages ask for ----------------------------------------------------------------------------------------------

    def candidates(self) -> list[Candidate]:
        """Return all hosts, free ones first; looked at again once a second, and after a change."""
        if self._known is None:
            hosts = self.session.store.model.hosts
            chosen = [hosts[host["uid"]] for host in self.wizard_state.hosts if host["uid"] in hosts]
            kind = chosen[0].simulated if chosen else None
            project = self.plane.project if self.plane is not None else ""
            projects = self.plane.projects if self.plane is not None else {}
            self._known = candidates(hosts.values(), project, projects, kind)
        return self._known

    def host_names(self) -> list[str]:
        """Return the names of all hosts: a name that is there twice cannot be used in the answer file."""
        return [row.name for row in self.session.store.model.hosts.values()]

    def document(self, *, covered: bool) -> dict[str, Any]:
        """Return the answer file; with `covered` for screens: values of masked variables are covered."""
        state = self.wizard_state
        return state.document(self.host_names(), state.masked if covered else ())

    def store_refusal(self) -> str:
        """Return why nothing can be created, one sentence; "" when it can."""
        return store_refusal(self.session, "created", "creating a cluster", "writes the file")

    # The frame -------------------------------------------------------------------------------------------------------

    @property
    def crumb(self) -> str:
        """Show what it is."""
        return content.TITLE

    def steps(self, width: int) -> Line:
        """Return the line of steps."""
        return content.steps_line(self.wizard_state, width)

    def begin_page(self) -> None:
        """Note the file without the answers of the page, so that it can show what it adds."""
        self._before = self.wizard_state.document_before(self.host_names(), self.wizard_state.masked)

    def refresh_around(self) -> None:
        """Show what is around the body: question, hint, what the page adds, keys."""
        if not self.is_there or not self.size.width:
            return
        page = self.wizard_state.page
        self.set_class(self.wizard_state.key not in ANSWERS, "-summary")
        question = page.question if page is not None else "Is this what you want?"
        self.query_one("#question", FrameLine).set_line(line((question, "strong")))
        width = max(self.query_one("#left").size.width or self.size.width, 8)
        self.query_one("#rule-adds", FrameLine).set_line(rule(width))
        now = self.document(covered=True)
        adds = self.query_one("#adds", LineView)
        adds.can_focus = False
        adds.set_lines(adds_lines(changes(self._before, now), width - 1, ADDS))
        side = self.query_one("#side", LineView)
        side.can_focus = False
        if self.has_class("-wide") and self.api is not None:
            side.set_lines(preview_lines(self.api.text_of(now), self.api.text_of(self._before) if page else ""))
        self.show_hint()
        self.show_frame()
