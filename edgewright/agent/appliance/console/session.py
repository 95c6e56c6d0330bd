"""What keys do on the console: pages, menu, forms. It changes nothing itself; `Actions` does."""

from __future__ import annotations

import re
from typing import Any, Callable, List, Optional, Protocol, Sequence, Tuple

from edgewright.agent.appliance import accounts, network
from edgewright.agent.appliance.console import pages
from edgewright.agent.appliance.console.facts import Facts
from edgewright.agent.appliance.console.forms import Field, Form
from edgewright.core.errors import EdgewrightError
from edgewright.core.hosts.hosts import check_hostname

CONFIRM_SECONDS = 60
"""Seconds in which new network settings must be confirmed."""


class Actions(Protocol):
    """The changes that the console makes. Each raises `EdgewrightError` or `OSError` with the reason."""

    def try_network(self, card: Optional[network.Card], names: Optional[network.Names]) -> None:
        """Use new settings until they are confirmed or reverted."""

    def store_network(self) -> str:
        """Make the settings in use outlive a restart; return a sentence."""

    def give_back_network(self) -> str:
        """Use the settings before again; return a sentence."""

    def set_host_name(self, name: str) -> str:
        """Name the box; return a sentence."""

    def create_account(self, name: str, password: str) -> str:
        """Make an account; return a sentence."""

    def confirm_install(self, device: str) -> str:
        """Let the installer begin on a disk; return a sentence."""


class Session:
    """The console's state. `clock` gives seconds; `code` makes the QR lines of an address."""

    def __init__(
        self, actions: Actions, clock: Callable[[], float], code: Callable[[str, int, int], Optional[Sequence[str]]]
    ) -> None:
        self.actions = actions
        self.clock = clock
        self.code = code
        self.facts = Facts()
        self.page = "info"
        self.at = 0
        self.notice = ""
        self.form: Optional[Form] = None
        self._deadline = 0.0
        self._apply: Callable[[Form], Optional[str]] = lambda form: None

    # --- what is shown ---------------------------------------------------------------------------------------

    def lines(self, width: int, height: int) -> List[str]:
        """Return the lines of the present page."""
        if self.page == "code" and self.facts.code_url:
            return pages.code_page(self.facts, self.code(self.facts.code_url, width, height), width, height)
        if self.page == "menu":
            return pages.menu([name for name, _ in self.entries()], self.at, self.notice, width, height)
        if self.page == "form" and self.form is not None:
            form = self.form
            return pages.form_page(form.title, form.lines(width), form.wrong, form.key_line, width, height)
        if self.page == "keep":
            return pages.confirm_page(self.facts, max(0, int(self._deadline - self.clock())), width, height)
        return pages.device_info(self.facts, width, height)

    def tick(self, facts: Facts) -> None:
        """Take a new look at the box; revert network settings that were not confirmed."""
        self.facts = facts
        if self.page == "keep" and self.clock() >= self._deadline:
            self._end_confirm(self.actions.give_back_network)

    def entries(self) -> List[Tuple[str, Any]]:
        """Return the menu: names and what they open."""
        matches: List[Tuple[str, Any]] = []
        if self.facts.installing:
            for device, text in self.facts.install.get("disks") or []:
                matches.append((f"Install on {text}: everything on it is lost", ("disk", device)))
            return [*matches, ("Back", None)]
        if not self.facts.people:
            matches.append(("Create account", self._account))
        matches.append((f"{'Host name':<20} {self.facts.host_name}", self._host_name))
        for nic in self.facts.nics:
            text = f"{'Network adapter':<20} {nic.name:<12} {', '.join(nic.addresses) or 'no address'}"
            matches.append((text, ("nic", nic.name)))
        matches.append((f"{'DNS':<20} {', '.join(self.facts.dns)}", self._dns))
        return [*matches, ("Quit: show the device info", None)]

    # --- keys --------------------------------------------------------------------------------------------------

    def press(self, key: str) -> str:
        """Take a key; return `login` when a login prompt is asked for, else empty."""
        if self.page == "form":
            self._press_form(key)
        elif self.page == "menu":
            self._press_menu(key)
        elif self.page == "keep":
            if key == "enter":
                self._end_confirm(self.actions.store_network)
            elif key == "esc":
                self._end_confirm(self.actions.give_back_network)
        elif self.page == "code":
            self.page = "info"
        elif key == "l" and self.facts.people:
            return "login"
        elif key == "r" and self.facts.code_url:
            self.page = "code"
        elif key == "enter" and self._may_change():
            self.page, self.at, self.notice = "menu", 0, ""
        return ""

    def _may_change(self) -> bool:
        if self.facts.installing:
            return self.facts.install.get("phase") == "waiting"
        return not self.facts.read_only

    def _press_menu(self, key: str) -> None:
        entries = self.entries()
        self.at = min(self.at, len(entries) - 1)
        if key == "esc":
            self.page = "info"
        elif key in ("down", "tab"):
            self.at = (self.at + 1) % len(entries)
        elif key in ("up", "backtab"):
            self.at = (self.at - 1) % len(entries)
        elif key == "enter":
            target = entries[self.at][1]
            if target is None:
                self.page = "info"
            elif isinstance(target, tuple) and target[0] == "disk":
                self._disk(target[1])
            elif isinstance(target, tuple):
                self._adapter(target[1])
            else:
                target()

    def _press_form(self, key: str) -> None:
        assert self.form is not None
        done = self.form.press(key)
        if done == "back":
            self.page = "menu"
        elif done == "apply":
            try:
                reported = self._apply(self.form)
            except (EdgewrightError, OSError) as error:
                self.form.wrong = (getattr(error, "message", "") or str(error),)
                return
            if reported is not None:
                self.page, self.notice = "menu", reported

    def _open(self, form: Form, apply: Callable[[Form], Optional[str]]) -> None:
        self.form, self._apply, self.page, self.notice = form, apply, "form", ""

    def _end_confirm(self, action: Callable[[], str]) -> None:
        try:
            self.notice = action()
        except (EdgewrightError, OSError) as error:
            self.notice = getattr(error, "message", "") or str(error)
        self.page = "menu"

    # --- the forms ---------------------------------------------------------------------------------------------

    def _host_name(self) -> None:
        form = Form("Host name", [Field("name", "Host name", self.facts.host_name)], _check_host_name)
        self._open(form, lambda form: self.actions.set_host_name(form.value("name")))

    def _account(self) -> None:
        fields = [Field("name", "User name"), Field("one", "Password", secret=True)]
        fields.append(Field("two", "Confirm password", secret=True))
        form = Form("Create account", fields, _check_account)
        self._open(form, lambda form: self.actions.create_account(form.value("name"), form.value("one")))

    def _adapter(self, name: str) -> None:
        card = self.facts.cards.get(name, network.Card(name))
        fields = [
            Field("kind", "Addresses", "Static" if card.static else "DHCP", ("DHCP", "Static")),
            Field("address", "IP address", card.address.partition("/")[0]),
            Field("mask", "Subnet mask", card.mask or card.address.partition("/")[2]),
            Field("gateway", "Default gateway", card.gateway),
            Field("vlan", "VLAN ID", card.vlan),
            Field("mtu", "MTU (bytes)", card.mtu),
        ]
        for field in fields[1:4]:
            field.shown = lambda form: form.fields[0].value == "Static"
        form = Form(f"Network adapter {name}", fields, lambda form: network.check_card(_card(name, card, form)))
        self._open(form, lambda form: self._try(_card(name, card, form), None))

    def _dns(self) -> None:
        servers, search = self.facts.names.servers, self.facts.names.search
        fields = [
            Field("primary", "Primary DNS", servers[0] if servers else ""),
            Field("alternate", "Alternate DNS", servers[1] if len(servers) > 1 else ""),
            Field("search", "Search domain", " ".join(search)),
        ]
        form = Form("DNS", fields, lambda form: network.check_names(_names(form)))
        self._open(form, lambda form: self._try(None, _names(form)))

    def _disk(self, device: str) -> None:
        def check(form: Form) -> Sequence[str]:
            return (
                () if form.value("name") == device else (f"Type {device} to confirm that everything on it is erased.",)
            )

        form = Form(f"Install on {device}", [Field("name", "Type the disk's path")], check)
        self._open(form, lambda form: self._confirmed(device))

    def _confirmed(self, device: str) -> None:
        self.actions.confirm_install(device)
        self.page = "info"

    def _try(self, card: Optional[network.Card], names: Optional[network.Names]) -> None:
        self.actions.try_network(card, names)
        self.page, self._deadline = "keep", self.clock() + CONFIRM_SECONDS


def _card(name: str, before: network.Card, form: Form) -> network.Card:
    static = form.value("kind") == "Static"
    return network.Card(
        name,
        static,
        form.value("address"),
        form.value("mask"),
        form.value("gateway"),
        before.dns,
        form.value("vlan"),
        form.value("mtu"),
    )


def _names(form: Form) -> network.Names:
    servers = tuple(text for text in (form.value("primary"), form.value("alternate")) if text)
    return network.Names(servers, tuple(form.value("search").replace(",", " ").split()))


def _check_host_name(form: Form) -> Sequence[str]:
    return check_hostname(form.value("name"))


def _check_account(form: Form) -> Sequence[str]:
    name, wrong = form.value("name"), []
    if not re.fullmatch(accounts.NAME, name):
        wrong.append("A user name has a-z, 0-9, _ and - and begins with a letter.")
    elif name in accounts.TAKEN:
        wrong.append(f"The name {name} cannot be taken.")
    if len(form.value("one")) < 8:
        wrong.append("A password has 8 characters or more.")
    elif form.value("one") != form.value("two"):
        wrong.append("The two passwords differ.")
    return wrong
