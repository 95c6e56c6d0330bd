"""Answers that are not success, turned into one sentence and one next step.

Palette has two bodies: application errors `{code: word, message, details, ref}` and the framework's
`{code: number, message}`. Anything else (a proxy's page, nothing at all) is source its status.
"""

from __future__ import annotations

import re
import socket
from typing import Any

from edgewright.core.errors import (
    Conflict,
    EdgewrightError,
    Failed,
    InvalidInput,
    NotFound,
    Refused,
    TimedOut,
    Unreachable,
)
from edgewright.core.text import clean

HINT_CREDENTIAL = "Give a valid key: edgewright context add NAME --url URL --api-key-file FILE"
HINT_ROLE = "Use a key that may do it: edgewright context add NAME --url URL --api-key-file FILE"
HINT_PROJECT = "Choose the project that it belongs to with --project, in the console with :project use."
_RAW = re.compile(r"operation '[^']*' is forbidden[.:]?\s*", re.IGNORECASE)
"""How Palette and older hubs begin: the name of a route or operation, which means nothing to a user."""
HINT_SLOW = "Try again, or give it longer with --timeout."
HINT_UNKNOWN = "Whether the change was made is not known: look before you try again."
UNKNOWN_PATH = "UnknownPath"
"""The code of an error for a path that the plane does not have at all."""
_OLD_ROLE = re.compile(r"the role of .* is (\w+), which may read only", re.IGNORECASE)
"""An older hub, which names the user who owns the key and not the key."""


def from_answer(status: int, body: Any, what: str, plane: str, credential: str = "credential") -> EdgewrightError:
    """Return the error for an answer.

    `what` names the thing that was asked for (`host edge-7f3a`), `plane` the other end, `credential` what was shown.
    """
    reported = body if isinstance(body, dict) else {}
    code = reported.get("code")
    word = clean(code, limit=80) if isinstance(code, str) and code else ""
    message = _sentence(clean(reported.get("message") or "", limit=400))
    if status == 401:
        sentence = message if word not in ("", "UnAuthorizedAccess") else ""
        sentence = sentence or f"The plane at {plane} does not accept this {credential}."
        return Refused(sentence, HINT_CREDENTIAL, word or "UnAuthorizedAccess")
    if status == 403:
        return _not_allowed(message, what, plane, credential, word)
    if status == 404:
        if isinstance(code, int) or not word:
            return NotFound(  # the plane's own message names a route, which does not help
                f"The plane at {plane} does not know the request for {what}.",
                "Check the URL of the context; Palette and older hubs do not have everything.",
                UNKNOWN_PATH,
            )
        if message and word != "ResourceNotFound":
            return NotFound(message, "", word)  # a reason of its own, such as a kubeconfig that is not there yet
        return NotFound(
            f"There is no {what} on {plane}.", "Look at what is there with the list verb of its noun.", word
        )
    if status == 409:
        return Conflict(
            message or f"The {what} is in conflict with what the plane has.",
            _conflict_hint(message, word),
            word or None,
        )
    if status in (408, 504):
        return TimedOut(message or f"The plane at {plane} did not answer in time for {what}.", "Try again.")
    if status in (400, 405, 413, 415, 422):
        return InvalidInput(
            message or f"The plane at {plane} does not take this for {what}.",
            "Correct the value and try again.",
            word or None,
        )
    if status == 429:
        return Failed(
            f"The plane at {plane} reports too many requests.",
            "Wait a minute; other programs of this address share its limit.",
            word or "TooManyRequests",
        )
    if 300 <= status < 400:
        return Failed(f"The plane at {plane} points elsewhere (status {status}).", "Use the URL that it points to.")
    if status in (502, 503):
        return Unreachable(
            message or f"The plane at {plane} is not ready (status {status}).",
            ""
            if status == 502 and message and word
            else "Try again.",  # what is behind the plane: it has the next step
            word or None,
        )
    return Failed(
        message or f"The plane at {plane} answered {what} with status {status}.",
        "Try again; if it stays, look at the log of the plane.",
        word or None,
    )


def _conflict_hint(message: str, word: str) -> str:
    """Return the next step of a 409: another name where a name is taken, nothing where the message has the step."""
    if not message or word.startswith("Duplicate") or "exists already" in message:
        return "Choose another name, or look at the one that is there."
    return "" if "; " in message or ". " in message else "Look at what the plane has now, then try again."


def _not_allowed(message: str, what: str, plane: str, credential: str, word: str) -> Refused:
    """Return the error for a 403: who may not do what, and the next step, without the name of a route."""
    role = _OLD_ROLE.search(message)
    if role:
        sentence = f"This {credential} has the role {role.group(1)}, which may only read: {what}."
    elif _RAW.match(message):
        rest = _RAW.sub("", message)
        sentence = f"The plane at {plane} does not allow this {credential} to do this: {what}. {rest}".strip()
    else:
        sentence = message or f"The plane at {plane} does not allow this {credential} to do this: {what}."
    if word == "AddressRefused":
        return Refused(sentence, "", word)  # its message has the next step
    hint = HINT_PROJECT if "project" in message.lower() else "" if "only observed" in message else HINT_ROLE
    return Refused(sentence, hint, word or None)


def not_json(what: str, plane: str) -> Failed:
    """Return the error for an answer that is not JSON document."""
    return Failed(
        f"What answers at {plane} sent no JSON for {what}.",
        "Check that the URL is that of a plane and not of a proxy or a login page.",
        "NotJSON",
    )


def no_connection(error: BaseException, host: str, url: str) -> Unreachable:
    """Return the error for a connection that did not come about, by its cause."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, socket.gaierror):
            name = host.rsplit(":", 1)[0]
            return Unreachable(
                f"The name {name} is not known here.", "Check the URL and this machine's DNS.", "UnknownName"
            )
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(
                f"Nothing listens at {host}.", f"Is the plane running? Check the URL {url}", "ConnectionRefused"
            )
        if isinstance(cause, OSError) and cause.errno in (101, 113):
            return Unreachable(f"There is no way to {host} from here.", "Check the network and the route.", "NoRoute")
        cause = cause.__cause__ or cause.__context__
    text = str(error).lower()
    if "connection attempts failed" in text or "refused" in text:
        return Unreachable(
            f"Nothing answers at {host}.", f"Is the plane running? Check the URL {url}", "ConnectionRefused"
        )
    return Unreachable(f"The connection to {host} failed.", "Check the network and try again.")


def lost(host: str, changes: bool = True) -> Unreachable:
    """Return the error for a connection that broke before the answer was complete; `changes`: of a request to write."""
    return Unreachable(
        f"The connection to {host} broke before the answer was complete.",
        HINT_UNKNOWN if changes else "Try again.",
        "ConnectionLost",
    )


def stream_broke() -> Unreachable:
    """Return the error for a change stream that ended; it only reads, so that nothing else is in doubt."""
    return Unreachable("The plane's stream broke.", "", "StreamBroke")


def stream_silent(seconds: float) -> TimedOut:
    """Return the error for a change stream that sent nothing, not even its ping, for `seconds`."""
    return TimedOut(f"The plane has sent nothing for {seconds:g} s.", "", "StreamSilent")


def _sentence(message: str) -> str:
    return message if not message or message[-1] in ".!?" else message + "."
