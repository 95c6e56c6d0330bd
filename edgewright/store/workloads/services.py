"""Rows of services: type, addresses, ports, and the labels of the pods behind them."""

from __future__ import annotations

import msgspec

from edgewright.core.filters.fields import FilterField
from edgewright.store.collections.document_values import tidy
from edgewright.store.table import Column, Facts, Look, Table
from edgewright.store.workloads.objects import Meta, ObjectRow, by_harm, pairs, sign, since_text


class _Port(msgspec.Struct, rename="camel", gc=False):
    name: str = ""
    port: int = 0
    node_port: int = 0
    protocol: str = "TCP"


class _Spec(msgspec.Struct, rename="camel", gc=False):
    type: str = "ClusterIP"
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    external_ips: list[str] | None = msgspec.field(default=None, name="externalIPs")
    external_name: str = ""
    ports: list[_Port] | None = None
    selector: dict[str, str] | None = None


class _Ingress(msgspec.Struct, gc=False):
    ip: str = ""
    hostname: str = ""


class _Balancer(msgspec.Struct, gc=False):
    ingress: list[_Ingress] | None = None


class _Status(msgspec.Struct, rename="camel", gc=False):
    load_balancer: _Balancer = msgspec.field(default_factory=_Balancer)


class Service(msgspec.Struct, gc=False):
    """`v1/Service`, of which only this is decoded."""

    metadata: Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class ServiceRow(ObjectRow, frozen=True, array_like=True, gc=False):
    """One service."""

    type: str = ""
    address: str = ""
    external: str = ""
    ports: str = ""
    selector: tuple[str, ...] = ()
    """Labels of its pods, `key:value`."""


def service_row(service: Service) -> ServiceRow:
    """Return the row of a service; one of type LoadBalancer without an address waits for it."""
    meta, spec = service.metadata, service.spec
    given = [each.ip or each.hostname for each in service.status.load_balancer.ingress or ()]
    external = [*given, *(spec.external_ips or ()), *([spec.external_name] if spec.external_name else ())]
    waits = spec.type == "LoadBalancer" and not external
    ports = ",".join(
        f"{each.port}{f':{each.node_port}' if each.node_port else ''}/{each.protocol}" for each in spec.ports or ()
    )
    return ServiceRow(
        uid=meta.key,
        name=tidy(meta.name),
        namespace=tidy(meta.namespace),
        health="work" if waits else "ok",
        created=meta.created,
        tags=meta.tags(),
        type=tidy(spec.type),
        address=tidy(spec.cluster_ip),
        external="pending" if waits else tidy(",".join(external)),
        ports=tidy(ports),
        selector=pairs(spec.selector),
    )


def _facts(row: ServiceRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("type", row.type),
        ("address", row.address or "-"),
        (
            "external",
            f"{row.external}: no load balancer has given it an address yet"
            if row.health == "work"
            else row.external or "-",
        ),
        ("ports", row.ports or "-"),
        ("pods", ", ".join(each.replace(":", "=", 1) for each in row.selector) or "- (no selector)"),
        ("namespace", row.namespace),
        ("age", since_text(row.created, look.now)),
    )
    return (("SERVICE", facts),)


TABLE: Table[ServiceRow] = Table(
    "service",
    columns=(
        Column("sign", "", 1, value=lambda row, look: sign(row), tone=lambda row: row.health, order=by_harm),
        Column("name", "SERVICE", 16, most=44, tone="strong"),
        Column("namespace", "NAMESPACE", 9, most=20),
        Column("type", "TYPE", 9, most=12),
        Column("address", "CLUSTER-IP", 11, most=39),
        Column("external", "EXTERNAL", 8, most=39, tone=lambda row: "work" if row.health == "work" else ""),
        Column("ports", "PORTS", 10, most=40),
        Column("created", "AGE", 4, right=True, age=True, tone="muted"),
        Column("selector", "SELECTOR", 12, weight=3, tone="muted",
               value=lambda row, look: ", ".join(each.replace(":", "=", 1) for each in row.selector)),
    ),
    listing=("name", "namespace", "type", "address", "external", "ports", "created"),
    fields=(
        FilterField("name", "text", "name of the service", searched=True),
        FilterField("namespace", "word", "its namespace", aliases=("ns",), searched=True),
        FilterField("type", "word", "ClusterIP, NodePort, LoadBalancer or ExternalName", searched=True),
        FilterField("address", "text", "its address in the cluster", aliases=("ip",), searched=True),
        FilterField("external", "text", "its addresses outside", searched=True),
        FilterField("port", "text", "its ports", source="ports", aliases=("ports",), searched=True),
        FilterField("label", "tags", "a label: label:key, label.key:value", source="tags", aliases=("tag", "tags")),
        FilterField("age", "age", "time since it was created", source="created"),
    ),
    example="type:LoadBalancer  namespace:shop  port:443",
    facts=_facts,
    headline=lambda row: f"{row.namespace}/{row.name}: {row.type}",
    nothing="No services here.",
    sort="sign",
)  # fmt: skip
