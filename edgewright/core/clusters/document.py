"""Reading, writing and naming a cluster document: strict, bounded, and the same bytes on every member.

`digest` is the name of its content. It leaves out where the document is in the plane's history, its signature, the
approval, and the proof of formation, so these may change while the content stays the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any, Dict, Mapping, Union

from edgewright.core.clusters import model
from edgewright.core.clusters.fields import (
    Address,
    Choice,
    Flag,
    Integer,
    Json,
    ListOf,
    MapOf,
    Notes,
    Nullable,
    Record,
    Text,
    encode,
    parse,
)
from edgewright.core.clusters.model import ClusterDocument
from edgewright.core.errors import InvalidDocument
from edgewright.core.generations import MAX_GENERATION
from edgewright.core.text import clean

MAX_DOCUMENT = 256 * 1024
"""Bytes of the canonical form."""
MAX_MEMBERS = 500
UNNAMED = ("lineage", "generation", "digest", "sig", "change")
"""Properties that the digest leaves out, besides `bootstrap.done`."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"

UID = Text("an id of letters, digits and '-'", r"[A-Za-z0-9-]+", 64, 1)
HOST_UID = Text("the UID of a host", r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?", 128, 1)
NAME = Text("a name of small letters, digits and '-'", _LABEL, 63, 1)
NODE_NAME = Text("a node name: small letters, digits, '-' and '.'", _DNS_NAME, 253, 1)
LINEAGE = Text("16 hex digits", r"(?:[0-9a-f]{16})?", 16)
GENERATION = Integer(1, MAX_GENERATION)
SHA256 = Text("64 hex digits (SHA-256)", r"[0-9a-f]{64}", 64, 64)
SHA256_OR_EMPTY = Text("64 hex digits (SHA-256) or empty", r"(?:[0-9a-f]{64})?", 64)
DIGEST = Text("a digest such as sha256:<64 hex digits>", r"sha256:[0-9a-f]{64}", 71, 71)
REF = Text("a reference such as registry/path:tag", r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]*", 512, 1)
NIC = Text("a network interface", r"(?:[^\s/\x00-\x1f\x7f]+)?", 15)
WHEN = Text("a time such as 2026-11-28T22:00:00Z", r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)?", 30)
FREE = Text("one line of text", r"[^\x00-\x1f\x7f]*", 253)
ANNOTATION = dataclasses.replace(FREE, limit=1024)
NAMESPACE = Text("a namespace", rf"(?:{_LABEL})?", 63)
RELEASE = Text("the name of a helm release", rf"(?:{_LABEL})?", 53)
LABEL_KEY = Text("the key of a label", rf"(?:{_DNS_NAME}/)?{_PART}", 317, 1)
LABEL_VALUE = Text("the value of a label", rf"(?:{_PART})?", 63)
WAIT_FOR = Text("an object such as daemonset/namespace/name", r"[a-z]+(?:/[A-Za-z0-9._:-]+){1,2}", 400, 1)
CIDRS = Text("one network, or one each of IPv4 and IPv6 with a comma", r"[0-9A-Fa-f.:/]+(?:,[0-9A-Fa-f.:/]+)?", 90, 3)

ARTEFACT = Record(model.Artefact, ref=REF, digest=DIGEST)
SIGNATURE = Record(
    model.Signature,
    key_id=Text("the id of a key", r"[A-Za-z0-9:._-]+", 128, 1),
    alg=Choice(("ecdsa-p256-sha256",)),
    value=Text("a signature in base64", r"[A-Za-z0-9+/]+={0,2}", 200, 8),
)
KUBERNETES = Record(
    model.Kubernetes,
    distribution=Choice((model.KUBEADM, model.K3S)),
    version=Text("a version such as v1.36.3", r"v\d{1,3}\.\d{1,3}\.\d{1,3}(?:[-+][0-9A-Za-z.+-]{1,40})?", 60, 6),
    config=Json(),
)
ENDPOINT = Record(
    model.Endpoint,
    host=Text("an address or a DNS name", r"[0-9A-Za-z.:-]+", 253, 1),
    kind=Choice((model.VIP, model.DNS)),
    port=Integer(1, 65535),
    nic=NIC,
    sans=ListOf(Text("an address or a DNS name", r"(?:\*\.)?[0-9A-Za-z.:-]+", 253, 1), 50),
)
DONE = Record(
    model.Done,
    at=dataclasses.replace(WHEN, least=20),
    ca_spki_sha256=SHA256,
    kube_system_uid=Text("the UID of the namespace kube-system", r"[0-9a-f-]{36}", 36, 36),
)
BOOTSTRAP = Record(model.Bootstrap, init_host_uid=HOST_UID, epoch=Integer(1, 1_000_000), done=Nullable(DONE))
TAINT = Record(
    model.Taint,
    key=LABEL_KEY,
    effect=Choice(("NoSchedule", "PreferNoSchedule", "NoExecute")),
    value=LABEL_VALUE,
)
MEMBER = Record(
    model.Member,
    host_uid=HOST_UID,
    node_name=NODE_NAME,
    role=Choice((model.CONTROL_PLANE, model.WORKER)),
    pool=NAME,
    address=Address(),
    nic=NIC,
    peer_spki=SHA256_OR_EMPTY,
    join_epoch=Integer(1, 1_000_000),
    state=Choice((model.PRESENT, model.ABSENT)),
    release_id=Text("a release id", r"[A-Za-z0-9-]*", 64),
    lost=Flag(),
    cordoned=Flag(),
    labels=MapOf(LABEL_KEY, LABEL_VALUE),
    annotations=MapOf(LABEL_KEY, ANNOTATION),
    taints=ListOf(TAINT, 50),
)
DRAIN = Record(
    model.Drain,
    mode=Choice((model.AUTO, model.ALWAYS, model.NEVER)),
    timeout_seconds=Integer(1, 86_400),
    disable_eviction=Flag(),
)
POOL = Record(model.Pool, name=NAME, max_unavailable=Integer(1, MAX_MEMBERS), drain=DRAIN, paused=Flag())
DRIFT = Record(
    model.Drift,
    mode=Choice((model.ENFORCE, model.REPORT, model.OFF)),
    ignore=ListOf(dataclasses.replace(FREE, least=1), 100),
)
LAYER = Record(
    model.Layer,
    name=NAME,
    order=Integer(0, 10_000),
    kind=Choice((model.HELM, model.MANIFEST)),
    content=ListOf(SHA256, 101),
    namespace=NAMESPACE,
    release=RELEASE,
    values=SHA256_OR_EMPTY,
    wait_for=ListOf(WAIT_FOR, 50),
    drift=DRIFT,
    on_remove=Choice((model.DELETE, model.ORPHAN)),
    hooks_once=Flag(),
)
IMAGE = Record(model.Image, ref=REF, digest=DIGEST, layer=Text("the name of a layer", rf"(?:{_LABEL})?", 63))
HOST_SETTINGS = Record(
    model.HostSettings,
    ntp=ListOf(Text("a time server", r"[0-9A-Za-z.:-]+", 253, 1), 16),
    ssh_keys=ListOf(Text("a public SSH key", r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+(?: [^\x00-\x1f\x7f]*)?", 16_384, 8), 100),
)
WINDOW = Record(
    model.Window,
    days=ListOf(Choice(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")), 7),
    start=Text("a time of day such as 02:30", r"(?:[01]\d|2[0-3]):[0-5]\d", 5, 5),
    minutes=Integer(1, 1440),
)
POLICY = Record(
    model.Policy,
    windows=ListOf(WINDOW, 50),
    timezone=Text("a time zone such as Europe/Berlin", r"[A-Za-z0-9+_/-]+", 64, 1),
    cert_renew_days=Integer(1, 300),
    snapshot=Record(model.Snapshot, every_hours=Integer(0, 8760), count=Integer(1, 100)),
    failed_targets=ListOf(Record(model.FailedTarget, host_uid=HOST_UID, digest=DIGEST), MAX_MEMBERS),
)
CHANGE = Record(
    model.Change, uid=UID, approved_generation=Integer(0, MAX_GENERATION), not_before=WHEN, base=SHA256_OR_EMPTY
)
DOCUMENT = Record(
    ClusterDocument,
    uid=UID,
    name=NAME,
    lineage=LINEAGE,
    generation=GENERATION,
    kubernetes=KUBERNETES,
    tree=ARTEFACT,
    endpoint=ENDPOINT,
    network=Record(model.Network, pod_cidr=CIDRS, service_cidr=CIDRS),
    bootstrap=BOOTSTRAP,
    members=ListOf(MEMBER, MAX_MEMBERS),
    digest=SHA256_OR_EMPTY,
    simulated=Flag(),
    author=Choice((model.PLANE, model.SITE)),
    sig=Nullable(SIGNATURE),
    os_image=Nullable(ARTEFACT),
    pools=ListOf(POOL, 50),
    layers=ListOf(LAYER, 200),
    images=ListOf(IMAGE, 1000),
    host_settings=HOST_SETTINGS,
    policy=POLICY,
    change=Nullable(CHANGE),
)
"""The document; the JSON schema is written from this declaration."""


def read(value: Union[bytes, str, Mapping[str, Any]]) -> ClusterDocument:
    """Return a document from JSON text or from parsed JSON.

    Raises `InvalidDocument` with path and sentence of everything that is wrong, also when it is larger than
    `MAX_DOCUMENT` or when it names a digest that is not that of its content.
    """
    notes = Notes()
    body: Any = value
    if isinstance(value, (bytes, str)):
        # White space is not part of the canonical form: four times its size is enough for any layout.
        body = parse(
            value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value, 4 * MAX_DOCUMENT, notes
        )
    document = DOCUMENT.read(body, "", notes) if not notes.problems else None
    if isinstance(document, ClusterDocument) and not notes.problems:
        size = len(canonical(document))
        if size > MAX_DOCUMENT:
            notes.add(
                "", f"has {size} bytes; {MAX_DOCUMENT} are allowed", "Move values and manifests to blobs.", "TooLarge"
            )
        elif document.digest and document.digest != digest(document):
            message = f"is {document.digest[:12]}, but the content has {digest(document)[:12]}"
            notes.add("digest", message, "Fetch the document again.", "DigestMismatch")
        else:
            return document
    name = body.get("name") if isinstance(body, Mapping) else None
    what = (
        f"The document of the cluster {clean(name, 63)}" if isinstance(name, str) and name else "The cluster document"
    )
    raise InvalidDocument(what, notes.problems)


def as_json(document: ClusterDocument) -> Dict[str, Any]:
    """Return the JSON form with every property."""
    result: Dict[str, Any] = DOCUMENT.write(document, True)
    return result


def canonical(document: ClusterDocument) -> bytes:
    """Return the document as bytes that are the same on every member.

    Properties at their default are left out, so a property that a later release adds does not change older documents.
    """
    return encode(DOCUMENT.write(document, False))


def digest(document: ClusterDocument) -> str:
    """Return the SHA-256 of the content as hex; see `UNNAMED` for what it leaves out."""
    body = {name: value for name, value in DOCUMENT.write(document, False).items() if name not in UNNAMED}
    body["bootstrap"] = {name: value for name, value in body["bootstrap"].items() if name != "done"}
    return hashlib.sha256(encode(body)).hexdigest()


def sealed(document: ClusterDocument) -> ClusterDocument:
    """Return the document with its digest."""
    return dataclasses.replace(document, digest=digest(document))
