"""Every page and question of the wizard: words, room on 80x24, rules, and what applies when."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from edgewright.core.errors import InvalidInput
from edgewright.core.installer.answers import complete, initial, problem, problems
from edgewright.core.installer.pages import PAGES, QUESTIONS, STEPS, STORED, page_of, visible_pages
from edgewright.core.installer.paths import _PREFIXES, key_of
from edgewright.core.installer.questions import KINDS, Page, Question, coerce
from edgewright.core.installer.shown_values import shown_lines, shown_text, taken, taken_lines
from tests.core.installer import samples

ROOM = 11
"""Lines that a page's fields may take at 80x24."""
ASKED = [question for page in PAGES for question in page.fields]
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.key)
EACH = pytest.mark.parametrize("question", [*ASKED, *STORED], ids=lambda question: question.key)


def fields_of(question: Question) -> tuple[Question, ...]:
    return (question, *question.fields)


def test_the_pages_come_in_the_issues_order() -> None:
    order = (
        "plane token uid network cards bond proxy dns ntp user users registries cas site link disk partitions stages"
    )
    assert [page.key for page in PAGES] == [*order.split(), "base", "output", "content", "proof"]
    assert len(STEPS) == 11 and sum(map(len, STEPS)) + 10 <= 78


def test_every_key_is_asked_once() -> None:
    keys = [question.key for question in [*ASKED, *STORED]]
    assert len(keys) == len(set(keys)) == len(QUESTIONS)


@EACH_PAGE
def test_a_page_asks_one_question_that_fits(page: Page) -> None:
    assert page.question.endswith("?") and len(page.question) <= 60
    assert len(page.title) <= 12 and page.fields
    assert all(page_of(question.key) is page for question in page.fields)


@EACH_PAGE
def test_a_page_fits_whatever_was_answered(page: Page) -> None:
    choices: dict[str, list[str | bool]] = {
        q.key: [c.value for c in q.choices] for q in page.fields if q.kind == "choice"
    }
    choices |= {q.key: [True, False] for q in page.fields if q.kind == "flag"}
    extra = {"proxy.https": "http://p:1", "registries.list": [{"domain": "x"}]}
    for values in itertools.product(*choices.values()):
        answers = complete({**extra, **dict(zip(choices, values, strict=True))})
        assert sum(question.height for question in page.visible(answers)) <= ROOM


@EACH
def test_a_question_says_why_we_ask(question: Question) -> None:
    for field in fields_of(question):
        assert field.kind in KINDS
        assert field.help.endswith(".") and len(field.help) <= 260, field.key
        assert 0 < len(field.label) <= 16
        assert bool(field.choices) == (field.kind == "choice")
        assert all(len(choice.label) <= 56 for choice in field.choices)
        assert bool(field.fields) == (field.kind == "rows")
        assert field.secret == (field.kind == "secret")
        assert len(field.placeholder) <= 46


@EACH
def test_a_default_is_of_its_kind_and_passes(question: Question) -> None:
    assert coerce(question, question.empty) == question.empty
    if not question.required and question.key not in ("user.keys", "bond.use"):
        assert problem(question, question.empty, initial()) == ""


@pytest.mark.parametrize("name", samples.ALL)
def test_the_samples_are_fine_and_complete_twice_is_once(name: str) -> None:
    answers = complete(samples.ALL[name])
    assert problems(answers) == []
    assert complete(answers) == answers
    assert list(answers) == list(QUESTIONS)


def test_what_does_not_apply_is_not_asked_for() -> None:
    local = complete({"plane.mode": "local"})
    assert "token" not in [page.key for page in visible_pages(local)]
    assert not {"plane.endpoint", "token.text"} & {p.key for p in problems(local)}
    assert {"plane.endpoint", "token.text"} <= {p.key for p in problems(initial())}


def test_a_token_that_is_to_be_made_is_missed_until_it_is() -> None:
    answers = complete({**samples.LEAST, "token.how": "new", "token.name": "t", "token.text": ""})
    assert [p.key for p in problems(answers)] == ["token.how"]
    assert problems({**answers, "token.text": "made"}) == []


BAD: list[tuple[str, Any, str]] = [
    ("plane.mode", "both", "none of"),
    ("plane.endpoint", "", "needed"),
    ("plane.endpoint", "http://hub", "https"),
    ("plane.endpoint", "https://localhost:8443", "this machine alone"),
    ("plane.endpoint", "127.0.0.1:8443", "this machine alone"),
    ("plane.endpoint", "https://[::1]:8443", "this machine alone"),
    ("plane.endpoint", "https://[::ffff:127.0.0.1]", "this machine alone"),
    ("plane.endpoint", "https://0.0.0.0", "this machine alone"),
    ("plane.endpoint", "https://a b", "not an address"),
    ("plane.endpoint", "https://hub:99999", "not an address"),
    ("plane.endpoint", "https://u:p@hub", "without user"),
    ("plane.ca", "-----BEGIN RSA PRIVATE KEY-----\n", "private key"),
    ("plane.ca", "-----BEGIN CERTIFICATE-----\nMIIB", "not a complete PEM"),
    ("token.text", "two words", "no blanks"),
    ("uid.host_name", "Shop_1", "host name"),
    ("uid.prefix", "a.b", "prefix"),
    ("uid.regex", "(", "not valid"),
    ("proxy.https", "proxy:3128", "not a proxy address"),
    ("dns.servers", ["10.0.0.1", "dns.example"], "not an IP address"),
    ("dns.servers", ["10.0.0.1", "10.0.0.1"], "twice"),
    ("ntp.servers", ["bad host"], "neither"),
    ("user.name", "root", "already"),
    ("user.name", "Edge", "not a user name"),
    ("user.password", "short", "8 characters"),
    ("user.keys", [], "no login is possible"),
    ("user.keys", ["ssh-ed25519 AAAA"], "damaged"),
    ("user.keys", ["-----BEGIN OPENSSH PRIVATE KEY-----"], "private key"),
    ("users.more", [{"name": "edge", "keys": [samples.key()]}], "twice"),
    ("users.more", [{"name": "x"}], "cannot log in"),
    ("registries.list", [{"domain": "https://r"}], "without https"),
    ("registries.list", [{"domain": "r", "username": "u"}], "password"),
    ("registries.list", [{"domain": "r"}, {"domain": "r"}], "twice"),
    ("ca.certificates", ["a\nb"], "neither"),
    ("site.tags", {"site": "x"}, "answer above"),
    ("site.tags", {"installer": "x"}, "set by us"),
    ("site.tags", {"a:b": "x"}, "':'"),
    ("site.registration_url", "http://x", "https://"),
    ("link.heartbeat", "2h", "10 s to 1 h"),
    ("link.heartbeat", "often", "not a duration"),
    ("link.silence", "5s", "30 s to 1 day"),
    ("link.budget", 0, "1 to 1000000"),
    ("disk.persistent", 1, "64"),
    ("disk.cmdline", "root=/dev/sda", "installer itself"),
    ("disk.extra", [{"name": "a"}, {"name": "b"}], "Only one"),
    ("disk.extra", [{"name": "a"}], "nothing is left"),
    ("disk.extra", [{"name": "a", "size": 100, "label": "COS_OEM"}], "system"),
    ("stages.steps", ["bot:", "  - commands: [x]"], "boot"),
    ("stages.steps", ["boot:", "  - comands: [x]"], "commands"),
    ("stages.steps", ["boot:", "  commands: [x]"], "list of steps"),
    ("stages.steps", ["boot: ["], "Line"),
    ("base.path", "", "needed"),
    ("output.name", "a/b", "name"),
    ("output.name", "x.iso", "Leave .iso out"),
]


@pytest.mark.parametrize(("key", "value", "says"), BAD, ids=[f"{k}-{n}" for n, (k, _, _) in enumerate(BAD)])
def test_a_wrong_answer_is_told_in_a_sentence(key: str, value: Any, says: str) -> None:
    found = {p.key: p.message for p in problems(complete({**samples.LEAST, key: value}))}
    assert says in found[key] and found[key][0].isupper() | (found[key][0] in "'`0123456789") | (says in found[key])
    assert found[key].endswith((".", "eno2", ".pub file."))


def test_a_silence_limit_of_less_than_three_heartbeats_is_refused() -> None:
    for change in ({"link.heartbeat": "5m"}, {"link.metered": True}):
        found = {p.key: p.message for p in problems(complete({**samples.LEAST, **change, "link.silence": "10m"}))}
        assert "3 heartbeats" in found["link.silence"]
    assert problems(complete({**samples.LEAST, "link.metered": True, "link.silence": "45m"})) == []


NETWORK_BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"net.address": "10.4.1.7"}, "net.address", "size of its subnet"),
    ({"net.address": "10.4.1.0/24"}, "net.address", "subnet itself"),
    ({"net.address": "10.4.1.255/24"}, "net.address", "broadcast"),
    ({"net.gateway": "10.5.1.1"}, "net.gateway", "not in 10.4.1.0/24"),
    ({"net.gateway": "10.4.1.7"}, "net.gateway", "own address"),
    ({"net.nic": "a/b"}, "net.nic", "not a valid name of a network card"),
    ({"net.vlan": 4095}, "net.vlan", "1 to 4094"),
    ({"net.nic": "enp175s0f0np0", "net.vlan": 1000}, "net.vlan", "15 characters"),
]


@pytest.mark.parametrize(("change", "key", "says"), NETWORK_BAD)
def test_the_address_plan_of_one_card_is_checked(change: dict[str, Any], key: str, says: str) -> None:
    found = {p.key: p.message for p in problems(complete({**samples.STATIC_VLAN_PROXY, **change}))}
    assert says in found[key]


CARDS_BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"net.cards": [{"nic": "eno1"}]}, "net.cards", "part of the bond"),
    ({"net.cards": [{"nic": "e"}, {"nic": "e"}]}, "net.cards", "twice"),
    ({"bond.members": "eno1"}, "bond.members", "two cards"),
    ({"bond.members": "eno1, bond0"}, "bond.members", "one of its cards"),
    ({"bond.name": "eno3"}, "bond.name", "a card already"),
    ({"bond.address": ""}, "bond.address", "needed"),
    ({"bond.mtu": 100}, "bond.mtu", "1280"),
    ({"bond.use": False, "net.cards": []}, "bond.use", "Name a card"),
    ({"net.cards": [{"nic": "e", "type": "static"}]}, "net.cards", "Row 1, own address"),
]


@pytest.mark.parametrize(("change", "key", "says"), CARDS_BAD)
def test_cards_and_bond_are_checked_together(change: dict[str, Any], key: str, says: str) -> None:
    found = {p.key: p.message for p in problems(complete({**samples.BOND, **change}))}
    assert says in found[key]


def test_an_unknown_answer_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput) as caught:
        complete({"plane.endpont": "x"})
    assert "plane.endpont" in caught.value.message and "plane.endpoint" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [("net.vlan", "x"), ("bond.use", 1), ("dns.servers", [1]), ("site.tags", []), ("users.more", [{"nam": "x"}]),
     ("plane.endpoint", []), ("plane.mode", True)],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(key: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=key):
        complete({key: value})


def test_what_cannot_be_shown_comes_back_from_its_field() -> None:
    values = [samples.CA, "/etc/ca.pem", samples.HASHED]
    shown = shown_lines(values)
    assert not any("\n" in line for line in shown) and "certificate, SHA-256" in shown[0] and "password" in shown[2]
    assert samples.HASHED not in shown
    assert taken_lines([*shown, "new"], values) == [*values, "new"]
    assert taken(shown_text(samples.CA), []) == shown_text(samples.CA)


def test_each_place_leads_to_a_question_that_is_there() -> None:
    assert {key for _, key in _PREFIXES} <= set(QUESTIONS)
    assert key_of("stylus.site.network.interfaces.eno1.gateway") == "net.address"
    assert key_of("stylus.site.network.interfaces.eno1.gateway", "advanced") == "net.cards"
    assert key_of("stylus.siteX") == key_of("") == ""
