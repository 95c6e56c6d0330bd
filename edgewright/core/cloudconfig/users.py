"""Users of a document, wherever they are: names, passwords, dates, SSH keys, and whether one can administer."""

from __future__ import annotations

import datetime
import re
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.cloudconfig.findings import Finding, error, note, warning
from edgewright.core.cloudconfig.look import at, items, mapping, shown, text
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.core.cloudconfig.sshkeys import COPY, key_problem

_HASH = re.compile(r"\$(?:1|2[abxy]?|5|6|7|y|gy|sha1|md5)\$[^\s:]+|[!*]+|!.*")
_WEAK = re.compile(r"\$1\$|\$md5")
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


class Account(NamedTuple):
    """A user of a document: where it is, and what it can do."""

    path: str
    name: str
    raw: Mapping[str, Any]
    groups: Tuple[str, ...]
    keys: Tuple[Tuple[str, str], ...]
    password: str


def accounts(document: Mapping[str, Any]) -> Iterator[Account]:
    """Yield the users of `users`, `stylus.site.users` and the steps of `stages`, at most a few hundred."""
    for prefix, value in (
        ("users", document.get("users")),
        ("stylus.site.users", at(document, "stylus", "site", "users")),
    ):
        for place, item in enumerate(items(value)[:100]):
            if isinstance(item, Mapping):
                yield _account(f"{prefix}[{place}]", text(item.get("name")), item)
    for stage, steps in list(mapping(document.get("stages")).items())[:100]:
        for place, step in enumerate(items(steps)[:100]):
            for name, item in list(mapping(mapping(step).get("users")).items())[:100]:
                if isinstance(item, Mapping):
                    yield _account(f"stages.{stage}[{place}].users.{name}", text(item.get("name")) or str(name), item)


def _account(path: str, name: str, raw: Mapping[str, Any]) -> Account:
    groups = tuple(text(group) for group in items(raw.get("groups"))[:50])  # a text is not read: no group at all
    keys = tuple(
        (f"{path}.ssh_authorized_keys[{place}]", item)
        for place, item in enumerate(items(raw.get("ssh_authorized_keys"))[:100])
        if isinstance(item, str)
    )
    return Account(path, name, raw, groups, keys, text(raw.get("passwd")))


def check_users(
    document: Mapping[str, Any], profile: str = model.PALETTE, now: Optional[float] = None
) -> List[Finding]:
    """Return what is wrong with the users of a document; `now` is epoch seconds (None: dates are not compared)."""
    every = list(accounts(document))
    findings: List[Finding] = []
    for account in every[:500]:
        findings += _check(account, now)
    for place, item in enumerate(items(document.get("ssh_authorized_keys"))[:100]):
        problem = key_problem(item)
        if problem:
            path = f"ssh_authorized_keys[{place}]"
            findings.append(error(path, f"{path} {problem}.", COPY, "SshKey"))
    if profile == model.KAIROS:
        findings += _kairos(document, every)
    elif not every:
        message = "No user is created: the first-boot screens prompt for one at the console."
        findings.append(note("", message, "Add stylus.site.users, or users in stages.initramfs.", "NoUsers"))
    return findings


def _kairos(document: Mapping[str, Any], every: List[Account]) -> List[Finding]:
    if at(document, "install", "nousers") is True:
        return []
    message = (
        "users is missing (profile kairos): its schema demands it, and without an administrator nothing is installed."
    )
    hint = "Add a user in the group admin, or set install.nousers: true; Palette's images need neither."
    if not items(document.get("users")) and not any(account.path.startswith("stages.") for account in every):
        return [error("users", message, hint, "NoUsers")]
    if not any("admin" in account.groups for account in every):
        message = "No user is in the group admin (profile kairos): installation, upgrade and reset are refused."
        return [error("users", message, "Add groups: [admin] to one, or set install.nousers: true.", "NoAdmin")]
    return []


def _check(account: Account, now: Optional[float]) -> List[Finding]:
    matches = []
    path = account.path
    if not account.name:
        matches.append(error(f"{path}.name", f"{path} has no name.", "Give it one.", "User"))
    elif not is_template(account.name) and not _NAME.fullmatch(account.name):
        message = (
            f"{shown(account.name)} is not a user name: a-z, 0-9, '_' and '-', at most 31, beginning with a letter."
        )
        matches.append(error(f"{path}.name", message, "", "User"))
    password = account.password
    if password and not is_template(password):
        if not _HASH.fullmatch(password):
            message = (
                f"The password of {shown(account.name)} is written in plain text: whoever has the installer has it."
            )
            matches.append(warning(f"{path}.passwd", message, "Hash it: openssl passwd -6", "PlainPassword"))
        elif _WEAK.match(password):
            message = f"The password of {shown(account.name)} is an MD5 hash, which is guessed in hours."
            matches.append(warning(f"{path}.passwd", message, "Hash it again: openssl passwd -6", "WeakHash"))
    locked = account.raw.get("lock_passwd") is True or account.raw.get("lockPasswd") is True
    if not account.keys and (not password or locked or password.startswith(("!", "*"))):
        message = (
            f"{shown(account.name) or path} has neither a password that opens nor an SSH key: no login by it is "
            "possible."
        )
        matches.append(warning(path, message, "Give passwd or ssh_authorized_keys.", "NoWayIn"))
    matches += _expiry(account, now)
    for where, key in account.keys:
        problem = key_problem(key)
        if problem:
            matches.append(error(where, f"{where} {problem}.", COPY, "SshKey"))
        elif key.startswith(("github:", "gitlab:")):
            message = (
                f"{where} is fetched from {key.split(':')[0]}.com at the first boot: without internet no login is "
                "possible."
            )
            matches.append(note(where, message, "Write the key itself for a cut-off site.", "FetchedKey"))
    return matches


def _expiry(account: Account, now: Optional[float]) -> List[Finding]:
    value = account.raw.get("passwordExpiry")
    if not isinstance(value, str) or not value or is_template(value):
        return []
    path = f"{account.path}.passwordExpiry"
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError
        day = datetime.date(int(value[:4]), int(value[5:7]), int(value[8:10]))
    except ValueError:
        return [error(path, f"{path} is not a date: {shown(value)}.", "Write YYYY-MM-DD.", "Date")]
    if now is not None and day <= datetime.datetime.fromtimestamp(now, datetime.timezone.utc).date():
        message = f"{path} is {value}, which is over: the password does not open any more."
        return [error(path, message, "Give a day to come, or take it out.", "Expired")]
    return []
