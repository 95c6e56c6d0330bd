"""Stand-ins for the appliance's tests: a runner that notes command lists and answers from a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgewright.agent.appliance.runner import Runner
from edgewright.core.errors import Failed


class Recorder(Runner):
    """Runs nothing; `answers` maps the beginning of a command line to its output, an exception, or a function."""

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.calls: list[list[str]] = []
        self.stdins: list[str] = []
        self.answers = answers or {}

    def run(self, words: Sequence[str], *, stdin: str = "", seconds: float = 0, check: bool = True) -> str:
        self.calls.append(list(words))
        self.stdins.append(stdin)
        line = " ".join(words)
        for start, answer in self.answers.items():
            if line.startswith(start):
                if isinstance(answer, Failed):
                    if check:
                        raise answer
                    return ""
                if isinstance(answer, Callable):  # type: ignore[arg-type]
                    return str(answer(words))
                return str(answer)
        return ""

    def succeeds(self, words: Sequence[str], *, stdin: str = "", seconds: float = 0) -> bool:
        try:
            self.run(words, stdin=stdin)
        except Failed:
            return False
        return True

    def lines(self) -> list[str]:
        """Return the command lines that were asked for."""
        return [" ".join(words) for words in self.calls]
