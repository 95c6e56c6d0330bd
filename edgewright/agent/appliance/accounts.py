"""The people of the box: accounts from the user-data, created at each boot (the root file system forgets them).

A home folder on the persistent partition has the same owner's number, so the account gets that number again. Passwords
go to `chpasswd` by its standard input; nothing secret is in a command line.
"""

from __future__ import annotations

import os
import re
from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.agent.appliance.paths import below
from edgewright.agent.appliance.runner import Runner, read_text, write_file
from edgewright.core.errors import InvalidInput
from edgewright.core.hosts.hosts import check_hostname
from edgewright.core.text import clean

NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
TAKEN = frozenset(["root", "kairos", "nobody", "daemon", "bin", "sys"])
"""Names that the account screen does not give away (`kairos` by Palette's rule)."""
FIRST = 1000
_HASH = re.compile(r"\$[0-9a-z]+\$.+")


class User(NamedTuple):
    """An account as asked for. `password` is a hash, or plain text as cloud-config allows."""

    name: str
    password: str = ""
    groups: Tuple[str, ...] = ()
    keys: Tuple[str, ...] = ()
    locked: bool = False
    expiry: str = ""


def users_of(document: Mapping[str, Any]) -> List[User]:
    """Return the accounts of a document: top-level `users` and `stylus.site.users`; the latter win by name."""
    stylus = document.get("stylus")
    site = stylus.get("site") if isinstance(stylus, Mapping) else None
    matches = {}
    for block in (document.get("users"), site.get("users") if isinstance(site, Mapping) else None):
        for item in block if isinstance(block, list) else ():
            if isinstance(item, Mapping) and item.get("name"):
                user = user_of(str(item["name"]), item)
                matches[user.name] = user
    return list(matches.values())


def user_of(name: str, body: Any) -> User:
    """Return one account of the user-data. Raises `InvalidInput` for a name that no account can have."""
    if not NAME.fullmatch(name):
        raise InvalidInput(f"The user name {clean(name, 40)} is not possible.", "Use a-z, 0-9, _ and -.")
    block: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    groups, keys = block.get("groups"), block.get("ssh_authorized_keys")
    return User(
        name,
        str(block.get("passwd") or ""),
        tuple(str(group).strip() for group in (groups if isinstance(groups, list) else str(groups or "").split(",")))
        if groups
        else (),
        tuple(str(key).strip() for key in keys) if isinstance(keys, list) else (),
        str(block.get("lock_passwd", False)).lower() == "true",
        str(block.get("passwordExpiry") or ""),
    )


def ensure(user: User, runner: Runner, report: Callable[[str], None], root: str = "/") -> None:
    """Make the account, or bring an existing one in line. Raises `Failed`."""
    there = _entry(user.name, root)
    if there is None:
        arguments = ["useradd", "--shell", "/bin/bash", "--user-group"]
        number = _number(user.name, root)
        arguments += ["--uid", str(number)] if number else []
        home = below(root, f"/home/{user.name}")
        arguments += ["--no-create-home"] if os.path.isdir(home) else ["--create-home"]
        runner.run([*arguments, user.name])
    for name in user.groups:  # `admin` may do all without a password, as in Kairos: see the image's sudoers
        if not runner.succeeds(["usermod", "--append", "--groups", name, user.name]):
            runner.run(["groupadd", "--force", name])
            runner.run(["usermod", "--append", "--groups", name, user.name])
    if user.password and not user.locked:
        arguments = ["chpasswd", "-e"] if _HASH.fullmatch(user.password) else ["chpasswd"]
        runner.run(arguments, stdin=f"{user.name}:{user.password}\n")
    if user.expiry:
        runner.run(["chage", "--expiredate", user.expiry, user.name])
    if any(key.startswith(("github:", "gitlab:")) for key in user.keys):
        report(f"keys of {user.name} that must be fetched (github:, gitlab:) are not supported here")
    add_keys(user.name, [key for key in user.keys if not key.startswith(("github:", "gitlab:"))], runner, root)


def add_keys(name: str, keys: List[str], runner: Runner, root: str = "/") -> None:
    """Let SSH keys log in as a user. Raises `Failed` or `OSError`."""
    if not keys:
        return
    entry = _entry(name, root)
    home = entry[5] if entry else f"/home/{name}"
    path = os.path.join(below(root, home), ".ssh/authorized_keys")
    before = read_text(path).splitlines()
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    write_file(path, ("\n".join(before + [key for key in keys if key not in before]) + "\n").encode(), 0o600)
    runner.run(["chown", "-R", f"{name}:", os.path.dirname(path)])


def set_host_name(name: str, runner: Runner, root: str = "/") -> None:
    """Name the box, now and for whoever reads /etc/hostname. Raises `InvalidInput` for what is not a host name."""
    problems = check_hostname(name)
    if problems:
        raise InvalidInput(f"The host name {clean(name, 80)} is not possible: {problems[0]}", "Correct it.")
    write_file(below(root, "/etc/hostname"), (name + "\n").encode())
    lines = [line for line in read_text(below(root, "/etc/hosts")).splitlines() if not line.startswith("127.0.1.1")]
    short = name.split(".")[0]
    names = name if short == name else f"{name} {short}"
    write_file(below(root, "/etc/hosts"), ("\n".join([*lines, f"127.0.1.1 {names}"]) + "\n").encode())
    runner.run(["sysctl", "-q", "-w", f"kernel.hostname={name}"])


def people(root: str = "/") -> List[str]:
    """Return the accounts of people on this box."""
    rows = [line.split(":") for line in read_text(below(root, "/etc/passwd")).splitlines()]
    return [row[0] for row in rows if len(row) >= 7 and row[2].isdigit() and FIRST <= int(row[2]) < 60000]


def _entry(name: str, root: str) -> Optional[List[str]]:
    for line in read_text(below(root, "/etc/passwd")).splitlines():
        row = line.split(":")
        if row[0] == name and len(row) >= 7:
            return row
    return None


def _number(name: str, root: str) -> int:
    """Return the number that the user's home has on disk; a free one that no other home has when there is none."""
    homes = below(root, "/home")
    try:
        numbers = {entry: os.stat(os.path.join(homes, entry)).st_uid for entry in os.listdir(homes)}
    except OSError:
        return 0
    if name in numbers and numbers[name] >= FIRST:
        return numbers[name]
    taken = set(numbers.values())
    rows = [line.split(":") for line in read_text(below(root, "/etc/passwd")).splitlines()]
    taken.update(int(row[2]) for row in rows if len(row) > 2 and row[2].isdigit())
    return next(number for number in range(FIRST, 60000) if number not in taken)
