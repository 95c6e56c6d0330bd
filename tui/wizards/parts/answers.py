"""Answers as a wizard shows and takes them: typed text, what a field shows, what is wrong in a row; no widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.core.installer.answers import problem, with_row
from edgewright.core.installer.questions import Question, coerce
from edgewright.core.installer.shown_values import shown_lines, shown_text, taken, taken_lines
from tui.frame.document_values import MASK, is_secret
from tui.wizards.parts.difference import without_login

Values = Mapping[str, Any]


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
