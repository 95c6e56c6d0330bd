"""What the operator is asked while a connection opens: whether a new host key is right, passwords, a second factor.

Their time to think is not counted against the time that a connection may take.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from edgewright.clients.ssh.hostkeys.keys import HostKey


class HostKeyQuestion(NamedTuple):
    """An unknown host: its name for people, where it is (`address:port`), the hosts before it, and its key."""

    host: str
    address: str
    via: tuple[str, ...]
    key: HostKey
    file: str


class Asker(Protocol):
    """Who answers. One question at a time; the answers are never logged."""

    async def accept_host_key(self, question: HostKeyQuestion) -> bool | None:
        """Return whether the key is right; None where there is no terminal to ask."""
        raise NotImplementedError

    async def secret(self, prompt: str, *, shown: bool) -> str | None:
        """Return a password, passphrase or code; None where there is no terminal to ask, or none was given.

        `prompt` is one harmless line; `shown`: whether the server lets the answer be seen while it is typed.
        """
        raise NotImplementedError

    async def notice(self, text: str) -> None:
        """Show one harmless line: what a server writes before authentication, a touch that a security key waits for."""
        raise NotImplementedError


class NoAnswers:
    """For what runs without a terminal: every question remains open."""

    async def accept_host_key(self, question: HostKeyQuestion) -> bool | None:
        """Return None."""
        return None

    async def secret(self, prompt: str, *, shown: bool) -> str | None:
        """Return None."""
        return None

    async def notice(self, text: str) -> None:
        """Show nothing."""
