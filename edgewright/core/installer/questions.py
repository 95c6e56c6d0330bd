"""What a question and a page are; the wizard renders them, the answer file contains what was answered.

Answers are one flat map from a question's key to a value of its kind:

* `choice`, `text`, `secret`, `file`: text ("" when not answered; a file is a path, or its content: a PEM text)
* `int`: an integer, or None
* `flag`: True or False
* `lines`: list of texts; `map`: map of texts; `rows`: list of maps, each by the keys of the question's `fields`
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Tuple, Union

from edgewright.core.text import integer

Answers = Mapping[str, Any]
Shown = Callable[[Answers], bool]
Check = Callable[[Any, Answers], str]

KINDS = ("choice", "text", "secret", "int", "flag", "lines", "map", "file", "rows")
RADIO_LINES = 3
"""A choice of up to so many is shown a line each; a longer one on one line."""
AREA_LINES = 4
"""Lines of the screen that `lines`, `map` and `rows` get."""


class Choice(NamedTuple):
    """One way to answer: the value that is stored, and its label."""

    value: str
    label: str


def always(answers: Answers) -> bool:
    """Show it whatever was answered."""
    return True


def fine(value: Any, answers: Answers) -> str:
    """Accept any value."""
    return ""


class Question(NamedTuple):
    """One thing to ask. `help` is the explanation; `check(value, answers)` returns a sentence, or "" when it is fine.

    `fields` are the columns of a `rows` question, keyed within a row; their `shown` and `check` get the row, with the
    other answers below it. `placeholder` shows what counts when the field is empty. `secret` values are masked and
    never shown. `required` is enforced only while it is shown.
    """

    key: str
    label: str
    kind: str = "text"
    help: str = ""
    default: Any = None
    choices: Tuple[Choice, ...] = ()
    required: bool = False
    placeholder: str = ""
    secret: bool = False
    shown: Shown = always
    check: Check = fine
    fields: Tuple["Question", ...] = ()
    example: str = ""
    """A value that shows the form of an answer; nothing is taken from it."""

    @property
    def in_empty_field(self) -> str:
        """The words of a field without an answer: an example, and what counts then; the two cannot be confused."""
        parts = [f"e.g. {self.example}"] if self.example else []
        return "; ".join([*parts, *([f"empty: {self.placeholder}"] if self.placeholder else [])])

    @property
    def empty(self) -> Any:
        """The value of a question that was not answered."""
        if self.default is not None:
            return list(self.default) if isinstance(self.default, (list, tuple)) else self.default
        blank: Dict[str, Any] = {"int": None, "flag": False, "lines": [], "map": {}, "rows": []}
        return blank.get(self.kind, "")

    @property
    def height(self) -> int:
        """Lines of the screen that the question takes in the wizard, without its help."""
        if self.kind == "choice":
            return len(self.choices) if len(self.choices) <= RADIO_LINES else 1
        return AREA_LINES if self.kind in ("lines", "map", "rows") else 1


class Page(NamedTuple):
    """One page of the wizard: `question` is its headline, `short` the word in the row of steps (pages may share it)."""

    key: str
    title: str
    short: str
    question: str
    fields: Tuple[Question, ...]
    shown: Shown = always

    def visible(self, answers: Answers) -> Tuple[Question, ...]:
        """Return the questions of this page that apply to what was answered."""
        return tuple(question for question in self.fields if question.shown(answers))


def coerce(question: Question, value: Any) -> Any:
    """Return `value` in the question's kind: blank lines go, digits become a number. Raises `ValueError`, a phrase."""
    if value is None:
        return question.empty
    if question.kind == "flag":
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    if question.kind == "int":
        return _number(value)
    if question.kind == "lines":
        return _lines(value)
    if question.kind == "map":
        if not isinstance(value, Mapping):
            raise ValueError("must be a map of key and value")
        return _map(value)
    if question.kind == "rows":
        return _rows(question, value)
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("must be a text")
    return str(value).strip()


def _map(value: Mapping[Any, Any]) -> Dict[str, str]:
    """Return the pairs, without blank ones.

    Raises `ValueError` for what would be lost: a value without a key, a key that is there twice but for spaces.
    """
    pairs: Dict[str, str] = {}
    for key, item in value.items():
        name, text = str(key).strip(), _text(item)
        if not name and text:
            raise ValueError(f"gives {text[:40]!r} no key")
        if name in pairs:
            raise ValueError(f"has the key {name[:40]!r} twice")
        if name:
            pairs[name] = text
    return pairs


def _number(value: Any) -> Union[int, None]:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not value.strip():
            return None
        number = integer(value.strip())
        if number is not None:
            return number
    raise ValueError("must be an integer")


def _lines(value: Any) -> List[str]:
    if isinstance(value, str):
        value = value.split("\n")
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of texts")
    lines = [item.rstrip() for item in value]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _rows(question: Question, value: Any) -> List[Dict[str, Any]]:
    """Return the rows, each with every field. Raises `ValueError`, a phrase with everything that is wrong in them."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(row, Mapping) for row in value):
        raise ValueError("must be a list of maps")
    known = {field.key: field for field in question.fields}
    rows, wrong = [], []
    for number, row in enumerate(value, 1):
        unknown = [str(key)[:60] for key in row if key not in known]
        if unknown:
            names = ", ".join(f"`{key}`" for key in unknown)
            wrong.append(f"has in row {number} no field {names} (there are {', '.join(known)})")
        made = {}
        for key, field in known.items():
            try:
                made[key] = coerce(field, row.get(key))
            except ValueError as error:
                wrong.append(f"has in row {number} a `{key}` that {error}")
        rows.append(made)
    if wrong:
        raise ValueError("; it ".join(wrong))
    return rows
