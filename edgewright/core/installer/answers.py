"""All answers: completed with what was not answered, and everything that is wrong with them."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.cloudconfig.slips import slip
from edgewright.core.errors import DocumentProblem, InvalidDocument
from edgewright.core.installer.nearest import nearest
from edgewright.core.installer.pages import PAGES, QUESTIONS
from edgewright.core.installer.questions import Answers, Question, coerce

_FREE = ("uid.regex", "disk.cmdline", "user.password")
"""Answers in which `$` and the like have their own meaning."""
NEEDED = {"token.text": "The token itself"}
"""Names of answers in a sentence, where the label alone is not enough."""


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

    Raises `InvalidDocument` for keys that are not known, with the nearest ones, and for values of another kind.
    """
    result, wrong = completed(answers)
    if wrong:
        raise InvalidDocument("The answers", wrong)
    return result


def completed(answers: Answers) -> Tuple[Dict[str, Any], List[DocumentProblem]]:
    """Return all answers as `complete` does, and what is wrong with them; a wrong one has its default."""
    wrong = []
    for key in answers:
        if key not in QUESTIONS:
            near = nearest(str(key), QUESTIONS)
            hint = f"The nearest is `{near}`." if near else "Remove it."
            wrong.append(DocumentProblem(f"answers.{str(key)[:60]}", "There is no such answer.", hint, "UnknownAnswer"))
    matches: Dict[str, Any] = {}
    for key, question in QUESTIONS.items():
        matches[key] = question.empty
        try:
            if key in answers:
                matches[key] = coerce(question, answers[key])
        except ValueError as error:
            wrong.append(DocumentProblem(f"answers.{key}", f"The value {error}.", _example(question), "WrongAnswer"))
    return matches, wrong


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
            return f"{NEEDED.get(question.key) or question.label[:1].upper() + question.label[1:]} is needed."
        if question.kind in ("choice", "text", "secret", "file", "int"):
            return question.check(value, answers) if value == "" else ""
    if question.kind == "choice" and value not in [choice.value for choice in question.choices]:
        return f"{value!r} is none of {', '.join(choice.value for choice in question.choices)}."
    for row in row_problems(question, value, answers) if question.kind == "rows" else ():
        return f"Row {row.key}: {row.message}"
    message = question.check(value, answers)
    if not message and question.kind in ("text", "secret") and question.key not in _FREE and isinstance(value, str):
        mistake = slip(value, secret=question.secret, token=question.key == "token.text")
        return mistake[:1].upper() + mistake[1:]
    return message  # it may begin with a value, such as the name of a card


def row_problems(question: Question, rows: List[Dict[str, Any]], answers: Answers) -> List[Problem]:
    """Return what is wrong within rows; the key is `N FIELD`, counted from 1."""
    matches = []
    for number, row in enumerate(rows, 1):
        within = with_row(answers, row)
        for field in question.fields:
            if field.shown(within):
                message = problem(field, row.get(field.key, field.empty), within)
                if message:
                    matches.append(Problem(f"{number}, {field.label}", message))
    return matches


def problems(answers: Answers, keys: Optional[Iterable[str]] = None) -> List[Problem]:
    """Return everything that is wrong with the answers that apply (all, or those of `keys`), in the order of the pages.

    `answers` must be complete (`complete`).
    """
    wanted = None if keys is None else set(keys)
    matches = []
    for page in PAGES:
        if not page.shown(answers):
            continue
        for question in page.visible(answers):
            if wanted is None or question.key in wanted:
                message = problem(question, answers.get(question.key, question.empty), answers)
                if message:
                    matches.append(Problem(question.key, message))
    if (wanted is None or "token.how" in wanted) and _token_missing(answers) and wanted is None:
        matches.append(Problem("token.how", "The token is not created yet: go to its page and continue from there."))
    return matches


def document_problems(answers: Answers, skip: Iterable[str] = ()) -> List[DocumentProblem]:
    """Return everything that is wrong with complete answers but `skip`, each row of a list for itself.

    Keys are those of an answer file (`answers.users.more[1].name`, rows counted from 1).
    """
    left_out, matches = set(skip), []
    for page in PAGES:
        for question in page.visible(answers) if page.shown(answers) else ():
            if question.key in left_out:
                continue
            value, key = answers.get(question.key, question.empty), f"answers.{question.key}"
            rows = list(_field_problems(question, value, answers)) if question.kind == "rows" else []
            message = "" if rows else problem(question, value, answers)
            matches += [p._replace(key=f"{key}{p.key}") for p in rows]
            if message:
                hint = ""
                if not value and question.required:
                    message = "It is missing."
                    hint = f"Write {question.key}: {question.example if _shows_value(question) else 'VALUE'}"
                matches.append(DocumentProblem(key, message, hint, "WrongAnswer"))
    if _token_missing(answers) and "token.how" not in left_out:
        hint = "Make one (edgewright token create NAME), then write token.how: existing and token.text: TEXT"
        matches.append(DocumentProblem("answers.token.how", "The token does not exist yet.", hint, "WrongAnswer"))
    return matches


def _field_problems(question: Question, rows: List[Dict[str, Any]], answers: Answers) -> Iterable[DocumentProblem]:
    for number, row in enumerate(rows, 1):
        within = with_row(answers, row)
        for field in question.fields:
            message = problem(field, row.get(field.key, field.empty), within) if field.shown(within) else ""
            if message:
                yield DocumentProblem(f"[{number}].{field.key}", message, code="WrongAnswer")


def _shows_value(question: Question) -> bool:
    """Whether the example is a complete value (`https://hub.example.org:8443`), not the beginning of one."""
    return bool(question.example) and " " not in question.example


def _token_missing(answers: Answers) -> bool:
    return answers.get("plane.mode") != "local" and answers.get("token.how") == "new" and not answers.get("token.text")
