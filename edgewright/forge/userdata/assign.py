"""`key=value` words: the key by its path or by a name that identifies it, the value by its kind, or out of a file."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from edgewright.core.cloudconfig.look import shown
from edgewright.core.cloudconfig.masking import is_secret
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.homes import HOMES, suggestion
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.errors import Failed, InvalidInput, NotFound, UsageError
from edgewright.core.small_file import local_path
from edgewright.core.yaml.scalars import resolve
from edgewright.forge.bounded import read_bounded

SHORT = {
    "name": "stylus.site.name",
    "uid": "stylus.site.name",
    "endpoint": "stylus.site.paletteEndpoint",
    "token": "stylus.site.edgeHostToken",
}
"""What a user means by these words, whatever else they name."""
_LOGIN = re.compile(r"://[^\s/:@]{0,64}:[^\s/@${][^\s/@]{0,128}@")
"""A password in a URL; `$` and `{` begin a name that is replaced by one later."""


class Assignment(NamedTuple):
    """A key's full path and the value to put there."""

    path: str
    value: Any


def read_assignment(word: str) -> Assignment:
    """Return what `key=value` sets; `key=@FILE` takes the text of a file, so that no secret is on the command line.

    Raises `UsageError` without `=`, `NotFound` for a key or file that is not there, `InvalidInput` for a value of the
    wrong kind.
    """
    name, sign, text = word.partition("=")
    if not sign or not name.strip():
        raise UsageError(f"{shown(word)!r} is not a key=value.", "Write e.g. stylus.site.name=edge-01")
    path = find_path(name.strip())
    if text.startswith("@") and len(text) > 1:
        text = _file(text[1:])
    elif text and (is_secret(path) or _LOGIN.search(text)):
        what = "is a secret" if is_secret(path) else "has a URL with a password"
        raise UsageError(
            f"{shown(name)} {what}, and others can read a command line.",
            f"Write it into a file that only you can read: {shown(name)}=@FILE",
            "SecretInArguments",
        )
    return Assignment(path, _value(path, text))


def find_path(name: str) -> str:
    """Return the full path of a key that is named by its path or its name alone. Raises `NotFound`."""
    if name in SHORT:
        return SHORT[name]
    if SCHEMA.key(name) is not None or _inside_free(name):
        return name
    first, dot, rest = name.partition(".")
    if first in HOMES:
        path = HOMES[first] + dot + rest
        if not rest or SCHEMA.key(path) is not None or _inside_free(path):
            return path
    raise NotFound(
        f"There is no key {shown(name)}{suggestion(name)}.", "See all: edgewright forge user-data show", "NoSuchKey"
    )


def _inside_free(name: str) -> bool:
    """Return whether a path is in a map of free names, such as stylus.site.tags.floor."""
    above = SCHEMA.key(name.rpartition(".")[0])
    return above is not None and above.kind == model.TABLE


def _file(name: str) -> str:
    path = local_path(name)
    try:
        data = read_bounded(path, 1024 * 1024)
        if len(data) > 1024 * 1024:
            raise InvalidInput(f"{path} is bigger than 1 MB.", "Give the right file.", "TooBig")
        return data.decode("utf-8")
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Give its path behind the @.", "NoFile") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text.", "Give a text file.", "NotText") from None
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}.", "Check its rights.") from None


def _value(path: str, text: str) -> Any:
    key = SCHEMA.key(path)
    kind = key.kind if key is not None else model.TEXT
    if kind == model.FLAG:
        value = resolve(text.strip())
        if not isinstance(value, bool):
            raise InvalidInput(f"{path} must be true or false, not {shown(text)}.", "", "Type")
        return value
    if kind == model.INT:
        word = text.strip()
        if not re.fullmatch(r"-?[0-9]{1,18}", word):
            raise InvalidInput(f"{path} must be an integer, not {shown(text)}.", "", "Type")
        return int(word, 8) if path.endswith(".permissions") and word.startswith("0") else int(word)
    if kind in (model.TEXTS, model.TEXT_OR_TEXTS):
        if "-----BEGIN" in text:
            return [text]
        parts = [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]
        return text.strip() if kind == model.TEXT_OR_TEXTS and len(parts) < 2 else parts
    if kind in (model.MAP, model.MAPS, model.TABLE):
        below = next((item.path for item in SCHEMA.below(path)), f"{path}.NAME")
        raise UsageError(
            f"{path} is {model.KIND_NAMES[kind]}; set what is in it.", f"E.g. {below.replace('[]', '[0]')}=..."
        )
    return text.rstrip("\n") if "-----BEGIN" not in text else text
