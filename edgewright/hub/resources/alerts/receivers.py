"""Receivers of alerts: what is configured, what is secret about it, and what is shown (rule P58).

Everything that may be a secret (the path of a webhook's URL, its body, headers and signing key, the password of a mail
server) is in one sealed text; documents show the rest.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.records import dump
from edgewright.hub.http import problems
from edgewright.hub.http.problems import Problem, invalid
from edgewright.hub.resources.alerts import template
from edgewright.hub.security.secretbox import SecretBox

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx

WEBHOOK, EMAIL = "webhook", "email"
KINDS = (WEBHOOK, EMAIL)
STARTTLS, TLS, NO_TLS = "starttls", "tls", "none"
MOST = 50
"""Receivers of a plane at most."""
REPEAT = 4 * 3_600.0
"""Seconds after which a problem that is not acknowledged is sent again, unless the receiver is set otherwise."""
SIGNING_PREFIX = "ews_"
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,253}")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_OWN_HEADERS = frozenset({"content-length", "content-type", "host", "transfer-encoding", "connection"})
_BLANK = {"body": "", "headers": {}, "key": "", "password": "", "url": ""}


class Receiver(msgspec.Struct, frozen=True):
    """One row; `doc` and `secret_encrypted` are JSON texts, the second sealed. Times are epoch seconds."""

    uid: str
    name: str
    kind: str
    project_uid: str
    active: bool
    doc: str
    secret_encrypted: str
    created: float
    modified: float
    last_success: float | None = None
    last_failure: float | None = None
    last_error: str = ""
    dropped: int = 0

    @property
    def settings(self) -> tuple[str, str, bool, str, str]:
        """Return what an administrator sets, without what deliveries change."""
        return self.name, self.project_uid, self.active, self.doc, self.secret_encrypted

    @property
    def config(self) -> dict[str, Any]:
        """Return what is not secret."""
        config: dict[str, Any] = msgspec.json.decode(self.doc)
        return config

    def secrets(self, box: SecretBox) -> dict[str, Any]:
        """Return what is secret; all empty when another key sealed it."""
        text = box.unseal(self.secret_encrypted)
        return {**_BLANK, **(msgspec.json.decode(text) if text else {})}

    def document(self, waiting: int) -> dict[str, Any]:
        """Return the receiver as readers get it, without secrets."""
        return {
            "uid": self.uid,
            "name": self.name,
            "kind": self.kind,
            "projectUid": self.project_uid,
            "active": self.active,
            **self.config,
            "created": times.rfc3339(self.created),
            "status": {
                "waiting": waiting,
                "dropped": self.dropped,
                "lastSuccess": None if self.last_success is None else times.rfc3339(self.last_success),
                "lastFailure": None if self.last_failure is None else times.rfc3339(self.last_failure),
                "lastError": self.last_error,
            },
        }


def note(tx: Tx, uid: str, **changes: Any) -> bool:
    """Change columns of a receiver; memory follows. Returns whether there is such a receiver."""
    table = schema.alert_receivers
    row = tx.first(table.update().where(table.c.uid == uid).values(**changes).returning(*table.c))
    if row is not None:
        tx.changed(Receiver(**row._mapping))
    return row is not None


def configure(kind: str, body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a receiver stores openly and what sealed; raises 422 for what cannot work."""
    config: dict[str, Any] = {"repeat": _repeat(body.get("repeat"))}
    secret: dict[str, Any] = {}
    if kind == WEBHOOK:
        _webhook(body.get("webhook") or {}, config, secret)
    else:
        _email(body.get("email") or {}, config, secret)
    return config, secret


def seal(box: SecretBox, secret: dict[str, Any]) -> str:
    """Return the sealed text of what is secret."""
    return box.seal(dump(secret))


def _repeat(value: Any) -> float:
    seconds = REPEAT if value is None else float(value)
    if seconds != 0 and not 300 <= seconds <= 30 * 86_400:
        raise invalid(problems.MINIMUM, "repeat in body should be 0 (never) or from 300 s to 30 days")
    return seconds


def _webhook(asked: dict[str, Any], config: dict[str, Any], secret: dict[str, Any]) -> None:
    url = str(asked.get("url") or "")
    try:
        parts = urlsplit(url)
        port, server = parts.port, parts.hostname or ""
    except ValueError:  # a bracket that is not closed, a port beyond 65535
        raise _required("webhook.url", "an http or https URL") from None
    if parts.scheme not in ("https", "http") or not url.isascii() or " " in url or port == 0:
        raise _required("webhook.url", "an http or https URL")
    if not _is_server(server) or ("[" in parts.netloc) != (":" in server):
        raise _required("webhook.url", "an http or https URL with the name or address of a server")
    headers = {str(name): str(value) for name, value in (asked.get("headers") or {}).items()}
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OWN_HEADERS or name.lower().startswith("edgewright-"):
            raise invalid(problems.PATTERN, f"webhook.headers in body must not contain {name[:64]!r}")
        if not value.isprintable() or not value.isascii():
            raise invalid(problems.PATTERN, f"webhook.headers.{name} in body must be printable ASCII")
    text = str(asked.get("body") or "")
    if text:
        try:
            template.check(text)
        except ValueError as error:
            raise invalid(problems.PATTERN, f"webhook.body in body: {error}") from None
    host = f"[{server}]" if ":" in server else server
    config["target"] = f"{parts.scheme}://{host}{f':{port}' if port else ''}"
    config["headers"] = sorted(headers)
    config["ownBody"] = bool(text)
    config["ca"] = _authority(asked, "webhook")
    secret.update(url=url, headers=headers, body=text, key=str(asked.get("key") or ""))


def _email(asked: dict[str, Any], config: dict[str, Any], secret: dict[str, Any]) -> None:
    to, sender = [str(address) for address in asked.get("to") or []], str(asked.get("from") or "")
    if not to:
        raise _required("email.to", "at least one address")
    for address in (*to, sender):
        if not _ADDRESS.fullmatch(address) or not address.isascii():
            raise invalid(problems.PATTERN, f"email.to and email.from in body: {address[:80]!r} is not an address")
    host, port = str(asked.get("host") or ""), int(asked.get("port") or 0)
    tls = str(asked.get("tls") or STARTTLS)
    if not _is_server(host):
        raise _required("email.host", "name or address of a mail server")
    if not 0 <= port <= 65_535:
        raise invalid(problems.MAXIMUM, "email.port in body should be from 0 (the usual one) to 65535")
    user = str(asked.get("user") or "")
    if user and tls == NO_TLS:
        raise invalid(problems.ENUM, "email.user in body needs tls: a password is never sent without TLS")
    config["to"], config["from"] = to, sender
    config["host"], config["port"], config["tls"] = host, port or {STARTTLS: 587, TLS: 465, NO_TLS: 25}[tls], tls
    config["user"], config["ca"] = user, _authority(asked, "email")
    config["target"] = ", ".join(to[:3]) + (f" and {len(to) - 3} more" if len(to) > 3 else "")
    secret.update(password=str(asked.get("password") or ""))


def _is_server(text: str) -> bool:
    """Whether a text can be the name of a server (RFC 1123, `_` too) or is an IP address."""
    if re.fullmatch(r"[0-9.]+|.*:.*", text):
        try:
            return bool(ipaddress.ip_address(text))
        except ValueError:
            return False
    labels = text.removesuffix(".").split(".")
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def _authority(asked: dict[str, Any], where: str) -> str:
    """Return the PEM text of further authorities; raises 422 for one that cannot be read."""
    text = str(asked.get("ca") or "")
    if text:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        except (ssl.SSLError, ValueError):
            raise invalid(problems.PATTERN, f"{where}.ca in body should be certificates in PEM form") from None
    return text


def _required(where: str, what: str) -> Problem:
    return invalid(problems.REQUIRED, f"{where} in body should be {what}")
