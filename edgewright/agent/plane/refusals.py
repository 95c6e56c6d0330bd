"""Why the plane refused, as a sentence for the console and the journal, and what the agent does about it."""

from __future__ import annotations

from typing import Dict, NamedTuple

from edgewright.agent.plane.client import Reply
from edgewright.core.errors import Failed, Refused
from edgewright.core.text import clean, integer
from edgewright.wire import protocol

CEILING = 60.0
"""Seconds between two tries after a refusal that only an operator can end (the ceiling of P4)."""
APPROVAL = 30.0
"""Seconds between two tries while an operator's approval is awaited (P13)."""


class Rule(NamedTuple):
    """What one refusal means. `{uid}`, `{plane}`, `{project}`, `{answer}` are filled in."""

    sentence: str
    hint: str
    at_least: float = CEILING
    waits: bool = False
    """Whether this is the ordinary course of things (an approval), not an error."""


_REGISTRATION: Dict[str, Rule] = {
    protocol.E_INVALID_TOKEN: Rule(
        "{plane} does not know the registration token of this host.",
        "Put its text (`edgewright token show NAME --reveal`) into the token file or the user-data.",
    ),
    protocol.E_TOKEN_EXPIRED: Rule(
        "The registration token of this host has expired.",
        "Make a new token (`edgewright token create`) and put it into the token file; no restart is needed.",
    ),
    protocol.E_TOKEN_REVOKED: Rule(
        "The registration token of this host was revoked.",
        "Ask whoever revoked it, or put another token into the token file; no restart is needed.",
    ),
    protocol.E_DUPLICATE_HOST: Rule(
        "Another registration already uses the host UID {uid}.",
        "If this machine was re-installed, delete the old host on the plane (`edgewright host delete {uid}`); "
        "else give this host a UID of its own in stylus.site.name.",
    ),
    protocol.E_PROJECT_REQUIRED: Rule(
        "The registration token has no default project and this host names none.",
        "Set stylus.site.projectName in the user-data, or give the token a default project.",
    ),
    protocol.E_NOT_FOUND: Rule(
        "The plane has no project {project}, which this host wants to join.",
        "Correct stylus.site.projectName or projectUid, or make that project.",
    ),
    protocol.E_HOST_NOT_PREREGISTERED: Rule(
        "This host waits for approval: its UID is {uid} and it is not pre-registered on the plane yet.",
        "Add it with `edgewright host register {uid}`; the agent then continues automatically.",
        APPROVAL,
        True,
    ),
    protocol.E_INVALID_PAIRING_KEY: Rule(
        "The pairing key of this host is not the one that the plane expects for {uid}.",
        "Compare both keys; the plane's can be set again (`edgewright host register {uid}`).",
    ),
    protocol.E_TOO_MANY: Rule(
        "The plane asks for a pause: too many wrong registrations came from this address.",
        "Correct the token; the agent tries again by itself.",
    ),
}


class PlaneRefusal(Refused):
    """A refusal by the plane; `at_least` is the shortest wait before the next try, in seconds."""

    def __init__(self, message: str, hint: str, code: str, status: int, at_least: float, waits: bool = False) -> None:
        super().__init__(message, hint, code=code)
        self.status = status
        self.at_least = at_least
        self.waits = waits


def retryable(status: int) -> bool:
    """Return whether P4 asks to send the same request again."""
    return status in (408, 429) or status >= 500


def pause_asked(reply: Reply) -> float:
    """Return the seconds of `Retry-After`, at most an hour; 0 when there is none."""
    return float(min(3600, integer(reply.headers.get("retry-after", "")) or 0))


def _answer_of(reply: Reply) -> "tuple[str, str]":
    body = reply.json()
    return clean(body.get("code"), 80), clean(body.get("message"), 300)


def registration_refused(reply: Reply, uid: str, plane: str, project: str) -> PlaneRefusal:
    """Return the refusal of a registration as an error to report."""
    code, message = _answer_of(reply)
    rule = _REGISTRATION.get(code)
    if rule is None and (integer(code) or 0) >= 600:
        rule = Rule(
            "The plane finds the registration of {uid} faulty: {answer}.", "Check the site part of the user-data."
        )
    if rule is None and retryable(reply.status):
        rule = Rule("{plane} cannot answer now ({answer}).", "Nothing to do here; the agent tries again.", 0.0)
    if rule is None:
        rule = Rule("{plane} refused the registration of {uid} ({answer}).", "Look at the plane's audit log.")
    values = {"uid": uid, "plane": plane, "project": project or "of that name"}
    values["answer"] = (message or f"HTTP {reply.status}").rstrip(".")
    return PlaneRefusal(
        rule.sentence.format(**values),
        rule.hint.format(**values),
        code or f"Http{reply.status}",
        reply.status,
        max(rule.at_least, pause_asked(reply)),
        rule.waits,
    )


class CredentialLost(Refused):
    """The plane does not accept this host's credential any more; `gone` when it deleted the host (P16)."""

    def __init__(self, message: str, hint: str, code: str, removed: bool) -> None:
        super().__init__(message, hint, code=code)
        self.removed = removed


def call_refused(reply: Reply, what: str, uid: str, plane: str) -> Refused:
    """Return the refusal of a call that a registered host made."""
    code, message = _answer_of(reply)
    if code == protocol.E_HOST_DELETED:
        return CredentialLost(
            f"The plane has deleted this host ({uid}).",
            "If that was wanted, stop the agent; else it registers again while its token is valid.",
            code,
            True,
        )
    if reply.status == 401:
        return CredentialLost(
            f"{plane} does not know the credential of this host ({uid}); its database may have been set back.",
            "The agent registers again by itself while its token is good.",
            code or "UnAuthorizedAccess",
            False,
        )
    reported = (message or f"HTTP {reply.status}").rstrip(".")
    wait = pause_asked(reply)
    return PlaneRefusal(f"{plane} refused {what}: {reported}.", "", code or f"Http{reply.status}", reply.status, wait)


def unexpected(reply: Reply, what: str, plane: str) -> Failed:
    """Return the error for an answer that the protocol does not know."""
    return Failed(f"The answer of {plane} to {what} is not understood (HTTP {reply.status}).", "Compare the versions.")
