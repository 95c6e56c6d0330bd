"""Writers about one host: heartbeats, tags, tunnel, operations and events."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

import httpx

from edgewright.wire import protocol
from tests.dist.drive import Drive
from tests.dist.model import CHANGE_REASONS, Field, Get, Wanted

BOOT = "boot"
RECENT = 1.0
"""Seconds after an acknowledged heartbeat in which a late one is sent: 3 intervals of 2 s are silence (P17)."""
PAGE = 50
MOST_CHANGES = 40
"""Changes of health of one host: a page of events shows them all, and a hub limits them."""


def document(uid: str, judge: Callable[[dict[str, Any]], str | None]) -> Wanted:
    """Return a question about the document of a host."""

    def ask(get: Get) -> str | None:
        answer = get(f"/v1/edgehosts/{uid}")
        return judge(answer.json()) if answer.status_code == 200 else f"{answer.status_code} {answer.text[:100]}"

    return ask


def beats(drive: Drive, chance: random.Random, uid: str, own: str) -> None:
    """Heartbeats with rising numbers; some are sent twice through two hubs, some late, some report trouble."""
    path, seq, sure, newest, late_seq, ends, at = f"/v1/edgehosts/{uid}/health", 0, 0, 0, 0, 0, 0.0
    first = "healthy"
    headers = {"Authorization": own}

    def judge(shown: dict[str, Any]) -> str | None:
        count = shown["status"]["edgewright"]["heartbeats"]
        if not sure <= count <= seq:
            return f"{count} heartbeats counted, {sure} acknowledged, {seq} sent"
        shows = shown["spec"]["edgewright"]["load1"]
        return None if shows >= newest else f"heartbeat {shows:g} is the newest, {newest} was acknowledged"

    while drive.go_on(chance, 0.05, 0.25):
        seq += 1
        if chance.random() < 0.04:
            ends = seq + chance.randrange(1, 12)  # unhealthy for some heartbeats
        state = "unhealthy" if seq < ends else "healthy"
        drive.model.changes[uid].report(state)
        first = state if seq == 1 else first
        # The load is the number, so that each hub shows which heartbeat it has.
        body = {"state": state, "message": f"beat {seq}", "edgewright": {"seq": seq, "bootId": BOOT, "load1": seq}}
        if drive.done(uid, drive.send(uid, "PATCH", path, body, headers, chance), 204):
            sure, newest, at = sure + 1, seq, time.monotonic()
            drive.model.acknowledged("heartbeat", uid, document(uid, judge))
            drive.model.reported[uid] = state
        else:
            drive.model.reported.pop(uid, None)  # either state may be the one that is stored
        extra = chance.random()
        # Of late ones the number must not rise three times: that is a second machine with this identity (P39).
        if extra < 0.3 and late_seq == 0:
            late_seq = seq
        if extra < 0.3 and late_seq == seq:  # doubled: the answer was lost, or a proxy sent it again
            if drive.done(uid, drive.send(uid, "PATCH", path, body, headers, chance), 204) and newest < seq:
                sure, newest = sure + 1, seq
                drive.model.reported[uid] = state
        # Late, unless the host was silent for so long that another machine with its identity would be accepted (P17).
        elif extra < 0.5 and time.monotonic() - at < RECENT:
            late = {"state": first, "message": "late", "edgewright": {"seq": 1, "bootId": BOOT, "load1": 0}}
            drive.done(uid, drive.send(uid, "PATCH", path, late, headers, chance), 204)


def labels(drive: Drive, chance: random.Random, uid: str, _own: str) -> None:
    """Tags of a host, while another writer changes another part of its document."""
    value = Field("")

    def judge(shown: dict[str, Any]) -> str | None:
        label = shown["metadata"].get("labels", {}).get("n", "")
        return None if value.allows(label) else f"label is {label!r}, sent were {value}"

    number = 0
    while drive.go_on(chance, 0.05, 0.3):
        number += 1
        body = {"metadata": {"labels": {"n": str(number)}}}
        ok = drive.done(uid, drive.send(uid, "PUT", f"/v1/edgehosts/{uid}/meta", body, chance=chance), 204)
        value.sent(str(number), acknowledged=ok)
        if ok:
            drive.model.acknowledged("tag", uid, document(uid, judge))


def tunnel(drive: Drive, chance: random.Random, uid: str, _own: str) -> None:
    """The other part of the document; and its generation, as each hub shows it."""
    value, number = Field("disabled"), 0

    def judge(shown: dict[str, Any]) -> str | None:
        remote = shown["spec"]["tunnelConfig"].get("remoteSsh", "disabled")
        return None if value.allows(remote) else f"remoteSsh is {remote!r}, sent were {value}"

    while drive.go_on(chance, 0.05, 0.3):
        number += 1
        wanted = "enabled" if number % 2 else "disabled"
        answer = drive.send(uid, "PATCH", f"/v1/edgehosts/{uid}/tunnelConfig", {"remoteSsh": wanted}, chance=chance)
        ok = drive.done(uid, answer, 204)
        value.sent(wanted, acknowledged=ok)
        if ok:
            drive.model.acknowledged("tunnel", uid, document(uid, judge))
        member = drive.member(chance)
        with contextlib.suppress(httpx.HTTPError):
            answer = drive.clients.once(member, "GET", f"/v1/edgehosts/{uid}")
            if answer.status_code == 200:
                generation = answer.json()["status"]["edgewright"]["generation"]
                drive.model.saw_generation(f"hub {member.number}", uid, generation)


def work(drive: Drive, chance: random.Random, uid: str, own: str) -> None:
    """Operations with an idempotency key, their results, and events, each repeated until it is acknowledged."""
    number, headers = 0, {"Authorization": own}
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
        _event(drive, chance, uid, own, f"{chance.getrandbits(96):024x}")
        for operation in uids:
            result = {"state": "succeeded", "message": "m", "finishedAt": "2026-01-01T00:00:00.000Z", "generation": 1}
            while not drive.done(
                uid, drive.send(uid, "POST", f"{path}/{operation}/result", result, headers, chance), 200, 201, 204
            ):
                if drive.model.problems:
                    return
                time.sleep(0.2)
            drive.model.acknowledged("result", operation, _succeeded(f"{path}/{operation}"), lasting=True)


def _succeeded(path: str) -> Wanted:
    def ask(get: Get) -> str | None:
        answer = get(path)
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

        def ask(get: Get) -> str | None:
            found, offset = 0, 0
            while True:  # on a crowded machine a host has more events than a page
                answer = get(f"/v1/events/components/edgehost/{uid}?limit={PAGE}&offset={offset}")
                found += answer.text.count(f'"message":"{event}"')
                offset += PAGE
                if answer.status_code != 200 or len(answer.json()["items"]) < PAGE:
                    return None if found == 1 else f"{answer.status_code}, found {found} times"

        drive.model.acknowledged("event", event, ask)


def patient(drive: Drive, chance: random.Random, uid: str, own: str) -> None:
    """Heartbeats whose state changes only when the event of the last change is there: each has exactly one."""
    path, headers, seq, state = f"/v1/edgehosts/{uid}/health", {"Authorization": own}, 0, "healthy"
    changes, acknowledged = drive.model.changes[uid], False
    while drive.go_on(chance, 0.1, 0.3):
        seq += 1
        body = {"state": state, "message": f"beat {seq}", "edgewright": {"seq": seq, "bootId": BOOT}}
        changes.report(state)
        if drive.done(uid, drive.send(uid, "PATCH", path, body, headers, chance), 204):
            acknowledged, changes.least = True, changes.most
            drive.model.reported[uid] = state
        else:
            drive.model.reported.pop(uid, None)
        answer = drive.send(uid, "GET", f"/v1/events/components/edgehost/{uid}?limit=50", chance=chance)
        if not acknowledged or answer is None or answer.status_code != 200 or changes.most >= MOST_CHANGES:
            continue
        if sum(event["reason"] in CHANGE_REASONS for event in answer.json()["items"]) == changes.most:
            state, acknowledged = "healthy" if state == "unhealthy" else "unhealthy", False


HOST_WRITERS = [beats, labels, tunnel, work]
OWN_HOST_WRITERS = [patient]
"""Each with a host that no other writer changes."""
