"""Verbs that change registration tokens: revoke, activate, delete."""

from __future__ import annotations

from edgewright.commands.base import Command, Target


class TokenRevoke(Command):
    """Refuse a token from now on; hosts that came in by it stay, new ones are turned away."""

    name = "token revoke"
    title = "revoke"
    keys = ("r",)
    scope = "tokens"
    danger = "destructive"
    target = Target("token")


class TokenActivate(Command):
    """Accept a revoked token again."""

    name = "token activate"
    title = "activate"
    keys = ("a",)
    scope = "tokens"
    danger = "write"
    target = Target("token")


class TokenDelete(Command):
    """Delete a token for good; hosts that came in by it stay."""

    name = "token delete"
    title = "delete"
    keys = ("ctrl+d",)
    scope = "tokens"
    danger = "destructive"
    target = Target("token")


COMMANDS: tuple[type[Command], ...] = (TokenRevoke, TokenActivate, TokenDelete)
