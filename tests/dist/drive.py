"""Writers in threads that drive a plane through any of its hubs, and report to the model what was acknowledged."""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from edgewright.wire import protocol
from tests.dist.model import MOST_ADDED, Deadline, Model, settled
from tests.dist.plane import Member, Plane

ANSWER = 20.0
"""Seconds within which a hub must answer, whatever its database does; a crowded machine adds its waiting time."""
ENDS = 2 * (ANSWER + MOST_ADDED)
"""Seconds within which all writers end."""


class Clients:
    """Clients of each hub, one of each thread, so that a new connection is rare: a TLS handshake costs 10 ms."""

    def __init__(self, plane: Plane) -> None:
        first = plane.members[0].hub
        self._context = ssl.create_default_context(cafile=str(first.ca))
        self.admin = {"ApiKey": first.admin_key}
        self._made: dict[tuple[int, int], httpx.Client] = {}

    def of(self, member: Member) -> httpx.Client:
        """Return this thread's client of a hub, without a credential."""
        key = (threading.get_ident(), member.number)
        if key not in self._made:
            self._made[key] = self.new(member)
        return self._made[key]

    def new(self, member: Member) -> httpx.Client:
        """Return a new client without a credential."""
        return httpx.Client(base_url=member.hub.url, verify=self._context, timeout=ANSWER + MOST_ADDED)

    def once(
        self, member: Member, method: str, path: str, headers: dict[str, str] | None = None, json: Any = None
    ) -> httpx.Response:
        """Send one request, as admin unless `headers` name another credential."""
        return self.of(member).request(method, path, json=json, headers=self.admin if headers is None else headers)

    def ask(self, member: Member) -> Callable[[str], httpx.Response]:
        """Return what reads a path of a hub as admin."""
        return lambda path: self.once(member, "GET", path)

    def close(self) -> None:
        """Close every connection."""
        for client in self._made.values():
            client.close()


Writer = Callable[..., None]


class Drive:
    """The writers of one schedule; `seed` decides what each of them does."""

    def __init__(self, plane: Plane, model: Model, seed: int, name: str) -> None:
        self.plane, self.model, self.seed, self.name = plane, model, seed, name
        self.clients = Clients(plane)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._await_ready()
        first = plane.members[0]
        projects = self.clients.once(first, "GET", "/v1/dashboard/projects/metadata")
        self.project = projects.json()["items"][0]["metadata"]["uid"]
        self.email = str(self.clients.once(first, "GET", "/v1/users/me").json()["spec"]["emailId"])
        self.token = plane.members[0].hub.token(f"{name}-hosts")[1]

    def _await_ready(self) -> None:
        """Wait until every hub is ready: the schedule before may have ended with a fault."""
        until = time.monotonic() + ENDS
        for member in self.plane.members:
            while (answer := self.clients.once(member, "GET", "/readyz", {})).status_code != 200:
                assert time.monotonic() < until, f"hub {member.number} is not ready: {answer.text}"
                time.sleep(0.1)

    def start(self, host_writers: list[Writer], own_host_writers: list[Writer], writers: list[Writer]) -> None:
        """Register hosts and start every writer: those of hosts for each of two, others with a host of their own."""
        of = {"a": host_writers, "b": host_writers, **{writer.__name__: [writer] for writer in own_host_writers}}
        names = {host: self._register(f"{self.name}-{host}") for host in of}
        known = {
            f"/v1/edgehosts/{self.name}-{host}": status(f"/v1/edgehosts/{self.name}-{host}", 200) for host in names
        }
        assert not (late := settled(self.plane, known, self.clients.ask)), late
        for host, own in names.items():
            for writer in of[host]:
                self._run(writer, f"{self.name}-{host}", own)
        for writer in [*writers, _offer]:
            self._run(writer)

    def stop(self) -> None:
        """End the writers; a writer that does not end is a problem."""
        self._stop.set()
        end = time.monotonic() + ENDS
        for thread in self._threads:
            thread.join(timeout=max(0.0, end - time.monotonic()))
            if thread.is_alive():
                self.model.wrong(f"{thread.name} did not end within {ENDS:g} s")

    def offer_all(self) -> None:
        """Offer what was revoked and not offered yet."""
        self.model.offer_revoked(self.plane.members, random.Random(self.seed))

    def _run(self, writer: Writer, *arguments: Any) -> None:
        chance = random.Random(f"{self.seed} {writer.__name__} {arguments[:1]}")

        def go() -> None:
            try:
                writer(self, chance, *arguments)
            except Exception as error:  # a writer must not die in silence
                self.model.wrong(f"{writer.__name__} failed: {error!r}")

        thread = threading.Thread(target=go, name=writer.__name__, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _register(self, uid: str) -> str:
        body = registration(uid, self.token)
        until = time.monotonic() + ANSWER
        while True:
            answer = self.send("register", "POST", protocol.HOST_REGISTER, body, {})
            if answer is not None and self.model.answered("register", answer, 200):
                return str(answer.json()["status"]["serviceAuthToken"])
            assert time.monotonic() < until, f"{uid} cannot be registered: {answer}"
            time.sleep(0.2)

    def go_on(self, chance: random.Random, least: float, most: float) -> bool:
        """Wait a moment; returns whether the writer continues."""
        return not self._stop.wait(chance.uniform(least, most))

    @property
    def ending(self) -> bool:
        """Return whether the writers are to end, or something is wrong already."""
        return self._stop.is_set() or bool(self.model.problems)

    def member(self, chance: random.Random | None = None) -> Member:
        """Return a live hub."""
        return (chance or random).choice(self.plane.live())

    def send(
        self,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        chance: random.Random | None = None,
        more: dict[str, str] | None = None,
    ) -> httpx.Response | None:
        """Send to some live hub, as admin unless `headers` are given; `None` without an answer."""
        member, began, deadline = self.member(chance), time.monotonic(), Deadline(ANSWER)
        late = f"{who}: hub {member.number} did not answer {method} {path} within {ANSWER:g} s"
        try:
            client, own = self.clients.of(member), self.clients.admin if headers is None else headers
            answer = client.request(method, path, json=body, headers={**own, **(more or {})})
            if deadline.over():
                self.model.wrong(late)
            return answer
        except httpx.TimeoutException:
            self.model.wrong(late)
        except httpx.HTTPError as error:
            # A hub that was killed, or that stops and takes no connection, is the only excuse.
            if not member.excused(began):
                self.model.wrong(f"{who}: hub {member.number} ended {method} {path}: {error!r}")
        return None

    def done(self, who: str, answer: httpx.Response | None, *fine: int) -> bool:
        """Return whether an answer acknowledges."""
        return answer is not None and self.model.answered(who, answer, *fine)


def registration(uid: str, token: str) -> dict[str, Any]:
    """Return what a host registers with."""
    host = {"hostUid": uid, "hostAuthToken": token}
    return {"metadata": {"uid": uid}, "spec": {"host": host, "edgewright": {"registrationId": "a" * 32}}}


def status(path: str, code: int) -> Callable[[Callable[[str], httpx.Response]], str | None]:
    """Return a question: whether a hub answers a path with a status."""

    def ask(get: Callable[[str], httpx.Response]) -> str | None:
        answer = get(path)
        return None if answer.status_code == code else f"{answer.status_code} instead of {code}"

    return ask


def _offer(drive: Drive, chance: random.Random) -> None:
    """Offer revoked secrets, and ask for what must be visible by now, while faults happen."""
    while drive.go_on(chance, 0.3, 0.6):
        drive.model.offer_revoked(drive.plane.live(), chance)
        drive.model.look_for_late(drive.plane.live(), chance, drive.clients.ask)
