"""Answers as a whole: completed with what was not answered, and everything that is wrong with them."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional

from edgewright.core.errors import InvalidInput
from edgewright.core.installer.pages import PAGES, QUESTIONS
from edgewright.core.installer.questions import Answers, Question, coerce
from edgewright.core.installer.words import nearest


class Problem(NamedTuple):
    """What is wrong with one answer: its key (`users.more[1].name` within rows) and a sentence."""

    key: str
    message: str


class RowAnswers(Dict[str, Any]):
    """A row of a `rows` question, with all other answers below it: what the checks of its fields get."""


def initial() -> Dict[str, Any]:
    """Return the answers that a new wizard begins with: every default."""
    return complete({})


def complete(answers: Answers) -> Dict[str, Any]:
    """Return all answers in the order of the pages, each in its kind, those not given with their default.

    Raises `InvalidInput` for a key that is not known, with the nearest one, and for a value of another kind.
    """
    for key in answers:
        if key not in QUESTIONS:
            near = nearest(str(key), QUESTIONS)
            hint = f"The nearest is `{near}`." if near else "Leave it out."
            raise InvalidInput(f"There is no answer `{str(key)[:60]}`.", hint, "UnknownAnswer")
    found: Dict[str, Any] = {}
    for key, question in QUESTIONS.items():
        try:
            found[key] = coerce(question, answers[key]) if key in answers else question.empty
        except ValueError as error:
            raise InvalidInput(f"The answer `{key}` {error}.", _example(question)) from None
    return found


def _example(question: Question) -> str:
    return {
        "int": "Write digits without quotes.",
        "flag": "Write true or false.",
        "lines": "Write a list, one dash for each text.",
        "map": "Write a map: key: value",
        "rows": "Write a list of maps with the keys " + ", ".join(field.key for field in question.fields) + ".",
    }.get(question.kind, "Write a text.")


def with_row(answers: Answers, row: Mapping[str, Any]) -> RowAnswers:
    """Return what the checks of a row's fields get."""
    return RowAnswers({**answers, **row})


def problem(question: Question, value: Any, answers: Answers) -> str:
    """Return what is wrong with one value, as a sentence; "" when it is fine. `value` is in its kind already."""
    if value in ("", None) or (question.kind in ("lines", "map", "rows") and not value):
        if question.required:
            return f"{question.label[:1].upper()}{question.label[1:]} is needed."
        if question.kind in ("choice", "text", "secret", "file", "int"):
            return question.check(value, answers) if value == "" else ""
    if question.kind == "choice" and value not in [choice.value for choice in question.choices]:
        return f"{value!r} is none of {', '.join(choice.value for choice in question.choices)}."
    for row in row_problems(question, value, answers) if question.kind == "rows" else ():
        return f"Row {row.key}: {row.message}"
    return question.check(value, answers)


def row_problems(question: Question, rows: List[Dict[str, Any]], answers: Answers) -> List[Problem]:
    """Return what is wrong within rows; the key is `N FIELD`, counted from 1."""
    found = []
    for number, row in enumerate(rows, 1):
        within = with_row(answers, row)
        for field in question.fields:
            if field.shown(within):
                message = problem(field, row.get(field.key, field.empty), within)
                if message:
                    found.append(Problem(f"{number}, {field.label}", message))
    return found


def problems(answers: Answers, keys: Optional[Iterable[str]] = None) -> List[Problem]:
    """Return everything that is wrong with the answers that apply (all, or those of `keys`), in the order of the pages.

    `answers` must be complete (`complete`).
    """
    wanted = None if keys is None else set(keys)
    found = []
    for page in PAGES:
        if not page.shown(answers):
            continue
        for question in page.visible(answers):
            if wanted is None or question.key in wanted:
                message = problem(question, answers.get(question.key, question.empty), answers)
                if message:
                    found.append(Problem(question.key, message))
    if (wanted is None or "token.how" in wanted) and _token_missing(answers) and wanted is None:
        found.append(Problem("token.how", "The token is not made yet: go to its page and go on from there."))
    return found


def _token_missing(answers: Answers) -> bool:
    return answers.get("plane.mode") != "local" and answers.get("token.how") == "new" and not answers.get("token.text")
