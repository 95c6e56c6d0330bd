"""What answer files of every kind have in common: one YAML map with apiVersion, kind, metadata.name and answers.

A file is checked completely: `opened` collects what is wrong around the answers, the reader of the kind what is wrong
in them, so that the user gets all of it in one run.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.config.locations import too_open
from edgewright.config.nearest import suggestion
from edgewright.core.clusters.definition import API_VERSION as API_VERSION
from edgewright.core.errors import DocumentProblem, Failed, InvalidInput, NotFound, Refused
from edgewright.forge.bounded import read_bounded
from edgewright.yamltext.reader import read

MAX_FILE = 4 * 1024 * 1024
"""Bytes of an answer file, or of a certificate file, at most."""
KEYS = ("apiVersion", "kind", "metadata", "answers")
EXAMPLE = "See a complete file: edgewright apply --example"


class Opened(NamedTuple):
    """An answer file without its meaning: the kind ("" when it is not clear), the name, the answers, the problems."""

    kind: str
    name: str
    answers: Mapping[str, Any]
    problems: tuple[DocumentProblem, ...]


def read_document(path: Path, kind: str = "") -> Mapping[str, Any]:
    """Return the one YAML map in a file; `kind` is that of the example. Raises `NotFound`, `InvalidInput`, `Failed`.

    Raises `Refused` when others can read a file that contains a secret.
    """
    example = f"{EXAMPLE} {kind}".rstrip()
    command = f"edgewright apply --example {kind}".rstrip()
    try:
        if path.is_dir():
            raise InvalidInput(f"{path} is a directory, not a file.", "Name the answer file in it.")
        open_to_others = too_open(path)
        data = read_bounded(path, MAX_FILE)
        if len(data) > MAX_FILE:
            raise InvalidInput(f"{path} is too big for an answer file.", example)
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text.", example) from None
    except FileNotFoundError:
        hint = f"Write one from the example: (umask 077; {command} > {shlex.quote(str(path))})"
        raise NotFound(f"There is no file {path}.", hint) from None
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}.", "Check its rights.") from None
    try:
        parsed = read(text, str(path), MAX_FILE)
    except InvalidInput as error:
        if open_to_others is not None:  # whether it contains a secret cannot be known
            raise open_to_others from None
        if error.code == "NotAMap":
            raise InvalidInput(f"{path} is not a map of keys.", example) from None
        raise InvalidInput(error.message, f"{error.hint} {example}", error.code) from None
    document = parsed.document
    if open_to_others is not None and (stored := secret_of(document)):
        raise Refused(f"{path} contains {stored} and can be read by others.", open_to_others.hint, open_to_others.code)
    for odd in parsed.problems:
        if "an alias" not in odd.message:  # two values for a key, a second document, a tag: which is meant?
            raise InvalidInput(f"{path}, line {odd.line}: {odd.message}", f"{odd.hint} {example}", odd.code)
    if not document:
        raise InvalidInput(f"{path} is empty.", example, "Empty")
    return document


def secret_of(document: Any, depth: int = 0) -> str:
    """Return what secret a document contains (`a token`, `a password`), "" for none; an empty value is none."""
    if depth > 20:
        return "a secret"
    if isinstance(document, Mapping):
        for name, value in document.items():
            if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
                what = next((what for ends, what in _SECRETS if str(name).lower().endswith(ends)), "")
                if what:
                    return what
            elif secret := secret_of(value, depth + 1):
                return secret
    if isinstance(document, (list, tuple)):
        return next(filter(None, (secret_of(value, depth + 1) for value in document)), "")
    return "a private key" if isinstance(document, str) and "PRIVATE KEY-----" in document else ""


_SECRETS = (
    ("token.text", "a token"),
    ("token", "a token"),
    ("password", "a password"),
    ("passwd", "a password"),
    ("secret", "a secret"),
    ("private_key", "a private key"),
)
"""Ends of names whose values are secrets."""


def opened(document: Mapping[str, Any], kinds: Mapping[str, Sequence[str]]) -> Opened:
    """Return the parts of a document and what is wrong around its answers.

    `kinds` has the known kinds with the keys of their answers: a file whose kind is missing or mistyped is judged as
    the kind that its answers fit, so that its other problems are found too.
    """
    document_problems: list[DocumentProblem] = []
    for key in document:
        if key not in KEYS:
            near = suggestion(str(key), KEYS).removeprefix("; ")
            hint = f"{near[:1].upper()}{near[1:]}." if near else "Remove it."
            document_problems.append(DocumentProblem(str(key)[:60], "There is no such key.", hint, "UnknownKey"))
    version = document.get("apiVersion")
    if version != API_VERSION:
        message = f"It is {str(version)[:40]}; this version reads {API_VERSION}." if version else "It is missing."
        document_problems.append(
            DocumentProblem("apiVersion", message, f"Write apiVersion: {API_VERSION}", "ApiVersion")
        )
    metadata, answers = (_map(document, key, document_problems) for key in ("metadata", "answers"))
    for key in metadata:
        if key != "name":
            near = suggestion(str(key), ("name",)).removeprefix("; ")
            hint = f"{near[:1].upper()}{near[1:]}." if near else "metadata has only `name`."
            document_problems.append(
                DocumentProblem(f"metadata.{str(key)[:60]}", "There is no such key.", hint, "UnknownKey")
            )
    name = metadata.get("name")
    if name is not None and not isinstance(name, (str, int, float)):
        document_problems.append(DocumentProblem("metadata.name", "It must be a text.", "Write metadata: {name: NAME}"))
        name = None
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        known = ", ".join(kinds)
        likely = _near(str(kind or ""), kinds) or _fitting(answers, kinds)
        message = f"It is {str(kind)[:40]}; known kinds: {known}." if kind else f"It is missing; known kinds: {known}."
        hint = f"Write kind: {likely}" if likely else EXAMPLE
        document_problems.append(DocumentProblem("kind", message, hint, "Kind"))
        kind = likely
    return Opened(kind, "" if name is None else str(name).strip(), answers, tuple(document_problems))


def _map(document: Mapping[str, Any], key: str, problems: list[DocumentProblem]) -> Mapping[str, Any]:
    value = document.get(key)
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    problems.append(DocumentProblem(key, "It must be a map of keys.", f"Write {key}: and below it KEY: VALUE"))
    return {}


def _near(word: str, kinds: Mapping[str, Sequence[str]]) -> str:
    """Return the kind that a mistyped one means; stricter than for keys, since all else is judged by it."""
    return next(iter(difflib.get_close_matches(word[:60], list(kinds), n=1, cutoff=0.75)), "")


def _fitting(answers: Mapping[str, Any], kinds: Mapping[str, Sequence[str]]) -> str:
    """Return the kind that most of the answers belong to, "" when none of them is known anywhere."""
    counts = {kind: sum(key in keys for key in answers) for kind, keys in kinds.items()}
    best = max(counts, key=lambda kind: counts[kind], default="")
    return best if best and counts[best] else ""
