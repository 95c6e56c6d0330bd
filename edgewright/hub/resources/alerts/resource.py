"""Alerts, who handles them, and their receivers, as the hub knows them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from edgewright.hub.db import alerts, schema
from edgewright.hub.db.alerts import Alert, load_alerts
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.resource import Resource
from edgewright.hub.resources.alerts import engine, handling_routes, palette, routes
from edgewright.hub.resources.alerts.certificates import OwnCertificates
from edgewright.hub.resources.alerts.handling import Handling, HandlingRecord
from edgewright.hub.resources.alerts.incident import Incident
from edgewright.hub.resources.alerts.receivers import Receiver
from edgewright.hub.resources.alerts.stored import load_incidents
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _load(connection: Connection, state: State) -> None:
    state.loaded[Alert] = list(load_alerts(connection).values())
    state.loaded[HandlingRecord] = [
        HandlingRecord(**row._mapping) for row in connection.execute(select(schema.handling))
    ]
    state.loaded[Receiver] = [Receiver(**row._mapping) for row in connection.execute(select(schema.alert_receivers))]
    state.loaded[Incident] = list(load_incidents(connection))


def _parts(hub: Services) -> tuple[object, ...]:
    loaded = hub.state.loaded
    hub.alerts.load(loaded.pop(Alert, ()))
    records = {record.key: record for record in loaded.pop(HandlingRecord, ())}
    alerting = engine.Alerting(hub, loaded.pop(Receiver, []), loaded.pop(Incident, []))
    return (Handling(records, hub.changes), alerting, OwnCertificates())


def _follows(hub: Services) -> tuple[Follow, ...]:
    handling, alerting = hub.part(Handling), hub.part(engine.Alerting)
    return (
        Follow(
            Alert, "alert", hub.alerts.take, hub.alerts.forget, load_alerts,
            project=lambda alert: str(alert.project_uid),
        ),
        Follow(
            HandlingRecord, "handling", handling.take, handling.drop, rows(schema.handling, HandlingRecord, "key"),
            uid=lambda record: str(record.key), project=lambda record: str(record.project_uid), publishes=True,
        ),
        Follow(Receiver, "receiver", alerting.put, alerting.drop, rows(schema.alert_receivers, Receiver), kind=""),
    )  # fmt: skip


def _handling(hub: Services, key: str) -> dict[str, Any] | None:
    record = hub.part(Handling).get(key)
    return None if record is None else record.document()


def _alert(hub: Services, uid: str) -> dict[str, Any] | None:
    alert = hub.alerts.get(uid)
    return None if alert is None else alert.document()


RESOURCE = Resource(
    "alert",
    routes=(*handling_routes.ROUTES, *routes.ROUTES, *palette.ROUTES),
    tables=(alerts.TABLE, schema.handling, schema.alert_receivers, schema.alert_problems, schema.alert_outbox),
    load=_load,
    parts=_parts,
    follows=_follows,
    render={"alert": _alert, "handling": _handling},
    sweeps=(engine.run,),
    own_paths=(protocol.HANDLING, protocol.RECEIVERS),
)
