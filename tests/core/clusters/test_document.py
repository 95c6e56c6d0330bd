"""The cluster document: strict and bounded reading, the same bytes everywhere, a digest that names the content."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import jsonschema
import pytest

from edgewright.core.clusters import model
from edgewright.core.clusters.document import (
    DOCUMENT,
    MAX_DOCUMENT,
    as_json,
    canonical,
    digest,
    read,
    sealed,
)
from edgewright.core.clusters.fields import Integer, Record
from edgewright.core.clusters.schema import schema
from edgewright.core.errors import InvalidDocument
from edgewright.core.generations import is_late
from tests.core.clusters.documents import DONE, body, document, sha
from tests.support import ROOT

SCHEMA = ROOT / "docs" / "schemas" / "cluster-document.json"


def wrong(value: Any) -> list[str]:
    """Return path and sentence of each problem."""
    with pytest.raises(InvalidDocument) as raised:
        read(value)
    return [f"{problem.key}: {problem.message}" for problem in raised.value.problems]


def test_a_document_survives_reading_and_writing_in_each_form() -> None:
    first = document(3, 2)
    assert first == read(as_json(first)) == read(canonical(first)) == read(json.dumps(as_json(first), indent=4))
    assert canonical(first) == canonical(read(as_json(first)))
    assert b" " not in canonical(first).replace(b"edgewright", b"")
    assert set(as_json(first)) == {DOCUMENT.names[name] for name in DOCUMENT.shapes}
    assert first.members[0].peer_spki == sha("peer-1")


def test_the_bytes_and_the_digest_do_not_depend_on_order_or_spelled_out_defaults() -> None:
    plain = body()
    full = as_json(read(plain))
    turned = {name: full[name] for name in reversed(list(full))}
    assert canonical(read(plain)) == canonical(read(full)) == canonical(read(turned))


def test_the_digest_leaves_out_history_approval_and_proof_and_nothing_else() -> None:
    first = document()
    assert first.digest == digest(first)
    same: list[dict[str, Any]] = [
        {"lineage": "ffffffffffffffff"},
        {"generation": 7},
        {"digest": ""},
        {"change": model.Change("ch1", 4)},
        {"sig": model.Signature("k", "ecdsa-p256-sha256", "QUJDREVGRw==")},
        {"bootstrap": dataclasses.replace(first.bootstrap, done=model.Done(**_snake(DONE)))},
    ]
    for change in same:
        assert digest(dataclasses.replace(first, **change)) == first.digest, change
    left_out = {"lineage", "generation", "digest", "sig", "change"}
    for name in set(DOCUMENT.shapes) - left_out:
        value = as_json(first)[DOCUMENT.names[name]]
        other = dataclasses.replace(first, **{name: _other(name, first, value)})
        assert digest(other) != first.digest, name


def _snake(done: dict[str, str]) -> dict[str, str]:
    return {"at": done["at"], "ca_spki_sha256": done["caSpkiSha256"], "kube_system_uid": done["kubeSystemUid"]}


def _other(name: str, first: model.ClusterDocument, value: Any) -> Any:
    others: dict[str, Any] = {
        "kubernetes": dataclasses.replace(first.kubernetes, version="v1.36.4"),
        "tree": dataclasses.replace(first.tree, ref="registry.lab:5000/other"),
        "endpoint": dataclasses.replace(first.endpoint, sans=("api.kiel.example",)),
        "network": dataclasses.replace(first.network, pod_cidr="10.245.0.0/16"),
        "bootstrap": dataclasses.replace(first.bootstrap, epoch=2),
        "author": model.SITE,
        "os_image": first.tree,
        "host_settings": model.HostSettings(ntp=("10.66.0.1",)),
        "policy": model.Policy(cert_renew_days=20),
        "simulated": True,
    }
    if name in others:
        return others[name]
    current = getattr(first, name)
    return current + "x" if isinstance(current, str) else current[:-1]


def test_a_digest_that_does_not_match_is_refused() -> None:
    other = {**as_json(document()), "name": "lubeck"}
    (sentence,) = wrong(other)
    assert sentence.startswith("digest: is ") and "but the content has" in sentence


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("name", "Kiel 1", "name: must be a name of small letters, digits and '-', not 'Kiel 1'"),
        ("generation", True, "generation: must be a number from 1 to 2147483647, not true or false"),
        ("generation", 0, "generation: must be a number from 1 to 2147483647, not 0"),
        ("lineage", "xyz", "lineage: must be 16 hex digits, not 'xyz'"),
        ("members.1.address", "10.66.0.012", "members[1].address: must be an IPv4 or IPv6 address, not '10.66.0.012'"),
        ("members.1.address", "FE80::0:1", "members[1].address: must be written as fe80::1, not 'FE80::0:1'"),
        ("members.0.role", "master", "members[0].role: must be control-plane or worker, not 'master'"),
        ("members.0.labels", {"a b": "c"}, "members[0].labels: must be the key of a label, not 'a b'"),
        ("members.0.since", 1, "members[0].since: is not a known property"),
        ("members", {}, "members: must be a list, not an object"),
        ("tree.digest", sha("x"), "tree.digest: must be a digest such as sha256:<64 hex digits>"),
        ("kubernetes.version", "1.36", "kubernetes.version: must be a version such as v1.36.3, not '1.36'"),
        ("kubernetes.config", {"a": {"b": 2**60}}, "kubernetes.config.a.b: is a number beyond 9007199254740991"),
        ("kubernetes.config", {"a": [float("nan")]}, "kubernetes.config.a[0]: must be JSON, not not a finite number"),
        ("bootstrap.done", {"at": ""}, "bootstrap.done.caSpkiSha256: is missing"),
        ("endpoint", None, "endpoint: must be an object, not null"),
        ("uid", "..", "uid: must be an id of letters, digits and '-', not '..'"),
        ("hostSettings.ntp", ["a b"], "hostSettings.ntp[0]: must be a time server, not 'a b'"),
        ("layers.0.content", ["x\x1b[2J"], "layers[0].content[0]: must be 64 hex digits (SHA-256), not 'x\ufffd[2J'"),
    ],
)
def test_what_is_wrong_has_its_path_and_a_sentence(path: str, value: Any, sentence: str) -> None:
    bad = as_json(dataclasses.replace(document(), digest=""))
    place: Any = bad
    *parents, last = path.split(".")
    for parent in parents:
        place = place[int(parent)] if parent.isdigit() else place[parent]
    place[last] = value
    assert any(line.startswith(sentence) for line in wrong(bad)), wrong(bad)


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b"null", b'"a"', b"[" * 200_000, b'{"a":1,"a":2}', b"\xff", "\ud800"]
)
def test_text_that_is_no_document_is_refused(value: Any) -> None:
    assert wrong(value)


def test_it_is_bounded() -> None:
    large = body()
    large["kubernetes"]["config"] = {str(n): "x" * 1000 for n in range(300)}
    (sentence,) = wrong(large)
    assert sentence.endswith(f"{MAX_DOCUMENT} are allowed")
    assert wrong(b" " * (5 * MAX_DOCUMENT))
    assert len(wrong({str(n): 1 for n in range(10_000)})) == 50
    deep: Any = {}
    for _ in range(40):
        deep = {"a": deep}
    assert any(
        "levels deep" in line for line in wrong({**body(), "kubernetes": {**body()["kubernetes"], "config": deep}})
    )


def test_documents_are_ordered_by_lineage_and_generation() -> None:
    first, second = document(generation=3), document(generation=2)
    assert is_late(first.position, second.position)
    assert not is_late(first.position, document(generation=2, lineage="ffffffffffffffff").position)


def test_a_declaration_that_does_not_match_its_class_is_refused() -> None:
    with pytest.raises(TypeError):
        Record(model.Snapshot, count=Integer())


def test_sealed_is_stable() -> None:
    assert sealed(sealed(document())) == document()


def test_the_schema_is_that_of_the_reader() -> None:
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(schema())), (
        "write it again: python tools/write_cluster_docs.py"
    )


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**40,
    "",
    "x",
    "A b",
    "10.0.0.1",
    sha("y"),
    "sha256:" + sha("y"),
    [],
    {},
    [1],
    {"a": 1},
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    places = [path] if path else []
    for name, child in children:
        if path[-1:] != ("config",):
            places += _places(child, (*path, name))
    return places


def test_schema_and_reader_accept_the_same_documents() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    base = as_json(document(2, 1, bootstrap={"initHostUid": "host-1", "done": DONE}))
    base = {**base, "digest": "", "change": {"uid": "ch", "approvedGeneration": 1}}
    base["members"] = base["members"][:1]
    base["members"][0]["labels"] = {"site": "kiel"}
    base["members"][0]["taints"] = [{"key": "a", "effect": "NoExecute"}]
    assert validator.is_valid(base)
    compared = 0
    values = [*VALUES, ...]
    for n, path in enumerate(_places(base)):
        for value in values[n % 3 :: 3]:
            changed = copy.deepcopy(base)
            place: Any = changed
            for name in path[:-1]:
                place = place[name]
            if value is ... and isinstance(place, dict):
                del place[path[-1]]
            elif value is not ...:
                place[path[-1]] = value
            if (path[-1] == "address" and isinstance(value, str)) or path == ("digest",):
                continue  # the schema only names the form of an address; a digest is compared with the content
            try:
                read(changed)
                accepted = True
            except InvalidDocument:
                accepted = False
            compared += 1
            assert validator.is_valid(changed) == accepted, (path, value)
    assert compared > 500
