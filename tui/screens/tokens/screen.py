"""The list of registration tokens: which still let hosts in, when they end, how many hosts registered with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import on

from edgewright.commands.kernel.base import Scope
from edgewright.store.collections.tokens import TABLE, TOKENS, TokenRow, token_state
from edgewright.store.engine import model as names
from tui.frame.links import open_key
from tui.frame.lists.listing import Listed, ListingScreen
from tui.screens.tokens.content import STATES, hosts_of, token_cells, token_lines
from tui.session import Session
from tui.widgets.lines import Line, line
from tui.widgets.table_layout import Column
from tui.widgets.virtual_table import VirtualTable


def refused_verbs(session: Session, uids: Sequence[str]) -> frozenset[str]:
    """Return the ids of verbs that make no sense on these tokens, or may not run in read-only mode."""
    if session.changes_refused or session.role == "operator":
        refused = {"token-create", "token-activate", "token-revoke", "token-delete"}
        return frozenset(refused | {"token-reveal"} if session.role in ("viewer", "operator") else refused)
    active = {row.active for uid in uids if (row := session.store.model.rows(TOKENS).get(uid)) is not None}
    return frozenset(
        name for name, wanted in (("token-activate", False), ("token-revoke", True)) if wanted not in active
    )


def _values(row: TokenRow, state: str, hosts: int) -> Callable[[str], object]:
    worked_out: dict[str, object] = {"state": state, "hosts": hosts}
    return lambda name: worked_out[name] if name in worked_out else row.get(name)


class TokensScreen(ListingScreen):
    """All tokens of the project; create, reveal, revoke, activate and delete are its verbs."""

    scope: ClassVar[Scope] = "tokens"
    view = "tokens"
    collections = frozenset({TOKENS.name, names.HOSTS, names.SOURCE})
    hints = (
        "nav-open=open",
        "filter",
        "token-create=new",
        "token-reveal=reveal",
        "token-activate",
        "mark",
        "token-revoke",
        "token-delete",
    )
    filter_fields = TABLE.fields
    filter_example = TABLE.example
    moments: ClassVar[dict[str, str]] = {"ends": "expiry", "created": "created"}
    default_sort = ("state", False)
    table_columns = (
        Column("sign", " ", 1),
        Column("name", "NAME", 8, most=40),
        Column("state", "STATE", 9),
        Column("ends", "ENDS", 7, "right"),
        Column("project", "PROJECT", 7, most=24),
        Column("hosts", "HOSTS", 6, "right"),
        Column("created", "MADE", 4, "right"),
        Column("about", "ABOUT", 14, weight=3),
    )

    def listed(self) -> list[Listed]:
        """Return all tokens with the number of hosts that registered with each."""
        model, now = self.session.store.model, self.now
        arrived = Counter(row.token_uid for row in model.hosts.values() if row.token_uid)
        rank = {state: place for place, state in enumerate(("ends soon", "active", "expired", "revoked"))}
        assert set(rank) == set(STATES)
        matches: list[Listed] = []
        for row in sorted(model.rows(TOKENS).values(), key=lambda token: (token.expiry or 9e12, token.name)):
            cells = token_cells(row, arrived[row.uid], now, model.source.away)
            state = rank[token_state(row, now)]
            born = -row.created if row.created else None
            order = (state, row.name.lower(), state, row.expiry, row.project, arrived[row.uid], born, row.description)
            matches.append(Listed(row.uid, cells, order, _values(row, token_state(row, now), arrived[row.uid])))
        return matches

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return what cannot be done to these tokens now."""
        return refused_verbs(self.session, self.targets())

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the token under the cursor."""
        model = self.session.store.model
        row = model.rows(TOKENS).get(key)
        return token_lines(row, hosts_of(key, model.hosts.values()), self.now, width) if row else []

    def empty(self) -> list[Line]:
        """Return how to make the first token, or why none is shown."""
        if self.filter_text:
            text = f"No token matches {self.filter_text}. "
            return [line(("○ ", "muted"), text, ("esc takes the filter away", "muted"))]
        if self.session.store.model.source.away:
            return [line(("▬ ", "parked"), "Management plane unreachable; no cached tokens.")]
        return [
            line(("○ ", "muted"), ("No token yet.", "strong")),
            line(),
            line("  A host registers with a registration token. Press ", ("+", "accent"), " to make one;"),
            line("  its text goes into the installer, or into a file on the host."),
        ]

    def action_reveal(self) -> None:
        """Open the token and show its text."""
        if self.table.cursor_key:
            open_key(self.app, f"token/{self.table.cursor_key}?reveal")

    def action_yaml(self) -> None:
        """Show the document as the plane sent it, the secret masked."""
        if self.table.cursor_key:
            open_key(self.app, f"raw/token/{self.table.cursor_key}")

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        open_key(self.app, f"token/{event.key}")
