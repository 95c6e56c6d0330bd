"""What the wizard shows around its fields: the steps, findings, what a page adds, the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.core.installer.document import build_request
from edgewright.core.installer.pages import STEPS
from edgewright.core.installer.shown_values import certificates, fingerprint
from tui.widgets.lines import Line, Piece, Role, cut, heading, line, pad, wrap
from tui.wizards.installer.wizard_state import WizardState
from tui.wizards.parts.answers import answer_text
from tui.wizards.parts.steps import fact_lines
from tui.wizards.parts.steps import steps_line as title_line

if TYPE_CHECKING:
    from edgewright.core.cloudconfig.findings import Finding

SIGNS: dict[str, tuple[str, Role]] = {
    "error": ("▲", "bad"),
    "warning": ("‼", "warn"),
    "unknown": ("○", "muted"),
    "note": ("•", "info"),
}
TITLE = "New installer"


def steps_line(state: WizardState, width: int) -> Line:
    """Return the title with the page's number and the steps: right ones are ticked, the one in front is in capitals."""
    pages = state.pages
    here = state.page.short if state.page is not None else "summary"
    title = f"{TITLE}  {state.at + 1} of {len(pages) + 1}"
    parts = [word for word in STEPS if any(page.short == word for page in pages)] + ["summary"]
    passed = {page.key for page in pages if page.key in state.seen - state.wrong and not state.problems(page)}
    done = {word for word in parts[:-1] if all(page.key in passed for page in pages if page.short == word)}
    return title_line(title, parts, parts.index(here), done, width)


def finding_lines(findings: Sequence[Finding], width: int) -> list[Line]:
    """Return the findings, each a sentence and the next step below it."""
    out: list[Line] = []
    for finding in findings:
        sign, role = SIGNS.get(finding.severity, SIGNS["note"])
        out += wrap(finding.message, width, f"{sign} ", "  ", role=role if role in ("bad", "warn") else "")
        out[-1] = out[-1]
        if finding.hint:
            out += wrap(finding.hint, width, "  ", "  ", role="muted")
    return out


def ca_facts(value: str) -> list[tuple[str, str]]:
    """Return the SHA-256 fingerprints of the certificates of a PEM text, to be compared with the plane's own."""
    facts: list[tuple[str, str]] = []
    for der in certificates(value)[:2]:
        text = fingerprint(der)
        facts += [("SHA-256", text[:48]), ("", text[48:])]  # two lines, complete at 80 columns
    return facts


def summary_lines(
    state: WizardState, made: Sequence[tuple[str, str]], findings: Sequence[Finding], refused: str, width: int
) -> list[Line]:
    """Return everything that was answered: what is missing first, then page by page; enter goes back to a page."""
    wrong = [page for page in state.pages if state.problems(page)]
    errors = [finding for finding in findings if finding.severity == "error"]
    out: list[Line] = []
    if wrong:
        many = "1 page lacks" if len(wrong) == 1 else f"{len(wrong)} pages lack"
        out.append(line(("▲ ", "bad"), (f"{many} something, so nothing can be built yet.", "strong")))
    elif errors:
        out.append(line(("▲ ", "bad"), ("An installer with these answers would not work.", "strong")))
    elif refused:
        out += wrap(refused, width, "▬ ", "  ", role="parked")
    else:
        out.append(line(("• ", "ok"), ("All questions are answered. Build the installer: ", "strong"), ("b", "accent")))
    out += [line(), *finding_lines(findings, width)] if findings else []
    if made and not wrong:
        out += [line(), heading("WHAT IS MADE"), *fact_lines(made, width)]
    out += [line(), heading("YOUR ANSWERS", width, "enter goes back to the page")]
    for page in state.pages:
        out += _page_lines(state, page, width)
    return out


def _page_lines(state: WizardState, page: Any, width: int) -> list[Line]:
    problems = state.problems(page)
    key = f"page/{page.key}"
    messages: list[tuple[str, str, Role]] = []
    for question in page.visible(state.answers):
        value = answer_text(question, state.value(question))
        if question.key in problems:
            messages.append((question.label, problems[question.key], "bad"))
        elif value != "-":
            messages.append((question.label, value, ""))
    sign: Piece = ("▲ ", "bad") if problems else "  "
    first, *rest = messages or [("", "-", "muted")]
    label = max(12, *(len(message[0]) for message in messages)) if messages else 12
    room = max(width - 18 - label, 8)
    out = [
        line(
            sign,
            (pad(page.title, 13), "strong"),
            (f" {pad(first[0], label)}  ", "muted"),
            (cut(first[1], room), first[2]),
            key=key,
        )
    ]
    out += [line(" " * 16, (f"{pad(name, label)}  ", "muted"), (cut(value, room), role)) for name, value, role in rest]
    return out


def why_lines(page: Any, answers: Mapping[str, Any], findings: Sequence[Finding], width: int) -> list[Line]:
    """Return what was found about a page's answers, and why it asks what it asks, field by field."""
    out: list[Line] = [line((page.question, "strong")), line()]
    out += [*finding_lines(findings, width), line()] if findings else []
    for question in page.visible(answers):
        out += [line((question.label, "accent"), (" (needed)" if question.required else "", "muted"))]
        out += wrap(question.help or "It goes into the file as it is.", width, "  ", "  ")
    return out


def made_facts(answers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what would be built, as label and value."""
    request = build_request(answers)
    what = {"": "one ISO", "cidata": "one ISO and a seed for each site", "iso": "a complete ISO for each site"}
    proof = f"boots here until: {request.proof.until}" if request.proof.until else "not now: it is called checked"
    return [
        ("what", what[request.sites]),
        ("from", "the reference appliance" if request.appliance else request.base),
        ("into", f"{request.folder}/{request.name}.iso" if not request.sites else request.folder),
        ("proof", proof),
    ]
