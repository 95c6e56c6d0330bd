"""Answers to choose from: contexts, the plane's registration tokens, public SSH keys: your own and the plane's."""

from __future__ import annotations

import asyncio
from typing import Any

from textual import work

from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from tui.frame.fetch import sentence
from tui.modals.choose import ChooseModal
from tui.widgets.lines import Line, line, pad
from tui.wizards.installer.services import InstallerServices

OFFERED = {
    "plane.context": "one of your contexts",
    "token.text": "one of the plane's tokens",
    "user.keys": "a public SSH key",
}
"""Questions with answers to choose from, and what they are."""


class Offers(InstallerServices):
    """A wizard page that offers answers for some questions; what is chosen is put into the field."""

    def begin(self) -> None:
        """Know no token and no key yet."""
        super().begin()
        self._tokens: list[Any] | None = None
        self._tokens_of = ""
        self._no_tokens = ""
        self._own_keys: list[Any] | None = None
        self._stored_keys: list[Any] | None = None
        self._stored_keys_of = ""
        self._no_stored_keys = ""
        self._offered_keys: list[Any] = []
        """Those in the box in front; more may come while it is open."""

    @property
    def _ssh_keys(self) -> list[Any]:
        """Your own keys, then those of the plane that are others."""
        own = self._own_keys or []
        texts = {key.text for key in own}
        return [*own, *(key for key in self._stored_keys or () if key.text not in texts)]

    def offered(self, key: str) -> str:
        """Return what can be chosen for a question, "" where nothing can."""
        known = {"plane.context": self._planes, "token.text": self._tokens, "user.keys": self._ssh_keys}
        return OFFERED[key] if known.get(key) else ""

    def _help(self, question: Any) -> str:
        text = super()._help(question)
        if question.key == "token.text" and self._tokens:
            names = ", ".join(token.name for token in self._tokens[:3])
            more = f" and {len(self._tokens) - 3} more" if len(self._tokens) > 3 else ""
            return f"F8 chooses from the plane's tokens: {names}{more}. {text}"
        if question.key == "user.keys" and self._ssh_keys:
            return f"F8 takes a known one: {', '.join(key.file for key in self._ssh_keys[:4])}. {text}"
        return text

    def look_for_offers(self) -> None:
        """Ask for what the page in front can offer; nothing waits for it."""
        page = self.wizard_state.page
        if page is None:
            return
        keys = self.wizard_state.keys(page)
        context = str(self.wizard_state.answers.get("plane.context") or "")
        if "token.how" in keys and (self._tokens is None or context != self._tokens_of):
            self._ask_for_tokens(context)
        if "user.keys" in keys and self._own_keys is None:
            self._read_ssh_keys()
        if "user.keys" in keys and (self._stored_keys is None or context != self._stored_keys_of):
            self._ask_for_keys(context)

    @work(exclusive=True, group="wizard:tokens", exit_on_error=False)
    async def _ask_for_tokens(self, context: str) -> None:
        self._tokens, self._tokens_of, self._no_tokens = None, context, ""
        try:
            self._tokens = list(await self.forge.tokens(self.plane_context(), context))
        except EdgewrightError as error:
            self._no_tokens = sentence(error)
        if self.is_there:
            self.refresh_page()

    @work(exclusive=True, group="wizard:ssh-keys", exit_on_error=False)
    async def _read_ssh_keys(self) -> None:
        self._own_keys = list(await asyncio.to_thread(self.forge.ssh_keys))
        if self.is_there:
            self.refresh_page()

    @work(exclusive=True, group="wizard:stored-keys", exit_on_error=False)
    async def _ask_for_keys(self, context: str) -> None:
        self._stored_keys, self._stored_keys_of, self._no_stored_keys = [], context, ""
        try:
            self._stored_keys = list(await self.forge.stored_keys(self.plane_context(), context))
        except EdgewrightError as error:
            self._no_stored_keys = f" The plane's keys are not known: {sentence(error)}"
        if self.is_there:
            self.refresh_page()

    def action_choose(self) -> None:
        """Offer answers for the field that has the keyboard."""
        key = self._form.current if self._form is not None else ""
        if self._doing or key not in OFFERED:
            return
        if not self.offered(key):
            missing = {
                "plane.context": "No context is known yet; give the address of the plane.",
                "token.text": self._no_tokens or "The plane has no usable token; choose `make one here`, or paste one.",
                "user.keys": f"There is no public key in ~/.ssh or at the plane; paste one.{self._no_stored_keys}",
            }
            self.announce(missing[key], "warn")
            return
        options = {"plane.context": self._contexts, "token.text": self._token_lines, "user.keys": self._key_lines}

        def chosen(answer: str | None) -> None:
            if answer is not None:
                self._take_offer(key, answer)

        self.app.push_screen(ChooseModal(f"Choose {OFFERED[key]}", options[key]()), chosen)

    def _contexts(self) -> list[Line]:
        room = max(map(len, self._planes))
        return [line(pad(name, room), (f"  {plane.url}", "muted"), key=name) for name, plane in self._planes.items()]

    def _token_lines(self) -> list[Line]:
        tokens = self._tokens or []
        room = max(len(token.name) for token in tokens)
        now = self.now
        return [
            line(
                pad(token.name, room),
                (f"  valid for {times.duration(token.expiry - now)}" if token.expiry else "", "muted"),
                (f"  {token.project}" if token.project else "", "muted"),
                key=token.uid,
            )
            for token in tokens
        ]

    def _key_lines(self) -> list[Line]:
        keys = self._offered_keys = self._ssh_keys
        room = max(len(key.file) for key in keys)
        return [
            line(
                pad(key.file, room),
                ("  plane   " if key.stored else "  ~/.ssh  ", "muted"),
                (f"{key.kind} {key.comment}", "muted"),
                key=str(place),
            )
            for place, key in enumerate(keys)
        ]

    def _take_offer(self, key: str, answer: str) -> None:
        answers, form = self.wizard_state.answers, self._form
        value: Any = answer
        if key == "token.text":
            token = next(item for item in self._tokens or () if item.uid == answer)
            value = token.text
            answers["token.uid"] = token.uid
            facts = [("token", token.name)]
            if token.expiry:
                facts.append(("valid for", times.duration(token.expiry - self.now)))
            self._facts["token.text"] = facts
        elif key == "user.keys":
            text = self._offered_keys[int(answer)].text
            old = [item for item in answers["user.keys"] if item.strip()]
            value = old if text in old else [*old, text]
        answers[key] = value
        self.wizard_state.broken.pop(key, None)
        self._online = []
        if form is not None:
            form.put(key, value)
            form.show_problem(key, "")
        if key == "plane.context":
            self._fill_plane()
        self._judge()
        self.refresh_page()
