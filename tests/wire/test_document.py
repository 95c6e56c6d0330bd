from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.errors import InvalidInput
from edgewright.core.hosts.hosts import Health
from edgewright.wire.document import Document, copy_json, find_key
from edgewright.wire.palette.audits import Audit
from edgewright.wire.palette.edgehost import EdgeHost, EdgeHostsPage
from edgewright.wire.palette.events import ComponentEvent, event_body
from edgewright.wire.palette.tokens import EdgeToken, create_body

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=15,
)
OBJECTS = st.dictionaries(st.text(max_size=6), JSON, max_size=5)
KEYS = st.text("abAB", min_size=1, max_size=2)
NESTED = st.recursive(
    st.one_of(st.none(), st.integers()), lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)


@given(OBJECTS)
def test_a_document_comes_back_as_it_came(raw: dict[str, Any]) -> None:
    text = json.dumps(raw, ensure_ascii=True)
    document = Document.parse(text)
    assert document.raw == raw
    assert Document.parse(document.json()) == document
    assert list(document.raw) == list(raw)
    copied = document.copy()
    assert copied == document
    assert copied.raw is not document.raw


@given(st.dictionaries(KEYS, NESTED, max_size=4), st.lists(KEYS, min_size=1, max_size=3).map(".".join), st.integers())
def test_set_get_delete(raw: dict[str, Any], path: str, value: int) -> None:
    document = Document(copy_json(raw))
    document.set(path, value)
    assert document.get(path) == value
    untouched = {key: item for key, item in raw.items() if key.casefold() != path.split(".")[0].casefold()}
    assert {key: document.raw[key] for key in untouched} == untouched
    assert len(document.raw) <= len(raw) + 1
    document.delete(path)
    assert document.get(path, "none") == "none"


def test_keys_in_another_case_are_used_and_kept() -> None:
    host = EdgeHost.parse(b'{"MetaData":{"UID":"x","Labels":{"Site":"berlin"},"New":1},"status":null,"Spec":null}')
    host.name = "n"
    host.cpu_cores = 4
    assert (host.uid, host.site, host.cpu_cores) == ("x", "berlin", 4)
    assert host.raw == {
        "MetaData": {"UID": "x", "Labels": {"Site": "berlin"}, "New": 1, "name": "n"},
        "status": None,
        "Spec": {"device": {"cpu": {"cores": 4}}},
    }


def test_of_several_spellings_the_exact_one_wins_then_one_that_holds_something() -> None:
    assert find_key({"A": 1, "a": 2}, "a") == "a"
    assert find_key({"AB": None, "Ab": 2}, "ab") == "Ab"
    assert find_key({"ab": None, "AB": None}, "ab") == "ab"
    assert find_key({}, "ab") is None
    assert Document({"uid": None, "UID": "x"}).get("uid") == "x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "not JSON at line 1"), (b"{", "line 1, column 2"), (b"[]", "a list"), (b"null", "null"),
        (b'"x"', "a text"),
        (b"1", "a number"), (b"true", "true or false"), (b'{"a": NaN}', "NaN"), (b'{"a": Infinity}', "Infinity"),
        (b"\xff\xfe", "UTF-8"), (b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "100 levels"), (b"[" * 100_000, "nested"),
        (b'{"a": "\x01"}', "JSON"), (b'{"a": ' + b"1" * 5000 + b"}", "JSON"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_with_a_sentence(text: bytes, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Document.parse(text)
    assert says in caught.value.message
    assert caught.value.code == "RequestError"


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        Document.parse(data)
    except InvalidInput:
        pass


def test_lone_surrogates_travel() -> None:
    document = Document.parse(b'{"a": "\\ud800"}')
    assert Document.parse(document.json()) == document


@given(JSON)
def test_views_of_anything_never_fail(value: Any) -> None:
    """Whatever stands at a known place, a view reads a value of its own type."""
    for path in (
        *("metadata", "metadata.labels", "metadata.creationTimestamp", "spec", "spec.device", "spec.device.cpu.cores"),
        *("spec.device.disks", "spec.edgewright", "status", "status.health", "status.inUseClusters"),
    ):
        host = EdgeHost()
        host.set(path, copy_json(value))
        before = copy_json(host.raw)
        read_everything(host)
        assert host.raw == before


def read_everything(host: EdgeHost) -> None:
    for name in dir(EdgeHost):
        if not name.startswith("_") and not callable(getattr(EdgeHost, name)):
            getattr(host, name)
    for disk in host.disks:
        assert isinstance(disk.vendor, str)
        for partition in disk.partitions:
            assert partition.percent is None or 0 <= partition.percent <= 100
    for nic in host.nics:
        assert all(isinstance(server, str) for server in nic.dns)


def test_health_is_unknown_unless_it_is_told() -> None:
    assert EdgeHost().health is Health.UNKNOWN
    assert EdgeHost({"status": {"health": {"state": "Healthy"}}}).health is Health.HEALTHY
    ours = {"health": {"state": "healthy"}, "edgewright": {"healthState": "unknown"}}
    assert EdgeHost({"status": ours}).health is Health.UNKNOWN


def test_writing_through_a_list_of_views() -> None:
    host = EdgeHost({"spec": {"device": {"nics": [{"nicName": "eno1", "new": 1}, None, {"nicName": "eno2"}]}}})
    host.nics[0].ip = "10.0.0.2"
    assert host.raw["spec"]["device"]["nics"][0] == {"nicName": "eno1", "new": 1, "ip": "10.0.0.2"}
    assert host.main_nic is not None
    assert host.main_nic.name == "eno1"
    host.tags = ["site:berlin", "bare"]
    assert host.labels == {"site": "berlin", "bare": "spectro__tag"}
    assert host.tags == ["bare", "site:berlin"]
    del host.labels
    assert host.tags == []


def test_pages_and_other_views() -> None:
    page = EdgeHostsPage({"items": [{"metadata": {"uid": "a"}}, None], "listmeta": {"continue": "", "count": 1}})
    assert [host.uid for host in page.items] == ["a"]
    assert page.listmeta.count == 1
    assert EdgeHostsPage({}).listmeta.continue_ == ""
    token = EdgeToken(create_body("t", "p", expiry=10.0))
    assert (token.name, token.expiry, token.default_project_ref) == ("t", 10.0, "p")
    assert token.expired(10.0)
    assert not token.expired(9.9)
    assert EdgeToken(create_body("t")).expiry is None
    assert not EdgeToken(create_body("t")).expired(1e12)
    event = ComponentEvent(
        event_body(uid="u", at=1.5, kind="edgehost", object_uid="h", object_name="h", reason="R", message="m")
    )
    assert (event.created, event.object_uid, event.severity) == (1.5, "h", "Info")


@pytest.mark.parametrize(
    ("reason", "own", "severity"),
    [
        ("StepFailed", "", "Warning"),
        ("StepNeedsOperator", "", "Warning"),
        ("StepDone", "", "Info"),
        ("HostBooted", "", "Info"),
        ("StepFailed", "Critical", "Critical"),
    ],
)
def test_p70_a_step_that_failed_is_a_warning(reason: str, own: str, severity: str) -> None:
    about = {"uid": "u", "kind": "edgehost", "object_uid": "h", "object_name": "h"}
    made = event_body(at=1.5, reason=reason, message="m", severity=own, **about)
    assert made["severity"] == severity


def test_an_audit_names_who() -> None:
    assert Audit({"spec": {"actor": {"user": {"firstName": "A", "lastName": "B"}}}}).actor == "A B"


def test_p5_a_token_that_the_plane_calls_expired_is_so_by_a_clock_that_is_behind() -> None:
    document = {**create_body("t", expiry=2e9), "status": {"isActive": True, "edgewright": {"expired": True}}}
    assert EdgeToken(document).expired(1e9) and not EdgeToken(document).usable(1e9)
    assert not EdgeToken(create_body("t", expiry=2e9)).expired(1e9)
