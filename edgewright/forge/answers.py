"""The answer file: what the wizard was answered, replayed by `edgewright apply -f` without questions.

    apiVersion: edgewright/v1
    kind: Installer
    metadata: {name: NAME}
    answers: {KEY: VALUE, ...}

`edgewright apply --example` prints one.

It contains a token, so it is readable by its owner alone (0600). What it took from elsewhere (certificates from files,
a context's address) is in it, and passwords are in it as hashes: the same file gives the same bytes on any machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.config import contexts
from edgewright.core.errors import DocumentProblem, EdgewrightError, InvalidDocument, InvalidInput, NotFound, Refused
from edgewright.core.installer import answers as rules
from edgewright.core.installer.checks import PEM, certificate
from edgewright.core.installer.pages import QUESTIONS
from edgewright.core.installer.pages_people import HASH, MIN_PASSWORD
from edgewright.core.installer.passwords import ALPHABET, sha512_crypt
from edgewright.core.installer.questions import Answers
from edgewright.core.small_file import local_path
from edgewright.forge.answer_files import API_VERSION, EXAMPLE, MAX_FILE, Opened, opened, read_document
from edgewright.forge.bounded import read_bounded
from edgewright.forge.secret_files import write_secret
from edgewright.yamltext.writer import write

KIND = "Installer"
PATHS = ("base.path", "output.folder", "output.plan", "content.folder", "content.cluster")
"""Answers that are paths on this machine and stay paths."""
MASK = "********"


class AnswerFile(NamedTuple):
    """An answer file as read: its name, and complete answers."""

    name: str
    answers: dict[str, Any]


def read_answers(path: Path) -> AnswerFile:
    """Return what is in an answer file.

    Raises `NotFound`, `InvalidDocument` with everything that is wrong in it (a key that is not known with the nearest),
    `Refused` when others can read it.
    """
    return answers_of(read_document(path), str(path))


def answers_of(document: Mapping[str, Any], where: str) -> AnswerFile:
    """Return the answers in a document of kind Installer. Raises `InvalidDocument` naming `where`."""
    file, problems = judged(opened(document, {KIND: tuple(QUESTIONS)}))
    if problems:
        raise InvalidDocument(where, problems, EXAMPLE)
    return file


def judged(outer: Opened) -> tuple[AnswerFile, list[DocumentProblem]]:
    """Return the complete answers of a file of kind Installer, and what is wrong with its keys and their kinds.

    `metadata.name` names the output where `output.name` is not given.
    """
    problems = list(outer.problems)
    complete, wrong = rules.completed(outer.answers)
    problems += wrong
    if outer.name and outer.answers.get("output.name") in (None, ""):
        complete["output.name"] = outer.name
        message = rules.problem(QUESTIONS["output.name"], outer.name, complete)
        if message:
            problems.append(DocumentProblem("metadata.name", message, "Or give answers.output.name.", "WrongAnswer"))
            complete["output.name"] = QUESTIONS["output.name"].empty
    return AnswerFile(outer.name or str(complete["output.name"]), complete), problems


def write_answers(path: Path, name: str, answers: Answers) -> None:
    """Write an answer file (0600), completely or not at all; defaults are left out, so that it shows what was decided.

    Raises `Failed`, and `InvalidInput` for answers that are none.
    """
    write_secret(path, text_of(name, answers).encode())


def text_of(name: str, answers: Answers) -> str:
    """Return the text of an answer file; the same answers give the same text."""
    complete = rules.complete(answers)
    shown = ("output.name",)  # even where it is the default: without it metadata.name would name the output
    stored = {key: value for key, value in complete.items() if value != QUESTIONS[key].empty or key in shown}
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "answers": stored}
    return write(document, width=120)


def settle(
    answers: Answers, folder: Path | None = None, *, strict: bool = True, keys: frozenset[str] | None = None
) -> dict[str, Any]:
    """Return complete answers that need nothing else any more to give the same user-data.

    A context's address and authority, and certificates from files (relative ones below `folder`), are taken in;
    passwords are hashed; with `keys` only those answers are. With `strict` false what cannot be read stays as it is.
    Raises `InvalidInput`, `NotFound`; `InvalidDocument` for several things that cannot be read.
    """
    result, problems = settled(answers, folder, keys=keys)
    if strict and len(problems) == 1:
        raise next(iter(problems.values()))
    if strict and problems:
        rows = [DocumentProblem(f"answers.{key}", e.message, e.hint, e.code) for key, e in problems.items()]
        raise InvalidDocument("The answers", rows)
    return result


def settled(
    answers: Answers, folder: Path | None = None, *, keys: frozenset[str] | None = None
) -> tuple[dict[str, Any], dict[str, EdgewrightError]]:
    """Return the answers as `settle` does, and by key of the answer why something could not be taken in."""
    result = rules.complete(answers)
    given, base = dict(result), folder or Path.cwd()
    problems: dict[str, EdgewrightError] = {}

    def wanted(key: str) -> bool:
        return keys is None or key in keys

    def pem(key: str, value: str) -> str:
        try:
            return _certificate(value, base)
        except EdgewrightError as error:
            problems.setdefault(key, error)
            return value

    if wanted("plane.context") and result["plane.mode"] != "local" and result["plane.context"]:
        try:
            _take_context(result)
        except EdgewrightError as error:
            problems["plane.context"] = error
    if wanted("plane.ca") or result["plane.ca"] != given["plane.ca"]:
        result["plane.ca"] = pem("plane.ca", result["plane.ca"])
    if wanted("ca.certificates"):
        result["ca.certificates"] = [pem("ca.certificates", text) for text in result["ca.certificates"]]
    if wanted("registries.list"):
        rows = result["registries.list"]
        result["registries.list"] = [{**row, "ca": pem("registries.list", row["ca"])} for row in rows]
    if wanted("user.password"):
        result["user.password"] = _hashed(result["user.password"], _salt(result, result["user.name"]))
    if wanted("users.more"):
        rows = result["users.more"]
        result["users.more"] = [{**r, "password": _hashed(r["password"], _salt(result, r["name"]))} for r in rows]
    return result, problems


def absolute(answers: Answers, folder: Path) -> dict[str, Any]:
    """Return the answers with every path made absolute; relative ones begin at `folder`."""
    matches = dict(answers)
    for key in PATHS:
        if matches.get(key):
            matches[key] = str((folder / local_path(matches[key])).absolute())
    return matches


def masked(answers: Answers) -> dict[str, Any]:
    """Return complete answers in which a mask replaces every secret."""
    result = rules.complete(answers)
    for key, question in QUESTIONS.items():
        if question.secret and result[key]:
            result[key] = MASK
        hidden = [field.key for field in question.fields if field.secret]
        if hidden:
            result[key] = [{k: MASK if k in hidden and v else v for k, v in row.items()} for row in result[key]]
    return result


def _take_context(matches: dict[str, Any]) -> None:
    """Fill address and authority from the context of that name, where they were not given. Raises `EdgewrightError`."""
    if matches["plane.endpoint"] and matches["plane.ca"]:
        return
    try:
        context = contexts.load().get(matches["plane.context"])
    except (NotFound, InvalidInput, Refused):
        if not matches["plane.endpoint"]:
            raise
        return  # replayed on a machine that does not know the context: what was taken from it is in the answers
    if not matches["plane.endpoint"]:
        matches["plane.endpoint"] = context.address_for_hosts
    known = (context.url.rstrip("/"), context.address_for_hosts.rstrip("/"))
    if not matches["plane.ca"] and context.ca and matches["plane.endpoint"].rstrip("/") in known:
        matches["plane.ca"] = context.ca


def _certificate(value: str, folder: Path) -> str:
    """Return a PEM text, read from the file that `value` names where it is none. Raises `InvalidInput`."""
    if not value.strip() or PEM in value:
        return value.strip()
    path = folder / local_path(value)
    try:
        data = read_bounded(path, MAX_FILE)
        if len(data) > MAX_FILE:
            raise InvalidInput(f"{path} is too big for a certificate.", "Give a PEM file.")
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        raise InvalidInput(
            f"The certificate file {path} cannot be read: {why}.", "Give the path of a PEM file."
        ) from None

    problem = certificate(text) if PEM in text else "There is no PEM certificate in it."
    if problem:
        raise InvalidInput(f"{path}: {problem}", "Give a file that begins with -----BEGIN CERTIFICATE-----")
    return text.strip()


def _hashed(password: str, salt: str) -> str:
    """Return the hash of a password; one that is hashed stays, and so does one that is too short to be taken."""
    if not password or password.startswith(HASH) or len(password) < MIN_PASSWORD:
        return password
    return sha512_crypt(password, salt)


def _salt(matches: Mapping[str, Any], user: str) -> str:
    """Return the salt for a user's password: the same for the same answers, so that a replay gives the same bytes.

    It is made of the token, the installer's name and the user's, never of the password: a salt that reveals it could be
    tried much faster than the hash.
    """
    parts = ("salt", matches["token.text"], matches["plane.endpoint"], matches["output.name"], user)
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return "".join(ALPHABET[byte & 63] for byte in digest[:16])
