"""The filter of a list on the command line: what is wrong with it is a wrong word of the command (exit 2)."""

from __future__ import annotations

from typing import Any, Mapping, Tuple

from edgewright.core.errors import UsageError
from edgewright.core.filters.fields import FILTER_FIELDS, FilterField
from edgewright.core.filters.filters import Filter, FilterError, parse
from edgewright.core.filters.labels import SelectorError, selector
from edgewright.core.text import clean

HINT = "Write site=berlin,env!=test or 'site in (a,b)'."


def filter_of(args: Mapping[str, Any], fields: Tuple[FilterField, ...] = FILTER_FIELDS) -> Filter:
    """Return the filter of the words after the verb and of `--selector`; everything passes without any.

    Raises `UsageError` with one sentence that names the text and the place in it, counted from 1.
    """
    text = " ".join(args.get("filter") or ())
    labels = str(args.get("selector") or "")
    if labels:
        try:
            _, end = selector(labels, 0)
            if end < len(labels):
                raise SelectorError("this does not belong to it", end)
        except SelectorError as error:
            raise _wrong("selector", labels, error.position, str(error), HINT) from None
    try:
        return parse(f"{text} -l {labels}" if labels else text, fields)
    except FilterError as error:
        raise _wrong("filter", text, error.position, error.message, error.hint) from None


def _wrong(what: str, text: str, position: int, message: str, hint: str) -> UsageError:
    sentence = message[:1].lower() + message[1:].rstrip(".")
    shown = clean(text, limit=200)
    return UsageError(f"The {what} '{shown}' is wrong at character {position + 1}: {sentence}.", hint, "InvalidFilter")
