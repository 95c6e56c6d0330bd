"""The settings of one host, and the hosts on the way to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edgewright.clients.ssh.config.evaluation import Evaluation
from edgewright.clients.ssh.config.expansion import expand, path_of
from edgewright.clients.ssh.config.settings import (
    DEFAULT_GLOBAL_FILES,
    DEFAULT_IDENTITIES,
    DEFAULT_USER_FILES,
    Machine,
    Values,
)
from edgewright.clients.ssh.target import MAX_HOPS, Target, check_host, check_user, read_target
from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

_ALIAS = re.compile(r"[^\s,|#!*?@]{1,255}\Z")
SYSTEM_FILE = Path("/etc/ssh/ssh_config")


class HostSettings(NamedTuple):
    """The settings of one host: address, user, host key files, identities. All tokens are replaced."""

    name: str
    host: str
    port: int
    user: str
    host_key_alias: str
    jumps: tuple[str, ...]
    proxy_command: str
    identities: tuple[str, ...]
    identities_given: bool
    certificates: tuple[str, ...]
    identities_only: bool
    identity_agent: str
    strict: str
    hash_known_hosts: bool
    user_files: tuple[str, ...]
    global_files: tuple[str, ...]
    revoked_keys: str
    address_family: str
    bind_address: str
    compression: bool | None
    """None: where the link is slow."""
    batch_mode: bool
    alive_interval: int
    alive_count: int
    connect_timeout: int
    password_prompts: int
    methods: tuple[str, ...]
    warnings: tuple[str, ...]
    named: str = ""
    """The name that the operator knows a host by whose address is that of the plane."""

    @property
    def certified_name(self) -> str:
        """The name that a certificate of the host must be for: without a port."""
        return self.host_key_alias or self.named or self.host

    @property
    def key_name(self) -> str:
        """The name under which known_hosts has the host: `name`, `[name]:port`, or the alias."""
        name = self.certified_name
        return name if self.host_key_alias or self.port == 22 else f"[{name}]:{self.port}"

    def __str__(self) -> str:
        return self.name if self.name == self.host else f"{self.name} ({self.host})"


class Files(NamedTuple):
    """Which files are read: those of the user and of the system, or (`ssh -F`) one alone."""

    user: Path | None
    system: Path | None
    only: Path | None = None


def usual_files(machine: Machine) -> Files:
    """Return `~/.ssh/config` and `/etc/ssh/ssh_config`."""
    return Files(machine.home / ".ssh" / "config", SYSTEM_FILE)


def evaluate(files: Files, machine: Machine, target: Target) -> tuple[Values, list[str]]:
    """Return the values of the files for a target, and warnings. Raises `InvalidInput`."""
    values = Values(user=target.user or None, port=target.port or None)
    evaluation = Evaluation(machine, target.host, target.host, values)
    _read(evaluation, files)
    warnings = evaluation.warnings
    if evaluation.wants_final:
        host = _hostname(values, target)
        values.hostname = host.replace("%", "%%")
        evaluation = Evaluation(machine, host, target.host, values, final=True)
        _read(evaluation, files)
        warnings = [*warnings, *(line for line in evaluation.warnings if line not in warnings)]
    return values, warnings


def _read(evaluation: Evaluation, files: Files) -> None:
    if files.only is not None:
        evaluation.read(files.only, user=True, trusted=True, missing_is_empty=False)
        return
    if files.user is not None:
        evaluation.read(files.user, user=True, trusted=False)
    if files.system is not None:
        evaluation.read(files.system, user=False, trusted=True)


def _hostname(values: Values, target: Target) -> str:
    if values.hostname is None:
        return target.host.lower()
    return expand(values.hostname, {"h": target.host}, "HostName").lower()


def settings_of(files: Files, machine: Machine, target: Target) -> HostSettings:
    """Return the settings of a target. Raises `InvalidInput`."""
    values, warnings = evaluate(files, machine, target)
    host = check_host(_hostname(values, target))
    user, port = check_user(values.user or machine.user), values.port or 22
    alias = _alias(values.host_key_alias or "")
    short = {"h": host, "n": target.host, "p": str(port), "r": user}
    percent = {
        **short, "d": str(machine.home), "i": str(machine.uid), "k": alias or target.host, "l": machine.host,
        "L": machine.host.partition(".")[0], "u": machine.user,
    }  # fmt: skip

    def paths(texts: Sequence[str], what: str) -> tuple[str, ...]:
        return tuple(path_of(text, percent, machine, what) for text in texts if text.lower() != "none")

    command = values.proxy_command if (values.proxy_command or "none").lower() != "none" else ""
    agent = values.identity_agent
    if agent is None or agent == "SSH_AUTH_SOCK":
        agent = machine.environment.get("SSH_AUTH_SOCK", "")
    elif agent.lower() == "none":
        agent = ""
    elif agent.startswith("$") and not agent.startswith("${"):
        agent = machine.environment.get(agent[1:], "")
    else:
        agent = path_of(agent, percent, machine, "IdentityAgent")
    return HostSettings(
        name=target.host,
        host=host,
        port=port,
        user=user,
        host_key_alias=alias,
        jumps=_jumps(values, short),
        proxy_command=expand(command, short, "ProxyCommand") if command else "",
        identities=paths(values.identities or DEFAULT_IDENTITIES, "IdentityFile"),
        identities_given=bool(values.identities),
        certificates=paths(values.certificates, "CertificateFile"),
        identities_only=bool(values.identities_only),
        identity_agent=agent,
        strict=values.strict or "ask",
        hash_known_hosts=bool(values.hash_known_hosts),
        user_files=paths(DEFAULT_USER_FILES if values.user_files is None else values.user_files, "UserKnownHostsFile"),
        global_files=paths(
            DEFAULT_GLOBAL_FILES if values.global_files is None else values.global_files, "GlobalKnownHostsFile"
        ),
        revoked_keys="".join(paths((values.revoked_keys,) if values.revoked_keys else (), "RevokedHostKeys")),
        address_family=values.address_family or "any",
        bind_address=values.bind_address or "",
        compression=values.compression,
        batch_mode=bool(values.batch_mode),
        alive_interval=values.alive_interval or 0,
        alive_count=3 if values.alive_count is None else values.alive_count,
        connect_timeout=values.connect_timeout or 0,
        password_prompts=3 if values.password_prompts is None else values.password_prompts,
        methods=_methods(values),
        warnings=tuple(warnings),
    )


def _alias(text: str) -> str:
    """Return a HostKeyAlias, which becomes the name in a line of known_hosts. Raises `InvalidInput`."""
    if text and not _ALIAS.match(text):
        raise InvalidInput(f"HostKeyAlias {clean(text, 80)} is not a valid name.", "Correct it in ~/.ssh/config.")
    return text.lower()


def _jumps(values: Values, percent: dict[str, str]) -> tuple[str, ...]:
    text = values.proxy_jump
    if text is None or text.lower() == "none":
        return ()
    parts = expand(text, percent, "ProxyJump").split(",")
    return tuple(part.strip().removeprefix("ssh://").rstrip("/") for part in parts)


def _methods(values: Values) -> tuple[str, ...]:
    """Return the methods of authentication that may be tried, in their order."""
    on = {
        "publickey": values.public_key is not False,
        "keyboard-interactive": values.interactive is not False,
        "password": values.password is not False,
    }
    preferred = values.preferred.split(",") if values.preferred else list(on)
    return tuple(method for method in dict.fromkeys(word.strip() for word in preferred) if on.get(method))


def route_of(files: Files, machine: Machine, target: Target) -> tuple[HostSettings, ...]:
    """Return the hosts to connect to, one after the other: jump hosts first, the target last.

    The first jump host is reached by its own settings, each further one through the one before it, as with
    `ssh -J`; a way that the target itself names is used in the place of the configuration's. Raises `InvalidInput`,
    also for more than `MAX_HOPS` hosts and for a chain that loops.
    """
    chain = _chain(files, machine, target, ())
    if len(chain) > MAX_HOPS:
        names = ", ".join(clean(hop.name, 60) for hop in chain[:MAX_HOPS])
        raise InvalidInput(
            f"The way to {target.host} has more than {MAX_HOPS} hosts: {names}.", "Shorten ProxyJump in ~/.ssh/config."
        )
    return chain


def _chain(files: Files, machine: Machine, target: Target, above: tuple[Target, ...]) -> tuple[HostSettings, ...]:
    if target in above or len(above) > MAX_HOPS:
        names = " → ".join(str(each) for each in (*above, target)[-MAX_HOPS:])
        raise InvalidInput(f"ProxyJump of {above[0]} loops: {names}.", "Correct ProxyJump in ~/.ssh/config.")
    settings = settings_of(files, machine, target)
    if target.through:
        settings = settings._replace(jumps=tuple(map(str, target.through)), proxy_command="")
    if not settings.jumps:
        return (settings,)
    first, *others = target.through or [read_target(text) for text in settings.jumps]
    chain = _chain(files, machine, first, (*above, target))
    for jump in others:
        hop = settings_of(files, machine, jump)
        chain = (*chain, hop._replace(jumps=(), proxy_command=""))
    return (*chain, settings)
