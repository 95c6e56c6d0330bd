"""A commented answer file that is valid as it is, written from the questions themselves, so that it cannot go stale."""

from __future__ import annotations

import json
import textwrap
from typing import Any, Dict, List, Mapping, Tuple

from edgewright.core.cloudconfig.findings import Finding, warning
from edgewright.core.installer.pages import PAGES
from edgewright.core.installer.questions import Page, Question

WIDTH = 100
CHANGE = "CHANGE THIS"
GIVEN: Dict[str, Tuple[Any, str]] = {
    "plane.endpoint": ("https://hub.example.org:8443", f"{CHANGE}: the address that the site sees"),
    "token.text": ("f3Vt9Kq2Wm7XzB4nR8sLd6Hp", f"{CHANGE}: made by `edgewright token create NAME`"),
    "user.keys": (
        ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f you@laptop"],
        f"{CHANGE}: your own .pub file",
    ),
    "base.kind": ("appliance", "`file` with base.path takes an ISO of yours"),
    "output.folder": (".", "relative paths begin at this file"),
}
"""What the example answers itself: a value and a remark. Every other question has its default and is a comment."""
STILL_EXAMPLES = "ExampleValue"
"""The code of a finding about a value of the example that was not replaced."""
NOT_SHOWN = ("output.name",)
"""Named by metadata.name."""


def example_text(api_version: str, kind: str, name: str = "shop-2026") -> str:
    """Return the complete file: what must be answered as keys, all else as comments with the default."""
    lines = [
        f"# An answer file of kind {kind}: edgewright apply -f FILE builds what it describes.",
        "# Only you may read it (chmod 600 FILE), because it contains a token. `--plan` shows what would be built.",
        "# Lines that begin with `# ` explain; remove the `#` of a line like `#key: value` to answer it.",
        f"apiVersion: {api_version}",
        f"kind: {kind}",
        "metadata:",
        f"  name: {name}  # names the files (unless output.name is answered) and the tag `installer` of the hosts",
        "answers:",
    ]
    for page in PAGES:
        lines += _page(page)
    return "\n".join(lines) + "\n"


def unchanged(answers: Mapping[str, Any]) -> List[Finding]:
    """Return a warning for each answer that has the example's own value where a site needs another one."""
    return [
        warning(
            f"answers.{key}",
            f"answers.{key} still has the example's value.",
            remark[len(CHANGE) + 2 :],
            STILL_EXAMPLES,
        )
        for key, (value, remark) in GIVEN.items()
        if remark.startswith(CHANGE) and answers.get(key) == value
    ]


def _page(page: Page) -> List[str]:
    lines = ["", f"  # --- {page.title}: {page.question}"]
    for question in page.fields:
        if question.key not in NOT_SHOWN:
            lines += _question(question)
    return lines


def _question(question: Question) -> List[str]:
    lines = [f"  # {line}" for line in textwrap.wrap(question.help, WIDTH - 4)]
    if question.choices:
        choices = "One of: " + "; ".join(f"{choice.value} ({choice.label})" for choice in question.choices)
        lines += [f"  # {line}" for line in textwrap.wrap(choices, WIDTH - 4)]
    for field in question.fields:
        values = f" One of: {', '.join(choice.value for choice in field.choices)}." if field.choices else ""
        lines.append(f"  #   {field.key}: {field.help}{values}{' Needed.' if field.required else ''}")
    if question.key in GIVEN:
        value, remark = GIVEN[question.key]
        return [*lines, f"  {question.key}: {_yaml(value)}  # {remark}"]
    needed = "  # needed where it applies" if question.required else ""
    return [*lines, f"  #{question.key}: {_yaml(_value(question))}{needed}"]


def _value(question: Question) -> Any:
    """Return a value to show: the default, the question's example, or the empty one."""
    if question.kind in ("text", "secret", "file") and not question.empty:
        return question.example if _is_value(question.example) else ""
    if question.kind == "rows":
        return [{field.key: _value(field) for field in question.fields}]
    if question.kind == "lines" and _is_value(question.example) and not question.empty:
        return [question.example]
    return question.empty


def _is_value(example: str) -> bool:
    """Whether an example is a complete value, not the beginning of one."""
    return bool(example) and " " not in example


def _yaml(value: Any) -> str:
    """Return a value on one line; JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)
