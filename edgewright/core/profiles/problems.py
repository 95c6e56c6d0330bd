"""What is wrong with a profile: which layer, which path, which line, and the next step."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Sequence

from edgewright.core.errors import DocumentProblem, InvalidDocument
from edgewright.core.installer.nearest import nearest

ERROR = "error"
WARNING = "warning"
OPEN = "open"
"""Has no value yet: it depends on a cluster, a host or an answer that is not known here."""

MOST = 200
"""Problems that are listed one by one."""


class Problem(NamedTuple):
    """One result of a check.

    `layer` is the key of a layer or empty, `path` is dotted (`cluster.config`, `variables.replicas`), `line` counts
    from 1 within the layer's values (0: not known), `message` is a sentence, `code` the word that programs compare.
    """

    severity: str
    layer: str
    path: str
    message: str
    hint: str = ""
    code: str = ""
    line: int = 0

    def place(self) -> str:
        """Return where it is, e.g. `layer edge-k3s, line 12, cluster.config`."""
        parts = [f"layer {self.layer}" if self.layer else "", f"line {self.line}" if self.line else "", self.path]
        return ", ".join(part for part in parts if part)

    def sentence(self) -> str:
        """Return it on one line: place, message, hint."""
        place = self.place()
        return " ".join(part for part in (f"{place}:" if place else "", self.message, self.hint) if part)

    def as_dict(self) -> Dict[str, Any]:
        """Return the form that `-o json` prints."""
        return dict(self._asdict())


def error(layer: str, path: str, message: str, hint: str = "", code: str = "", line: int = 0) -> Problem:
    """Return a problem that stops a publish."""
    return Problem(ERROR, layer, path, message, hint, code, line)


def warning(layer: str, path: str, message: str, hint: str = "", code: str = "", line: int = 0) -> Problem:
    """Return a problem that the user decides on."""
    return Problem(WARNING, layer, path, message, hint, code, line)


def errors(problems: Iterable[Problem]) -> List[Problem]:
    """Return the errors alone."""
    return [problem for problem in problems if problem.severity == ERROR]


def raise_errors(what: str, problems: Iterable[Problem]) -> None:
    """Raise `InvalidDocument` (exit 7) with all errors of `problems`; do nothing when there is none."""
    wrong = errors(problems)
    if wrong:
        rows = [DocumentProblem(row.place(), row.message, row.hint, row.code) for row in wrong[:MOST]]
        raise InvalidDocument(what, rows)


def suggestion(word: str, known: Sequence[str], what: str) -> str:
    """Return the hint for a name that is not known: the nearest one, else all when they are few, else ""."""
    near = nearest(word, known)
    if near:
        return f"Did you mean {near}?"
    if known and len(known) <= 8:
        return f"Known {what}: {', '.join(known)}."
    return ""
