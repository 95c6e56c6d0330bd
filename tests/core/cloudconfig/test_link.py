"""What can be set for the link of a site, and what of it is refused (P78)."""

from __future__ import annotations

import pytest

from edgewright.core.cloudconfig.check import check
from edgewright.core.cloudconfig.userdata import Site
from edgewright.core.hosts.link import link_rows
from edgewright.core.hosts.link_spec import LinkSpec, link_block, problems, read_link

GOOD = {"metered": True, "heartbeat": "5m", "silenceLimit": "1h", "budgetMB": 50}
NEXT = "starts with the next heartbeat"
BAD = [
    ({"heartbeat": "soon"}, "heartbeat", "not a duration"),
    ({"heartbeat": "5s"}, "heartbeat", "10 s to 1 h"),
    ({"heartbeat": "2h"}, "heartbeat", "10 s to 1 h"),
    ({"silenceLimit": "2d"}, "silenceLimit", "30 s to 1 day"),
    ({"heartbeat": "5m", "silenceLimit": "10m"}, "silenceLimit", "less than 3 heartbeats (15 min)"),
    ({"metered": True, "silenceLimit": "30m"}, "silenceLimit", "less than 3 heartbeats (45 min)"),
    ({"metered": "yes", "silenceLimit": "30m"}, "silenceLimit", "less than 3 heartbeats"),
    ({"metered": "perhaps"}, "metered", "true or false"),
    ({"budgetMB": -1}, "budgetMB", "0 to 1000000"),
    ({"budgetMB": "50 MB"}, "budgetMB", "0 to 1000000"),
    ({"heartbeat": ["5m"]}, "heartbeat", "not a duration"),
]


def test_all_values_are_read() -> None:
    assert read_link(GOOD) == LinkSpec(True, 300, 3600, 50)
    assert read_link({}) == LinkSpec() and problems(GOOD) == {}
    assert link_block(True, "5m", "1h", 50) == GOOD and link_block(False, "", "", None) == {}


@pytest.mark.parametrize(("values", "key", "words"), BAD)
def test_a_wrong_value_is_named_and_not_used(values: dict[str, object], key: str, words: str) -> None:
    assert words in problems(values)[key]
    site = Site({"edgewright": values})
    assert any(f"stylus.site.edgewright.{key}: " in text and "not used" in text for text in site.problems)
    assert getattr(site.link, {"silenceLimit": "silence", "budgetMB": "budget_mb"}.get(key, key)) in (0, False)


@pytest.mark.parametrize(("values", "key", "words"), BAD)
def test_the_check_of_user_data_finds_each_of_them_once(values: dict[str, object], key: str, words: str) -> None:
    site = {"paletteEndpoint": "hub.example.org", "edgeHostToken": "abcdefghijklmnop", "edgewright": values}
    found = [
        item
        for item in check({"stylus": {"site": site}, "install": {"device": "auto"}})
        if item.path == f"stylus.site.edgewright.{key}"
    ]
    assert [item.severity for item in found] == ["error"], found


@pytest.mark.parametrize(
    ("report", "seen", "rows"),
    [
        ({}, 990, []),
        ({"wake": 5}, 990, []),
        (
            {"wake": "on", "bytesMonth": 3_200_000},
            990,
            [
                ("link", "not metered, heartbeat every 1 min, silence limit 10 min"),
                ("new work", "starts at once (idle connection, reported 10 s ago)"),
                ("data used", "3.2 MB this month"),
            ],
        ),
        (
            {"wake": "off", "wakeReason": "the link is metered", "metered": True, "bytesMonth": 51e6, "budgetMB": 50},
            980,
            [
                ("link", "metered, heartbeat every 1 min, silence limit 10 min"),
                (
                    "new work",
                    f"{NEXT}, due in 40 s (no idle connection: the link is metered; reported 20 s ago)",
                ),
                ("data used", "51.0 of 50 MB this month, used up"),
            ],
        ),
    ],
)
def test_the_link_of_a_host_as_text(report: dict[str, object], seen: float, rows: list[tuple[str, str]]) -> None:
    assert link_rows(report, 60, 600, seen, 1000) == rows


def test_what_an_absent_host_reported_about_its_link_is_not_shown_as_current() -> None:
    assert (
        link_rows({"wake": "on"}, 60, 600, 100, 1000)[1][1]
        == "starts when the host reports again; last heartbeat 15 min ago"
    )
    assert link_rows({"wake": "on"}, None, None, None, 1000)[1][1] == "starts with the first heartbeat"
