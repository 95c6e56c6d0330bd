"""What the composition root hands to the console: plain values and callables, no Textual.

Screens reach the system only through a `Session`. Tests and `edgewright render` build one without a plane.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import Struct, field

from edgewright.commands.kernel.registry import unavailable
from edgewright.core import times

if TYPE_CHECKING:
    from pathlib import Path

    from edgewright.commands.kernel.base import Command
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.sources.replay import ReplaySource
    from edgewright.store.engine.store import Store
    from tui.terminal.watchdog import Watchdog

LeaveAnswer = Literal["leave", "stop", "stay"]
"""What becomes of the hub on quitting: it continues to run, it is stopped, or the user stays in the console."""


class ViewStates(Protocol):
    """Stores what a user chose for a view (columns, sort) between runs."""

    def load(self, view: str) -> Mapping[str, Any]:
        """Return what was stored for `view`; empty when nothing was."""
        ...

    def save(self, view: str, state: Mapping[str, Any]) -> None:
        """Store `state` for `view`."""
        ...


class MemoryViewStates:
    """View states that live as long as the program: tests, `render`, a read-only home."""

    def __init__(self) -> None:
        self._view_states: dict[str, dict[str, Any]] = {}

    def load(self, view: str) -> Mapping[str, Any]:
        """Return what was stored for `view`."""
        return self._view_states.get(view, {})

    def save(self, view: str, state: Mapping[str, Any]) -> None:
        """Store `state` for `view`."""
        self._view_states[view] = dict(state)


class TerminalChoice(Struct):
    """How to draw on this terminal; `tui.terminal.detect` fills it from the environment."""

    theme: str = "dark"
    """Name of the theme, one of `themes/*.toml` or of the user's own."""
    ascii_only: bool = False
    """Replace every glyph that is not ASCII."""
    console_glyphs: bool = False
    """Replace every glyph that the Linux console's CP437 font lacks."""
    low_bandwidth: bool = False
    """Treat the link as slow, whatever is measured: no mouse, no animation, few frames, coarse ages."""
    mouse: bool = True
    lines: bool = False
    """Plain lines of text for a screen reader: no box glyphs, rules or bars."""


class PeerCertificate(Protocol):
    """What a plane shows of itself before it is trusted."""

    subject: str
    issuer: str
    ends: float | None
    """When the authority's certificate ends, epoch seconds UTC."""
    fingerprint: str
    """SHA-256 of the authority's certificate as OpenSSL prints it."""
    ca_file: str
    """Where the authority's certificate was saved."""


class MachineAddress(Protocol):
    """One address of this machine that sites could use."""

    card: str
    address: str
    note: str
    """What to know about it in a few words, "" for nothing."""


class DeploymentFacts(Protocol):
    """What a host needs to register with the plane that is shown."""

    url: str
    """The address that hosts call."""
    ca: str
    """File of the plane's CA; "" for a public one."""
    movable: bool
    """The hub runs here and can be given another address."""


class FirstRun(Struct):
    """What the guide needs: on the first run, and later for the steps up to the first host."""

    start_hub: Callable[..., Awaitable[str]] | None = None
    """Start a hub here and return the name of the new context; is given a function that takes progress lines, and
    `address`, the one that hosts use."""
    addresses: Callable[[], Sequence[MachineAddress]] | None = None
    """List the addresses of this machine; asks the kernel, so call it in a thread."""
    deployment: Callable[[], DeploymentFacts] | None = None
    connect: Callable[..., Awaitable[str]] | None = None
    """Make a context from url, api_key, ca and project, and return its name."""
    inspect: Callable[[str], Awaitable[PeerCertificate]] | None = None
    """Fetch the authority that a URL presents, unverified, for the user to compare; saves it and trusts nothing."""
    demo: Callable[[int, Callable[[str], None]], Awaitable[str]] | None = None
    """Start a demo fleet of N simulated hosts and return the name of its context."""


class Session(Struct):
    """One console: what it shows, what it may do, and how it reaches both."""

    store: Store
    make_context: Callable[[], CommandContext] | None = None
    """Makes the context that commands run in; None when there is no plane (render, replay)."""
    settings: Any = None
    """`edgewright.config.settings.Settings`, or None for defaults."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys by binding id, as Textual's `App.set_keymap` takes them (`{"host-delete": "ctrl+x"}`)."""
    keymap_problems: tuple[str, ...] = ()
    """Sentences about the user's key file (conflicts, unknown ids), reported at the start."""
    context_name: str = ""
    plane: str = ""
    """What the title line shows of the plane, e.g. `hub 10.4.0.2`; of several addresses the first one."""
    peer_in_use: Callable[[], str] | None = None
    """Returns the address of the plane that is in use; empty while there is no connection."""
    project: str = ""
    read_until: int = 0
    """Newest event when a view was opened last: refusals up to it have left the message line."""
    read_only: bool = False
    simulated: bool = False
    """The fleet is (partly) simulated; shown on every screen."""
    first_run: FirstRun | None = None
    """Set while no plane is known: the console then begins with the guide."""
    ways: FirstRun | None = None
    """What the guide may do at any time; None where there is no guide (render, replay)."""
    start: Callable[[], Awaitable[None]] | None = None
    """Runs the sources until it is cancelled; called once, after the first frame."""
    retry_now: Callable[[], None] | None = None
    """Ask the plane again at once instead of waiting for the next try."""
    switch_context: Callable[[str], Awaitable[None]] | None = None
    """Leave the present plane and go to the named context."""
    switch_project: Callable[[str], Awaitable[None]] | None = None
    """Show another project, by uid (`""`: all)."""
    installer: Any = None
    """What wizard and Installers screen call, in place of `edgewright.commands.installer.wizard_api`; for tests."""
    open_cluster: Callable[[str, Callable[[str], None]], Awaitable[Any]] | None = None
    """Opens the API of a cluster by uid, in place of `edgewright.commands.kube.local_api.open_api`; for tests."""
    measure_way: Callable[[Any], Awaitable[bool]] | None = None
    """Measures the direct way to the API of a cluster, given its row (`edgewright.commands.kube.looking.look`), for
    screens that show it; None where nothing is measured (render, replay)."""
    opened: dict[str, Any] = field(default_factory=dict)
    """APIs of clusters that screens show, by uid: `edgewright.commands.kube.opened.Opened`."""
    forwards: list[Any] = field(default_factory=list)
    """Ports of this machine that lead into clusters: `edgewright.commands.kube.changes.forwarding.Forward`."""
    sites: dict[str, Any] = field(default_factory=dict)
    """Sites that are open by SSH, by target: `edgewright.commands.site.opened.Site`."""
    site_lists: Any = None
    """What shows them in the lists of hosts and clusters: `tui.screens.site.opens.SiteLists`."""
    local_apis: dict[str, Any] = field(default_factory=dict)
    """Sessions of their local APIs, by target: `edgewright.commands.site.api.session.SiteLocalApi`."""
    bundles: dict[str, Any] = field(default_factory=dict)
    """Support bundles of sites, by target: `tui.screens.site.bundling.Bundling`; the one that was read last of each."""
    runs: list[Any] = field(default_factory=list)
    """Commands on many hosts, newest last: a number and `edgewright.commands.site.fleet.fan_out.FanOut`."""
    make_site: Callable[[str], Any] | None = None
    """Makes a site that is not connected yet from a target, in place of `commands.site.opening.site_of`; for tests."""
    replay: ReplaySource | None = None
    """The recording that is shown instead of a plane; then `now` is its moment and `start` its `run`."""
    hub_log: Callable[[], Path | None] | None = None
    """Gives the log of the hub in use, None when that hub does not run on this machine."""
    hub_running: Callable[[], bool] | None = None
    """Whether a hub that this console started is running; None when it started none."""
    stop_hub: Callable[[], Awaitable[None]] | None = None
    frozen_at: float | None = None
    """When the screen was frozen, epoch seconds UTC; None while it shows what happens."""
    watchdog: Watchdog | None = None
    """Ends the process when the terminal is closed or a signal asks for it; None in tests and for a single frame."""
    start_view: str = "pulse"
    start_target: str = ""
    now: Callable[[], float] = times.now
    views: ViewStates = field(default_factory=MemoryViewStates)
    filters: dict[str, str] = field(default_factory=dict)
    """Filters of the lists by view. They end with the session: a filter of yesterday hides what is wrong today."""
    terminal: TerminalChoice = field(default_factory=TerminalChoice)
    link: str = ""
    """What is measured of a slow link to the terminal, `link 20 KB/s 600 ms`; empty for a fast one."""
    themes_dir: Path | None = None
    """Folder of the user's own themes, watched while the console runs."""

    @property
    def peer(self) -> str:
        """The address of the plane that is in use, else the first one that is known."""
        return (self.peer_in_use() if self.peer_in_use is not None else "") or self.plane

    @property
    def no_plane(self) -> bool:
        """Whether there is no management plane to ask: no context is chosen, and nothing is replayed."""
        return not (self.context_name or self.peer) and self.store.model.source.state == "idle"

    @property
    def role(self) -> str:
        """What the plane lets this credential do: admin, operator, viewer, or empty while that is unknown."""
        return self.store.model.source.role

    @property
    def viewer(self) -> bool:
        """Whether the plane lets this credential only read."""
        return self.store.model.source.role == "viewer"

    @property
    def changes_refused(self) -> bool:
        """Whether nothing may be changed at the plane: the session is read-only, or the credential may only read."""
        return self.read_only or self.viewer

    def __post_init__(self) -> None:
        """Let verbs know the sites that are open."""
        make = self.make_context
        if make is not None:
            self.make_context = lambda: self.with_sites(make())

    def with_sites(self, context: CommandContext) -> CommandContext:
        """Return a context that knows the sites that are open."""
        context.sites = self.sites
        return context

    def refusal(self, command: type[Command], target: str = "") -> str:
        """Return why the mode, the role or the source refuses a verb, one sentence; empty when it may run.

        `target`: what it works on, where that may be reached without the source.
        """
        if command.danger != "none" and self.read_only:
            return "Refused now: this session is read-only."
        if not command.for_role(self.role):
            limits = ", which may only read" if self.viewer else f": this needs the role {command.role}"
            return f"Refused: this credential has the role {self.role}{limits}."
        missing = unavailable(command, self.store.model.source, (target,) if target else ())
        if missing is not None:
            return missing.reason
        return ""
