"""The answer file: what the wizard was told, replayed by `edgewright apply -f` without questions.

    apiVersion: edgewright/v1
    kind: Installer
    metadata: {name: NAME}
    answers: {KEY: VALUE, ...}

It holds a token, so it is readable by its owner alone (0600). What it took from elsewhere (certificates from files, a
context's address) is in it, and passwords are in it as hashes: the same file gives the same bytes on any machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.config.nearest import suggestion
from edgewright.core.errors import Failed, InvalidInput, NotFound, Refused
from edgewright.core.installer import answers as rules
from edgewright.core.installer.checks import PEM
from edgewright.core.installer.pages import QUESTIONS
from edgewright.core.installer.pages_people import HASH, MIN_PASSWORD
from edgewright.core.installer.passwords import ALPHABET, sha512_crypt
from edgewright.core.installer.questions import Answers

API_VERSION = "edgewright/v1"
KIND = "Installer"
MAX_FILE = 4 * 1024 * 1024
"""Bytes of an answer file, or of a certificate file, at most."""
PATHS = ("base.path", "output.folder", "output.plan", "content.folder", "content.cluster")
"""Answers that are paths on this machine and stay paths."""
MASK = "********"


class AnswerFile(NamedTuple):
    """An answer file as read: its name, and complete answers."""

    name: str
    answers: dict[str, Any]


def read_answers(path: Path) -> AnswerFile:
    """Return what is in an answer file.

    Raises `NotFound`, `InvalidInput` for what is no answer file (a key that is not known is told with the nearest),
    `Refused` when others can read it.
    """
    return answers_of(read_document(path), str(path))


def read_document(path: Path) -> Mapping[str, Any]:
    """Return the one YAML map in a file that only its owner can read. Raises `NotFound`, `InvalidInput`, `Refused`."""
    import yaml

    from edgewright.config.locations import read_private

    try:
        if path.is_dir():
            raise InvalidInput(f"{path} is a folder, not a file.", "Name the answer file in it.")
        if path.exists() and path.stat().st_size > MAX_FILE:
            raise InvalidInput(f"{path} is too big for an answer file.", "Give the file that the wizard wrote.")
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}.", "Check its rights.") from None
    try:
        text = read_private(path)
    except Refused as error:
        raise Refused(f"{path} holds a token and can be read by others.", error.hint, error.code) from None
    if text is None:
        raise NotFound(f"There is no file {path}.", "Make one: the wizard writes it with `w`.")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise InvalidInput(f"{path}{where}: that is no YAML.", "Correct that line.", "InvalidYaml") from None
    if not isinstance(found, dict):
        raise InvalidInput(f"{path} is not a map of keys.", f"It begins with apiVersion: {API_VERSION}")
    return found


def answers_of(document: Mapping[str, Any], where: str) -> AnswerFile:
    """Return the answers in a document of kind Installer. Raises `InvalidInput` naming `where`."""
    known = ("apiVersion", "kind", "metadata", "answers")
    for key in document:
        if key not in known:
            near = suggestion(str(key), known)
            raise InvalidInput(f"{where}: there is no key `{str(key)[:60]}`{near}.", "Leave it out.", "UnknownKey")
    version = document.get("apiVersion")
    if version != API_VERSION:
        told = f"apiVersion {str(version)[:40]}" if version else "no apiVersion"
        raise InvalidInput(
            f"{where} has {told}; this version reads {API_VERSION}.", "Write it with this version's wizard."
        )
    if document.get("kind") != KIND:
        raise InvalidInput(f"{where} is of kind {str(document.get('kind'))[:40]}, not {KIND}.", f"Write kind: {KIND}")
    metadata, answers = ({} if document.get(key) is None else document[key] for key in ("metadata", "answers"))
    if not isinstance(metadata, Mapping) or not isinstance(answers, Mapping):
        raise InvalidInput(f"{where}: metadata and answers are maps of keys.", "Correct the file.")
    for key in metadata:
        if key != "name":
            raise InvalidInput(f"{where}: metadata has no `{str(key)[:60]}`{suggestion(str(key), ('name',))}.")
    try:
        complete = rules.complete(answers)
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error.message}", error.hint, error.code) from None
    return AnswerFile(str(metadata.get("name") or complete["output.name"]), complete)


def write_answers(path: Path, name: str, answers: Answers) -> None:
    """Write an answer file (0600), whole or not at all; defaults are left out, so that it shows what was decided.

    Raises `Failed`, and `InvalidInput` for answers that are none.
    """
    from edgewright.forge.secret_files import write_secret

    write_secret(path, text_of(name, answers).encode())


def text_of(name: str, answers: Answers) -> str:
    """Return the text of an answer file; the same answers give the same text."""
    import yaml

    complete = rules.complete(answers)
    kept = {key: value for key, value in complete.items() if value != QUESTIONS[key].empty}
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "answers": kept}
    return yaml.dump(
        document, Dumper=_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False, width=120
    )


def _dumper() -> Any:
    """Return a dumper that writes texts of several lines (certificates) as they are."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return Dumper


def settle(
    answers: Answers, folder: Path | None = None, *, strict: bool = True, keys: frozenset[str] | None = None
) -> dict[str, Any]:
    """Return complete answers that need nothing else any more to give the same user-data.

    A context's address and authority, and certificates from files (relative ones below `folder`), are taken in;
    passwords are hashed; with `keys` only those answers are. With `strict` false what cannot be read stays as it is.
    Raises `InvalidInput`, `NotFound`.
    """
    found = rules.complete(answers)
    given = dict(found)
    base = folder or Path.cwd()

    def wanted(key: str) -> bool:
        return keys is None or key in keys

    if wanted("plane.context") and found["plane.mode"] != "local" and found["plane.context"]:
        _take_context(found, strict=strict)
    if wanted("plane.ca") or found["plane.ca"] != given["plane.ca"]:
        found["plane.ca"] = _certificate(found["plane.ca"], base, strict)
    if wanted("ca.certificates"):
        found["ca.certificates"] = [_certificate(text, base, strict) for text in found["ca.certificates"]]
    if wanted("registries.list"):
        rows = found["registries.list"]
        found["registries.list"] = [{**row, "ca": _certificate(row["ca"], base, strict)} for row in rows]
    if wanted("user.password"):
        found["user.password"] = _hashed(found["user.password"], _salt(found, found["user.name"]))
    if wanted("users.more"):
        rows = found["users.more"]
        found["users.more"] = [{**r, "password": _hashed(r["password"], _salt(found, r["name"]))} for r in rows]
    return found


def absolute(answers: Answers, folder: Path) -> dict[str, Any]:
    """Return the answers with every path made absolute; relative ones begin at `folder`."""
    found = dict(answers)
    for key in PATHS:
        if found.get(key):
            found[key] = str((folder / Path(found[key]).expanduser()).absolute())
    return found


def masked(answers: Answers) -> dict[str, Any]:
    """Return complete answers in which a mask stands for every secret."""
    found = rules.complete(answers)
    for key, question in QUESTIONS.items():
        if question.secret and found[key]:
            found[key] = MASK
        hidden = [field.key for field in question.fields if field.secret]
        if hidden:
            found[key] = [{k: MASK if k in hidden and v else v for k, v in row.items()} for row in found[key]]
    return found


def _take_context(found: dict[str, Any], *, strict: bool) -> None:
    """Fill address and authority from the context of that name, where they were not given by hand."""
    from edgewright.config import contexts

    if found["plane.endpoint"] and found["plane.ca"]:
        return
    try:
        context = contexts.load().get(found["plane.context"])
    except (NotFound, InvalidInput, Refused):
        if strict and not found["plane.endpoint"]:
            raise
        return  # replayed on a machine that does not know the context: what was taken from it is in the answers
    if not found["plane.endpoint"]:
        found["plane.endpoint"] = context.url
    if not found["plane.ca"] and context.ca and found["plane.endpoint"].rstrip("/") == context.url.rstrip("/"):
        found["plane.ca"] = context.ca


def _certificate(value: str, folder: Path, strict: bool) -> str:
    if not value.strip() or PEM in value:
        return value.strip()
    path = folder / Path(value).expanduser()
    try:
        if path.stat().st_size > MAX_FILE:
            raise InvalidInput(f"{path} is too big for a certificate.", "Give a PEM file.")
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        if not strict:
            return value
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no text"
        raise InvalidInput(
            f"The certificate file {path} cannot be read: {why}.", "Give the path of a PEM file."
        ) from None
    except InvalidInput:
        if strict:
            raise
        return value
    from edgewright.core.installer.checks import certificate

    problem = certificate(text) if PEM in text else "There is no PEM certificate in it."
    if problem and strict:
        raise InvalidInput(f"{path}: {problem}", "Give a file that begins with -----BEGIN CERTIFICATE-----")
    return text.strip() if not problem else value


def _hashed(password: str, salt: str) -> str:
    """Return the hash of a password; one that is hashed stays, and so does one that is too short to be taken."""
    if not password or password.startswith(HASH) or len(password) < MIN_PASSWORD:
        return password
    return sha512_crypt(password, salt)


def _salt(found: Mapping[str, Any], user: str) -> str:
    """Return the salt for a user's password: the same for the same answers, so that a replay gives the same bytes.

    It is made of the token, the installer's name and the user's, never of the password: a salt that tells of it could
    be tried much faster than the hash.
    """
    parts = ("salt", found["token.text"], found["plane.endpoint"], found["output.name"], user)
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return "".join(ALPHABET[byte & 63] for byte in digest[:16])
