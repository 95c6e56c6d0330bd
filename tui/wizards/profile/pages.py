"""Pages and questions of the profile wizard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from edgewright.core.installer.questions import Choice, Question
from edgewright.core.profiles import semver
from edgewright.core.profiles.checks import NAME
from edgewright.core.profiles.formats import EXAMPLES, FORMATS
from edgewright.core.profiles.model import ADDON, FULL, INFRA, Option, Variable
from edgewright.core.profiles.variables import check_definitions


class WizardStep(NamedTuple):
    """A page: its key (also the word in the row of steps), its headline, and why it asks."""

    key: str
    question: str
    why: str


ABOUT, LAYERS, VALUES, VARIABLES, PREVIEW, SUMMARY = "about", "layers", "values", "variables", "preview", "summary"
PAGES: tuple[WizardStep, ...] = (
    WizardStep(
        ABOUT,
        "What is the profile called?",
        "A cluster names a profile and a version. A published version does not change any more: a change is a new "
        "version, or a draft beside it that is published again.",
    ),
    WizardStep(
        LAYERS,
        "Which layers does it have?",
        "The operating system is at the bottom, add-ons are on top. A full or infrastructure profile has one layer "
        "each for OS, Kubernetes and network; storage is optional. An add-on profile has add-ons only.",
    ),
    WizardStep(
        VALUES,
        "What are the values of the layer?",
        "Values are one map in YAML and complete: what is not in them is not set. Comments and order stay as you write "
        "them. References: {{.spectro.var.NAME}}, {{.spectro.macro.NAME}}, {{.spectro.system.NAME}}, "
        "{{.spectro.pack.PACK.KEY}}; put them into quotes.",
    ),
    WizardStep(
        VARIABLES,
        "What is asked for when a cluster is made of it?",
        "A variable has a value for each cluster. Values of layers refer to it as {{.spectro.var.NAME}}. The order "
        "here is the order of the questions.",
    ),
    WizardStep(
        PREVIEW,
        "What does it resolve to?",
        "The values with their references replaced, and where each inserted value came from. Variables without a value "
        "have an example here; it is not stored.",
    ),
)


def _name(value: Any, _answers: Mapping[str, Any]) -> str:
    if NAME.fullmatch(str(value)):
        return ""
    return "The name has letters, digits, spaces and . _ -, and begins and ends with a letter or digit."


def _version(value: Any, _answers: Mapping[str, Any]) -> str:
    return "" if semver.parse(str(value)) else "The version is a semantic one: write it as 1.0.0."


ABOUT_FIELDS: tuple[Question, ...] = (
    Question(
        "name",
        "name",
        help="1 to 128 letters, digits, spaces and . _ -",
        required=True,
        check=_name,
        example="edge-site",
    ),
    Question(
        "version",
        "version",
        help="A semantic version. All versions of a name are listed together.",
        required=True,
        check=_version,
        default="1.0.0",
    ),
    Question(
        "type",
        "type",
        "choice",
        help="Full: everything of a cluster. Infrastructure: OS to storage. Add-on: what is added to a cluster.",
        choices=(
            Choice(FULL, "full: infrastructure and add-ons"),
            Choice(INFRA, "infrastructure: OS, Kubernetes, network, storage"),
            Choice(ADDON, "add-on: add-on layers only"),
        ),
        default=FULL,
    ),
    Question("description", "description", help="One line for lists."),
    Question("labels", "tags", "map", help="Tags, one on each line: NAME=VALUE.", example="team=retail"),
)


def _default(_value: Any, row: Mapping[str, Any]) -> str:
    """Return what is wrong with the variable in a row, "" when nothing is."""
    wrong = check_definitions([variable_of(row)])
    return f"{wrong[0].message} {wrong[0].hint}".strip() if wrong and row.get("name") else ""


def _options(row: Mapping[str, Any]) -> bool:
    return row.get("input") == "dropdown"


VARIABLE_FIELDS = Question(
    "variables",
    "variable",
    "rows",
    fields=(
        Question("name", "name", help="Letters, digits, _ and -.", required=True, example="replicas"),
        Question("display", "display name", help="What is asked when a cluster is made; empty: the name."),
        Question("description", "description", help="A sentence below the question."),
        Question(
            "format",
            "format",
            "choice",
            help="What its value must be.",
            choices=tuple(Choice(name, EXAMPLES.get(name, "any text")) for name in FORMATS),
            default="string",
        ),
        Question(
            "input",
            "input",
            "choice",
            help="How it is asked.",
            choices=(Choice("text", "one line"), Choice("multiline", "several lines"), Choice("dropdown", "a choice")),
            default="text",
        ),
        Question("options", "options", "lines", help="Values to choose from, one on each line.", shown=_options),
        Question("regex", "pattern", help="RE2 expression that a value must match."),
        Question("default", "default", help="The value where none is given.", check=_default),
        Question("required", "required", "flag", help="A cluster needs a value."),
        Question("masked", "masked", "flag", help="Shown and exported as dots."),
        Question("hidden", "hidden", "flag", help="Not asked; needs a default when it is required."),
        Question("read_only", "read-only", "flag", help="Shown and not changed; needs a default."),
    ),
)
"""A variable as a row of fields; the keys are those of `Variable`."""


def row_of(variable: Variable) -> dict[str, Any]:
    """Return a variable as a row."""
    row = {part.key: getattr(variable, part.key) for part in VARIABLE_FIELDS.fields}
    return {**row, "options": [option.value for option in variable.options]}


def variable_of(row: Mapping[str, Any], before: Variable | None = None) -> Variable:
    """Return the variable of a row; what the fields do not have (labels of options) stays as it was."""
    known = {option.value: option for option in before.options} if before is not None else {}
    options = tuple(known.get(text, Option(text)) for text in row.get("options") or () if text.strip())
    values = {part.key: row.get(part.key, part.empty) for part in VARIABLE_FIELDS.fields}
    values["options"] = options if values["input"] == "dropdown" else ()
    extra = before.extra if before is not None else {}
    return Variable(**values, extra=extra)
