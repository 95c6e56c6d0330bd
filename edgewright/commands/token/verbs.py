"""Verbs that show registration tokens, and the one that makes them."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, Target, filtered_by


class TokenCreate(Command):
    """Make a registration token and print its text."""

    name = "token create"
    role = "admin"
    implementation = "token.actions"
    needs = ("CanListTokens", "CanManageTokens", "CanListProjects")
    title = "create"
    keys = ("plus",)
    scope = "tokens"
    danger = "write"
    asks = "Create a registration token"
    params = (
        Param("name", "name of the token", required=True, metavar="NAME"),
        Param("expires", "how long it is valid, e.g. 12h, 30d", flag="--expires", kind="span", default="30d"),
        Param(
            "default_project", "project of the hosts that register with it", flag="--default-project", metavar="PROJECT"
        ),
        Param("description", "what it is for", flag="--description", metavar="TEXT"),
    )


class TokenList(ListVerb):
    """List registration tokens: project, end, state, who made them."""

    name = "token list"
    needs = ("CanListTokens",)
    title = "tokens"
    keys = ("3",)
    aliases = ("tokens", "token", "tok")
    params = filtered_by("state:active ends<7d")
    opens = "tokens"


class TokenShow(Command):
    """Show one registration token and the hosts registered with it; its text is masked unless --reveal."""

    name = "token show"
    implementation = "token.actions"
    needs = ("CanListTokens",)
    uses = ("CanDescribe", "CanListHosts")
    title = "open"
    keys = ("d",)
    scope = "tokens"
    target = Target("token", 1, 1)
    params = (Param("reveal", "show the token's text", flag="--reveal", kind="flag"),)
    opens = "token"


class TokenReveal(Command):
    """Show or hide the text of the token under the cursor."""

    name = "token reveal"
    role = "admin"
    needs = ("CanListTokens",)
    title = "reveal"
    keys = ("x",)
    scope = "tokens"
    target = Target("token", 1, 1)
    action = "reveal"
    cli = False
    no_cli = "The command line has token show --reveal."


COMMANDS: tuple[type[Command], ...] = (TokenCreate, TokenList, TokenShow, TokenReveal)
