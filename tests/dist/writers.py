"""Writers that drive a plane through any of its hubs, and tell the model what was acknowledged."""

from __future__ import annotations

import contextlib
import random
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from edgewright.wire import protocol
from tests.dist.model import Field, Model, settled
from tests.dist.plane import Member, Plane

_NO_ANSWER = 503
"""A request without an answer counts like one that was refused: it may be stored or not."""


class Clients:
    """Clients of each hub by credential; one TLS context for all, since a new one costs 20 ms."""

    def __init__(self, plane: Plane) -> None:
        first = plane.members[0].hub
        self._context = ssl.create_default_context(cafile=str(first.ca))
        self._key = first.admin_key
        self._made: dict[tuple[int, int], httpx.Client] = {}

    def admin(self, member: Member) -> httpx.Client:
        """Return this thread's admin client of a hub."""
        key = (threading.get_ident(), member.number)
        if key not in self._made:
            self._made[key] = self.of(member, ApiKey=self._key)
        return self._made[key]

    def of(self, member: Member, **headers: str) -> httpx.Client:
        """Return a new client."""
        return httpx.Client(base_url=member.hub.url, verify=self._context, headers=headers, timeout=20)

    def once(self, member: Member, method: str, path: str, headers: dict[str, str], json: Any = None) -> httpx.Response:
        """Send one request with other credentials."""
        with self.of(member, **headers) as client:
            return client.request(method, path, json=json)


class Drive:
    """Writers in threads: `start`, then `stop`, which waits for all. `seed` decides what each of them does."""

    def __init__(self, plane: Plane, model: Model, seed: int, name: str) -> None:
        self.plane, self.model, self.seed, self.name = plane, model, seed, name
        self.clients = Clients(plane)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        admin = self.clients.admin(plane.members[0])
        self.project = admin.get("/v1/dashboard/projects/metadata").json()["items"][0]["metadata"]["uid"]
        self.token = plane.members[0].hub.token(f"{name}-hosts")[1]

    def start(self) -> None:
        """Start every writer and the reader of revoked secrets."""
        names = {host: self._register(f"{self.name}-{host}") for host in ("a", "b")}
        known = {
            f"/v1/edgehosts/{self.name}-{host}": _status(f"/v1/edgehosts/{self.name}-{host}", 200) for host in names
        }
        assert not (late := settled(self.plane.members, known, self.clients.admin)), late
        for host, own in names.items():
            self._run(_beats, f"{self.name}-{host}", own)
            self._run(_labels, f"{self.name}-{host}")
            self._run(_tunnel, f"{self.name}-{host}")
            self._run(_work, f"{self.name}-{host}", own)
        for writer in (_tokens, _keys, _hosts, _users):
            self._run(writer)
        self._run(_offer)

    def stop(self) -> None:
        """End the writers; a writer that does not end is a problem."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
            if thread.is_alive():
                self.model.wrong(f"{thread.name} did not end within 60 s")

    def _run(self, writer: Callable[..., None], *arguments: Any) -> None:
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
        host = {"hostUid": uid, "hostAuthToken": self.token}
        body = {"metadata": {"uid": uid}, "spec": {"host": host, "edgewright": {"registrationId": "a" * 32}}}
        until = time.monotonic() + 20
        while True:
            answer = self.send("register", "POST", protocol.HOST_REGISTER, body, {})
            if answer is not None and self.model.answered("register", answer, 200):
                return str(answer.json()["status"]["serviceAuthToken"])
            assert time.monotonic() < until, f"{uid} cannot be registered: {answer}"
            time.sleep(0.2)

    def go_on(self, chance: random.Random, least: float, most: float) -> bool:
        """Wait a moment; returns whether the writer continues."""
        return not self._stop.wait(chance.uniform(least, most))

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
        member = self.member(chance)
        try:
            if headers is None:
                return self.clients.admin(member).request(method, path, json=body, headers=more)
            return self.clients.once(member, method, path, {**headers, **(more or {})}, body)
        except httpx.TimeoutException:
            self.model.wrong(f"{who}: hub {member.number} did not answer {method} {path} within 20 s")
        except httpx.HTTPError:
            pass  # the hub was killed under the request
        return None

    def done(self, who: str, answer: httpx.Response | None, *fine: int) -> bool:
        """Return whether an answer acknowledges."""
        return answer is not None and self.model.answered(who, answer, *fine)


def _document(uid: str, judge: Callable[[dict[str, Any]], str | None]) -> Callable[[httpx.Client], str | None]:
    def ask(client: httpx.Client) -> str | None:
        answer = client.get(f"/v1/edgehosts/{uid}")
        return judge(answer.json()) if answer.status_code == 200 else f"{answer.status_code} {answer.text[:100]}"

    return ask


def _status(path: str, code: int) -> Callable[[httpx.Client], str | None]:
    def ask(client: httpx.Client) -> str | None:
        answer = client.get(path)
        return None if answer.status_code == code else f"{answer.status_code} instead of {code}"

    return ask


def _beats(drive: Drive, chance: random.Random, uid: str, own: str) -> None:
    """Heartbeats with rising numbers; some are sent twice through two hubs, some late."""
    path, seq, sure, late_seq = f"/v1/edgehosts/{uid}/health", 0, 0, 0

    def judge(document: dict[str, Any]) -> str | None:
        count = document["status"]["edgewright"]["heartbeats"]
        if sure <= count <= seq:
            return None
        what = "count, seq, stored_by, clock_timestamp(), to_timestamp(stored_at)"
        sql = f"SELECT {what} FROM heartbeats WHERE uid = '{uid}'"
        row = drive.plane.server.psql(drive.plane.database, sql).strip()
        shown = document["status"]["edgewright"]["lastHeartbeat"], document["status"].get("health", {}).get("message")
        return f"{count} heartbeats counted, {sure} acknowledged, {seq} sent; it shows {shown}, the database has {row}"

    while drive.go_on(chance, 0.05, 0.25):
        seq += 1
        # Now and then unhealthy for one heartbeat: a transition that both hubs see.
        state = "unhealthy" if seq % 25 == 24 else "healthy"
        body = {"state": state, "message": f"beat {seq}", "edgewright": {"seq": seq, "bootId": "boot"}}
        acknowledged = drive.done(uid, drive.send(uid, "PATCH", path, body, {"Authorization": own}, chance), 204)
        if acknowledged:
            sure += 1
            drive.model.acknowledged("heartbeat", uid, _document(uid, judge))
        extra = chance.random()
        # Of late ones the number must not rise three times: that is a second machine with this identity (P39).
        if extra < 0.3 and late_seq == 0:
            late_seq = seq
        if extra < 0.3 and late_seq == seq:  # doubled: the answer was lost, or a proxy sent it again
            drive.done(uid, drive.send(uid, "PATCH", path, body, {"Authorization": own}, chance), 204)
        elif extra < 0.5:  # late
            late = {"state": "healthy", "message": "late", "edgewright": {"seq": 1, "bootId": "boot"}}
            drive.done(uid, drive.send(uid, "PATCH", path, late, {"Authorization": own}, chance), 204)


def _labels(drive: Drive, chance: random.Random, uid: str) -> None:
    """Tags of a host, while another writer changes another part of its document."""
    value = Field("")

    def judge(document: dict[str, Any]) -> str | None:
        shown = document["metadata"].get("labels", {}).get("n", "")
        return None if value.allows(shown) else f"label is {shown!r}, sent were {value}"

    number = 0
    while drive.go_on(chance, 0.05, 0.3):
        number += 1
        body = {"metadata": {"labels": {"n": str(number)}}}
        answer = drive.send(uid, "PUT", f"/v1/edgehosts/{uid}/meta", body, chance=chance)
        ok = drive.done(uid, answer, 204)
        value.sent(str(number), acknowledged=ok)
        if ok:
            drive.model.acknowledged("tag", uid, _document(uid, judge))


def _tunnel(drive: Drive, chance: random.Random, uid: str) -> None:
    """The other part of the document; and its generation, as each hub shows it."""
    value, number = Field("disabled"), 0

    def judge(document: dict[str, Any]) -> str | None:
        shown = document["spec"]["tunnelConfig"].get("remoteSsh", "disabled")
        return None if value.allows(shown) else f"remoteSsh is {shown!r}, sent were {value}"

    while drive.go_on(chance, 0.05, 0.3):
        number += 1
        wanted = "enabled" if number % 2 else "disabled"
        answer = drive.send(uid, "PATCH", f"/v1/edgehosts/{uid}/tunnelConfig", {"remoteSsh": wanted}, chance=chance)
        ok = drive.done(uid, answer, 204)
        value.sent(wanted, acknowledged=ok)
        if ok:
            drive.model.acknowledged("tunnel", uid, _document(uid, judge))
        member = drive.member(chance)
        with contextlib.suppress(httpx.HTTPError):
            answer = drive.clients.admin(member).get(f"/v1/edgehosts/{uid}")
            if answer.status_code == 200:
                generation = answer.json()["status"]["edgewright"]["generation"]
                drive.model.saw_generation(f"hub {member.number}", uid, generation)


def _work(drive: Drive, chance: random.Random, uid: str, own: str) -> None:
    """Operations with an idempotency key, their results, and events, each repeated until it is acknowledged."""
    number = 0
    while drive.go_on(chance, 0.3, 0.8):
        number += 1
        path, key = f"/edgewright/v1/hosts/{uid}/operations", f"{uid}-{number}"
        uids = set()
        body = {"kind": "collect-logs", "params": {"lines": 5}}
        for _ in range(2):  # the second one may be a repetition
            answer = drive.send(uid, "POST", path, body, chance=chance, more={protocol.H_IDEMPOTENCY: key})
            if drive.done(uid, answer, 201) and answer is not None:
                uids.add(answer.json()["uid"])
        if len(uids) > 1:
            drive.model.wrong(f"one idempotency key made two operations of {uid}: {uids}")
        event = f"{chance.getrandbits(96):024x}"
        _event(drive, chance, uid, own, event)
        for operation in uids:
            result = {"state": "succeeded", "message": "m", "finishedAt": "2026-01-01T00:00:00.000Z", "generation": 1}
            headers = {"Authorization": own}
            while True:
                answer = drive.send(uid, "POST", f"{path}/{operation}/result", result, headers, chance)
                if drive.done(uid, answer, 200, 201, 204) or drive.model.problems:
                    break
                time.sleep(0.2)
            drive.model.acknowledged("result", operation, _succeeded(f"{path}/{operation}"))


def _succeeded(path: str) -> Callable[[httpx.Client], str | None]:
    def ask(client: httpx.Client) -> str | None:
        answer = client.get(path)
        return None if answer.status_code == 200 and "succeeded" in answer.text else answer.text[:200]

    return ask


def _event(drive: Drive, chance: random.Random, uid: str, own: str, event: str) -> None:
    reference = {"kind": "edgehost", "uid": uid, "name": uid}
    body = {
        "metadata": {"uid": event}, "relatedObject": reference, "involvedObject": reference, "message": event,
        "reason": "Distributed", "severity": "Info", "source": {"component": "test", "host": uid},
    }  # fmt: skip
    answer = drive.send(uid, "POST", protocol.EVENTS, body, {"Authorization": own}, chance)
    if drive.done(uid, answer, 201):

        def ask(client: httpx.Client) -> str | None:
            answer = client.get(f"/v1/events/components/edgehost/{uid}", params={"limit": 50})
            found = answer.text.count(f'"message":"{event}"')
            return None if found == 1 else f"{answer.status_code}, found {found} times"

        drive.model.acknowledged("event", event, ask)


def _tokens(drive: Drive, chance: random.Random) -> None:
    """Registration tokens that are made and revoked."""
    number = 0
    while drive.go_on(chance, 0.2, 0.6):
        number += 1
        body = {"metadata": {"name": f"{drive.name}-{number}"}, "spec": {"defaultProjectUid": drive.project}}
        answer = drive.send("token", "POST", protocol.TOKENS, body, chance=chance)
        if not drive.done("token", answer, 201) or answer is None:
            continue
        path = f"{protocol.TOKENS}/{answer.json()['uid']}"
        drive.model.acknowledged("token", path, _status(path, 200))
        answer = drive.send("token", "GET", path, chance=chance)
        if answer is None or answer.status_code != 200:
            continue  # this hub may not know it yet
        text = answer.json()["spec"]["token"]
        answer = drive.send("token", "PUT", f"{path}/state", {"isActive": False}, chance=chance)
        if answer is not None and answer.status_code == 404:
            continue
        if drive.done("token", answer, 204):
            host = {"hostUid": f"no-{drive.name}-{number}", "hostAuthToken": text}
            spec = {"host": host, "edgewright": {"registrationId": "c" * 32}}
            sent = {"metadata": {"uid": host["hostUid"]}, "spec": spec}
            drive.model.revoke(
                f"token {number}",
                lambda member, sent=sent: drive.clients.once(  # type: ignore[misc]
                    member, "POST", protocol.HOST_REGISTER, {}, sent
                ),
            )


def _keys(drive: Drive, chance: random.Random) -> None:
    """API keys that are made, used and deleted."""
    number = 0
    while drive.go_on(chance, 0.2, 0.6):
        number += 1
        body = {"metadata": {"name": f"{drive.name}-key-{number}"}}
        answer = drive.send("key", "POST", protocol.API_KEYS, body, chance=chance)
        if not drive.done("key", answer, 201) or answer is None:
            continue
        uid, text = answer.json()["uid"], answer.json()["apiKey"]
        answer = drive.send("key", "GET", "/v1/users/info", None, {"ApiKey": text}, chance)
        drive.done("a new key", answer, 200)  # valid everywhere at once: what a hub does not know it looks up
        answer = drive.send("key", "DELETE", f"{protocol.API_KEYS}/{uid}", chance=chance)
        if answer is not None and answer.status_code == 404:
            continue
        if drive.done("key", answer, 204):
            drive.model.acknowledged("deletion", uid, _status(f"{protocol.API_KEYS}/{uid}", 404))
            drive.model.revoke(
                f"key {number}",
                lambda member, text=text: drive.clients.once(  # type: ignore[misc]
                    member, "GET", "/v1/users/info", {"ApiKey": text}
                ),
            )


def _hosts(drive: Drive, chance: random.Random) -> None:
    """Hosts that are registered and deleted, with their credentials."""
    number = 0
    while drive.go_on(chance, 0.3, 0.8):
        number += 1
        uid = f"{drive.name}-gone-{number}"
        host = {"hostUid": uid, "hostAuthToken": drive.token}
        body = {"metadata": {"uid": uid}, "spec": {"host": host, "edgewright": {"registrationId": "d" * 32}}}
        answer = drive.send(uid, "POST", protocol.HOST_REGISTER, body, {}, chance)
        if not drive.done(uid, answer, 200) or answer is None:
            continue
        own = answer.json()["status"]["serviceAuthToken"]
        answer = drive.send(uid, "DELETE", f"/v1/edgehosts/{uid}", chance=chance)
        if answer is not None and answer.status_code == 404:
            continue  # this hub does not know the host yet
        if drive.done(uid, answer, 204):
            drive.model.acknowledged("host gone", uid, _status(f"/v1/edgehosts/{uid}", 404))
            beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
            drive.model.revoke(
                f"host {uid}",
                lambda member, own=own, uid=uid, beat=beat: drive.clients.once(  # type: ignore[misc]
                    member, "PATCH", f"/v1/edgehosts/{uid}/health", {"Authorization": own}, beat
                ),
            )


def _users(drive: Drive, chance: random.Random) -> None:
    """Users that are made and deleted."""
    number = 0
    while drive.go_on(chance, 0.3, 0.8):
        number += 1
        body = {"spec": {"emailId": f"{drive.name}-{number}@example.org"}}
        answer = drive.send("user", "POST", protocol.USERS, body, chance=chance)
        if not drive.done("user", answer, 201) or answer is None:
            continue
        path = f"{protocol.USERS}/{answer.json()['uid']}"
        drive.model.acknowledged("user", path, _status(path, 200))
        if number % 2:
            answer = drive.send("user", "DELETE", path, chance=chance)
            if answer is not None and answer.status_code == 404:
                continue
            gone = drive.done("user", answer, 204)
            if gone:
                drive.model.acknowledged("user", path, _status(path, 404))
            else:  # it may be deleted or not
                drive.model.acknowledged("user", path, lambda client: None)


def _offer(drive: Drive, chance: random.Random) -> None:
    while drive.go_on(chance, 0.5, 1.0):
        drive.model.offer_revoked(drive.plane.live())
