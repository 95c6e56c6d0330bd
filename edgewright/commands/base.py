"""What a verb is: one class from which key, palette entry, `:` verb, help row, CLI verb and journal entry come.

This module is on the path of `edgewright --help`: it imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.context import CommandContext
    from edgewright.core.errors import EdgewrightError

Danger = Literal["none", "write", "destructive"]
Scope = Literal["global", "hosts", "host", "tokens", "feed"]


class Param(NamedTuple):
    """One parameter of a verb; positional unless `flag` begins with `--`."""

    name: str
    help: str
    flag: str = ""
    required: bool = False
    many: bool = False
    kind: Literal["text", "int", "flag", "file", "span", "time"] = "text"
    choices: tuple[str, ...] = ()
    default: Any = None
    metavar: str = ""
    secret: bool = False


class Allowed(NamedTuple):
    """The verb may run on these targets now."""


class Refusal(NamedTuple):
    """The verb may not run; `reason` is a whole sentence for the user."""

    reason: str


class Plan(NamedTuple):
    """What a verb will do, told before it is done.

    `lines` is what happens, `touches` names every object that is touched, `cannot_undo` the things that have no way
    back, `cli` the equivalent command line, `confirm_text` what must be typed (None: a plain yes is enough).
    """

    title: str
    lines: tuple[str, ...]
    touches: tuple[str, ...]
    cannot_undo: tuple[str, ...]
    cli: str
    confirm_text: str | None = None
    payload: Any = None


class Outcome(NamedTuple):
    """What a verb did: targets done, targets failed with their error, and the result to print (a document or rows)."""

    done: tuple[str, ...]
    failed: tuple[tuple[str, EdgewrightError], ...] = ()
    message: str = ""
    result: Any = None


class Command:
    """A verb. Subclasses set the class attributes; the docstring's first line is the help row."""

    name: ClassVar[str]
    """Noun and verb with one space, e.g. `host delete`; one word for console-wide views (`pulse`)."""
    title: ClassVar[str]
    """Short label for the key line, e.g. `delete`."""
    keys: ClassVar[tuple[str, ...]] = ()
    """Default keys in Textual's names; remapped by `id`."""
    scope: ClassVar[Scope] = "global"
    """On which screens its keys are live, and what its targets are."""
    danger: ClassVar[Danger] = "none"
    params: ClassVar[tuple[Param, ...]] = ()
    opens: ClassVar[str] = ""
    """For a view verb: the console screen that it opens."""
    cli: ClassVar[bool] = True
    """Whether the verb exists on the command line (console-only verbs say why in their docstring)."""
    console: ClassVar[bool] = True
    """Whether the verb exists in the console."""

    @classmethod
    def id(cls) -> str:
        """Return the binding id, e.g. `host-delete`."""
        return cls.name.replace(" ", "-")

    @classmethod
    def help(cls) -> str:
        """Return the first line of the docstring."""
        return (cls.__doc__ or "").strip().split("\n", 1)[0]

    def check(self, ctx: CommandContext, targets: Sequence[str]) -> Allowed | Refusal:
        """Say whether the verb may run on `targets` now. Read-only mode is already refused by `registry.check`."""
        return Allowed()

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what would happen, without doing it. Raises `EdgewrightError`."""
        raise NotImplementedError

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Do what `plan` says; `report` gets one line of progress at a time. Raises `EdgewrightError`."""
        raise NotImplementedError
