"""Who the user is, shown to a host: agent, key files, certificates, password, and questions (a second factor)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import paramiko

from edgewright.clients.ssh.auth.asking import Asker
from edgewright.clients.ssh.auth.identities import TRIES, Identities, Identity, Locked
from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.clients.ssh.transport import HostTransport
from edgewright.core.errors import EdgewrightError, Refused
from edgewright.core.text import amount, clean

MAX_ROUNDS = 8
"""Methods that a server may want one after the other."""
SERVER_TRIES = 5
"""Keys after which a server that ends the connection has had enough of them (MaxAuthTries is 6, and one is spent)."""
SHA1_ONLY = "accepts RSA keys with ssh-rsa (SHA-1) signatures only, which are not made"
OLD_RSA = "It does not report that it knows RSA with SHA-2, as servers before 2016."
HINT_RSA = "Use an ed25519 or ECDSA key, or update its SSH server."


class Bridge(Protocol):
    """How a thread asks the operator: the question runs on the event loop, and the thread waits for its answer."""

    def ask(self, question: Callable[[Asker], Coroutine[Any, Any, Any]]) -> Any:
        """Return the answer."""
        raise NotImplementedError

    def waiting(self) -> AbstractContextManager[None]:
        """Return what is entered while the operator is waited for without a question, at most a minute."""
        raise NotImplementedError


class Authentication:
    """The authentication at one host. `method` is then what it accepted, e.g. `publickey ssh-ed25519 ~/.ssh/id`."""

    def __init__(self, transport: HostTransport, settings: HostSettings, bridge: Bridge) -> None:
        self._transport, self._settings, self._bridge = transport, settings, bridge
        self._identities = Identities(settings, bridge.waiting)
        self._keys = self._rsa_keys = 0
        self._sha1_only = False
        self._accepted: list[str] = []
        self._unanswered: list[str] = []
        self._tried: list[str] = []

    @property
    def who(self) -> str:
        """User and host for a question."""
        return f"{self._settings.user}@{self._settings}"

    @property
    def _old_rsa(self) -> bool:
        """Whether only RSA keys were tried at a host that does not report what signatures it takes."""
        return 0 < self._keys == self._rsa_keys and not getattr(self._transport, "server_extensions", None)

    def run(self) -> str:
        """Return the methods that the host accepted. Raises `Refused`."""
        try:
            allowed = self._allowed()
            for _ in range(MAX_ROUNDS):
                if allowed is None:
                    break
                allowed = self._round(allowed)
            else:
                raise Refused(f"{self._settings} wants more than {MAX_ROUNDS} methods of authentication.")
        except EdgewrightError:
            raise
        except (paramiko.SSHException, OSError, EOFError):
            raise self._ended() from None
        finally:
            self._identities.close()
            if self._transport.auth_handler is not None:
                self._transport.auth_handler.password = None
        return " + ".join(self._accepted)

    def _allowed(self) -> Sequence[str] | None:
        """Return the methods that the host takes, None where it needs none."""
        try:
            self._transport.auth_none(self._settings.user)
        except paramiko.BadAuthenticationType as error:
            return tuple(error.allowed_types)
        finally:
            self._show_banner()
        self._accepted.append("none")
        return None

    def _show_banner(self) -> None:
        banner = self._transport.get_banner()
        if banner:
            text = clean(banner.decode("utf-8", "replace").strip(), 400)
            self._bridge.ask(lambda asker: asker.notice(f"{self._settings}: {text}"))

    def _round(self, allowed: Sequence[str]) -> Sequence[str] | None:
        """Try the methods in their order; return what the host wants further, None at the end. Raises `Refused`."""
        ways = {
            "publickey": self._public_key,
            "keyboard-interactive": self._interactive,
            "password": self._password,
        }
        for method in self._settings.methods:
            if method not in allowed:
                continue
            further = ways[method]()
            if further is not None:
                return further or None
        raise self._refused(allowed)

    def _public_key(self) -> Sequence[str] | None:
        """Return [] when a key was accepted, methods that are wanted further, None when no key was."""
        for identity in self._identities.each():
            if isinstance(identity, Locked):
                further = self._locked(identity)
            else:
                further = self._try_key(identity)
            if further is not None:
                return further
        return None

    def _locked(self, locked: Locked) -> Sequence[str] | None:
        """Ask for the passphrase of a key that the host wants, and show it."""
        public = locked.public
        if public is not None and not self._transport.wants_key(self._settings.user, public.kind, public.blob):
            self._keys += 1
            return None
        for _ in range(TRIES):
            prompt = f"Passphrase of the key {clean(locked.path, 200)}: "
            passphrase = self._bridge.ask(lambda asker, text=prompt: asker.secret(text, shown=False))  # type: ignore[misc]
            if not passphrase:
                self._unanswered.append(f"the passphrase of {clean(locked.path, 200)}")
                return None
            opened = False
            for identity in self._identities.unlocked(locked.path, passphrase):
                opened = True
                further = self._try_key(identity)
                if further is not None:
                    return further
            if opened:
                return None
        self._identities.notes.append(f"The passphrase of {clean(locked.path, 200)} was wrong.")
        return None

    def _try_key(self, identity: Identity) -> Sequence[str] | None:
        self._keys += 1
        self._rsa_keys += "ssh-rsa" in identity.name
        if identity.touch:
            shown = identity.key.public_blob
            blob = identity.key.asbytes() if shown is None else shown.key_blob
            kind = identity.key.get_name() if shown is None else shown.key_type
            if not self._transport.wants_key(self._settings.user, kind, blob):
                return None
            text = f"Confirm on the security key: {identity.name}."
            self._bridge.ask(lambda asker: asker.notice(text))
        try:
            further = self._transport.auth_publickey(self._settings.user, identity.key)
        except paramiko.BadAuthenticationType:
            return None
        except paramiko.AuthenticationException as error:
            if not self._transport.is_active():
                raise
            self._sha1_only = self._sha1_only or "pubkey algorithm" in str(error)
            return None
        self._accepted.append(f"publickey {identity.name}")
        return tuple(further)

    def _interactive(self) -> Sequence[str] | None:
        questions: list[str] = []
        open_ones: list[str] = []

        def answer(title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
            answers = []
            for number, (prompt, shown) in enumerate(prompts):
                parts = (title, instructions) if not number else ()
                text = clean(" ".join(part.strip() for part in (*parts, prompt) if part.strip()), 300)
                questions.append(text)
                reply = self._bridge.ask(lambda asker, t=f"{self.who}: {text} ", s=shown: asker.secret(t, shown=s))  # type: ignore[misc]
                if reply is None:
                    open_ones.append(text)
                answers.append(reply or "")
            return answers

        for _ in range(max(1, self._settings.password_prompts)):
            try:
                further = self._transport.auth_interactive(self._settings.user, answer)
            except paramiko.AuthenticationException:
                if not self._transport.is_active():
                    raise
                if open_ones:
                    self._unanswered.append(f"the answer to `{open_ones[0]}`")
                if open_ones or not questions:
                    return None
                continue
            self._accepted.append("keyboard-interactive")
            return tuple(further)
        self._tried.append("keyboard-interactive")
        return None

    def _password(self) -> Sequence[str] | None:
        for _ in range(max(1, self._settings.password_prompts)):
            password = self._bridge.ask(lambda asker: asker.secret(f"Password of {self.who}: ", shown=False))
            if password is None:
                self._unanswered.append("a password")
                return None
            try:
                further = self._transport.auth_password(self._settings.user, password, fallback=False)
            except paramiko.AuthenticationException:
                if not self._transport.is_active():
                    raise
                continue
            self._accepted.append("password")
            return tuple(further)
        self._tried.append("password")
        return None

    def _refused(self, allowed: Sequence[str]) -> Refused:
        if self._sha1_only:
            return Refused(f"{self._settings} {SHA1_ONLY}.", HINT_RSA, "OldSshServer")
        tried = ([amount(self._keys, "key")] if self._keys else []) + self._tried
        sentence = f"{self._settings} does not accept the user {self._settings.user}"
        sentence += f" (tried: {', '.join(tried)})." if tried else "."
        if self._unanswered:
            sentence += f" It needs {' or '.join(self._unanswered)}, and there is no terminal to ask."
            hint = "Run it at a terminal, or use a key without a passphrase or an agent."
        elif not tried and self._keys == 0 and "publickey" in allowed:
            hint = "Name a key (IdentityFile in ~/.ssh/config), or start an agent that has it (ssh-add)."
        elif self._old_rsa:
            sentence += f" {OLD_RSA}"
            hint = HINT_RSA
        else:
            ways = clean(", ".join(allowed), 120)
            hint = f"It accepts {ways or 'nothing'}: check the user and that the host has your key."
        notes = " ".join(self._identities.notes[:3])
        return Refused(f"{sentence} {notes}".strip(), hint, "AuthenticationFailed")

    def _ended(self) -> EdgewrightError:
        """Return the error for a connection that ended during the authentication."""
        if self._keys >= SERVER_TRIES:
            return Refused(
                f"{self._settings} ended the connection after {self._keys} keys: servers accept a few tries only.",
                "Name the key in ~/.ssh/config: IdentityFile and IdentitiesOnly yes.",
                "TooManyKeys",
            )
        if self._old_rsa:
            sentence = f"{self._settings} ended the connection during the authentication. {OLD_RSA}"
            return Refused(sentence, HINT_RSA, "AuthenticationFailed")
        return Refused(
            f"{self._settings} ended the connection during the authentication.",
            "Its log has the reason (journalctl -u ssh, at the host).",
            "AuthenticationFailed",
        )
