"""Variables of a profile: whether their definitions are valid, and whether values fit them."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from edgewright.core import patterns
from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.formats import EXAMPLES, FORMATS, MAX_VALUE
from edgewright.core.profiles.model import MAX_VARIABLES, Variable
from edgewright.core.profiles.problems import Problem, error, suggestion
from edgewright.core.text import clean

INPUTS = ("text", "dropdown", "multiline")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", re.ASCII)
MAX_OPTIONS = 500
"""Options of a dropdown."""
MAX_MATCHED = 50_000
"""Characters of all values of a profile that are matched with patterns: a long value can take half a second."""
MOST_HINTS = 20
COVER = "********"
"""What is shown instead of a masked value."""


class Matching:
    """Matches values with the patterns of variables, up to a number of characters in all."""

    def __init__(self) -> None:
        self.left = MAX_MATCHED

    def fits(self, variable: Variable, value: str) -> bool:
        """Return whether a value matches; an invalid pattern takes every value (its definition is reported).

        Raises `InvalidInput` (`TooBig`) when the values are too long together.
        """
        self.left -= len(value)
        if self.left < 0:
            message = f"The values to match with patterns have more than {MAX_MATCHED:,} characters in all"
            raise InvalidInput(message, "Use shorter values, or no pattern for long ones.", "TooBig")
        try:
            return patterns.compiled(variable.regex).search(value)
        except InvalidInput:
            return True


def check_definitions(variables: Sequence[Variable]) -> List[Problem]:
    """Return what is wrong with the variables that a profile defines."""
    problems: List[Problem] = []
    if len(variables) > MAX_VARIABLES:
        problems.append(error("", "variables", f"A profile has at most {MAX_VARIABLES} variables.", "Remove some."))
        return problems
    matching = Matching()
    names: Dict[str, int] = {}
    titles: Dict[str, str] = {}
    for variable in variables:
        path = f"variables.{clean(variable.name, 80)}"
        names[variable.name] = names.get(variable.name, 0) + 1
        if names[variable.name] == 2:
            problems.append(
                error("", path, "Two variables have this name.", "Rename one of them.", "DuplicateVariable")
            )
        other = titles.setdefault(variable.display, variable.name) if variable.display else variable.name
        if other != variable.name:
            message = f"The variables {other} and {variable.name} have the same display name."
            problems.append(error("", path, message, "Give one of them another.", "DuplicateVariable"))
        try:
            rows = list(_definition(variable, matching))
        except InvalidInput as wrong:
            problems.append(error("", path, f"{wrong.message}.", wrong.hint, wrong.code))
            return problems
        problems += [error("", path, message, hint, "InvalidVariable") for message, hint in rows]
    return problems


def _definition(variable: Variable, matching: Matching) -> Iterator[Tuple[str, str]]:
    """Yield what is wrong with one definition: message and hint."""
    if NAME.fullmatch(variable.name) is None:
        yield "The name of a variable has letters, digits, _ and -, and begins with a letter or _.", "Rename it."
    if variable.input not in INPUTS:
        yield f"{clean(variable.input, 40)} is not an input type.", suggestion(variable.input, INPUTS, "input types")
    if variable.format not in FORMATS:
        yield f"{clean(variable.format, 40)} is not a format.", suggestion(variable.format, tuple(FORMATS), "formats")
    if variable.regex:
        try:
            patterns.compiled(variable.regex)
        except InvalidInput as refused:
            yield refused.message, refused.hint
    if variable.input == "dropdown":
        values = [option.value for option in variable.options]
        if len(values) > MAX_OPTIONS:
            yield f"A dropdown has at most {MAX_OPTIONS} options.", "Use a text with a pattern."
            return
        if not values:
            yield "A dropdown needs at least one option.", "Add an option, or make it a text."
        if len(set(values)) < len(values):
            yield "Two options of the dropdown have the same value.", "Remove one of them."
        for value in values:
            wrong = _unfit(variable, value, matching)
            if wrong:
                yield f"The option {clean(value, 60)!r} {wrong}.", "Change the option or the format."
    if not variable.default:
        if variable.hidden and variable.required:
            yield "A hidden variable that is required needs a default value.", "Give it a default value."
        if variable.read_only:
            yield "A read-only variable needs a default value.", "Give it a default value."
        return
    if variable.default != COVER and "{{" not in variable.default:
        wrong = _unfit(variable, variable.default, matching) or _not_an_option(variable, variable.default)
        if wrong:
            yield f"The default value {_shown(variable, variable.default)}{wrong}.", "Change the default value."


def check_values(variables: Sequence[Variable], values: Mapping[str, str]) -> List[Problem]:
    """Return what is wrong with values for the variables of a profile; one that is required may be missing still."""
    by_name = {variable.name: variable for variable in variables}
    matching = Matching()
    problems: List[Problem] = []
    for name, value in values.items():
        path, variable = f"variables.{clean(name, 80)}", by_name.get(name)
        if variable is None:
            hint = suggestion(name, tuple(by_name), "variables") if len(problems) < MOST_HINTS else ""
            problems.append(error("", path, "The profile has no variable of this name.", hint, "UnknownVariable"))
            continue
        try:
            wrong = problem_with(variable, value, matching)
        except InvalidInput as refused:
            problems.append(error("", path, f"{refused.message}.", refused.hint, refused.code))
            break
        if wrong:
            problems.append(error("", path, f"{wrong}.", variable.description, "InvalidValue"))
    return problems


def problem_with(variable: Variable, value: str, matching: Optional[Matching] = None) -> str:
    """Return what is wrong with a value as a sentence without its full stop; "" when it fits."""
    if variable.hidden and value != variable.default:
        return "It is hidden and cannot be set"
    if variable.read_only and value != variable.default:
        return "It is read-only and cannot be set"
    if value == "":
        return "A value is required" if variable.required and not variable.default else ""
    if value == COVER and variable.masked:
        return "The masked value must be given again"
    wrong = _unfit(variable, value, matching or Matching()) or _not_an_option(variable, value)
    return f"The value {_shown(variable, value)}{wrong}" if wrong else ""


def _shown(variable: Variable, value: str) -> str:
    return "" if variable.masked else f"{clean(value, 60)!r} "


def _unfit(variable: Variable, value: str, matching: Matching) -> str:
    """Return why a value does not fit format and pattern, as the end of a sentence."""
    if len(value) > MAX_VALUE:
        return f"is longer than {MAX_VALUE // 1024} KiB"
    fits = FORMATS.get(variable.format)
    if fits is not None and not fits(value):
        return f"is not {EXAMPLES.get(variable.format, variable.format)}"
    if variable.regex and not matching.fits(variable, value):
        return f"does not match {clean(variable.regex, 80)}"
    return ""


def _not_an_option(variable: Variable, value: str) -> str:
    values = [option.value for option in variable.options]
    if variable.input != "dropdown" or value in values:
        return ""
    shown = ", ".join(clean(option, 30) for option in values[:8])
    return f"is not one of the options: {shown}"
