"""Rule P58: alerts reach real receivers (webhook, e-mail), signed, in order, none lost and none doubled."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.hub import alerts
from edgewright.hub.alerting import courier, stored, webhook
from edgewright.hub.app import Hub
from edgewright.hub.problems import StorageProblem
from edgewright.wire import protocol
from tests.hub.alert_servers import Mails, mails, webhooks

NOW = 1_700_000_000.0


async def add(admin: httpx.AsyncClient, status: int = 201, **body: Any) -> dict[str, Any]:
    answer = await admin.post(protocol.RECEIVERS, json=body)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def hook(admin: httpx.AsyncClient, url: str, name: str = "ops", **more: Any) -> dict[str, Any]:
    return await add(admin, name=name, kind="webhook", webhook={"url": url, **more}, repeat=0)


async def status(admin: httpx.AsyncClient, name: str = "ops") -> dict[str, Any]:
    items = (await admin.get(protocol.RECEIVERS)).json()["items"]
    found: dict[str, Any] = next(item for item in items if item["name"] == name)["status"]
    return found


async def soon(true: Callable[[], Any], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.02)


async def drained(admin: httpx.AsyncClient, name: str = "ops") -> dict[str, Any]:
    """Wait until nothing waits for a receiver; returns its status."""
    async with asyncio.timeout(10):
        while (state := await status(admin, name))["waiting"]:
            await asyncio.sleep(0.02)
    return state


def trouble(hub: Hub, code: str = "StorageFull", last: float = NOW) -> None:
    """Make the plane report a problem."""
    hub.alerts.report(
        alerts.Alert(
            uid="plane/storage", kind="plane", subject="management plane", text="cannot store: disk full", message="m",
            hint="Free space.", code=code, project_uid="", host_uids=(), since=last, last=last, quiet=None,
        )
    )  # fmt: skip


async def looks(hub: Hub, count: int = 3) -> None:
    """Let the hub look for problems as it does by itself every few seconds."""
    hub.alerting.rhythm = hub.alerting.incidents.rhythm = hub.alerting.rhythm._replace(wait=0.0)
    hub.alerting._settled = 0.0
    for _ in range(count):
        await hub.alerting.look()


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other quickly."""
    monkeypatch.setattr(courier, "BASE", 0.05)
    monkeypatch.setattr(courier, "CAP", 0.2)


@pytest.fixture
async def served(inside: tuple[Hub, httpx.AsyncClient]) -> tuple[Hub, httpx.AsyncClient]:
    inside[0].alerting.start()
    return inside


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
        assert (await status(admin))["dropped"] == 1


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
    with mails(_folder(tmp_path), tls, "ops", "pass word") as server:
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
    with mails(_folder(tmp_path), kind, user, "right") as server:
        await mail_to(
            admin, server, **{"user": "ops", "password": "right", "ca": server.ca, "tls": "starttls", **change}
        )
        (item,) = (await admin.get(protocol.RECEIVERS)).json()["items"]
        done = (await admin.post(protocol.path(protocol.RECEIVER_TEST, uid=item["uid"]))).json()
        assert not done["delivered"] and told in done["error"] and server.got == []


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pki"
    folder.mkdir(mode=0o700)
    return folder


async def mail_to(admin: httpx.AsyncClient, server: Mails, **more: Any) -> None:
    email = {
        "to": ["ana@example.com", "ben@example.com"], "from": "hub@example.com", "host": "127.0.0.1",
        "port": server.port, "tls": server.tls, **more,
    }  # fmt: skip
    await add(admin, name="mail", kind="email", email=email)


async def test_p58_secrets_are_sealed_and_never_shown(served: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = served
    url, header, key = "https://hooks.example.com/services/T0/PATHSECRET?q=QUERYSECRET", "HEADERSECRET", "KEYSECRET"
    body = '{"routing_key": "BODYSECRET", "text": "{{message}}"}'
    made = await hook(admin, url, headers={"Authorization": header}, key=key, body=body)
    assert "key" not in made
    email = {"to": ["a@b.c"], "from": "h@b.c", "host": "mx", "user": "u", "password": "PASSWORDSECRET"}
    await add(admin, name="mail", kind="email", email=email)
    shown = (await admin.get(protocol.RECEIVERS)).text + (await admin.get(protocol.AUDITS)).text
    shown += "".join(repr(receiver) for receiver in hub.alerting.receivers.values())
    for path in hub.data.glob("hub.db*"):
        shown += path.read_bytes().decode("latin-1")
    assert "hooks.example.com" in shown
    for secret in ("BODYSECRET", "PATHSECRET", "QUERYSECRET", header, key, "PASSWORDSECRET"):
        assert secret not in shown


UNFIT: list[dict[str, Any]] = [
    {"name": "x", "kind": "webhook"},
    {"name": "x", "kind": "sms"},
    {"name": "", "kind": "webhook", "webhook": {"url": "https://a"}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "file:///etc/passwd"}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a:99999/"}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "headers": {"Host": "b"}}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "headers": {"A": "b\r\nC: d"}}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "body": "{"}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "body": '"{{nothing}}"'}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a"}, "repeat": 5},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "ca": "no PEM"}},
    {"name": "x", "kind": "email", "email": {"from": "a@b", "host": "mx"}},
    {"name": "x", "kind": "email", "email": {"to": ["a@b\nBcc: c@d"], "from": "a@b", "host": "mx"}},
    {"name": "x", "kind": "email", "email": {"to": ["a@b"], "from": "a@b", "host": "m x"}},
    {
        "name": "x",
        "kind": "email",
        "email": {"to": ["a@b"], "from": "a@b", "host": "m", "user": "u", "tls": "none"},
    },
]


async def test_p58_what_cannot_work_is_refused(served: tuple[Hub, httpx.AsyncClient]) -> None:
    for body in UNFIT:
        await add(served[1], 422, **body)
    assert (await served[1].get(protocol.RECEIVERS)).json()["items"] == []


async def test_p58_names_are_unique_and_a_deleted_receiver_gets_nothing(
    served: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = served
    with webhooks() as receiver:
        uid = (await hook(admin, receiver.url))["uid"]
        await add(admin, 409, name="ops", kind="webhook", webhook={"url": receiver.url})
        assert (await admin.patch(protocol.path(protocol.RECEIVER, uid=uid), json={"active": False})).status_code == 204
        trouble(hub)
        await looks(hub)
        assert (await admin.delete(protocol.path(protocol.RECEIVER, uid=uid))).status_code == 204
        await looks(hub)
        assert receiver.got == [] and (await admin.get(protocol.RECEIVERS)).json()["items"] == []
    audits = (await admin.get(protocol.AUDITS, params={"resourceKind": "alertreceiver"})).json()["items"]
    texts = [item["spec"]["actionMsg"] for item in audits]
    assert texts[0] == "Alert receiver 'ops' is removed" and texts[-1].startswith(
        "Alert receiver 'ops' is added: webhook"
    )


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
                for waiting in hub.alerting._couriers.values():
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


async def test_p58_a_project_with_a_receiver_is_not_deleted(served: tuple[Hub, httpx.AsyncClient]) -> None:
    _hub, admin = served
    project = (await admin.post("/v1/projects", json={"metadata": {"name": "p"}})).json()["uid"]
    body = {"name": "ops", "kind": "webhook", "webhook": {"url": "https://example.com"}}
    assert (await admin.post(protocol.RECEIVERS, json=body, headers={"ProjectUid": project})).status_code == 201
    refused = await admin.delete(f"/v1/projects/{project}")
    assert refused.status_code == 409 and "alert receiver 'ops'" in refused.json()["message"]


async def test_p58_a_channel_of_palette_is_a_receiver(served: tuple[Hub, httpx.AsyncClient], tmp_path: Path) -> None:
    hub, admin = served
    project = next(iter(hub.state.projects))
    path = f"/v1/projects/{project}/alerts/ClusterHealth"
    with webhooks() as receiver, mails(_folder(tmp_path), "starttls", "ops", "right") as server:
        http = {"method": "POST", "url": receiver.url, "body": '{"text": "{{message}}"}', "headers": {"tag": "Health"}}
        mail = {"type": "email", "isActive": True, "identifiers": ["cy@example.com"]}
        assert (await admin.post(path, json=mail)).status_code == 422, "there is no mail server yet"
        await mail_to(admin, server, user="ops", password="right", ca=server.ca)
        for channel in ({"type": "http", "isActive": True, "http": http}, mail):
            made = await admin.post(path, json=channel)
            assert made.status_code == 201, made.text
        shown = (await admin.get(f"{path}/{made.json()['uid']}")).json()
        assert (shown["type"], shown["identifiers"]) == ("email", ["cy@example.com"])
        trouble(hub)
        await looks(hub)
        await soon(lambda: receiver.got and len(server.got) == 2)
        assert receiver.got[0][1] == b'{"text":"plane: cannot store: disk full"}'
        assert {str(message["To"]) for message in server.got} == {"ana@example.com, ben@example.com", "cy@example.com"}
        assert receiver.got[0][0]["tag"] == "Health"
        assert (await admin.put(path, json={"channels": []})).status_code == 204
        assert [item["name"] for item in (await admin.get(protocol.RECEIVERS)).json()["items"]] == ["mail"]
        missing = await admin.delete(path)
        assert missing.status_code == 404 and "alerts are not found" in missing.json()["message"]
