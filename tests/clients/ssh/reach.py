"""A user's side of a connection in a test: a configuration file, known_hosts, and answers to questions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgewright.clients.ssh.auth.asking import HostKeyQuestion
from edgewright.clients.ssh.config.resolve import Files, route_of
from edgewright.clients.ssh.config.settings import Machine, this_machine
from edgewright.clients.ssh.connection import SshConnection, connect
from edgewright.clients.ssh.hostkeys.trust import KnownFiles, KnowsHosts
from edgewright.clients.ssh.target import read_target
from tests.clients.ssh.sshd import USER, Sshd
from tests.clients.ssh.stand_in import StandIn


@dataclass
class Answers:
    """An asker with answers made before; what is asked is recorded. `thinks`: seconds before each answer."""

    accept: bool | None = None
    secrets: Sequence[str | None] = ()
    thinks: float = 0.0
    questions: list[HostKeyQuestion] = field(default_factory=list)
    prompts: list[tuple[str, bool]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    async def accept_host_key(self, question: HostKeyQuestion) -> bool | None:
        await asyncio.sleep(self.thinks)
        self.questions.append(question)
        return self.accept

    async def secret(self, prompt: str, *, shown: bool) -> str | None:
        await asyncio.sleep(self.thinks)
        self.prompts.append((prompt, shown))
        place = len(self.prompts) - 1
        return self.secrets[place] if place < len(self.secrets) else None

    async def notice(self, text: str) -> None:
        self.notices.append(text)


@dataclass
class Laptop:
    """The files of a user. `block` writes the settings of one host, `open` connects."""

    folder: Path
    agent: str = ""
    text: str = ""

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def block(
        self, name: str, port: int, key: Path | str, *lines: str, host: str = "127.0.0.1", user: str = USER
    ) -> None:
        rows = [f"HostName {host}", f"Port {port}", f"User {user}", f"IdentityFile {key}", *lines]
        self.text += f"Host {name}\n" + "".join(f"  {row}\n" for row in rows)

    def knows(self, server: Sshd | StandIn, key: Path, names: str = "", marker: str = "") -> None:
        public = " ".join(key.with_name(key.name + ".pub").read_text().split()[:2])
        with self.known_hosts.open("a") as file:
            file.write(f"{marker} {names or f'[127.0.0.1]:{server.port}'} {public}\n".lstrip())

    def machine(self) -> Machine:
        environment = {"SSH_AUTH_SOCK": self.agent} if self.agent else {}
        return this_machine()._replace(home=self.folder, environment=environment)

    async def open(
        self, name: str, asker: Answers | None = None, *, timeout: float = 10.0, sources: KnowsHosts | None = None
    ) -> SshConnection:
        config = self.folder / "config"
        every = f"UserKnownHostsFile {self.known_hosts}\nGlobalKnownHostsFile none\n"
        config.write_text(self.text + f"Match all\n{every}")
        route = route_of(Files(None, None, config), self.machine(), read_target(name))
        return await connect(route, sources or KnownFiles(), asker or Answers(), timeout=timeout)
