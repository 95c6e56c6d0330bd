"""Rule P58: what a receiver may be, what is shown of it, and Palette's own paths for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.hub.process.app import Hub
from edgewright.hub.resources.alerts import webhook
from edgewright.hub.resources.alerts.engine import Alerting
from edgewright.hub.resources.alerts.incidents import OPENED, Incident, Message
from edgewright.hub.resources.alerts.message import document, mail_text
from edgewright.wire import protocol
from tests.hub.alert_servers import mails, webhooks
from tests.hub.alerting import NOW, add, folder_of, hook, looks, mail_to, soon, trouble


async def test_p58_secrets_are_sealed_and_never_shown(served: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = served
    url, header, key = "https://hooks.example.com/services/T0/PATHSECRET?q=QUERYSECRET", "HEADERSECRET", "KEYSECRET"
    body = '{"routing_key": "BODYSECRET", "text": "{{message}}"}'
    made = await hook(admin, url, headers={"Authorization": header}, key=key, body=body)
    assert "key" not in made
    email = {"to": ["a@b.c"], "from": "h@b.c", "host": "mx", "user": "u", "password": "PASSWORDSECRET"}
    await add(admin, name="mail", kind="email", email=email)
    shown = (await admin.get(protocol.RECEIVERS)).text + (await admin.get(protocol.AUDITS)).text
    shown += "".join(repr(receiver) for receiver in hub.part(Alerting).receivers.values())
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
    *(
        {"name": "x", "kind": "webhook", "webhook": {"url": url}}
        for url in (
            "https://a:99999/",
            "https://a:0/",
            "https://[::1",
            "https://[zz]/",
            "https://[v1.x]/",
            "https://%00/",
            "https://a..b/",
            "https://*/",
            "https://a\\b/",
            "https://1.1.1.1.1/",
            f"https://{'a' * 64}.de/",
        )
    ),
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "headers": {"Host": "b"}}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "headers": {"A": "b\r\nC: d"}}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "body": "{"}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "body": '"{{nothing}}"'}},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a"}, "repeat": 5},
    {"name": "x", "kind": "webhook", "webhook": {"url": "https://a", "ca": "no PEM"}},
    {"name": "x", "kind": "email", "email": {"from": "a@b", "host": "mx"}},
    {"name": "x", "kind": "email", "email": {"to": ["a@b\nBcc: c@d"], "from": "a@b", "host": "mx"}},
    {"name": "x", "kind": "email", "email": {"to": ["a@b"], "from": "a@b", "host": "m x"}},
    {"name": "x", "kind": "email", "email": {"to": ["a@b"], "from": "a@b", "host": ".."}},
    {"name": "x", "kind": "email", "email": {"to": ["a@b"], "from": "a@b", "host": "mx", "port": -1}},
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


@pytest.mark.parametrize(
    "server", ["a_b.c", "mx.example.com.", "10.0.0.1", "[fd00::1]", "localhost", "xn--bcher-kva.de"]
)
async def test_p58_names_and_addresses_of_servers_are_taken(served: tuple[Hub, httpx.AsyncClient], server: str) -> None:
    await hook(served[1], f"https://{server}:8443/x")
    email = {"to": ["a@b.c"], "from": "h@b.c", "host": server.strip("[]")}
    await add(served[1], name="mail", kind="email", email=email)


def test_p58_the_command_in_an_e_mail_is_safe_to_paste() -> None:
    problem = {"kind": "silent", "subject": "x", "text": "silent", "hosts": 3}
    incident = Incident("site/x", "", "site/x; rm -rf ~/silent", NOW, problem)
    doc = document(Message("r", OPENED, incident, problem), "d", ("", ""), None, NOW)
    assert mail_text(doc)[1].splitlines()[-1].endswith("acknowledge 'site/x; rm -rf ~/silent'")


async def test_p58_an_error_of_the_hub_itself_is_a_failed_test(
    served: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise KeyError("PATHSECRET")

    monkeypatch.setattr(webhook, "send", broken)
    uid = (await hook(served[1], "https://a/PATHSECRET"))["uid"]
    answer = await served[1].post(protocol.path(protocol.RECEIVER_TEST, uid=uid))
    assert answer.json()["error"] == "Internal error (KeyError); see hub.log."


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
    with webhooks() as receiver, mails(folder_of(tmp_path), "starttls", "ops", "right") as server:
        http = {"method": "POST", "url": receiver.url, "body": '{"text": "{{message}}"}', "headers": {"tag": "Health"}}
        mail = {"type": "email", "isActive": True, "identifiers": ["cy@example.com"]}
        assert (await admin.post(path, json=mail)).status_code == 422, "there is no mail server yet"
        elsewhere = {"to": ["a@b.c"], "from": "h@b.c", "host": "mx", "user": "u", "password": "p"}
        headers = {"ProjectUid": (await admin.post("/v1/projects", json={"metadata": {"name": "other"}})).json()["uid"]}
        other = await admin.post(
            protocol.RECEIVERS, json={"name": "o", "kind": "email", "email": elsewhere}, headers=headers
        )
        assert other.status_code == 201
        assert (await admin.post(path, json=mail)).status_code == 422, "that of another project is none"
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
        assert [item["name"] for item in (await admin.get(protocol.RECEIVERS)).json()["items"]] == ["mail", "o"]
        missing = await admin.delete(path)
        assert missing.status_code == 404 and "alerts are not found" in missing.json()["message"]


async def test_p58_a_channel_that_is_sent_back_as_shown_keeps_its_secrets(
    served: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = served
    project = next(iter(hub.state.projects))
    with webhooks() as receiver:
        body, headers = '{"text": "{{event}}"}', {"Authorization": "HEADERSECRET"}
        made = await admin.post(
            protocol.RECEIVERS,
            headers={"ProjectUid": project},
            json={"name": "ops", "kind": "webhook", "repeat": 600, "webhook": {
                "url": receiver.url, "headers": headers, "body": body, "key": "KEYSECRET"}},
        )  # fmt: skip
        uid = made.json()["uid"]
        path = f"/v1/projects/{project}/alerts/ClusterHealth/{uid}"
        before = hub.part(Alerting).receivers[uid]
        shown = (await admin.get(path)).json()
        assert "SECRET" not in str(shown) and "secret-path" not in str(shown) and "{{event}}" not in str(shown)
        for where, channel in ((path, shown), (path.rpartition("/")[0], {"channels": [shown]})):
            answer = await admin.put(where, json=channel)
            assert answer.status_code == 204, answer.text
            after = hub.part(Alerting).receivers[uid]
            assert after.secrets(hub.box) == before.secrets(hub.box) and after.config == before.config
