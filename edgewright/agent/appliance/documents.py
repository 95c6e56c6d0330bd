"""User-data as the appliance reads it: found on the medium, merged, written back as text without altering a word.

A plain word of a YAML file is a number or a text depending on who reads it. Here `true`, `42` and `null` become values,
and everything whose value would be written otherwise (`007`, `1.10`, `0600`) stays the text that was written.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from edgewright.core.cloudconfig.merge import merge as by_rule
from edgewright.core.errors import EdgewrightError, InvalidInput
from edgewright.core.yaml.subset import load

HEADER = "#cloud-config"
MAX_SIZE = 1 << 20
"""Bytes of one file; larger ones are no configuration (the Kairos agent's own bound)."""
MARK = "# edgewright placeholder"
_PLAIN = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./$@%+=-]*")
_SPECIAL_SCALARS = frozenset(["true", "false", "yes", "no", "on", "off", "null", "none", "~", "y", "n", ".inf", ".nan"])


class Layer(NamedTuple):
    """One user-data file: its source and its content."""

    source: str
    document: Dict[str, Any]


class FolderLayers(NamedTuple):
    """What was found in a folder: layers in the order of their merging, and sentences about what was left out."""

    layers: Tuple[Layer, ...]
    notices: Tuple[str, ...]


def has_header(text: str) -> bool:
    """Return whether a text states within its first ten lines that it is a cloud-config."""
    return any(line.strip() == HEADER for line in text.lstrip("\ufeff").splitlines()[:10])


def is_placeholder(text: str) -> bool:
    """Return whether a file contains only an empty place for user-data."""
    return MARK in text and not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def read_document(text: str) -> Dict[str, Any]:
    """Return the map in the text of a cloud-config. Raises `InvalidInput` (a `YamlError` names the line)."""
    text = text.replace("\x00", "")  # a placeholder may be padded
    document = _faithful(load(text, typed=True), load(text, typed=False))
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InvalidInput("The user-data is not a map of keys.", "It must begin with #cloud-config and contain keys.")
    return document


def _faithful(typed: Any, parts: Any) -> Any:
    if isinstance(typed, dict):
        return {key: _faithful(value, parts[key]) for key, value in typed.items()}
    if isinstance(typed, list):
        return [_faithful(value, parts[at]) for at, value in enumerate(typed)]
    if typed is None or isinstance(typed, str):
        return typed
    return typed if scalar(typed) == parts else parts


def scan(folder: str, names: Sequence[str] = ()) -> FolderLayers:
    """Return the cloud-configs below a folder, sorted by path; with `names`, only those files directly in it."""
    paths: List[str] = []
    if names:
        paths = [os.path.join(folder, name) for name in names]
    else:
        for where, folders, files in os.walk(folder):
            folders.sort()
            paths += [os.path.join(where, name) for name in sorted(files) if name.endswith((".yaml", ".yml"))]
    layers: List[Layer] = []
    messages: List[str] = []
    for path in paths:
        _take(path, layers, messages)
    return FolderLayers(tuple(layers), tuple(messages))


def _take(path: str, layers: List[Layer], messages: List[str]) -> None:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SIZE + 1)
        text = data.decode("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        messages.append(f"{path} cannot be read as text and is left out.")
        return
    if not has_header(text):
        messages.append(f"{path} does not begin with {HEADER} and is left out.")
    elif len(data) > MAX_SIZE:
        messages.append(f"{path} is larger than 1 MiB and is left out.")
    elif not is_placeholder(text):
        try:
            document = read_document(text)
        except EdgewrightError as error:
            raise InvalidInput(f"The user-data {path} cannot be read: {error.message}", error.hint) from None
        if document:
            layers.append(Layer(path, document))


def merge(layers: Sequence[Layer]) -> Dict[str, Any]:
    """Return the layers as one, later ones over earlier: the rule that the forge shows."""
    merged: Dict[str, Any] = dict(by_rule([(layer.source, layer.document) for layer in layers]).document)
    return merged


def dump(document: Mapping[str, Any]) -> str:
    """Return a map as a cloud-config text that `read_document` reads back to the same map."""
    return HEADER + "\n" + "".join(line + "\n" for line in _lines(document, 0))


def _lines(node: Any, indent: int) -> List[str]:
    pad, lines = " " * indent, []
    if isinstance(node, Mapping):
        for key, value in node.items():
            lines += _entry(f"{pad}{scalar(str(key))}:", value, indent)
    else:
        for value in node:
            inner = _lines(value, indent + 2) if isinstance(value, Mapping) and value else None
            if inner is not None:
                lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
            else:
                lines += _entry(f"{pad}-", value, indent)
    return lines


def _entry(head: str, value: Any, indent: int) -> List[str]:
    if isinstance(value, (Mapping, list, tuple)):
        if not value:
            return [head + (" {}" if isinstance(value, Mapping) else " []")]
        return [head, *_lines(value, indent + 2)]
    if isinstance(value, str) and "\n" in value.rstrip("\n") and _blockable(value):
        body = value.rstrip("\n")
        mark = "|" if value.endswith("\n") else "|-"
        return [f"{head} {mark}", *(" " * (indent + 2) + line if line else "" for line in body.split("\n"))]
    return [f"{head} {scalar(value)}"]


def _blockable(text: str) -> bool:
    ends = len(text) - len(text.rstrip("\n"))
    odd = any((ord(character) < 32 and character != "\n") or ord(character) == 127 for character in text)
    return ends <= 1 and not odd and not text.startswith((" ", "\n", "\t"))


def scalar(value: Any) -> str:
    """Return one value as it is in a file; texts that could be taken for something else are quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if (
        _PLAIN.fullmatch(text)
        and text.lower() not in _SPECIAL_SCALARS
        and not re.fullmatch(r"[-+.]?[0-9][0-9_.xXoOa-fA-F:eE+-]*", text)
    ):
        return text
    return json.dumps(text, ensure_ascii=False)
