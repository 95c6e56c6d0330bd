"""Where the user is in the wizard and what was answered so far; no widgets, nothing is asked of anybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgewright.core.installer.answers import complete, problem
from edgewright.core.installer.pages import QUESTIONS, visible_pages
from edgewright.core.installer.questions import Page, Question
from tui.wizards.parts.answers import Values, sentence, shown_answer, typed


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
