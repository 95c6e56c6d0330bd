"""Whether a value has the kind that its key wants, with what happens on the host when it has not."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from edgewright.core.cloudconfig.findings import Finding, error, warning
from edgewright.core.cloudconfig.look import shown
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.model import Key
from edgewright.core.cloudconfig.schema.readers import lost, reads_any_scalar

_FLAG_VALUES = ("true", "false", "yes", "no", "on", "off")
_NUMBERS = ("uid", "gid")
"""Texts that everybody writes as plain numbers; they stay what they are."""


def kind_of(value: Any) -> str:
    """Return what a value is, for a sentence: `a map`, `the number 3`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the number {value}" if abs(value) < 10**18 else "a number"
    if isinstance(value, float):
        return f"the number {value:g}"
    if isinstance(value, str):
        return "a text"
    return "a map" if isinstance(value, Mapping) else "a list"


def kind_problem(key: Key, value: Any, path: str) -> Optional[Finding]:
    """Return the finding for a value of the wrong kind; None when it is right."""
    kind = key.kind
    if kind == model.TEXT:
        return None if isinstance(value, str) else _no_text(key, value, path)
    if kind == model.FLAG:
        if isinstance(value, bool):
            return None
        quoted = isinstance(value, str) and value.lower() in _FLAG_VALUES
        scalar = isinstance(value, (int, float))
        return _wrong(key, value, path, "Write true or false, without quotes." if quoted or scalar else "")
    if kind == model.INT:
        return None if isinstance(value, int) and not isinstance(value, bool) else _no_number(key, value, path)
    if kind in (model.MAP, model.TABLE):
        if not isinstance(value, Mapping):
            return _wrong(key, value, path, "")
        return _table(path, value) if kind == model.TABLE else None
    if kind == model.TEXT_OR_TEXTS and isinstance(value, str):
        return None
    if not isinstance(value, list):
        return _no_list(key, value, path)
    return _items(value, path) if kind in (model.TEXTS, model.TEXT_OR_TEXTS) else None


def no_map(value: Any, path: str) -> Finding:
    """Return the finding for an item of a list of maps that is none."""
    if value is None:
        return warning(path, f"{path} is empty.", "Remove its dash, or give it keys.", "Empty")
    hint = "`default` is a word of Ubuntu's cloud-init: remove it." if value == "default" else ""
    return error(path, _with_loss(f"{path} must be a map, not {kind_of(value)}", path), hint, "Type")


def _with_loss(sentence: str, path: str) -> str:
    loss = lost(path)
    return f"{sentence}: {loss}." if loss else f"{sentence}."


def _wrong(key: Key, value: Any, path: str, hint: str) -> Finding:
    sentence = f"{path} must be {model.KIND_NAMES[key.kind]}, not {kind_of(value)}"
    return error(path, _with_loss(sentence, path), hint, "Type")


def _no_text(key: Key, value: Any, path: str) -> Optional[Finding]:
    scalar = isinstance(value, (bool, int, float))
    complete = isinstance(value, int) and not isinstance(value, bool)
    if scalar and (reads_any_scalar(path) or complete):
        if key.name in _NUMBERS:
            return None
        hint = "Put it into quotes: the installer writes the file again, and 0123 becomes 83."
        return warning(path, f"{path} is {kind_of(value)} and not a text.", hint, "Type")
    return _wrong(key, value, path, "Put it into quotes." if scalar else "")


def _no_number(key: Key, value: Any, path: str) -> Finding:
    hint = key.rule
    if isinstance(value, str):
        if value.strip().isdigit():
            hint = "Write the number without quotes."
        elif key.name in ("owner", "group"):
            hint = f"Give its number, or write ownerstring: {shown(value, 30)}."
    return _wrong(key, value, path, hint)


def _no_list(key: Key, value: Any, path: str) -> Finding:
    hint = "Begin each item with '- '."
    if isinstance(value, str) and key.kind in (model.TEXTS, model.TEXT_OR_TEXTS):
        parts = [word.strip() for word in value.split(",") if word.strip()]
        plain = all(word.replace("-", "").replace("_", "").isalnum() for word in parts)
        if parts and len(value) <= 60 and plain:
            hint = f"Write a list: {key.name}: [{', '.join(parts)}]"
    elif isinstance(value, (bool, int, float)):
        hint = ""
    return _wrong(key, value, path, hint)


def _items(value: Any, path: str) -> Optional[Finding]:
    for place, item in enumerate(value):
        if isinstance(item, str):
            continue
        where = f"{path}[{place}]"
        if item is None:
            return warning(path, f"{where} is empty.", "Remove its dash, or give it a text.", "Empty")
        if isinstance(item, (bool, int, float)):
            if reads_any_scalar(path):
                return warning(path, f"{where} is {kind_of(item)} and not a text.", "Put it into quotes.", "Type")
            return error(path, f"{path} must contain strings, not {kind_of(item)}.", "Put it into quotes.", "Type")
        hint = ""
        if isinstance(item, Mapping) and len(item) == 1:
            name, text = next(iter(item.items()))
            complete = f"{name}: {text}" if isinstance(text, (str, int, float)) else f"{name}: ..."
            hint = f"A text with ': ' in it is a map to YAML; put it into quotes: - '{shown(complete, 60)}'"
        elif isinstance(item, list):
            hint = "Write the command as one string, not as a list of arguments."
        sentence = f"{path} must contain strings, not {kind_of(item)} ({where})"
        return error(path, _with_loss(sentence, path), hint, "Type")
    return None


def _table(path: str, value: Mapping[str, Any]) -> Optional[Finding]:
    for name, below in value.items():
        if isinstance(below, (Mapping, list)):
            sentence = f"{path}.{shown(name)} must be a text, not {kind_of(below)}"
            return error(path, _with_loss(sentence, path), "", "Type")
        if not isinstance(below, str):
            hint = f'Put it into quotes, so that it stays as you wrote it: {shown(name)}: "..."'
            return warning(path, f"{path}.{shown(name)} is {kind_of(below)} and not a text.", hint, "Type")
    return None
