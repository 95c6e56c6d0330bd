"""`filters=` of the event list as Palette's clients send it: OR works, and what is not understood is 400."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.hub_fixture import running_hub

EVENTS = "/v1/events/components"
MADE = {"Info": 5, "Warning": 3, "Critical": 2}


@pytest.fixture(scope="module")
def admin() -> Iterator[httpx.Client]:
    with running_hub() as hub:
        client = hub.client()
        for severity, count in MADE.items():
            reference = {"kind": "edgehost", "uid": f"h-{severity.lower()}"}
            event = {"severity": severity, "reason": f"{severity}Made", "relatedObject": reference}
            client.post(EVENTS + "/bulk", json=[event] * count).raise_for_status()
        yield client


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ("severity=InfoORseverity=Warning", 8),
        ("severity=Info OR severity=Warning", 8),
        ("severity=InfoORseverity=WarningORseverity=Critical", 10),
        ("severity=InfoANDreason=InfoMadeORseverity=Critical", 7),
        ("severity=InfoANDreason=WarningMade", 0),
        ("severity!=Info", 5),
        ("involvedObject.uid=h-infoORrelatedObject.uid=h-critical", 7),
        ("relatedObject.kind=edgehost", 10),
        ("", 10),
    ],
)
def test_filters_are_applied(admin: httpx.Client, filters: str, count: int) -> None:
    page = admin.get(EVENTS, params={"filters": filters}).json()
    assert (len(page["items"]), page["listmeta"]["count"]) == (count, count)
    first = admin.get(EVENTS, params={"filters": filters, "limit": 2}).json()
    assert (len(first["items"]), first["listmeta"]["count"]) == (min(2, count), count)


def test_filters_of_one_thing_stay_with_it(admin: httpx.Client) -> None:
    found = admin.get(EVENTS + "/edgehost/h-info", params={"filters": "severity=InfoORseverity=Warning"}).json()
    assert len(found["items"]) == MADE["Info"]


@pytest.mark.parametrize(
    "filters",
    [
        "banana=1",
        "severity=InfoORbanana=1",
        "severity=Info or severity=Warning",
        "severity=InfoORseverity",
        "severity=",
    ],
)
def test_what_is_not_understood_is_refused_and_names_the_properties(admin: httpx.Client, filters: str) -> None:
    answer = admin.get(EVENTS, params={"filters": filters})
    assert (answer.status_code, answer.json()["code"]) == (400, "RequestError")
    assert "severity" in answer.json()["message"] and "OR" in answer.json()["message"]


def test_an_event_for_a_project_that_does_not_exist_is_refused(admin: httpx.Client) -> None:
    event = {"severity": "Info", "reason": "X", "relatedObject": {"kind": "edgehost", "uid": "nobody"}}
    for path, body in ((EVENTS, event), (EVENTS + "/bulk", [event])):
        answer = admin.post(path, json=body, headers={"ProjectUid": "0" * 24})
        assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound")
