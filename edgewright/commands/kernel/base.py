"""What a verb is: one class from which key, palette entry, `:` verb, help row, CLI verb and journal entry come.

How the two front ends use one class:

* The command line parses words into targets and arguments, then `check`, `plan`, `apply` and prints `Outcome.result`.
* The console does the same for verbs that change something. A verb with `opens` opens that screen instead, a verb with
  `action` calls `action_<action>` of the screen (or the app) with `preset`; for those, `plan` and `apply` serve the
  command line alone.

This module is on the path of `edgewright --help`: it imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from edgewright.commands.kernel.line import command_line
from edgewright.commands.kernel.params import Param as Param
from edgewright.commands.kernel.params import Target as Target
from edgewright.commands.kernel.params import filtered_by as filtered_by
from edgewright.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.clients.ports import PortName
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.core.errors import EdgewrightError

Danger = Literal["none", "write", "destructive"]
Scope = str
"""Where keys of a verb are live: `global`, or the `scope` of a screen. A test finds the screen of each."""
LISTS: tuple[Scope, ...] = (
    "tokens",
    "feed",
    "installers",
    "users",
    "roles",
    "keys",
    "filters",
    "registries",
    "packs",
    "profiles",
    "macros",
    "clusters",
    "workloads",
    "deployments",
    "nodes",
)
"""Scopes of lists beside the hosts: filter, sort, columns, marks and export are live there."""
RAW: tuple[Scope, ...] = ("host", "tokens", "feed", "profiles", "clusters", "workloads", "deployments", "nodes")
"""Scopes beside the hosts that show a raw document."""
FRAMES = (
    "pulse", "hosts", "host", "clusters", "cluster", "tokens", "events", "audit", "installers", "help", "first-run",
    "first-steps",
)  # fmt: skip
"""Screens of which one frame is drawn without a terminal."""


BY_HOST = "ssh:"
"""What begins the name of a cluster that is reached through one of its hosts, `ssh:TARGET`; no uid of the plane has a
colon."""
_RANK = {"viewer": 1, "operator": 2, "admin": 3}
"""Roles as in `core.roles`, which is not loaded for `--help`."""


class Allowed(NamedTuple):
    """The verb may run on these targets now."""


class Refusal(NamedTuple):
    """The verb may not run; `reason` is a complete sentence for the user, `hint` the next step."""

    reason: str
    hint: str = ""


class Plan(NamedTuple):
    """What a verb will do, shown before it is done.

    `lines` is what happens, `touches` names every object that is touched, `cannot_undo` the things that have no way
    back, `cli` the equivalent command line, `confirm_text` what must be typed (None: a plain yes is enough).
    `payload` is the verb's own: what it looked up for the plan and uses again in `apply`. `names` gives the names of
    objects that are touched by uid. `nothing`: all is as wanted already, so that the user is not asked.
    """

    title: str
    lines: tuple[str, ...]
    touches: tuple[str, ...]
    cannot_undo: tuple[str, ...]
    cli: str
    confirm_text: str | None = None
    payload: Any = None
    names: Mapping[str, str] = {}
    nothing: bool = False

    def name_of(self, target: str) -> str:
        """Return the name of an object that is touched, its uid when it has none."""
        return self.names.get(target) or target


class Outcome(NamedTuple):
    """What a verb did: targets done, targets failed with their error, one sentence, and the result to print.

    `result` is one of `edgewright.commands.kernel.results` (a listing, a detail, a text, a stream) or None.
    """

    done: tuple[str, ...]
    failed: tuple[tuple[str, EdgewrightError], ...] = ()
    message: str = ""
    result: Any = None
    facts: Mapping[str, Any] = {}
    """What the journal has beside that, e.g. exit codes; no secrets."""


class Command:
    """A verb. Subclasses set the class attributes; the docstring's first line is the help row."""

    name: ClassVar[str]
    """Noun and verb with one space, e.g. `host delete`; one word for console-wide views (`pulse`); a verb may be of two
    words where a noun has a thing of its own (`forge user-data check`)."""
    implementation: ClassVar[str] = ""
    """The module below `edgewright.commands` whose class of the same name plans and applies it (`registry.acting`), so
    that a declaration imports nothing heavy. Empty: this class does it itself."""
    quick: ClassVar[str] = ""
    """The module below `edgewright.commands` whose `run` may answer on the command line at once, with less loaded;
    where it returns None, nothing was done and the verb goes its ordinary way."""
    title: ClassVar[str]
    """Short label for the key line, e.g. `delete`."""
    keys: ClassVar[tuple[str, ...]] = ()
    """Default keys in Textual's names; remapped by `id`."""
    no_key: ClassVar[str] = ""
    """Why a console verb has no default key (a sentence); required when `keys` is empty and `console` is true."""
    key_id: ClassVar[str] = ""
    """Id under which key maps of users have it, where that is not the name with a dash (it had another name before)."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other words for it after `:` in the console, e.g. `hosts`."""
    here: ClassVar[tuple[tuple[str, tuple[Scope, ...]], ...]] = ()
    """Words after `:` that mean it on the screens of some scopes, whatever they mean elsewhere."""
    scope: ClassVar[Scope] = "global"
    """On which screens its keys are live, and what its targets are."""
    also: ClassVar[tuple[Scope, ...]] = ()
    """Further scopes in which its keys are live (the detail of what `scope` lists)."""
    danger: ClassVar[Danger] = "none"
    journalled: ClassVar[bool] = False
    """Whether the journal has it although it changes nothing: it reads what is not for everybody."""
    role: ClassVar[str] = ""
    """Role that the plane asks for; empty: operator for what changes something there, viewer for the rest."""
    described: ClassVar[bool] = False
    """Whether it is `list` or `show` of a collection with a table: `implementation.acting` carries it out."""
    target: ClassVar[Target | None] = None
    """What it works on; the console gives the marked objects or the one under the cursor."""
    over_ssh: ClassVar[bool] = False
    """Whether it works on a host, or the cluster of one, that is known by SSH alone (`ssh:TARGET`)."""
    on_rows: ClassVar[tuple[int, int] | None] = None
    """How many rows of a list its key works on, at least and at most (0: any number); None: as `target` has it."""
    needs: ClassVar[tuple[PortName, ...]] = ()
    """Names of the ports (`clients.ports`) without which it cannot run; none for what is not `online`."""
    uses: ClassVar[tuple[PortName, ...]] = ()
    """Names of ports that it asks for only with some arguments, or does without."""
    params: ClassVar[tuple[Param, ...]] = ()
    opens: ClassVar[str] = ""
    """For a view verb: the console screen that it opens."""
    after_dashes: ClassVar[str] = ""
    """Name of the argument that is everything after `--` on the command line, joined by spaces as ssh does."""
    action: ClassVar[str] = ""
    """For a verb of the console alone: the Textual action that runs it (`action_<action>`). A verb with `opens` too is
    run by its action on a screen that has it, and opens its view when it is typed with names."""
    preset: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Fixed arguments of `action`, e.g. `(("field", "name"),)`."""
    asks: ClassVar[str] = ""
    """Title of the form in which the console asks for `params`; `{what}` is the object or how many there are."""
    delegate: ClassVar[str] = ""
    """For a process of its own: the module whose `main(argv) -> int` runs it with the words after the noun."""
    takes: ClassVar[tuple[str, ...]] = ()
    """For a process of its own: global options that it understands beside `-o`, e.g. `plan`."""
    own_hub: ClassVar[bool] = False
    """For a process of its own: whether it works on the hub that the guide started where no `--data` is given."""
    writes: ClassVar[bool] = False
    """For a process of its own: whether `--read-only` refuses it."""
    shows_progress: ClassVar[bool] = False
    """Whether its progress lines are printed (stderr) on the command line: it takes longer than a user waits."""
    outputs: ClassVar[tuple[str, ...]] = ("table", "wide", "json", "yaml", "name")
    """What `-o` may be on the command line; the first is the default."""
    online: ClassVar[bool] = True
    """Whether it talks to the plane."""
    cli: ClassVar[bool] = True
    """Whether the verb exists on the command line (console-only verbs have the reason in `no_cli`)."""
    no_cli: ClassVar[str] = ""
    """Why there is no such verb on the command line (a sentence)."""
    console: ClassVar[bool] = True
    """Whether the verb exists in the console."""

    @classmethod
    def id(cls) -> str:
        """Return the binding id, e.g. `host-delete`."""
        return cls.key_id or cls.name.replace(" ", "-")

    @classmethod
    def works_on(cls, rows: int) -> bool:
        """Return whether its key does something on a list with so many rows marked, or one under the cursor.

        What opens a view or is done by the screen takes the first of several.
        """
        target = cls.target
        least, most = cls.on_rows or ((target.least, target.most or 0) if target is not None else (0, 0))
        many = not most or (cls.on_rows is None and bool(cls.opens or cls.action))
        return rows >= least and (many or rows <= most)

    @classmethod
    def for_role(cls, role: str) -> bool:
        """Return whether the plane lets a role do it; what does not ask the plane is free, a role unknown here too."""
        needed = cls.role or ("viewer" if cls.danger == "none" else "operator")
        return not cls.online or role not in _RANK or _RANK[role] >= _RANK[needed]

    @classmethod
    def help(cls) -> str:
        """Return the first line of the docstring."""
        return (cls.__doc__ or "").strip().split("\n", 1)[0]

    @classmethod
    def for_journal(cls, plan: Plan) -> Plan:
        """Return the plan as the journal has it: a verb whose plan may show secrets of the user covers them."""
        return plan

    @classmethod
    def cli_line(cls, targets: Sequence[str], args: Mapping[str, Any]) -> str:
        """Return the command line that does the same, quoted for a shell."""
        return command_line(cls, targets, args)

    def check(self, ctx: CommandContext, targets: Sequence[str]) -> Allowed | Refusal:
        """Return whether the verb may run on `targets` now. Read-only mode is already refused by `registry.check`."""
        return Allowed()

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what would happen, without doing it. Raises `EdgewrightError`."""
        return Plan(self.help(), (), tuple(targets), (), self.cli_line(targets, args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Do what `plan` shows; `report` gets one line of progress at a time. Raises `EdgewrightError`."""
        raise UsageError(f"`{self.name}` works in the console only.", "Open the console: edgewright")


class ListVerb(Command):
    """`NOUN list` of a collection with a table (`store.table`): it needs no action of its own."""

    implementation = "kernel.described"
    described = True


class ShowVerb(Command):
    """`NOUN show` of such a collection."""

    implementation = "kernel.described"
    described = True
    title = "open"
    keys = ("d",)
