"""The guide of the first run: from no plane at all to a console that shows something real."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult

from edgewright.commands.hub.addresses import address_problem
from edgewright.commands.kernel.base import Plan, Scope
from edgewright.config.contexts import check_url
from edgewright.config.credentials import read_key_file
from edgewright.core.errors import EdgewrightError, TimedOut
from edgewright.core.slow_files import glance, read_in_time
from edgewright.core.small_file import local_path
from tui.frame.base import BaseScreen
from tui.frame.links import open_key
from tui.modals.confirm import ConfirmModal
from tui.modals.form import Field, FormModal
from tui.screens.first_run.content import (
    MAX_ADDRESSES,
    WAYS,
    Step,
    address_lines,
    certificate_lines,
    failed_lines,
    menu_lines,
    steps_lines,
)
from tui.session import FirstRun, MachineAddress
from tui.verbs.bindings import move_bindings
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line

DEMO_HOSTS = 500
DIGITS = ("start", "connect", "ssh", "demo", "5", "6", "7", "8", "9")
"""Last part of the binding id of each digit."""


class FirstRunScreen(BaseScreen):
    """Menu, then the steps of the way that was chosen; after a hub was started the first steps with it follow.

    The target `address` is for a plane that is known already: it gives the hub of this machine another address.
    """

    scope: ClassVar[Scope] = "global"
    view = "first-run"
    BINDINGS = [
        *move_bindings({"nav-back": "back_or_stop"}),
        *move_bindings({f"way-{name}": f"digit({place})" for place, name in enumerate(DIGITS)}),
    ]
    DEFAULT_CSS = "FirstRunScreen { & #guide { max-width: 100; padding: 0 1; } }"

    def compose_body(self) -> ComposeResult:
        """Yield the lines of the guide."""
        yield LineView(id="guide")

    def begin(self) -> None:
        """Begin with the question."""
        super().begin()
        self._page, self._way, self._left = "menu", "start", False
        self._done = False
        self._addresses: list[MachineAddress] | None = None
        self._address = ""
        self._steps: list[Step] = []
        self._began = self.now
        self._failure: tuple[str, str] = ("", "")
        self._answers: dict[str, str] = {}
        self.query_one("#guide").focus()
        self._look_up_addresses()
        if self.target == "address":
            self._ask_address()

    @property
    def hooks(self) -> FirstRun:
        """Return what the guide may do."""
        return self.session.first_run or self.session.ways or FirstRun()

    @property
    def crumb(self) -> str:
        """Return the words of the page."""
        if self.target == "address":
            return "Address of the hub"
        return "First steps" if self._page == "menu" else f"First steps › {self._title()}"

    def key_hints(self) -> list[KeyHint]:
        """Return the keys of the page."""
        if self._page == "working":
            return [KeyHint("esc", "stop and go back")]
        back = [] if self._page == "menu" else [KeyHint("esc", "back")]
        digits = len(self._options())
        return [
            KeyHint(f"enter 1-{digits}" if 1 < digits < 10 else "enter", "choose"),
            KeyHint("↑↓", "move"),
            *back,
            KeyHint("?", "all"),
            KeyHint("ctrl+q", "quit"),
        ]

    def select(self) -> None:
        """Show the page."""
        if not self.is_there or not self.size.width:
            return
        view = self.query_one("#guide", LineView)
        width = min((view.room or self.size.width) - 2, 98)
        view.set_lines(self._lines(width))
        if self._page == "failed" and not view.cursor_key:
            view.point_at("again")
        self.show_frame()

    def tick(self) -> None:
        """Show how long the present step takes."""
        if self._page == "working":
            self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    def _lines(self, width: int) -> list[Line]:
        if self._page == "working":
            return steps_lines(self._title(), self._steps, self._began, self.now, width)
        if self._page == "failed":
            return failed_lines(self._title(), self._steps, *self._failure, width)
        if self._page == "address":
            return address_lines(self._addresses, width, self.size.height, self._registered())
        return menu_lines(width, self.size.height)

    def _registered(self) -> int:
        """Return how many hosts call the present address of the hub, but those of this machine."""
        hosts = self.session.store.model.hosts.values()
        return sum(not row.observed and not row.simulated for row in hosts) if self.target == "address" else 0

    def _title(self) -> str:
        return next(title for key, title, _, _ in WAYS if key == self._way)

    def _options(self) -> list[str]:
        """Return the keys of the answers on the page, in order; a digit chooses one."""
        lines = self.query_one("#guide", LineView).lines
        return list(dict.fromkeys(item.key for item in lines if item.key))

    @on(LineView.Chosen, "#guide")
    def _chosen(self, event: LineView.Chosen) -> None:
        self._choose(event.key)

    def action_digit(self, place: int) -> None:
        """Choose the answer with this digit."""
        options = self._options()
        if self._page != "working" and place < len(options):
            self._choose(options[place])

    def _choose(self, key: str) -> None:
        kind, _, address = key.partition("/")
        if key == "menu":
            self._to_question()
        elif key == "other":
            self._ask_other()
        elif kind == "address":
            self._start(address)
        elif key == "again" and self._way == "start":
            self._start(self._address)
        else:
            self._take(self._way if key == "again" else key)

    def _take(self, way: str) -> None:
        self._way = way
        if way == "ssh":
            open_key(self.app, "doctor/")
        elif way == "connect":
            self._ask()
        elif way == "start":
            self._ask_address()
        elif way == "demo":
            demo = self.hooks.demo
            self._begin(None if demo is None else lambda report: demo(DEMO_HOSTS, report))

    def _to_question(self) -> None:
        """Go to the question before: of the addresses where the guide was opened for them."""
        if self.target == "address" or (self._way == "start" and self._page == "failed"):
            self._ask_address()
        else:
            self._go("menu")

    def _ask_address(self) -> None:
        self._way = "start"
        self._go("address")

    @work(exclusive=True, group="first-run:addresses", exit_on_error=False)
    async def _look_up_addresses(self) -> None:
        look_up = self.hooks.addresses
        result = [] if look_up is None else list(await asyncio.to_thread(look_up))
        self._addresses = result[:MAX_ADDRESSES]
        if self._page == "address":
            self.select()

    def _ask_other(self) -> None:
        field = Field(
            "address",
            "address",
            "name or IP address as sites see it; with :PORT where it is not 8443",
            self._answers.get("address", ""),
            True,
            check=address_problem,
        )

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None:
                self._start(answers["address"])

        form = FormModal("Address that sites use", (field,), go="Use it", remember=self._answers)
        self.app.push_screen(form, answered)

    def _start(self, address: str) -> None:
        self._address = address
        start = self.hooks.start_hub
        self._begin(None if start is None else lambda report: start(report, address=address))

    def _ask(self) -> None:
        stored = self._answers
        fields = (
            Field(
                "url", "address", "like https://10.4.0.2:8443", stored.get("url", "https://"), True, check=_check_url
            ),
            Field("api_key", "API key", "paste it; it is not shown", stored.get("api_key", ""), secret=True),
            Field(
                "key_file", "or key file", "a hub's is DIR/admin-api-key", stored.get("key_file", ""), check=_check_file
            ),
            Field(
                "ca",
                "CA file",
                "a hub's is DIR/ca.crt; empty: compare a fingerprint",
                stored.get("ca", ""),
                check=_check_file,
            ),
            Field("project", "project", "name or uid; empty: what the key sees", stored.get("project", "")),
        )
        self.app.push_screen(FormModal("Connect to a plane", fields, go="Connect", remember=stored), self._answered)

    def _answered(self, answers: dict[str, str] | None) -> None:
        if answers is None:
            return
        self._answers = dict(answers)
        self._connect(answers)

    def _connect(self, answers: dict[str, str]) -> None:
        connect = self.hooks.connect
        if connect is None:
            self._begin(None)
            return
        make = connect

        async def run(report: Callable[[str], None]) -> str:
            report(f"Asking {answers['url']}")
            file = answers["key_file"]
            key = answers["api_key"] or (await read_in_time(lambda: read_key_file(file), file) if file else "")
            return await make(url=answers["url"], api_key=key, ca=answers["ca"], project=answers["project"])

        self._begin(run)

    def _begin(self, run: Callable[[Callable[[str], None]], Awaitable[str]] | None) -> None:
        if run is None:
            self._failure = ("This console was started without a way to do that.", "Start it as: edgewright")
            self._steps = []
            self._go("failed")
            return
        self._steps, self._began = [], self.now
        self._go("working")
        self._work(run)

    @work(exclusive=True, group="first-run:way", exit_on_error=False)
    async def _work(self, run: Callable[[Callable[[str], None]], Awaitable[str]]) -> None:
        try:
            name = await run(self._report)
            if self.session.switch_context is not None:
                await self.session.switch_context(name)
        except EdgewrightError as error:
            if error.code == "UnknownCA" and not self._answers.get("ca") and await self._ask_to_trust():
                return
            self._failure = (error.message, error.hint)
            self._go("failed")
            return
        self.session.store.message(f"Connected to {name}.", "ok")
        self.session.first_run = None
        self._done = True
        self._leave()

    def on_screen_resume(self, event: events.ScreenResume | None = None) -> None:
        """Leave, when the plane came while another screen was read: only the screen in front can go."""
        if self.session.first_run is None and (self.target != "address" or self._done):
            self._leave()

    def _leave(self) -> None:
        if self.is_active and not self._left:
            self._left = True
            self.leave("first-steps" if self._way == "start" else "")

    async def _ask_to_trust(self) -> bool:
        inspect = self.hooks.inspect
        if inspect is None:
            return False
        url = self._answers["url"]
        peer = await inspect(url)
        plan = Plan(
            title=f"Trust the authority of {url}?",
            lines=certificate_lines(peer.subject, peer.issuer, peer.ends, peer.fingerprint),
            touches=(),
            cannot_undo=(),
            cli=f"edgewright context add NAME --url {shlex.quote(url)} --ca {shlex.quote(str(peer.ca_file))}",
        )

        def decided(yes: bool | None) -> None:
            if yes:
                self._answers["ca"] = peer.ca_file
                self._connect(self._answers)
            else:
                self._failure = (
                    "The certificate was not trusted, so nothing was sent.",
                    "Get the CA file of the plane.",
                )
                self._go("failed")

        self.app.push_screen(ConfirmModal(plan, careful=True), decided)
        return True

    def _report(self, text: str) -> None:
        self._steps.append(Step(text, self.now))
        self.select()

    def _go(self, page: str) -> None:
        self._page = page
        self.select()
        self.query_one("#guide").focus()

    def action_back_or_stop(self) -> None:
        """Stop what is under way, or go back to the question; from the question nothing is left behind."""
        if self._page == "working":
            self.workers.cancel_group(self, "first-run:way")
            self._failure = ("Stopped.", "What was made so far stays and is used the next time.")
            self._go("failed")
        elif self.target == "address" and self._page == "address":
            self._way = ""
            self._leave()
        elif self._page == "failed" and self._way == "start":
            self._ask_address()
        elif self._page != "menu":
            self._go("menu")


def _check_url(text: str) -> str:
    try:
        check_url(text)
    except EdgewrightError as error:
        return f"{error.message} {error.hint}"
    return ""


def _check_file(text: str) -> str:
    try:
        return "" if glance(local_path(text).is_file, text) else f"There is no file {text}."
    except TimedOut as error:
        return f"{error.message} {error.hint}"
