"""The page of hosts: pools, hosts that are free, and why another host is not offered."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from edgewright.core.clusters.definition import CONTROL_PLANE, WORKER
from tui.modals.choose import ChooseModal
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, pad, wrap
from tui.wizards.cluster import content
from tui.wizards.cluster.body import PageBody
from tui.wizards.cluster.pages import HOST_FIELDS, POOL_FIELDS
from tui.wizards.parts.list import TurningList
from tui.wizards.parts.rows import RowModal

POOL_KEYS = tuple(field.key for field in POOL_FIELDS.fields)


class HostsPage(PageBody):
    """Enter on a free host adds it to the pool in front; on a pool or a host of one it opens its fields."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "add", "Add a pool", show=False, id="wizard-add"),
        Binding("x,delete", "remove", "Remove", show=False, id="wizard-remove"),
        Binding("o,f8", "choose", "Find a host", show=False, id="wizard-choose"),
    ]

    def compose(self) -> ComposeResult:
        """Yield the list."""
        yield TurningList(id="hosts")

    @property
    def _view(self) -> TurningList:
        return self.query_one("#hosts", TurningList)

    def begin(self, last: bool = False) -> None:
        """Point at the first free host while there is none in a pool."""
        self.show()
        first = next((item.row.uid for item in self._free()), "")
        self._view.begin_at(f"pool/{self.state.pool}" if self.state.hosts or not first else f"host/{first}")

    def show(self) -> None:
        """List pools and hosts."""
        width = min(max(self._view.room, 20), 120)
        self._view.set_lines(content.hosts_lines(self.state, self.wizard.candidates(), width))

    def _free(self) -> list[Any]:
        taken = {host["uid"] for host in self.state.hosts}
        return [item for item in self.wizard.candidates() if item.free and item.row.uid not in taken]

    @property
    def _here(self) -> tuple[str, str]:
        kind, _, rest = self._view.cursor_key.partition("/")
        return kind, rest

    @on(LineView.Pointed, "#hosts")
    def _pointed(self) -> None:
        kind, rest = self._here
        if kind == "pool" and self.state.pool != int(rest):
            self.state.pool = int(rest)
            self.show()
        self.wizard.refresh_around()

    @on(LineView.Chosen, "#hosts")
    def _chosen(self, event: LineView.Chosen) -> None:
        kind, rest = self._here
        if kind == "host":
            self._add_host(rest)
        elif kind == "pool":
            self._open_pool(int(rest))
        elif kind == "member":
            self._open_host(rest)
        elif kind == "other":
            item = next((item for item in self.wizard.candidates() if item.row.uid == rest), None)
            if item is not None:
                self.wizard.announce(f"{item.reason}. {item.hint}", "info")

    def _add_host(self, uid: str) -> None:
        free = self._free()
        place = next((at for at, item in enumerate(free) if item.row.uid == uid), -1)
        if place < 0:
            return
        if not self.state.pools:
            self.wizard.announce("Add a pool first: +", "warn")
            return
        self.state.add_host(uid, free[place].row.name)
        self._changed()
        rest = [item for at, item in enumerate(free) if at != place]
        if rest:
            self._view.point_at(f"host/{rest[min(place, len(rest) - 1)].row.uid}")

    def _changed(self) -> None:
        self.wizard.changed()
        self.show()
        self.wizard.refresh_around()

    def _open_host(self, uid: str) -> None:
        host = next((host for host in self.state.hosts if host["uid"] == uid), None)
        if host is None:
            return

        def given(row: dict[str, Any] | None) -> None:
            if row is not None:
                host.update(address=str(row["address"] or ""), nic=str(row["nic"] or ""))
                self._changed()

        self.app.push_screen(RowModal(HOST_FIELDS, host, {}), given)

    def action_add(self) -> None:
        """Add a pool."""
        self._open_pool(len(self.state.pools))

    def _open_pool(self, place: int) -> None:
        pools = self.state.pools
        controls = any(pool["role"] == CONTROL_PLANE for pool in pools)
        row = pools[place] if place < len(pools) else {"name": "", "role": WORKER if controls else CONTROL_PLANE}

        def given(answer: dict[str, Any] | None) -> None:
            if answer is None:
                return
            others = [pool for at, pool in enumerate(self.state.pools) if at != place]
            if any(pool["name"] == answer["name"] for pool in others):
                self.wizard.announce(f"There is a pool {answer['name']} already.", "warn")
            elif answer["role"] == CONTROL_PLANE and any(pool["role"] == CONTROL_PLANE for pool in others):
                self.wizard.announce("The control planes of a cluster are in one pool; add hosts to it.", "warn")
            else:
                self.state.put_pool(place, {key: answer[key] for key in POOL_KEYS})
                self._changed()
                self._view.point_at(f"pool/{place}")

        self.app.push_screen(RowModal(POOL_FIELDS, row, {}), given)

    def action_remove(self) -> None:
        """Remove the host or the pool under the cursor."""
        kind, rest = self._here
        if kind == "member":
            self.state.remove_host(rest)
            self._changed()
        elif kind == "pool" and len(self.state.pools) > 1:
            self.state.remove_pool(int(rest))
            self._changed()
        elif kind == "pool":
            self.wizard.announce("A cluster has at least one pool; enter changes this one.", "warn")

    def action_choose(self) -> None:
        """Find a free host by typing its name."""
        free = self._free()
        if not free:
            self.wizard.announce("No host is free.", "warn")
            return
        room = max(len(item.row.name) for item in free)
        lines = [
            line(pad(item.row.name, room), (f"  {item.row.ip}  {item.row.site}", "muted"), key=item.row.uid)
            for item in free
        ]

        def chosen(uid: str | None) -> None:
            if uid is not None:
                self._add_host(uid)

        self.app.push_screen(ChooseModal("Add a host", lines), chosen)

    def refusal(self) -> str:
        """Return what is missing: a control plane, or a host that is free no longer."""
        if not self.state.control_planes:
            return "Choose a host for the control plane: enter on a free host."
        known = {item.row.uid: item for item in self.wizard.candidates()}
        for host in self.state.hosts:
            item = known.get(host["uid"])
            if item is None:
                return f"{host['name']} is not registered any more; x removes it."
            if not item.free:
                return f"{item.reason}. {item.hint}"
        return ""

    def hint(self, width: int) -> list[Line]:
        """Describe what is under the cursor."""
        kind, rest = self._here
        text = content.quorum_text(self.state)
        if kind == "other":
            item = next((item for item in self.wizard.candidates() if item.row.uid == rest), None)
            text = f"{item.reason}. {item.hint}" if item is not None else ""
        elif kind == "member":
            text = "Enter sets address and network card, where the host has several. " + text
        return wrap(text, width, role="muted")

    def keys(self) -> list[KeyHint]:
        """Return the keys of the line under the cursor."""
        key, kind = self.wizard.key_hint, self._here[0]
        label = {"host": "add", "pool": "change", "member": "address"}.get(kind, "why")
        return [
            KeyHint("enter", label),
            *(key("wizard-remove", "remove") if kind in ("pool", "member") else ()),
            *key("wizard-add", "pool"),
            *key("wizard-choose", "find"),
            KeyHint("tab", "section"),
            KeyHint("pgdn", "next"),
            KeyHint("esc", "back"),
        ]
