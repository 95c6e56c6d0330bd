"""A form of the console: fields that are typed into or chosen, as a pure value that keys change."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence, Tuple

from edgewright.core.text import clip

LIMIT = 253


class Field:
    """One field. `choices` makes it one that left and right change; `secret` hides what is typed."""

    def __init__(
        self, key: str, label: str, value: str = "", choices: Sequence[str] = (), secret: bool = False
    ) -> None:
        self.key = key
        self.label = label
        self.value = value
        self.choices = tuple(choices)
        self.secret = secret
        self.shown: Callable[["Form"], bool] = lambda form: True


class Form:
    """Fields of one page; `wrong` is what `check` returned when the operator pressed enter."""

    def __init__(
        self, title: str, fields: Sequence[Field], check: Callable[["Form"], Sequence[str]], key_line: str = ""
    ) -> None:
        self.title = title
        self.fields: List[Field] = list(fields)
        self.check = check
        self.at = 0
        self.wrong: Tuple[str, ...] = ()
        self.key_line = key_line or "TAB/arrows move   ENTER apply   ESC back"

    def visible(self) -> List[Field]:
        """Return the fields that belong to what is chosen."""
        return [field for field in self.fields if field.shown(self)]

    def value(self, key: str) -> str:
        """Return a field's text without blanks around it; empty for a hidden field."""
        for field in self.visible():
            if field.key == key:
                return field.value if field.secret else field.value.strip()
        return ""

    def press(self, key: str) -> Optional[str]:
        """Take a key. Returns `apply` when the form is right and entered, `back` when it is left, else None."""
        fields = self.visible()
        self.at = min(self.at, len(fields) - 1)
        field = fields[self.at]
        if key == "esc":
            return "back"
        if key == "enter":
            self.wrong = tuple(self.check(self))
            return None if self.wrong else "apply"
        if key in ("tab", "down"):
            self.at = (self.at + 1) % len(fields)
        elif key in ("backtab", "up"):
            self.at = (self.at - 1) % len(fields)
        elif field.choices:
            if key in ("left", "right", " "):
                step = -1 if key == "left" else 1
                field.value = field.choices[(field.choices.index(field.value) + step) % len(field.choices)]
        elif key == "backspace":
            field.value = field.value[:-1]
        elif key == "ctrl-u":
            field.value = ""
        elif len(key) == 1 and key.isprintable() and len(field.value) < LIMIT:
            field.value += key
        return None

    def lines(self, width: int) -> List[str]:
        """Return the form's lines, the present field marked by `>`."""
        rows = []
        for at, field in enumerate(self.visible()):
            mark = ">" if at == self.at else " "
            if field.choices:
                shown = "   ".join(f"({'*' if choice == field.value else ' '}) {choice}" for choice in field.choices)
            else:
                text = "*" * len(field.value) if field.secret else field.value
                room = max(8, width - 26)
                shown = "[" + text[-room:] + ("_" if at == self.at else "") + "]"
            rows.append(clip(f" {mark} {field.label:<20} {shown}", width))
        return rows
