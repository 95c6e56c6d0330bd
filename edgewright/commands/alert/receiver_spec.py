"""From the options of `alert receiver add` to the request body, files read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from edgewright.core.errors import InvalidInput, UsageError
from edgewright.core.small_file import read_secret_line, read_text_file
from edgewright.core.text import clean

_MAIL_ONLY = {"sender": "--from", "smtp": "--smtp", "user": "--user", "password_file": "--password-file"}
_HOOK_ONLY = {"headers_file": "--headers-file", "body": "--body", "key_file": "--key-file"}
FILES = ("url_file", "ca", "headers_file", "body", "key_file", "password_file")
"""Parameters that name a file."""


def read_spec(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of the request.

    Raises `UsageError` for options that do not go together, `NotFound`, `Failed`, `InvalidInput` for their files.
    """
    hook, mail = bool(args.get("url") or args.get("url_file")), bool(args.get("mail"))
    if hook == mail or (args.get("url") and args.get("url_file")):
        raise UsageError(
            "A receiver is a webhook or an e-mail address.",
            "Give --url URL or --url-file FILE, or --mail ADDRESS with --smtp HOST and --from ADDRESS.",
        )
    strange = [flag for name, flag in (_MAIL_ONLY if hook else _HOOK_ONLY).items() if args.get(name)]
    if strange:
        raise UsageError(f"{', '.join(strange)} is for {'e-mail' if hook else 'webhooks'} only.", "Leave it out.")
    body: dict[str, Any] = {"name": str(args["name"]).strip(), "repeat": float(args.get("repeat") or 0.0)}
    ca = {"ca": read_text_file(str(args["ca"]))} if args.get("ca") else {}
    if hook:
        body |= {"kind": "webhook", "webhook": {**_webhook(args), **ca}}
    else:
        body |= {"kind": "email", "email": {**_email(args), **ca}}
    return body


def target_of(body: Mapping[str, Any]) -> str:
    """Return where messages go, without what may be secret. Raises `InvalidInput` for a URL that is none."""
    if body["kind"] == "email":
        return ", ".join(body["email"]["to"])
    try:
        parts = urlsplit(body["webhook"]["url"])
    except ValueError:  # a bracket that is not closed
        raise InvalidInput("The URL of the webhook is not valid.", "Write it as https://HOST/PATH") from None
    return clean(f"{parts.scheme}://{parts.hostname}", 200)


def _webhook(args: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"url": args.get("url") or read_secret_line(str(args["url_file"]))}
    if args.get("headers_file"):
        spec["headers"] = _headers(str(args["headers_file"]))
    if args.get("body"):
        spec["body"] = read_text_file(str(args["body"]))
    if args.get("key_file"):
        spec["key"] = read_secret_line(str(args["key_file"]))
    return spec


def _email(args: Mapping[str, Any]) -> dict[str, Any]:
    for name, flag in (("smtp", "--smtp HOST"), ("sender", "--from ADDRESS")):
        if not args.get(name):
            raise UsageError(f"An e-mail receiver needs {flag}.", "See: edgewright alert receiver add --help")
    smtp = str(args["smtp"])
    host, colon, port = smtp.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = smtp, "0"
    if not (port.isascii() and port.isdigit() and len(port) < 6):
        raise InvalidInput(f"{clean(smtp, 80)} is not HOST or HOST:PORT.", "Write --smtp mail.example.com:587")
    spec: dict[str, Any] = {
        "to": list(args["mail"]),
        "from": args["sender"],
        "host": host.strip("[]"),
        "port": int(port),
        "tls": args.get("tls") or "starttls",
    }
    if args.get("user"):
        spec["user"] = args["user"]
    if args.get("password_file"):
        spec["password"] = read_secret_line(str(args["password_file"]))
    return spec


def _headers(path: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for number, line in enumerate(read_text_file(path).splitlines(), start=1):
        if line.strip():
            name, colon, value = line.partition(":")
            if not colon or not name.strip():
                raise InvalidInput(f"Line {number} of {path} is not a header.", "Write Name: value on each line.")
            headers[name.strip()] = value.strip()
    return headers
