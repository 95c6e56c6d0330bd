"""Merging a map into a YAML text: comments, order and quotes of what is there stay. Presets of packs need this."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import LiteralScalarString

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.language import templates
from edgewright.yamltext.editor import round_trip
from edgewright.yamltext.templates import show_templates
from edgewright.yamltext.values import read_values

MOST = 1024 * 1024
"""Characters of a text that is changed: the reader that preserves comments needs seconds for more."""


def merge(text: str, add: str, remove: Iterable[str] = (), name: str = "The values") -> str:
    """Return a text without the keys in `remove` (dotted paths) and with the values of `add` (YAML) put in.

    Maps are merged, everything else is replaced. Raises `InvalidInput` when one of the texts is not a map of keys.
    """
    read_values(text, name)  # bounds and form, before a slower reader sees it
    read_values(add, f"{name}, what is added")
    if len(text) > MOST or len(add) > MOST:
        raise InvalidInput(f"{name} is larger than 1 MB and cannot be changed.", "Change it in an editor.", "TooBig")
    hidden: list[str] = []
    yaml = round_trip(text)
    document = _loaded(yaml, _hide(text, hidden), name)
    changed = False
    for path in remove:
        changed = _remove(document, path.split(".")) or changed
    added = _loaded(round_trip(add), _hide(add, hidden), name)
    if not added and not changed:
        return text
    _merge(document, added)
    out = io.StringIO()
    yaml.dump(document, out)
    return show_templates(out.getvalue(), hidden)


def _loaded(yaml: Any, text: str, name: str) -> CommentedMap:
    try:
        document = yaml.load(text)
    except (YAMLError, ValueError, RecursionError) as wrong:
        raise InvalidInput(f"{name} cannot be changed: {str(wrong)[:120]}.", "Change it in an editor.") from None
    return CommentedMap() if document is None else document


def _hide(text: str, hidden: list[str]) -> str:
    """Return a text with a word for each reference; `show_templates` puts them back."""
    parts, at = [], 0
    for start, end in templates.scan(text):
        parts += [text[at:start], f"\ue000{len(hidden)}\ue001"]
        hidden.append(text[start:end])
        at = end
    return "".join([*parts, text[at:]])


def _remove(document: Any, steps: list[str]) -> bool:
    """Remove a key; keys may contain dots themselves, the longest that is there counts."""
    if not isinstance(document, MutableMapping):
        return False
    for count in range(len(steps), 0, -1):
        key = ".".join(steps[:count])
        if key in document:
            if count == len(steps):
                del document[key]
                return True
            return _remove(document[key], steps[count:])
    return False


def _merge(document: MutableMapping[str, Any], added: Mapping[str, Any]) -> None:
    for key, value in added.items():
        here = document.get(key)
        if isinstance(here, MutableMapping) and isinstance(value, Mapping):
            _merge(here, value)
        else:
            document[key] = LiteralScalarString(value) if type(value) is str and "\n" in value else value
