"""Verbs that change registration tokens: revoke, activate, delete."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Target


class TokenRevoke(Command):
    """Revoke a token. Registered hosts keep working; new registrations are rejected."""

    name = "token revoke"
    role = "admin"
    implementation = "token.changes"
    needs = ("CanListTokens", "CanManageTokens")
    uses = ("CanDescribe", "CanListHosts")
    title = "revoke"
    keys = ("r",)
    scope = "tokens"
    danger = "destructive"
    target = Target("token")


class TokenActivate(Command):
    """Accept a revoked token again."""

    name = "token activate"
    role = "admin"
    implementation = "token.changes"
    needs = ("CanListTokens", "CanManageTokens")
    uses = ("CanDescribe", "CanListHosts")
    title = "activate"
    keys = ("a",)
    scope = "tokens"
    danger = "write"
    target = Target("token")


class TokenDelete(Command):
    """Delete a token. Registered hosts are unaffected."""

    name = "token delete"
    role = "admin"
    implementation = "token.changes"
    needs = ("CanListTokens", "CanManageTokens")
    uses = ("CanDescribe", "CanListHosts")
    title = "delete"
    keys = ("ctrl+d",)
    scope = "tokens"
    danger = "destructive"
    target = Target("token")


COMMANDS: tuple[type[Command], ...] = (TokenRevoke, TokenActivate, TokenDelete)
