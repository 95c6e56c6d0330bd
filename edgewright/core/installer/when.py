"""When a question applies, and how its checks are put together."""

from __future__ import annotations

from typing import Any, Callable

from edgewright.core.installer.questions import Answers, Check, Shown


def on(key: str, *values: Any, default: Any = None) -> Shown:
    """Return what shows a question while `key` has one of `values`; `default` is the key's own default."""
    return lambda answers: answers.get(key, default) in values


def both(*tests: Shown) -> Shown:
    """Return what shows a question while all of `tests` do."""
    return lambda answers: all(test(answers) for test in tests)


def central(answers: Answers) -> bool:
    """Whether the box reports to a plane."""
    return bool(answers.get("plane.mode", "central") != "local")


def local(answers: Answers) -> bool:
    """Whether the box is managed at its site only."""
    return not central(answers)


def given(check: Callable[[str], str]) -> Check:
    """Return a check that an empty value passes."""
    return lambda value, answers: check(value) if value else ""


def each(check: Callable[[str], str]) -> Check:
    """Return a check of every line of `lines`; blank ones pass, the first problem is reported, and duplicates are."""

    def run(value: Any, answers: Answers) -> str:
        lines = [line.strip() for line in value if line.strip()]
        for line in lines:
            problem = check(line)
            if problem:
                return problem
        doubled = next((line for line in lines if lines.count(line) > 1), "")
        return f"{doubled[:60]} is listed twice." if doubled else ""

    return run
