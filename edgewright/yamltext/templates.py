"""Go templates in a YAML text: they are no YAML until they are filled in on the host."""

from __future__ import annotations

import re

_TEMPLATE = re.compile(r"\{\{[^{}\n]*\}\}")
_MARKED = re.compile("\ue000([0-9]+)\ue001")


def hide_templates(text: str, hidden: list[str]) -> str:
    """Return a text with each Go template as one odd word: they are no YAML until they are filled in on the host."""
    if "\ue000" in text:
        return text

    def hide(match: re.Match[str]) -> str:
        hidden.append(match.group())
        return f"\ue000{len(hidden) - 1}\ue001"

    return _TEMPLATE.sub(hide, text)


def show_templates(text: str, hidden: list[str]) -> str:
    """Return a text with the templates that `hide_templates` took out."""
    if not hidden or "\ue000" not in text:
        return text

    def show(match: re.Match[str]) -> str:
        place = int(match.group(1)[:9])
        return hidden[place] if place < len(hidden) else match.group()

    return _MARKED.sub(show, text)
