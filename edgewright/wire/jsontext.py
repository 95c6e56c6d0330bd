"""JSON text in and out: strict about the form, with the place of the first mistake."""

from __future__ import annotations

import json
from typing import Any, Dict, List, TypeVar, Union

from edgewright.core.errors import InvalidInput

Json = Any
"""Any JSON value: dict, list, str, int, float, bool or None."""

MAX_DEPTH = 100
"""Levels of nesting that are accepted; deeper input is an attack or an accident."""

V = TypeVar("V")


def parse_json(data: Union[bytes, str]) -> Json:
    """Return the JSON value in `data`; raises `InvalidInput` with the place of the first mistake."""
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"The document is not UTF-8: byte {error.start} cannot be read.", code="RequestError"
        ) from None
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise InvalidInput("The document is nested too deeply.", code="RequestError") from None
    except ValueError as error:
        place = (
            f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "some number"
        )
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise InvalidInput(f"The document is not JSON at {place}: {reason[:120]}.", code="RequestError") from None
    if _deeper(value, MAX_DEPTH):
        raise InvalidInput(f"The document is nested more than {MAX_DEPTH} levels deep.", code="RequestError")
    return value


def parse_object(data: Union[bytes, str]) -> Dict[str, Json]:
    """Return the JSON object in `data`; raises `InvalidInput` when it contains anything else."""
    value = parse_json(data)
    if not isinstance(value, dict):
        kind = {list: "a list", str: "a text", type(None): "null", bool: "true or false"}.get(type(value), "a number")
        raise InvalidInput(f"A JSON object is expected here, and {kind} came.", code="RequestError")
    return value


def dump(value: Json) -> bytes:
    """Return compact UTF-8 JSON; lone surrogates, which JSON can carry and UTF-8 cannot, stay escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def copy_json(value: V) -> V:
    """Return a deep copy of a JSON value (several times faster than `copy.deepcopy`)."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copy_json(item) for item in value]  # type: ignore[return-value]
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")


def _deeper(value: Json, levels: int) -> bool:
    layer: List[Json] = [value]
    for _ in range(levels + 1):
        below: List[Json] = []
        for item in layer:
            if isinstance(item, dict):
                below.extend(v for v in item.values() if isinstance(v, (dict, list)))
            elif isinstance(item, list):
                below.extend(v for v in item if isinstance(v, (dict, list)))
        if not below:
            return False
        layer = below
    return True
