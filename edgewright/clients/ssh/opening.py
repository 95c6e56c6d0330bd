"""Opening a connection: every host on the way is dialled, shows its key, and gets the user's authentication.

One thread does it, hop after hop, since paramiko blocks; the event loop has the clock. When the time is over, or the
caller gave up, the first link is closed, and everything that waits behind it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, NamedTuple

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from edgewright.clients.ssh import refusals
from edgewright.clients.ssh.auth.asking import Asker, HostKeyQuestion
from edgewright.clients.ssh.auth.authentication import Authentication
from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.clients.ssh.dial import Link, ProxyProcess, dial
from edgewright.clients.ssh.hostkeys.keys import HostKey
from edgewright.clients.ssh.hostkeys.known_hosts import Known, add_line, revoked_by_file
from edgewright.clients.ssh.hostkeys.trust import KnowsHosts
from edgewright.clients.ssh.hostkeys.verdict import Verdict, algorithms, judge, keys_of
from edgewright.clients.ssh.threads import Clock, in_thread
from edgewright.clients.ssh.transport import HOST_KEY_ALGORITHMS, HostTransport
from edgewright.core.errors import EdgewrightError, Failed, Refused, Unreachable
from edgewright.core.text import clean

SLOW = 0.1
"""Seconds until a host took the connection from which what is sent is compressed, unless the configuration decides."""
OLD_KEYS = frozenset({"ssh-rsa", "ssh-dss"})


class OpenedHop(NamedTuple):
    """One host of an open connection. `known_by`: the place of its key (a line of a file, a plane, `accepted now`)."""

    settings: HostSettings
    transport: HostTransport
    address: str
    key: HostKey
    known_by: str
    method: str


class _GivenUp(Exception):
    """The caller gave up."""


class Opening:
    """One attempt. `stage` is what is waited for, as the end of a sentence (`no answer to the connection`)."""

    def __init__(self, asker: Asker, clock: Clock) -> None:
        self._loop = asyncio.get_running_loop()
        self._asker, self._clock = asker, clock
        self._closers: list[Callable[[], None]] = []
        self._given_up = False
        self._question: asyncio.Task[Any] | None = None
        self.stage = ""
        self.host: HostSettings | None = None
        self.warnings: list[str] = []

    # On the event loop

    async def _answer(self, question: Callable[[Asker], Coroutine[Any, Any, Any]]) -> Any:
        if self._given_up:
            raise _GivenUp
        with self._clock:
            self._question = asyncio.current_task()
            try:
                return await question(self._asker)
            finally:
                self._question = None

    def give_up(self) -> None:
        """End everything that was opened; does not wait."""
        self._given_up = True
        if self._question is not None:
            self._question.cancel()
        in_thread(self._close, "ssh-close")

    # In the thread

    def ask(self, question: Callable[[Asker], Coroutine[Any, Any, Any]]) -> Any:
        """Return the answer of the operator; see `authentication.Bridge`."""
        if self._given_up:
            raise _GivenUp
        return asyncio.run_coroutine_threadsafe(self._answer(question), self._loop).result()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Stop the clock; see `authentication.Bridge`."""
        self._loop.call_soon_threadsafe(self._clock.__enter__)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._clock.__exit__)

    def _close(self) -> None:
        for close in self._closers:  # the first link first: what goes through it cannot block then
            close()

    def _own(self, close: Callable[[], None]) -> None:
        self._closers.append(close)
        if self._given_up:
            close()
            raise _GivenUp

    def run(self, route: Sequence[HostSettings], known: Sequence[Known]) -> list[OpenedHop]:
        """Return the hosts of a route, connected. Raises `EdgewrightError`; nothing is left open then."""
        hops: list[OpenedHop] = []
        try:
            for settings, lines in zip(route, known, strict=True):
                hops.append(self._hop(settings, lines, hops))
        except BaseException:
            self._close()
            raise
        return hops

    def _hop(self, settings: HostSettings, known: Known, before: Sequence[OpenedHop]) -> OpenedHop:
        self.host = settings
        proxy: ProxyProcess | None = None
        began = time.monotonic()
        if before:
            link, address = self._through(before[-1], settings), f"{settings.host}:{settings.port}"
        elif settings.proxy_command:
            self.stage = "answer through its ProxyCommand"
            proxy = ProxyProcess(settings.proxy_command)
            link, address = proxy.link, f"{settings.host}:{settings.port}"
        else:
            self.stage = "answer to the connection"
            try:
                link, address = dial(settings, lambda: self._given_up)
            except OSError as error:
                raise refusals.not_dialled(error, settings) from None
        self._own(link.close)
        slow = proxy is None and time.monotonic() - began > SLOW
        compress = slow if settings.compression is None else settings.compression
        transport = self._exchange(settings, known, link, proxy, compress)
        try:
            shown = transport.shown_key()
            place = self._check_key(settings, known, shown, address, [hop.settings.name for hop in before])
            self.stage = "end of the authentication"
            method = Authentication(transport, settings, self).run()
        except (paramiko.SSHException, OSError, EOFError, ValueError):
            raise self._broken(settings) from None
        link.authenticated = True
        return OpenedHop(settings, transport, address, shown, place, method)

    def _through(self, before: OpenedHop, settings: HostSettings) -> Link:
        """Return a link through a host that is connected."""
        self.stage = f"connection to it from {before.settings}"
        try:
            channel = before.transport.open_channel("direct-tcpip", (settings.host, settings.port), ("127.0.0.1", 0))
        except paramiko.ChannelException as error:
            reason = {1: "does not allow it", 2: "cannot reach it"}.get(error.code, "refuses it")
            raise Unreachable(
                f"{settings}, port {settings.port}, is not reached through {before.settings}, which {reason}.",
                "Check address and port as seen from the jump host, and its AllowTcpForwarding.",
                "JumpFailed",
            ) from None
        except (paramiko.SSHException, OSError, EOFError):
            raise refusals.lost(str(before.settings)) from None
        return Link(channel)

    def _exchange(
        self, settings: HostSettings, known: Known, link: Link, proxy: ProxyProcess | None, compress: bool
    ) -> HostTransport:
        self.stage = "SSH key exchange"
        transport = HostTransport(link, algorithms(known, HOST_KEY_ALGORITHMS), compress=compress)
        self._own(transport.end)
        try:
            transport.start_client()
        except IncompatiblePeer as error:
            raise self._too_old(settings, transport, error) from None
        except (paramiko.SSHException, OSError, EOFError):
            reason = proxy.reason() if proxy is not None else ""
            if reason:
                raise Unreachable(
                    f"The ProxyCommand of {settings} ended: {reason}",
                    "Try the command in a shell.",
                    "ProxyCommandFailed",
                ) from None
            raise self._broken(settings, link) from None
        return transport

    def _broken(self, settings: HostSettings, link: Link | None = None) -> EdgewrightError:
        if self._given_up:
            return Unreachable(f"The connection to {settings} was given up.")
        if link is not None and b"SSH-" not in link.beginning:
            return refusals.no_banner(settings, link.beginning)
        return Unreachable(
            f"{settings} ended the connection before the authentication was complete.",
            "It may be starting, or accept no further connections now (MaxStartups): try again.",
            "ConnectionLost",
        )

    @staticmethod
    def _too_old(settings: HostSettings, transport: HostTransport, error: BaseException) -> EdgewrightError:
        offered = set(transport.offered_by_host())
        if offered and offered <= OLD_KEYS:
            return Refused(
                f"{settings} has only {' and '.join(sorted(offered))} host keys (SHA-1), which are not accepted.",
                "Update its SSH server, or give it an ed25519 host key (ssh-keygen -A).",
                "OldSshServer",
            )
        return Refused(
            f"{settings} and Edgewright have no algorithm in common: {clean(error, 120)}.",
            "Update its SSH server.",
            "OldSshServer",
        )

    def _check_key(self, settings: HostSettings, known: Known, shown: HostKey, address: str, via: Sequence[str]) -> str:
        """Return what knows the key of a host. Raises `Refused`, also where the operator does not accept it."""
        try:
            verdict = judge(shown, known, settings.certified_name, time.time())
            revoked = self._in_revoked_file(settings, shown)
        except ValueError as error:
            raise Refused(
                f"The host key of {settings} cannot be judged: {error}.",
                "Connect with ssh to see more.",
                "HostKeyInvalid",
            ) from None
        if revoked:
            verdict = verdict._replace(status="revoked", place=revoked, others=())
        if verdict.trusted:
            return f"authority in {verdict.place}" if verdict.status == "authority" else verdict.place
        if verdict.status != "unknown":
            raise refusals.host_key_refused(settings, verdict)
        return self._accept(settings, verdict, address, via)

    @staticmethod
    def _in_revoked_file(settings: HostSettings, shown: HostKey) -> str:
        if not settings.revoked_keys:
            return ""
        try:
            return revoked_by_file(settings.revoked_keys, keys_of(shown))
        except ValueError as error:
            raise ValueError(f"RevokedHostKeys {clean(settings.revoked_keys, 200)} {error}") from None

    def _accept(self, settings: HostSettings, verdict: Verdict, address: str, via: Sequence[str]) -> str:
        file = settings.user_files[0] if settings.user_files else ""
        if settings.strict == "yes":
            raise refusals.host_key_unknown(settings, verdict.key, ", and StrictHostKeyChecking is yes")
        by = f"{settings.strict} of the configuration"
        if settings.strict == "ask":
            if settings.batch_mode:
                raise refusals.host_key_unknown(settings, verdict.key, ", and BatchMode is yes")
            question = HostKeyQuestion(str(settings), address, tuple(via), verdict.key, file)
            answer = self.ask(lambda asker: asker.accept_host_key(question))
            if not answer:
                why = ", and there is no terminal to ask" if answer is None else " and was not accepted"
                raise refusals.host_key_unknown(settings, verdict.key, why)
            by = "accepted now"
        if file:
            try:
                add_line(file, settings.key_name, verdict.key, hash_name=settings.hash_known_hosts)
            except OSError as error:
                self.warnings.append(f"The key was not added to {clean(file, 200)}: {error.strerror or error}.")
        return by


async def open_route(
    route: Sequence[HostSettings], sources: KnowsHosts, asker: Asker, seconds: float
) -> tuple[list[OpenedHop], list[str], float]:
    """Return the connected hosts of a route, warnings, and the seconds that it took.

    `seconds`: for everything but the time of the operator, which is not in what it took either. Raises `Refused` (host
    key, authentication), `Unreachable`, `TimedOut`; nothing remains open then.
    """
    known = [await sources.known(host) for host in route]
    opening = Opening(asker, clock := Clock(seconds))
    opening.warnings += [line for each in known for line in each.warnings]
    work = in_thread(lambda: opening.run(route, known), "ssh-open")
    try:
        hops = await clock.wait(work)
        return hops, opening.warnings, clock.used
    except TimeoutError:
        opening.give_up()
        raise refusals.too_slow(opening.host or route[0], seconds, opening.stage or "answer") from None
    except asyncio.CancelledError:
        opening.give_up()
        raise
    except _GivenUp:
        raise Failed("The connection was given up.") from None
