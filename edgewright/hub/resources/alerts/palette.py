"""Palette's own paths for alerts (`v1Channel` per project and component), on the same receivers (rule P58).

A channel of type `http` is a webhook with Palette's body, one of type `email` needs a mail server, which Palette has in
its system settings: here it is that of an e-mail receiver which exists already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.records import dump
from edgewright.hub.http import problems
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.alerts import receivers, shapes, stored
from edgewright.hub.resources.alerts.engine import Alerting
from edgewright.hub.resources.alerts.message import COMPONENT
from edgewright.hub.resources.alerts.receivers import EMAIL, WEBHOOK, Receiver, configure, seal
from edgewright.hub.resources.alerts.routes import KIND, add, change

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

COMPONENTS = "/v1/projects/alerts"
CHANNELS = "/v1/projects/{uid}/alerts/{component}"
CHANNEL = "/v1/projects/{uid}/alerts/{component}/{alertUid}"
MASK = "********"
"""What is shown in place of a secret; sent back it leaves the stored one as it is."""
_TABLE = schema.alert_receivers


async def components(call: Call) -> Response:
    """List what alerts can be about (`v1ProjectAlertComponents`)."""
    about = "Health of the hosts and of the management plane"
    item = {"name": COMPONENT, "description": about, "supportedChannels": ["email", "http"]}
    return call.json({"components": [item]})


def _check(call: Call) -> None:
    if call.uid not in call.hub.state.projects:
        raise not_found("project", call.uid)
    if call.params["component"] != COMPONENT:
        raise not_found("alert component", call.params["component"])


def _of_project(call: Call) -> list[Receiver]:
    return [receiver for receiver in call.hub.part(Alerting).receivers.values() if receiver.project_uid == call.uid]


def _find(call: Call) -> Receiver:
    _check(call)
    receiver = call.hub.part(Alerting).receivers.get(call.params["alertUid"])
    if receiver is None or receiver.project_uid != call.uid:
        raise not_found("alert channel", call.params["alertUid"])
    return receiver


def _channel(receiver: Receiver) -> dict[str, Any]:
    """Return a receiver as `v1Channel`; the path of its URL, its body and the values of its headers are not shown."""
    config, document = receiver.config, receiver.document(0)["status"]
    failed = bool(receiver.last_error)
    moment = document["lastFailure"] if failed else document["lastSuccess"]
    channel: dict[str, Any] = {
        "uid": receiver.uid,
        "type": "http" if receiver.kind == WEBHOOK else "email",
        "isActive": receiver.active,
        "alertAllUsers": False,
        "createdBy": "",
        "identifiers": config.get("to", []),
        "status": {"isSucceeded": not failed, "message": receiver.last_error, "time": moment or times.ZERO},
    }
    if receiver.kind == WEBHOOK:
        headers, body = dict.fromkeys(config["headers"], MASK), MASK if config["ownBody"] else ""
        channel["http"] = {"method": "POST", "url": config["target"], "headers": headers, "body": body}
    return channel


def _settings(
    call: Call, channel: dict[str, Any], before: Receiver | None = None
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return kind, open and sealed settings of a `v1Channel`, which replaces `before`; raises 422."""
    if before is not None:
        channel = _unmasked(call, before, channel)
    kind, http = str(channel.get("type") or ""), channel.get("http") or {}
    if kind == "http":
        if str(http.get("method") or "POST").upper() != "POST":
            raise problems.invalid(problems.ENUM, "http.method in body should be POST")
        config, secret = configure(WEBHOOK, {"webhook": http})
        return WEBHOOK, config, secret
    if kind != "email":
        raise problems.invalid(problems.ENUM, "type in body should be one of [email http]")
    server = _mail_server(call, before if before is not None and before.kind == EMAIL else None)
    config, secret = configure(EMAIL, {"email": {**server, "to": channel.get("identifiers") or []}})
    return EMAIL, config, secret


def _unmasked(call: Call, before: Receiver, channel: dict[str, Any]) -> dict[str, Any]:
    """Return a channel with the stored secrets where it has what `_channel` shows for them."""
    http = channel.get("http") or {}
    if before.kind != WEBHOOK or channel.get("type") != "http" or not http:
        return channel
    secret = before.secrets(call.hub.box)
    headers = {name: secret["headers"].get(name, text) if text == MASK else text
               for name, text in (http.get("headers") or {}).items()}  # fmt: skip
    http = {**http, "headers": headers}
    if http.get("url") == before.config["target"]:
        http["url"] = secret["url"]
    if http.get("body") == MASK:
        http["body"] = secret["body"]
    return {**channel, "http": http}


def _mail_server(call: Call, before: Receiver | None = None) -> dict[str, Any]:
    known, scopes = call.hub.part(Alerting).receivers.values(), (call.uid, "")  # never the login of another project
    every = [receiver for receiver in known if receiver.kind == EMAIL and receiver.project_uid in scopes]
    every = [before] if before is not None else every
    every.sort(key=lambda receiver: (receiver.project_uid != call.uid, receiver.created))
    if not every:
        message = (
            "type in body: this hub knows no mail server yet; add an e-mail receiver by `alert receiver add` first"
        )
        raise problems.invalid(problems.REQUIRED, message)
    server = {**every[0].config, **every[0].secrets(call.hub.box)}
    return {name: server[name] for name in ("from", "host", "port", "tls", "user", "password", "ca")}


async def create(call: Call) -> Response:
    """Add a channel to a project (`v1Channel`)."""
    channel = await call.body()
    _check(call)
    receiver = await _create(call, channel)
    return call.created(receiver.uid)


async def _create(call: Call, channel: dict[str, Any]) -> Receiver:
    kind, config, secret = _settings(call, channel)
    taken = {receiver.name for receiver in _of_project(call)}
    names = (f"{COMPONENT}-{channel['type']}-{number}" for number in range(1, receivers.MOST + 2))
    name = next(name for name in names if name not in taken)
    return await add(call, name, kind, config, secret, call.uid, active=bool(channel.get("isActive")))


async def get(call: Call) -> Response:
    """Return one channel."""
    return call.json(_channel(_find(call)))


async def update(call: Call) -> Response:
    """Replace the settings of a channel."""
    channel = await call.body()
    await _update(call, _find(call), channel)
    return call.empty()


async def _update(call: Call, before: Receiver, channel: dict[str, Any]) -> None:
    kind, config, secret = _settings(call, channel, before)
    if kind != before.kind:
        raise problems.invalid(problems.ENUM, "type in body: the type of a channel does not change; add another one")
    config["repeat"] = before.config["repeat"]
    if kind == WEBHOOK:  # what Palette has no field for stays
        config["ca"], secret["key"] = before.config["ca"], before.secrets(call.hub.box)["key"]
    doc, sealed, active = dump(config), seal(call.hub.box, secret), bool(channel.get("isActive"))

    def job(tx: Tx) -> None:
        changes: dict[str, Any] = {"doc": doc, "secret_encrypted": sealed, "active": active, "modified": tx.now}
        change(tx, before.uid, **changes)
        text = f"Alert receiver '{before.name}' is changed: {kind} to {config['target']}"
        call.audit(tx, "update", KIND, before.uid, before.name, text, before.project_uid)

    await call.write(job)


async def _delete(call: Call, removed: list[Receiver]) -> None:
    def job(tx: Tx) -> None:
        for receiver in removed:
            tx.run(_TABLE.delete().where(_TABLE.c.uid == receiver.uid))
            stored.delete_messages_of(tx, receiver.uid)
            text = f"Alert receiver '{receiver.name}' is removed"
            call.audit(tx, "delete", KIND, receiver.uid, receiver.name, text, receiver.project_uid)
            tx.removed(receiver)

    await call.write(job)


async def delete(call: Call) -> Response:
    """Delete one channel."""
    await _delete(call, [_find(call)])
    return call.empty()


async def replace(call: Call) -> Response:
    """Set all channels of a project (`v1AlertEntity`): add those without uid, delete those that are not named."""
    body = await call.body()
    _check(call)
    channels, mine = body.get("channels") or [], {receiver.uid: receiver for receiver in _of_project(call)}
    for channel in channels:
        uid = str(channel.get("uid") or "")
        if uid and uid not in mine:
            raise not_found("alert channel", uid)
        _settings(call, channel, mine.get(uid))  # all are looked at before any is changed
    named = {str(channel.get("uid") or "") for channel in channels}
    await _delete(call, [receiver for uid, receiver in mine.items() if uid not in named])
    for channel in channels:
        uid = str(channel.get("uid") or "")
        if uid:
            await _update(call, mine[uid], channel)
        else:
            await _create(call, channel)
    return call.empty()


async def delete_all(call: Call) -> Response:
    """Delete all channels of a project."""
    _check(call)
    mine = _of_project(call)
    if not mine:
        name = call.hub.state.projects[call.uid].name
        raise Problem(404, "ResourceNotFound", f"Project '{name}' '{COMPONENT}' alerts are not found.")
    await _delete(call, mine)
    return call.empty()


ROUTES = (
    Route("GET", COMPONENTS, Access.READ, components),
    Route("POST", CHANNELS, Access.WRITE, create, On.TENANT, body=shapes.CHANNEL),
    Route("PUT", CHANNELS, Access.WRITE, replace, On.TENANT, body=shapes.ALERT_ENTITY),
    Route("DELETE", CHANNELS, Access.WRITE, delete_all, On.TENANT),
    Route("GET", CHANNEL, Access.READ, get, On.PROJECT),
    Route("PUT", CHANNEL, Access.WRITE, update, On.TENANT, body=shapes.CHANNEL),
    Route("DELETE", CHANNEL, Access.WRITE, delete, On.TENANT),
)
