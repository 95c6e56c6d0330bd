"""Generated configurations, read here and by the real `ssh -G`: every value that is used here is the same."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from edgewright.clients.ssh.config.resolve import Files, HostSettings, evaluate, route_of, settings_of
from edgewright.clients.ssh.config.settings import Machine
from edgewright.clients.ssh.target import Target, read_target
from edgewright.core.errors import InvalidInput
from tests.support import missing

FILES = 120
"""Configurations of the fast tests; each costs two starts of `ssh`."""
NAMES = ("edge1", "edge2.site.example", "db", "10.0.0.7", "EDGE1", "jump", "2001:db8::7")
PATTERNS = ("*", "edge*", "edge1", "edge?", "!edge2*", "*.example", "10.0.*", "db,jump", "!*", "E*", "*site*", "2001:*")
USERS = ("kairos", "root", "%r", "ops")


@pytest.fixture(scope="module")
def machine() -> Machine:
    """The machine as ssh sees it: the home folder of the user database, not `HOME`."""
    if shutil.which("ssh") is None:
        missing("e2e", "ssh is not installed")
    entry = pwd.getpwuid(os.getuid())
    return Machine(Path(entry.pw_dir), entry.pw_name, socket.gethostname(), os.getuid(), dict(os.environ))


VALUES: dict[str, tuple[str, ...]] = {
    "HostName": ("%h.example", "node.example", "10.9.8.7", "UPPER.example", "%h"),
    "User": ("kairos", "root", "ops"),
    "Port": ("22", "2222", "65535"),
    "IdentityFile": ("~/.ssh/one", "/k/%h/%r", "~/.ssh/%n.%p", "none", '"/k/with blank"', "/k/%d", "'/k/q' # comment"),
    "CertificateFile": ("~/.ssh/one-cert.pub", "/c/%h"),
    "IdentitiesOnly": ("yes", "no", "true", "false"),
    "ProxyJump": (
        "jump",
        "ops@jump:2200",
        "a,b@c:22,d",
        "none",
        "[2001:db8::1]:22",
        "ssh://ops@j:23",
        "%h-gate",
        "%r@gate-%n:22",
    ),
    "ProxyCommand": ("nc %h %p", "none", "ssh -W [%h]:%p %r@gate", 'a "b c" # d'),
    "ServerAliveInterval": ("15", "1m", "1h30", "0", "2m5s"),
    "ServerAliveCountMax": ("1", "5", "0"),
    "ConnectTimeout": ("5", "1m", "none"),
    "UserKnownHostsFile": ("/k/a /k/b", "~/.ssh/%h", "none", '"/k/x y" /z'),
    "GlobalKnownHostsFile": ("/g/a", "/g/a /g/b"),
    "HostKeyAlias": ("alias", "Other"),
    "StrictHostKeyChecking": ("yes", "no", "ask", "accept-new", "off"),
    "HashKnownHosts": ("yes", "no"),
    "PasswordAuthentication": ("yes", "no"),
    "KbdInteractiveAuthentication": ("yes", "no"),
    "ChallengeResponseAuthentication": ("yes", "no"),
    "PubkeyAuthentication": ("yes", "no", "unbound"),
    "Compression": ("yes", "no"),
    "BatchMode": ("yes", "no"),
    "AddressFamily": ("any", "inet", "inet6"),
    "NumberOfPasswordPrompts": ("1", "5"),
    "RevokedHostKeys": ("/r/one", "~/.ssh/revoked"),
    "ForwardAgent": ("no",),
    "# a comment": ("",),
    "\tSendEnv": ("LANG",),
}


def value_lines(random_: random.Random) -> list[str]:
    keywords = random_.choices(list(VALUES), k=random_.randint(1, 9))
    between = (" ", " ", "=", " = ", "\t")
    return [keyword + random_.choice(between) + random_.choice(VALUES[keyword]) for keyword in keywords]


def block_line(random_: random.Random) -> str:
    patterns = " ".join(random_.sample(PATTERNS, random_.randint(1, 3)))
    commas = ",".join(random_.sample(PATTERNS, random_.randint(1, 2)))
    return random_.choice(
        [
            f"Host {patterns.replace(',', ' ')}",
            f"Host={random_.choice(PATTERNS)}",
            f"Match host {commas}",
            f"Match originalhost {commas}",
            f"Match user {random_.choice(['root', 'kairos', '*', '!root,*', 'ops'])}",
            f"Match !host {commas} user *",
            f"match host {commas} originalhost edge*",
            f"Match localuser {random_.choice(['root', 'nobody', '*'])}",
            "Match all",
            f"Match final host {commas}",
            "Match canonical",
            "Match !final all",
        ]
    )


def write_config(random_: random.Random, folder: Path, depth: int = 0) -> Path:
    lines: list[str] = []
    for _ in range(random_.randint(1, 5)):
        if random_.random() < 0.8:
            lines.append(block_line(random_))
        lines += [("  " * random_.randint(0, 1)) + line for line in value_lines(random_)]
        if depth < 3 and random_.random() < 0.35:
            count = random_.randint(1, 2)
            names = [str(write_config(random_, folder, depth + 1)) for _ in range(count)]
            lines.append("Include " + " ".join([*names, str(folder / "absent*")]))
    path = folder / f"c{len(list(folder.iterdir()))}.conf"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


def from_openssh(config: Path, target: str) -> dict[str, list[str]] | None:
    command = ["ssh", "-G", "-F", str(config), target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    if done.returncode:
        return None
    values: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        values.setdefault(keyword, []).append(value)
    return values


def raw_and_settings(machine: Machine, config: Path, target: Target) -> tuple[dict[str, list[str]], HostSettings]:
    """Return the values in the form of `ssh -G`."""
    files = Files(None, None, config)
    values, _ = evaluate(files, machine, target)
    settings = settings_of(files, machine, target)
    strict = {"yes": "true", "no": "false"}.get(settings.strict, settings.strict)
    flag = {True: "yes", False: "no"}
    shown = {
        "user": [settings.user],
        "hostname": [settings.host],
        "port": [str(settings.port)],
        "identityfile": values.identities,
        "certificatefile": values.certificates,
        "identitiesonly": [flag[settings.identities_only]],
        "serveraliveinterval": [str(settings.alive_interval)],
        "serveralivecountmax": [str(settings.alive_count)],
        "connecttimeout": [str(settings.connect_timeout)] if settings.connect_timeout else ["none"],
        "stricthostkeychecking": [strict],
        "hashknownhosts": [flag[settings.hash_known_hosts]],
        "passwordauthentication": [flag[values.password is not False]],
        "kbdinteractiveauthentication": [flag[values.interactive is not False]],
        "compression": [flag[bool(settings.compression)]],
        "batchmode": [flag[settings.batch_mode]],
        "addressfamily": [settings.address_family],
        "numberofpasswordprompts": [str(settings.password_prompts)],
        "userknownhostsfile": [" ".join(settings.user_files) or "none"],
        "globalknownhostsfile": [" ".join(settings.global_files)],
    }
    if settings.host_key_alias:
        shown["hostkeyalias"] = [settings.host_key_alias]
    if values.proxy_jump not in (None, "none"):
        shown["proxyjump"] = [values.proxy_jump or ""]
    elif values.proxy_command not in (None, "none"):
        shown["proxycommand"] = [values.proxy_command or ""]
    if values.revoked_keys:
        shown["revokedhostkeys"] = [values.revoked_keys]
    return shown, settings


def as_written(values: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what `ssh -G` prints in a form that can be compared."""
    shown = dict(values)
    shown.setdefault("connecttimeout", ["none"])
    if shown["batchmode"] == ["yes"] and shown["serveraliveinterval"] == ["300"]:
        shown["serveraliveinterval"] = ["0"]  # an addition of Debian
    if shown.get("proxycommand") == ["none"]:
        del shown["proxycommand"]
    if shown.get("proxyjump") == ["none"]:
        del shown["proxyjump"]
    return shown


@pytest.mark.parametrize("seed", range(5))
def test_generated_files_are_read_as_ssh_reads_them(seed: int, machine: Machine, tmp_path: Path) -> None:
    random_ = random.Random(seed)
    compared = refused = 0
    for number in range(FILES // 5):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = write_config(random_, folder)
        text = random_.choice(["", "", "root@", "kairos@"]) + random_.choice(NAMES)
        expected = from_openssh(config, text)
        try:
            shown, _ = raw_and_settings(machine, config, read_target(text))
        except InvalidInput as error:
            v6_name = "2001:db8::7.example" in error.message  # ssh looks for it in DNS
            assert expected is None or v6_name, (config.read_text(), error.message)
            refused += 1
            continue
        listing = "\n".join(f"-- {path.name}\n{path.read_text()}" for path in sorted(folder.iterdir()))
        if expected is None:  # `ProxyJump jump` for jump itself, which is seen where the way is made
            with pytest.raises(InvalidInput, match="loops"):
                route_of(Files(None, None, config), machine, read_target(text))
            continue
        expected = as_written(expected)
        if not shown["identityfile"]:
            shown["identityfile"] = expected["identityfile"]  # the defaults, of which some are of other times
        for keyword, value in shown.items():
            assert value == expected.get(keyword, []), (keyword, text, listing)
        for keyword in ("proxyjump", "proxycommand", "hostkeyalias", "certificatefile", "revokedhostkeys"):
            assert (keyword in expected) == bool(shown.get(keyword)), (keyword, text, listing)
        compared += 1
    assert compared > FILES // 10, (compared, refused)
