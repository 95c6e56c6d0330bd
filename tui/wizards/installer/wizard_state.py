"""Where the user is in the wizard and what was answered so far; no widgets, nothing is asked of anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from edgewright.core.installer.answers import complete, problem, with_row
from edgewright.core.installer.pages import QUESTIONS, visible_pages
from edgewright.core.installer.questions import Page, Question, coerce
from edgewright.core.installer.shown_values import shown_lines, shown_text, taken, taken_lines
from tui.frame.document_values import MASK, is_secret
from tui.wizards.installer.difference import without_login

Values = Mapping[str, Any]


class WizardState:
    """The pages in their order, the answers by key of their question, and the page in front.

    `at` counts the pages that are shown for these answers; one past the last of them is the summary.
    """

    def __init__(self, answers: Values | None = None) -> None:
        self.answers: dict[str, Any] = complete(answers or {})
        self.broken: dict[str, str] = {}
        """What was typed and is not an answer at all (letters for a number): the sentence, by key of the question."""
        self.resumed = bool(answers)
        self._begun = dict(self.answers)
        self.at = 0
        self.seen: set[str] = set()
        """Keys of the pages that were visited."""
        self.wrong: set[str] = set()
        """Keys of pages on which something was found wrong that the answers alone do not show, e.g. a missing file."""

    @property
    def pages(self) -> list[Page]:
        """The pages that these answers make sense of."""
        return list(visible_pages(self.answers))

    @property
    def page(self) -> Page | None:
        """The page in front, None on the summary."""
        pages = self.pages
        return pages[self.at] if self.at < len(pages) else None

    def value(self, question: Question) -> Any:
        """Return the answer, or what is taken without one."""
        return self.answers.get(question.key, question.empty)

    @property
    def touched(self) -> bool:
        """Whether anything was answered since the beginning, or was when it began."""
        return self.resumed or self.answers != self._begun

    def begin_with(self, answers: Values) -> None:
        """Take answers that were not given: they need not be stored."""
        self.answers.update(answers)
        self._begun = dict(self.answers)

    def take(self, question: Question, raw: Any) -> bool:
        """Store what was given to a question; return whether that is something else than before."""
        old = self.value(question)
        try:
            value = typed(question, raw, old)
        except ValueError as error:
            self.broken[question.key] = sentence(question, str(error))
            return True
        was_broken = self.broken.pop(question.key, "") != ""
        self.answers[question.key] = value
        return was_broken or value != old

    def problem(self, question: Question) -> str:
        """Return what is wrong with the answer as a sentence, '' when nothing is."""
        return self.broken.get(question.key) or problem(question, self.value(question), self.answers)

    def problems(self, page: Page) -> dict[str, str]:
        """Return what is wrong on a page, by key of the question."""
        matches = {question.key: self.problem(question) for question in page.visible(self.answers)}
        return {key: problem for key, problem in matches.items() if problem}

    def first_wrong(self) -> str:
        """Return the key of the first page with something wrong, '' when all are answered."""
        return next((page.key for page in self.pages if self.problems(page)), "")

    def go(self, key: str) -> None:
        """Go to the page of this key; when there is none it stays."""
        self.at = next((at for at, page in enumerate(self.pages) if page.key == key), self.at)

    def step(self, step: int) -> None:
        """Go to the next page (1) or the one before (-1), from the last one to the summary."""
        page = self.page
        if step > 0 and page is not None:
            self.seen.add(page.key)
        self.at = min(max(self.at + step, 0), len(self.pages))

    def keys(self, page: Page) -> tuple[str, ...]:
        """Return the keys of the questions of a page now."""
        return tuple(question.key for question in page.visible(self.answers))

    def masked(self, without: Iterable[str] = ()) -> dict[str, Any]:
        """Return the answers with every secret replaced by dots; those to `without` as if they were not given."""
        left = set(without)
        return {
            key: QUESTIONS[key].empty if key in left else shown_answer(QUESTIONS.get(key), key, value)
            for key, value in self.answers.items()
        }


def row_problems(question: Question, row: Values, answers: Values) -> dict[str, str]:
    """Return what is wrong with one row of a question, by key of its field."""
    seen = with_row(answers, row)
    matches = {
        part.key: problem(part, row.get(part.key, part.empty), seen) for part in row_fields(question, row, answers)
    }
    return {key: reported for key, reported in matches.items() if reported}


def row_fields(question: Question, row: Values, answers: Values) -> list[Question]:
    """Return the fields of a row that explain its content."""
    seen = with_row(answers, row)
    return [part for part in question.fields if part.shown(seen)]


def typed(question: Question, raw: Any, old: Any) -> Any:
    """Return what was typed in the question's kind; what represents a stored value is that value again.

    Raises `ValueError`, a phrase.
    """
    if question.kind == "map" and isinstance(raw, list):
        raw = pairs(raw)
    if question.kind in ("file", "secret", "text") and isinstance(raw, str):
        return coerce(question, taken(raw, [old] if isinstance(old, str) and old else []))
    if question.kind == "lines" and isinstance(raw, list):
        return coerce(question, taken_lines(raw, old or []))
    return coerce(question, raw)


def field_value(question: Question, value: Any) -> Any:
    """Return what a field shows of a value: a stored text of many lines is one in angle brackets."""
    if isinstance(value, str):
        return shown_text(value)
    return shown_lines(value) if question.kind == "lines" else value


def pairs(lines: Sequence[str]) -> dict[str, str]:
    """Return the map that `key=value` lines mean; `key: value` is taken too. Raises `ValueError`, a phrase."""
    matches: dict[str, str] = {}
    for text in filter(None, map(str.strip, lines)):
        sign = "=" if "=" in text else ":"
        key, there, value = text.partition(sign)
        if not there or not key.strip():
            raise ValueError(f"takes NAME=VALUE on each line; `{text[:30]}` is none")
        if key.strip() in matches:
            raise ValueError(f"has {key.strip()} twice")
        matches[key.strip()] = value.strip()
    return matches


def sentence(question: Question, phrase: str) -> str:
    """Return the sentence of a phrase like `must be an integer`."""
    return f"{capital(question.label)} {phrase}."


def capital(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def is_hidden(question: Question) -> bool:
    """Whether what is typed must not be seen."""
    return question.secret or question.kind == "secret"


def shown_answer(question: Question | None, name: str, value: Any) -> Any:
    """Return an answer as it may be shown: secrets are dots, in rows too; a key that is not known is judged by name."""
    if question is None:
        hidden = is_secret(name) or "passw" in name.lower()
    else:
        hidden = is_hidden(question)
    if hidden and value:
        if isinstance(value, Mapping):
            return dict.fromkeys(value, MASK)
        return MASK if isinstance(value, str) else [MASK] * len(value) if isinstance(value, list) else value
    if question is not None and question.kind == "rows" and isinstance(value, list):
        parts = {part.key: part for part in question.fields}
        rows = [row for row in value if isinstance(row, Mapping)]
        return [{key: shown_answer(parts.get(key), key, item) for key, item in row.items()} for row in rows]
    return value


def answer_text(question: Question, value: Any) -> str:
    """Return an answer as text, for the summary; secrets are dots, `-` is not an answer."""
    value = field_value(question, shown_answer(question, question.key, value))
    if value in ("", None, [], {}):
        return "-"
    if question.kind == "choice":
        return next((choice.label for choice in question.choices if choice.value == value), str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    if question.kind == "rows":
        return "; ".join(row_text(question, row) for row in value)
    if isinstance(value, list):
        return ", ".join(" ".join(str(item).split()) for item in value if str(item).strip())
    return " ".join(without_login(str(value)).split())


def row_text(question: Question, row: Values) -> str:
    """Return a row as text."""
    texts = (answer_text(part, row.get(part.key, part.empty)) for part in question.fields if part.shown(row))
    return "  ".join(text for text in texts if text not in ("-", "no")) or "-"
