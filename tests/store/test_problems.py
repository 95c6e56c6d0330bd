"""What is wrong, worst first; a site that is cut off is one line; sums and sparklines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgewright.core.times import rfc3339
from edgewright.store.collections import selectors
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.problems import explain, is_acknowledged, is_silent, problems
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.model import Model
from edgewright.store.engine.store import Store

Maker = Callable[..., dict[str, Any]]
NOW = 1_800_000_000.0


def silent(host: Maker, uid: str, site: str = "berlin", seconds: float = 840) -> dict[str, Any]:
    last = rfc3339(NOW - seconds)
    deadline = rfc3339(NOW - seconds + 600)
    return host(
        uid, "unhealthy", site, lastHeartbeat=last, since=last, deadline=deadline, who="person", reason="No word."
    )


def well(host: Maker, uid: str, site: str = "berlin") -> dict[str, Any]:
    last = rfc3339(NOW - 5)
    return host(uid, "healthy", site, lastHeartbeat=last, since=last, deadline=rfc3339(NOW + 595), who="nobody")


def sick(host: Maker, uid: str, site: str = "berlin") -> dict[str, Any]:
    doc = well(host, uid, site)
    doc["status"]["health"] = {"state": "unhealthy"}
    doc["status"]["edgewright"]["reason"] = "disk / 97 %"
    return doc


def model_of(docs: list[dict[str, Any]], tokens: list[dict[str, Any]] | None = None) -> Model:
    store = Store(clock=lambda: NOW)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": docs})
    store.emit("plane", TOKENS.seen, {"docs": tokens or [], "complete": True})
    store.flush()
    return store.model


def test_all_well_is_no_problem(host: Maker) -> None:
    assert problems(model_of([well(host, "a"), host("new", None, state="unpaired", who="host")]), NOW) == []


def test_a_silent_host_whose_neighbours_answer_is_its_own_problem(host: Maker) -> None:
    model = model_of([silent(host, "edge-7f3a"), well(host, "b"), well(host, "c")])
    (problem,) = problems(model, NOW)
    assert (problem.subject, problem.text) == ("edge-7f3a", "no heartbeat; its neighbours respond")
    assert problem.since == NOW - 840 and problem.target == ("host", "edge-7f3a")
    assert explain(model, model.hosts["edge-7f3a"], NOW) == (
        "No heartbeat from edge-7f3a for 14 min. "
        "The other 2 hosts of berlin respond, so the link is up: check the host."
    )


def test_a_site_that_is_silent_as_a_whole_is_one_line(host: Maker) -> None:
    cut = [silent(host, f"h{n}", "hamburg") for n in range(3)]
    never = host("h9", None, "hamburg", state="unpaired")
    model = model_of([*cut, never, well(host, "b"), silent(host, "lone", "kiel")])
    first, second = problems(model, NOW)
    assert (first.subject, first.text, first.uids) == ("hamburg", "link down, 3 hosts behind it", ("h0", "h1", "h2"))
    assert (second.subject, second.text) == ("lone", "no heartbeat")
    assert "The other 2 hosts of hamburg are silent too" in explain(model, model.hosts["h0"], NOW)


def test_hosts_without_a_site_are_never_taken_as_one(host: Maker) -> None:
    model = model_of([silent(host, "a", ""), silent(host, "b", "")])
    assert [problem.subject for problem in problems(model, NOW)] == ["a", "b"]


def test_a_host_that_says_it_is_unwell_is_told_in_its_own_words(host: Maker) -> None:
    model = model_of([sick(host, "a"), silent(host, "b")])
    assert not is_silent(model.hosts["a"]) and is_silent(model.hosts["b"])
    assert {problem.text for problem in problems(model, NOW)} == {"disk / 97 %", "no heartbeat; its neighbours respond"}


def test_problems_are_worst_first_and_the_acknowledged_are_last(host: Maker) -> None:
    token = {
        "metadata": {"uid": "t", "name": "shop"},
        "spec": {"expiry": rfc3339(NOW + 2 * 86400)},
        "status": {"isActive": True},
    }
    store = Store(model_of([silent(host, "a"), host("new", None, state="unpaired", who="person")], [token]))
    kinds_told = [problem.kind for problem in problems(store.model, NOW)]
    assert kinds_told == ["silent", "approval", "token"]
    store.acknowledge("host/a/silent")
    store.flush()
    assert [problem.kind for problem in problems(store.model, NOW)] == ["approval", "token", "silent"]
    assert len(problems(store.model, NOW, limit=1)) == 1


def test_a_palette_tells_no_clock_and_its_unhealthy_hosts_count_as_silent(host: Maker) -> None:
    model = model_of([host("a", "unhealthy"), host("b", "unhealthy")])
    assert [problem.kind for problem in problems(model, NOW)] == ["link"]


def test_counts_and_tags(host: Maker) -> None:
    model = model_of([silent(host, "a"), well(host, "b"), well(host, "c", "")])
    assert selectors.by_health(model) == {"healthy": 2, "unhealthy": 1, "unknown": 0}
    assert selectors.by_state(model) == {"unpaired": 0, "ready": 3, "in-use": 0}
    assert selectors.by_site(model)["berlin"] == selectors.Counts(2, 1, 1, 0)
    assert [row.uid for row in selectors.neighbours(model, model.hosts["a"])] == ["b"]


def test_an_hour_has_holes_where_the_plane_was_not_heard(host: Maker) -> None:
    store = Store()
    for minute, beats in ((0, 0), (1, 60), (3, 180), (4, 300), (5, 300), (6, 420)):
        doc = host("a", heartbeats=beats)
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [doc]}, at=NOW + minute * 60)
    store.flush()
    now = NOW + 6 * 60
    assert len(selectors.minutes(store.model, now)) == 60
    beats_a_second = selectors.sparkline(store.model, now)
    assert beats_a_second[-6:] == [None, 1.0, None, None, 2.0, 0.0]  # the present minute is not over
    assert beats_a_second[:-6] == [None] * (len(beats_a_second) - 6)
    assert selectors.sparkline(store.model, now, "healthy")[-4:] == [1.0, 1.0, 1.0, 1.0]
    assert selectors.heartbeat_rate(store.model, now) == pytest.approx(1.0)
    assert selectors.heartbeat_rate(store.model, NOW + 60) is None


def test_a_minute_in_which_the_plane_was_heard_is_known_though_no_host_spoke() -> None:
    store = Store()
    for minute in range(3):
        store.emit("plane", kinds.SOURCE_STATE, {"state": "live" if minute != 1 else "polling"}, at=NOW + minute * 60)
    store.emit("plane", kinds.SOURCE_STATE, {"state": "lost"}, at=NOW + 3 * 60)
    store.flush()
    assert selectors.sparkline(store.model, NOW + 4 * 60)[-4:] == [None, 0.0, 0.0, None]
    with pytest.raises(ValueError, match="no sparkline"):
        selectors.sparkline(store.model, NOW, "sick")


def alert(uid: str, kind: str = "rejected", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "uid": uid,
        "kind": kind,
        "subject": uid.rpartition("/")[2],
        "text": "rejected: unknown registration token",
    }
    body.update(code="InvalidEdgeToken", addresses=["10.0.0.9"], since=rfc3339(NOW - 300), last=rfc3339(NOW - 20))
    return {**body, "count": 5, "owner": "operator", "hostUids": [], **more}


def with_alerts(docs: list[dict[str, Any]], *alerts: dict[str, Any]) -> Store:
    store = Store(clock=lambda: NOW)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": docs})
    store.emit("plane", ALERTS.seen, {"docs": list(alerts), "complete": True})
    store.flush()
    return store


def test_p39_a_rejected_box_needs_attention_although_every_host_is_healthy(host: Maker) -> None:
    (problem,) = problems(with_alerts([well(host, "a")], alert("rejected/box-1")).model, NOW)
    assert (problem.section, problem.subject, problem.text, problem.owner) == (
        "attention", "box-1", "rejected: unknown registration token", "operator",
    )  # fmt: skip
    assert problem.since == NOW - 300 and problem.uids == ()
    assert problem.target == ("events", "reason:RegistrationRefused")


def test_p39_an_alert_goes_with_its_end_and_comes_back_as_news(host: Maker) -> None:
    store = with_alerts([well(host, "a")], alert("rejected/box-1"))
    store.acknowledge(problems(store.model, NOW)[0].key)
    store.flush()
    assert is_acknowledged(store.model, problems(store.model, NOW)[0].key)
    other = alert("rejected/box-1", code="EdgeTokenRevoked", text="rejected: registration token revoked")
    store.emit("plane", ALERTS.seen, {"docs": [other]})
    store.flush()
    assert not is_acknowledged(store.model, problems(store.model, NOW)[0].key), "another reason is news"
    store.emit("plane", ALERTS.removed, {"uids": ["rejected/box-1"]})
    store.flush()
    assert problems(store.model, NOW) == []


def test_p39_an_alert_of_a_waiting_host_takes_the_place_of_its_approval(host: Maker) -> None:
    waiting = host("new", None, state="unpaired", who="person", reason="waits for approval")
    assert [one.kind for one in problems(with_alerts([waiting]).model, NOW)] == ["approval"]
    pairing = alert("rejected/new", hostUids=["new"], text="rejected: wrong pairing key")
    (problem,) = problems(with_alerts([waiting], pairing).model, NOW)
    assert (problem.kind, problem.uids, problem.target) == ("rejected", ("new",), ("host", "new"))


@pytest.mark.parametrize("odd", [{}, {"uid": 7}, {"uid": "x", "hostUids": "y", "addresses": {}, "count": "many"}])
def test_an_odd_alert_harms_nothing(odd: dict[str, Any]) -> None:
    model = with_alerts([], odd).model
    assert len(problems(model, NOW)) <= 1


def test_certificates_of_the_plane_come_with_its_state_and_are_a_problem_near_their_end() -> None:
    store = Store(clock=lambda: NOW)
    sent = [["server", NOW + 20 * 86400.0, True], ["ca", NOW + 3000 * 86400.0, False], ["odd"], 7]
    store.emit("plane", kinds.SOURCE_STATE, {"state": "live", "plane": "hub", "certificates": sent})
    store.emit("plane", kinds.SOURCE_STATE, {"state": "lost"})
    store.flush()
    assert [name for name, _ends, _renewed in store.model.source.certificates] == ["server", "ca"]
    (problem,) = problems(store.model, NOW)
    assert (problem.subject, problem.text, problem.owner) == ("hub server", "certificate ends in 20 days", "plane")
