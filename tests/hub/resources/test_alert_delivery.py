"""Rule P58: alerts reach real receivers (webhook, e-mail), signed, in order, none lost and none doubled."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.process.app import Hub
from edgewright.hub.resources.alerts import courier, stored, webhook
from edgewright.hub.resources.alerts.engine import Alerting
from edgewright.wire import protocol
from tests.hub.alert_servers import mails, raw_answers, webhooks
from tests.hub.alerting import add, drained, folder_of, hook, looks, mail_to, soon, status, trouble


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other quickly."""
    monkeypatch.setattr(courier, "BASE", 0.05)
    monkeypatch.setattr(courier, "CAP", 0.2)


async def test_p58_a_problem_is_sent_once_when_it_opens_and_once_when_it_ends(
    served: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = served
    with webhooks() as receiver:
        key = (await hook(admin, receiver.url))["key"]
        trouble(hub)
        await looks(hub)
        await soon(lambda: receiver.got)
        hub.alerts.drop("plane/storage")
        await looks(hub)
        await soon(lambda: len(receiver.got) == 2)
        opened, resolved = receiver.documents()
        assert (opened["event"], resolved["event"]) == ("opened", "resolved")
        assert opened["component"] == "ClusterHealth" and opened["severity"] == "critical"
        assert opened["problem"]["key"] == "alert/plane/storage/StorageFull" and "disk full" in opened["message"]
        headers, body = receiver.got[0]
        assert headers["edgewright-delivery"] == opened["deliveryId"] and headers["edgewright-event"] == "opened"
        sent, mac = (part.split("=")[1] for part in headers["edgewright-signature"].split(","))
        assert mac == hmac.new(key.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
        assert (await drained(admin))["lastSuccess"]


async def test_p58_a_receiver_that_is_down_gets_everything_later_in_order_and_others_do_not_wait(
    served: tuple[Hub, httpx.AsyncClient], fast: None
) -> None:
    hub, admin = served
    with webhooks() as dead, webhooks() as fine:
        await hook(admin, dead.url, "dead")
        await hook(admin, fine.url, "fine")
        dead.stop()
        for code in ("StorageFull", "StorageReadOnly"):
            trouble(hub, code)
            await looks(hub)
        hub.alerts.drop("plane/storage")
        await looks(hub)
        await soon(lambda: len(fine.got) == 4)
        down = await status(admin, "dead")
        assert down["waiting"] == 4 and down["lastFailure"] and "refused" in down["lastError"].lower()
        dead.start()
        await soon(lambda: len(dead.got) == 4)
        events = [(doc["event"], doc["problem"]["key"].rsplit("/", 1)[1]) for doc in dead.documents()]
        assert events == [(doc["event"], doc["problem"]["key"].rsplit("/", 1)[1]) for doc in fine.documents()]
        assert len(set(dead.ids())) == 4
        assert not (await drained(admin, "dead"))["lastError"]


async def test_p58_a_lost_answer_repeats_the_same_delivery_id(
    served: tuple[Hub, httpx.AsyncClient], fast: None
) -> None:
    hub, admin = served
    with webhooks() as receiver:
        receiver.status = 503
        await hook(admin, receiver.url)
        trouble(hub)
        await looks(hub)
        await soon(lambda: len(receiver.refused) >= 3)
        receiver.status = 204
        await soon(lambda: receiver.got)
        assert set(receiver.refused) == set(receiver.ids()) and len(receiver.got) == 1


async def test_p58_a_message_that_is_rejected_as_such_does_not_block_the_next(
    served: tuple[Hub, httpx.AsyncClient], fast: None
) -> None:
    hub, admin = served
    with webhooks() as receiver:
        receiver.status = 422
        await hook(admin, receiver.url)
        trouble(hub)
        await looks(hub)
        await soon(lambda: len(receiver.refused) == courier.REJECTED_TRIES)
        receiver.status = 200
        hub.alerts.drop("plane/storage")
        await looks(hub)
        await soon(lambda: receiver.got)
        assert [doc["event"] for doc in receiver.documents()] == ["resolved"]
        assert (await drained(admin))["dropped"] == 1


async def test_p58_redirects_are_not_followed(served: tuple[Hub, httpx.AsyncClient]) -> None:
    _hub, admin = served
    with webhooks() as receiver, webhooks() as other:
        receiver.status, receiver.headers = 307, {"Location": other.url}
        uid = (await hook(admin, receiver.url))["uid"]
        done = (await admin.post(protocol.path(protocol.RECEIVER_TEST, uid=uid))).json()
        assert not done["delivered"] and "redirect (307)" in done["error"] and not other.got


async def test_p58_a_slow_receiver_is_left_after_its_time(
    served: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub, admin = served
    monkeypatch.setattr(webhook, "WITHIN", 0.2)
    with webhooks() as receiver:
        receiver.delay = 0.6
        uid = (await hook(admin, receiver.url))["uid"]
        done = (await admin.post(protocol.path(protocol.RECEIVER_TEST, uid=uid))).json()
        assert not done["delivered"] and "not answered within 0.2 s" in done["error"]


async def test_p58_an_answer_of_2xx_is_success_whatever_follows(
    served: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "WITHIN", 0.3)
    for name, rest in (("open", b"5\r\nsh"), ("no HTTP", b"no chunk at all\r\n")):
        with raw_answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + rest) as url:
            uid = (await hook(served[1], url, name=name))["uid"]
            answer = await served[1].post(protocol.path(protocol.RECEIVER_TEST, uid=uid))
            assert answer.json()["delivered"], answer.text


async def test_p58_the_body_of_palettes_form_is_filled_in(served: tuple[Hub, httpx.AsyncClient]) -> None:
    _hub, admin = served
    body = '{"text": "{{message}}", "blocks": [{"level": "{{severity}}", "quote": "{{ subject }}"}]}'
    with webhooks() as receiver:
        uid = (await hook(admin, receiver.url, 'a "quoted" \\ name', body=body, headers={"X-Key": "v"}))["uid"]
        assert (await admin.post(protocol.path(protocol.RECEIVER_TEST, uid=uid))).json()["delivered"]
        (document,) = receiver.documents()
        assert document["blocks"] == [{"level": "info", "quote": 'a "quoted" \\ name'}]
        assert document["text"].startswith('test: a "quoted" \\ name: this receiver works')
        assert receiver.got[0][0]["x-key"] == "v"


async def test_p58_a_silenced_problem_is_sent_when_its_silence_ends_and_an_acknowledged_one_is_not_repeated(
    served: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = served
    now = [hub.started + 10.0]
    monkeypatch.setattr("edgewright.core.times.now", lambda: now[0])
    path = protocol.path(protocol.HANDLING_ITEM, key="alert/plane/storage/StorageFull")
    with webhooks() as receiver:
        await add(admin, name="ops", kind="webhook", webhook={"url": receiver.url}, repeat=3600)
        answer = await admin.patch(path, json={"silencedUntil": times.rfc3339(hub.started + 4000)})
        assert answer.status_code == 200, answer.text
        trouble(hub, last=now[0])
        await looks(hub)
        now[0] += 3000
        await looks(hub)
        assert receiver.got == []
        now[0] += 1500
        await looks(hub)
        await soon(lambda: len(receiver.got) == 1)
        now[0] += 3700
        await looks(hub)
        await soon(lambda: len(receiver.got) == 2)
        await admin.patch(path, json={"acknowledged": True})
        now[0] += 20_000
        await looks(hub)
        hub.alerts.drop("plane/storage")
        await looks(hub)
        await soon(lambda: len(receiver.got) == 3)
        assert [doc["event"] for doc in receiver.documents()] == ["opened", "repeated", "resolved"]


async def test_p58_the_queue_of_a_receiver_is_bounded(
    served: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = served
    monkeypatch.setattr(stored, "MOST_WAITING", 3)
    with webhooks() as receiver:
        await hook(admin, receiver.url)
        receiver.stop()
        for number in range(3):
            trouble(hub, f"Code{number}")
            await looks(hub)
        state = await status(admin)
        assert (state["waiting"], state["dropped"]) == (3, 2)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_p58_an_e_mail_goes_over_verified_tls_with_a_login(
    served: tuple[Hub, httpx.AsyncClient], tmp_path: Path, tls: str
) -> None:
    hub, admin = served
    with mails(folder_of(tmp_path), tls, "ops", "pass word") as server:
        await mail_to(admin, server, user="ops", password="pass word", ca=server.ca)
        trouble(hub)
        await looks(hub)
        await soon(lambda: server.got)
        (mail,) = server.got
        assert server.secured == [True] and mail["To"] == "ana@example.com, ben@example.com"
        assert mail["Subject"] == "[Edgewright] plane: cannot store: disk full"
        assert "alert acknowledge alert/plane/storage/StorageFull" in str(mail.get_payload())
        assert mail["Message-ID"] == f"<{mail['Edgewright-Delivery']}@example.com>"
        assert not (await drained(admin, "mail"))["lastError"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ca": ""}, "certificate is not trusted"),
        ({"password": "wrong"}, "refuses user or password (535)"),
        ({"tls": "starttls", "user": "", "password": "", "port_of": "none"}, "does not offer what is set"),
    ],
)
async def test_p58_an_e_mail_is_never_sent_without_what_is_set(
    served: tuple[Hub, httpx.AsyncClient], tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    _hub, admin = served
    kind = change.pop("port_of", "starttls")
    user = "" if kind == "none" else "ops"
    with mails(folder_of(tmp_path), kind, user, "right") as server:
        await mail_to(
            admin, server, **{"user": "ops", "password": "right", "ca": server.ca, "tls": "starttls", **change}
        )
        (item,) = (await admin.get(protocol.RECEIVERS)).json()["items"]
        done = (await admin.post(protocol.path(protocol.RECEIVER_TEST, uid=item["uid"]))).json()
        assert not done["delivered"] and told in done["error"] and server.got == []


async def test_p58_a_message_that_was_taken_is_not_sent_again_while_the_disk_is_full(
    served: tuple[Hub, httpx.AsyncClient], fast: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = served
    with webhooks() as receiver:
        await hook(admin, receiver.url)
        trouble(hub)
        await looks(hub)
        write, failures = hub.write, [0]

        async def full(job: Any) -> Any:
            if receiver.got and failures[0] < 3:
                failures[0] += 1
                for waiting in hub.part(Alerting)._couriers.values():
                    waiting.poke()
                raise StorageProblem(507, "StorageFull", "The hub's disk is full.")
            return await write(job)

        monkeypatch.setattr(hub, "write", full)
        await soon(lambda: failures[0] == 3)
        await drained(admin)
        assert len(receiver.got) == 1


async def test_p58_a_receiver_that_fails_for_long_is_a_problem_that_consoles_show(
    served: tuple[Hub, httpx.AsyncClient], fast: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = served
    monkeypatch.setattr(courier, "REPORT_AFTER", 0.1)
    with webhooks() as receiver:
        receiver.status = 500
        uid = (await hook(admin, receiver.url))["uid"]
        trouble(hub)
        await looks(hub)
        await soon(lambda: hub.alerts.get(f"receiver/{uid}"))
        alert = hub.alerts.get(f"receiver/{uid}")
        assert alert is not None and "status 500" in alert.message and "receiver test ops" in alert.hint
        receiver.status = 200
        await soon(lambda: hub.alerts.get(f"receiver/{uid}") is None)
