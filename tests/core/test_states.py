"""The table of states: its verbs exist, every field changes what people see, deadlines and evidence are evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.commands.kernel.registry import all_commands
from edgewright.core.hosts import condition, states
from edgewright.core.hosts.condition import Facts, Rejection, condition_document, evaluate
from edgewright.core.hosts.condition_text import lines
from edgewright.core.hosts.states import CHECKS, EVIDENCE, OWNERS, RULES, STATES, Deadline, State, refusal

NOW = 10_000.0
TOKEN = Rejection("The registration token is not known here.", NOW - 7200, NOW - 30, 120, ("10.0.0.9",))


def facts(key: str, **changes: Any) -> Facts:
    """Return a host about which everything is known."""
    base = Facts(
        name="edge-1",
        state=key,
        since=NOW - 900,
        created=NOW - 90_000,
        registered=NOW - 80_000,
        last_heartbeat=NOW - 900,
        silence_deadline=NOW - 100,
        silence_limit=600.0,
        message="disk / 97 % used",
        site="kiel",
        responding=3,
        known=4,
        rejection=TOKEN,
        order="log",
        order_deadline=NOW + 60,
    )
    return base._replace(**changes)


def shown(key: str, **changes: Any) -> tuple[object, ...]:
    """Return what people and programs get of a state: rows of console and command line, document, refusals."""
    found = evaluate(facts(key, **changes), NOW)
    refusals = tuple(refusal(key, name, "edge-1") for name in host_verbs())
    return (tuple(lines(found, NOW)), repr(condition_document(found)), refusals)


def host_verbs() -> list[str]:
    return [each.name for each in all_commands() if each.target is not None and each.target.kind == "host"]


def test_every_action_is_a_verb_of_the_registry() -> None:
    verbs = {each.name for each in all_commands()}
    for state in STATES.values():
        assert set(state.actions) <= verbs, state.key
        assert len(set(state.actions)) == len(state.actions)


def test_every_verb_on_a_host_is_legal_in_some_state() -> None:
    legal = {action for state in STATES.values() for action in state.actions}
    assert set(host_verbs()) <= legal


def test_the_table_uses_known_words_and_all_of_them() -> None:
    for key, state in STATES.items():
        assert state.key == key and state.owner in OWNERS and state.next_check in CHECKS, key
        assert state.deadline.rule in RULES and state.deadline.then in {"", *STATES}, key
        assert set(state.evidence) <= set(EVIDENCE) and state.evidence and state.actions and state.label, key
        assert bool(state.owner) == (key != states.HEALTHY), "what waits has an owner"
    used = {kind for state in STATES.values() for kind in state.evidence}
    assert used == set(EVIDENCE) == set(condition._EVIDENCE)
    assert {state.deadline.rule for state in STATES.values()} == set(RULES)
    assert {state.next_check for state in STATES.values()} == set(CHECKS)


OTHER: dict[str, Any] = {
    "key": states.HEALTHY, "label": "another label", "owner": "plane", "began": "another moment", "evidence": (),
    "next_check": states.CONNECT, "actions": ("token list",), "meaning": "Another meaning.",
    "deadline": Deadline(states.SINCE, "Another reason.", 5.0),
}  # fmt: skip


@pytest.mark.parametrize("field", State._fields)
def test_every_field_of_a_state_changes_what_is_shown(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    key = states.UNHEALTHY_REPORTED
    before = shown(key)
    monkeypatch.setitem(STATES, key, STATES[key]._replace(**{field: OTHER[field]}))
    assert shown(key) != before, f"nobody reads State.{field}"


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (states.SILENT, {"rule": states.NEVER}),
        (states.SILENT, {"reason": "Another reason."}),
        (states.CREDENTIAL_REFUSED, {"seconds": 60.0}),
        (states.SILENT, {"then": states.HEALTHY}),
    ],
)
def test_every_field_of_a_deadline_changes_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, key: str, change: dict[str, Any]
) -> None:
    before = shown(key, silence_deadline=NOW + 100)
    monkeypatch.setitem(STATES, key, STATES[key]._replace(deadline=STATES[key].deadline._replace(**change)))
    assert shown(key, silence_deadline=NOW + 100) != before, f"nobody reads Deadline.{next(iter(change))}"


@pytest.mark.parametrize("key", STATES)
def test_every_kind_of_evidence_is_looked_at(key: str) -> None:
    known = facts(key, registered=None if key in (states.NEVER_SEEN, states.CREDENTIAL_REFUSED) else NOW - 80_000)
    if states.REGISTERED_AT in STATES[key].evidence:
        known = known._replace(last_heartbeat=None)
    found = [each.label for each in evaluate(known, NOW).evidence]
    assert set(found) == set(STATES[key].evidence)
    nothing = Facts("edge-1", key)
    assert evaluate(nothing, NOW).overdue == 0.0 and lines(evaluate(nothing, NOW), NOW), "unknown is no error"


@pytest.mark.parametrize(
    ("key", "changes", "deadline"),
    [
        (states.SILENT, {}, NOW - 100),
        (states.REGISTERED, {"silence_deadline": NOW + 5}, NOW + 5),
        (states.OPERATION_PENDING, {}, NOW + 60),
        (states.WAITING_FOR_APPROVAL, {}, TOKEN.since + 86400),
        (states.CREDENTIAL_REFUSED, {}, TOKEN.since + 3600),
        (states.NEVER_SEEN, {}, None),
    ],
)
def test_deadlines_are_computed_by_their_rules(key: str, changes: dict[str, Any], deadline: float | None) -> None:
    found = evaluate(facts(key, **changes), NOW)
    assert found.deadline == deadline
    assert found.overdue == (0.0 if deadline is None else max(NOW - deadline, 0.0))
    assert any("overdue for" in text for _, text in lines(found, NOW)) == (found.overdue > 0)


@pytest.mark.parametrize(
    ("responding", "known", "owner", "cause"),
    [
        (0, 3, "operator", "The other 3 hosts of kiel are silent too: check the link of the site."),
        (0, 1, "operator", "The other host of kiel is silent too: check the link of the site."),
        (1, 3, "host", "1 of the other 3 hosts of kiel responds, so the link is up: check the host."),
        (3, 3, "host", "The other 3 hosts of kiel respond, so the link is up: check the host."),
        (0, 0, "operator", ""),
    ],
)
def test_past_the_deadline_the_cause_is_what_the_neighbours_prove(
    responding: int, known: int, owner: str, cause: str
) -> None:
    found = evaluate(facts(states.UNHEALTHY_SILENT, responding=responding, known=known), NOW)
    assert (found.owner, found.cause) == (owner, cause)
    early = evaluate(facts(states.SILENT, responding=responding, known=known, silence_deadline=NOW + 9), NOW)
    assert early.cause == "", "before the deadline nothing is analysed"


@pytest.mark.parametrize(
    ("heartbeat", "cause"),
    [
        (NOW - 1000, "No heartbeat since it was requested: the host has not received it."),
        (None, "No heartbeat since it was requested: the host has not received it."),
        (NOW - 5, "The host sends heartbeats and no result: read the log of its agent."),
    ],
)
def test_an_overdue_operation_was_not_received_or_not_answered(heartbeat: float | None, cause: str) -> None:
    late = facts(states.OPERATION_OVERDUE, since=NOW - 900, order_deadline=NOW - 60, last_heartbeat=heartbeat)
    found = evaluate(late, NOW)
    assert (found.cause, found.overdue, found.owner) == (cause, 60.0, "operator")


def test_silence_that_counts_from_the_start_of_the_plane_says_so() -> None:
    late_start = facts(states.UNHEALTHY_SILENT, last_heartbeat=NOW - 5000, silence_deadline=NOW - 100)
    counted = next(each for each in evaluate(late_start, NOW).evidence if each.label == states.COUNTED)
    assert counted.at == NOW - 700
    whole = late_start._replace(last_heartbeat=NOW - 700)
    assert states.COUNTED not in [each.label for each in evaluate(whole, NOW).evidence]


def test_an_illegal_verb_is_refused_with_the_state_and_what_is_legal() -> None:
    reason, legal = refusal(states.NEVER_SEEN, "host reset", "edge-1")
    assert reason == (
        "edge-1 is in the state `never connected`, so `host reset` is refused. "
        "The host is pre-registered and has not connected yet."
    )
    assert legal == "Legal now: host tag, host untag, host delete, token create."
    assert refusal(states.HEALTHY, "host reset", "edge-1") == ("", "")
    assert refusal("of-a-newer-plane", "host reset", "edge-1") == ("", "")
    assert refusal(states.NEVER_SEEN, "token list", "edge-1") == ("", ""), "only verbs on hosts depend on its state"
