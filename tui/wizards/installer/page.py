"""The frame of the wizard: question, fields, findings, what the page adds, the complete file beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import TextArea

from edgewright.commands.installer import wizard_api as installer
from edgewright.core.errors import EdgewrightError
from edgewright.core.installer.document import user_data
from edgewright.core.installer.pages import QUESTIONS, page_of
from tui.frame.fetch import sentence
from tui.session import Session
from tui.widgets.frame import FrameLine
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, rule, wrap
from tui.wizards.installer import content
from tui.wizards.installer.wizard_state import WizardState
from tui.wizards.parts.added import adds_lines, preview_lines
from tui.wizards.parts.difference import Change, changes
from tui.wizards.parts.form import QuestionForm
from tui.wizards.parts.frame import WizardFrame
from tui.wizards.parts.rows import RowsControl
from tui.wizards.parts.steps import clipped, fact_lines

if TYPE_CHECKING:
    from edgewright.core.cloudconfig.findings import Finding
    from edgewright.core.installer.questions import Question

ADDS = 3
"""Lines for what a page adds."""
FINDINGS = 5
"""Lines for findings; all of them are read with `c`."""


class WizardPage(WizardFrame):
    """What the wizard shows of an interview; going about in it is `InstallerWizard`."""

    view = "installer-new"
    DEFAULT_CSS = """
    WizardPage {
        & #summary { display: none; }
        & #findings { height: auto; max-height: 5; }
        & #rule-adds { display: block; }
        & #adds { height: 3; }
        & #preview { display: none; width: 1fr; border-left: solid $muted; padding-left: 1; }
        &.-summary {
            & #page, & #findings, & #question, & #rule-adds, & #adds { display: none; }
            & #summary { display: block; }
        }
        &.-wide { & #preview { display: block; } & #rule-adds, & #adds { display: none; } }
        &.-low { & #rule-adds, & #adds { display: none; } }
        &.-tiny #findings { display: none; }
    }
    """

    def __init__(self, session: Session, target: str = "") -> None:
        """Make the wizard; `target` may name an answer file to begin with."""
        super().__init__(session, target)
        self.wizard_state = WizardState()
        self._form: QuestionForm | None = None
        self._findings: list[Finding] = []
        self._online: list[Finding] = []
        self._facts: dict[str, list[tuple[str, str]]] = {}
        self._tried: set[str] = set()
        """Keys of the pages that were tried to be left with something missing: from then on it stays shown."""
        self._wrong: dict[str, str] = {}
        """What a question's value turned out to be wrong with when it was tried, by key."""
        self._warned: tuple[str, tuple[str, ...]] = ("", ())
        self._before: dict[str, Any] = {}
        self._before_text = ""
        self._planes: dict[str, Any] = {}

    @property
    def forge(self) -> Any:
        """What reads, checks and builds: `edgewright.commands.installer.wizard_api`, or the session's."""
        if self.session.installer is None:
            self.session.installer = installer
        return self.session.installer

    def compose_body(self) -> ComposeResult:
        """Yield question, fields, findings and what the page adds; the complete file beside them on a wide screen."""
        with Horizontal():
            with Vertical(id="left"):
                yield FrameLine(id="question")
                yield Vertical(id="page")
                yield LineView(id="summary")
                yield LineView(id="findings")
                yield LineView(id="hint")
                yield FrameLine(id="rule-adds")
                yield LineView(id="adds")
            yield LineView(id="preview")

    @property
    def crumb(self) -> str:
        """Show what it is."""
        return content.TITLE

    def steps(self, width: int) -> Line:
        """Return the line of steps."""
        return content.steps_line(self.wizard_state, width)

    def refresh_page(self) -> None:
        """Show everything around the fields as it is now."""
        if not self.is_there or not self.size.width:
            return
        page = self.wizard_state.page
        if page is not None and self._form is not None:
            self._form.set_shown(self.wizard_state.keys(page))
            self.query_one("#question", FrameLine).set_line(line((page.question, "strong")))
        left = self.query_one("#left")
        width = max(left.size.width or self.size.width, 8)
        self.query_one("#findings", LineView).set_lines(self._finding_lines(width - 2))
        self.query_one("#rule-adds", FrameLine).set_line(rule(width))
        if page is None:
            self._show_summary(width)
        else:
            self.query_one("#adds", LineView).set_lines(adds_lines(self._changes(), width - 1, ADDS))
        preview = self.query_one("#preview", LineView)
        if self.has_class("-wide"):
            preview.can_focus = page is None
            preview.set_lines(preview_lines(self._text(), self._before_text))
        self.show_hint()
        self.show_frame()

    def _finding_lines(self, width: int) -> list[Line]:
        page = self.wizard_state.page
        if page is None:
            return []
        lines: list[Line] = []
        if "plane.ca" in self.wizard_state.keys(page):
            lines += fact_lines(content.ca_facts(str(self.wizard_state.answers["plane.ca"])), width)
        for key in self.wizard_state.keys(page):
            lines += fact_lines(self._facts.get(key, ()), width)
        lines += content.finding_lines(self._shown_findings(), width)
        return clipped(lines, width, FINDINGS)

    def _shown_findings(self) -> list[Finding]:
        """Return the findings about the page in front; on the summary all of them."""
        page = self.wizard_state.page
        if page is None:
            return [*self._findings, *self._online]
        keys = self.wizard_state.keys(page)
        return [*self._findings, *(item for item in self._online if item.path in keys)]

    def _show_summary(self, width: int) -> None:
        made = content.made_facts(self.wizard_state.answers)
        findings = self._shown_findings()
        lines = content.summary_lines(self.wizard_state, made, findings, self._refusal(), min(width - 2, 110))
        self.query_one("#summary", LineView).set_lines(lines)

    def show_hint(self) -> None:
        """Show the help of the field in hand, or what is under way."""
        width = max(self.query_one("#left").size.width, 8)
        if self._doing:
            messages = [self.doing_line()]
        elif self._form is not None and self._form.current:
            question = QUESTIONS[self._form.current]
            messages = [*wrap(self._help(question), width - 1, role="muted")[:3]]
        else:
            messages = []
        hint = self.query_one("#hint", LineView)
        hint.display = bool(messages) or self._form is not None
        hint.set_lines(messages)

    def offered(self, key: str) -> str:
        """Return what can be chosen for a question, "" where nothing can."""
        return ""

    def _help(self, question: Question) -> str:
        if question.key == "plane.context" and self._planes:
            return f"Known contexts: {', '.join(sorted(self._planes))}. {question.help}"
        return question.help

    def key_hints(self) -> list[KeyHint]:
        """Return the keys of the page: letters, or function keys while a field takes the letters."""
        if self._doing:
            return [KeyHint("esc", "stop")]
        key = self.key_hint
        if self.wizard_state.page is None:
            back = [KeyHint("enter", "to the page"), KeyHint("esc", "back"), *key("wizard-build", "build")]
            return [
                *back,
                *key("wizard-check", "check online"),
                *key("wizard-whole", "complete file"),
                *key("wizard-write", "write"),
            ]
        area = isinstance(self.focused, TextArea)
        on_ = [KeyHint("tab" if area else "enter", "next"), KeyHint("esc", "back")]
        if isinstance(self.focused, RowsControl):
            on_ = [
                KeyHint("enter", "open"),
                *key("wizard-remove", "take away"),
                KeyHint("tab", "next"),
                KeyHint("esc", "back"),
            ]
        if self._form is not None and self.offered(self._form.current):
            on_ += key("wizard-choose", "choose")
        out = [*on_, *key("wizard-whole", "complete file"), *key("wizard-write", "write the answer file")]
        return [*out, *key("wizard-why", "explanation")]

    def _document(self, without: Sequence[str] = ()) -> dict[str, Any]:
        return user_data(self.wizard_state.masked(without))

    def _text(self, without: Any = None) -> str:
        keys = self.wizard_state.keys(without) if without is not None else ()
        try:
            return str(self.forge.preview(self.wizard_state.masked(keys)))
        except EdgewrightError as error:
            return f"# {sentence(error)}"

    def _changes(self) -> list[Change]:
        return changes(self._before, self._document())

    def _judge(self) -> None:
        """Look at what the answers of the page mean together."""
        page = self.wizard_state.page
        keys = self.wizard_state.keys(page) if page is not None else None
        try:
            findings = self.forge.findings(self.wizard_state.answers, keys)
            self._findings = [
                finding for finding in findings if finding.code != "WrongAnswer"
            ]  # those are at their fields
        except EdgewrightError as error:
            self._findings = []
            self.announce(sentence(error), "warn")
        self._mark_wrong()

    def _mark_wrong(self) -> None:
        """Note which pages have an error, so that the steps do not tick them."""
        page, wrong = self.wizard_state.page, self.wizard_state.wrong
        errors = [item.path for item in [*self._findings, *self._online] if item.severity == "error"]
        errors += list(self._wrong)
        if page is None:
            wrong.clear()
        else:
            wrong.discard(page.key)
            if any(item.severity == "error" for item in self._findings):
                wrong.add(page.key)
        wrong.update(result.key for path in errors if (result := page_of(path)) is not None)

    def _refusal(self) -> str:
        if self.session.read_only:
            return (
                "This session is read-only, so nothing is built. Leave read-only mode: ctrl+o; or write the answers: w."
            )
        return ""
