"""What answers mean: the user-data by typical answer sets, held in files, and rules that hold for any answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright.core.cloudconfig.check import check
from edgewright.core.installer.answers import complete, problems
from edgewright.core.installer.document import build_request, user_data
from edgewright.core.installer.pages import QUESTIONS
from edgewright.forge.userdata.text import dump
from edgewright.yamltext.reader import read
from tests.core.installer import samples

GOLDEN = Path(__file__).parent / "golden"
NOW = 1_800_000_000.0


@pytest.mark.parametrize("name", samples.ALL)
def test_the_user_data_is_the_one_on_file(name: str) -> None:
    text = dump(user_data(complete(samples.ALL[name])))
    path = GOLDEN / f"{name}.yaml"
    assert text == path.read_text()
    assert read(text).document == user_data(complete(samples.ALL[name]))


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(samples.ALL)


@pytest.mark.parametrize("name", samples.ALL)
def test_the_check_finds_no_error(name: str) -> None:
    document = user_data(complete(samples.ALL[name]))
    assert [f for f in check(document, profile="palette", now=NOW) if f.severity == "error"] == []


def test_the_request_says_what_is_built() -> None:
    request = build_request(complete(samples.SITES))
    assert (request.sites, request.plan, request.base) == ("cidata", "/srv/plan.csv", "/srv/base.iso")
    assert request.proof == ("registered", "bios", False, "cd")
    local = build_request(complete({**samples.LOCAL, "output.plan": "/left/over.csv", "token.uid": "left-over"}))
    assert local.appliance and (local.base, local.sites, local.plan, local.token_uid) == ("", "", "", "")
    assert local.proof.until == ""


def test_answers_that_do_not_apply_leave_no_trace() -> None:
    left = {
        "net.address": "10.1.1.1/24",
        "bond.use": True,
        "bond.members": "a,b",
        "uid.name": "old",
        "disk.path": "/dev/x",
    }
    assert user_data(complete({**samples.LEAST, **left})) == user_data(complete(samples.LEAST))


def words(*choices: str) -> st.SearchStrategy[str]:
    return st.sampled_from(choices)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "plane.mode": words("central", "local"),
    "plane.endpoint": words("https://hub.example.org:8443", "plane.example.org", "https://10.4.0.2:8443/"),
    "plane.project": words("", "Default"),
    "local.port": st.integers(0, 70000) | st.none(),
    "local.multi_node": st.booleans(),
    "token.text": st.text("abcXYZ0189-_=", min_size=1, max_size=40),
    "token.approval": st.booleans(),
    "uid.rule": words("device", "name", "random"),
    "uid.name": st.text("abcXYZ09-_ ./é", max_size=20),
    "uid.source": words("product_uuid", "board_serial", "file"),
    "uid.file": words("/sys/class/net/eno1/address", "relative"),
    "uid.regex": words("", "([0-9a-f]+)$", "(?P<x>a)", "["),
    "uid.prefix": st.text("ab-9.", max_size=6),
    "uid.host_name": st.text("ab-9.A", max_size=8),
    "net.mode": words("dhcp", "static", "advanced"),
    "net.nic": words("eno1", "enp175s0f0np0", "eth0.5"),
    "net.address": words("10.4.1.7/24", "10.4.1.7/31", "fd00::7/64", "192.168.0.0/24", "127.0.0.1/8"),
    "net.gateway": words("", "10.4.1.1", "fd00::1", "10.4.1.6"),
    "net.dns": words("", "10.4.1.1", "fd00::53", "127.0.0.53"),
    "net.vlan": st.integers(0, 5000) | st.none(),
    "net.cards": st.lists(
        st.fixed_dictionaries({
            "nic": words("eno1", "eno2", "eno3"), "type": words("dhcp", "static"),
            "address": words("10.4.1.7/24", "10.5.1.7/24", ""), "gateway": words("", "10.4.1.1"),
            "dns": words("", "10.4.1.1"), "vlan": st.integers(1, 4094) | st.none(),
            "mtu": st.sampled_from([None, 1400, 9000, 10]),
        }),
        max_size=3,
    ),
    "bond.use": st.booleans(),
    "bond.members": words("eno1, eno2", "eno8 eno9", "eno1"),
    "bond.mode": words("active-backup", "802.3ad"),
    "bond.type": words("dhcp", "static"),
    "bond.address": words("10.4.1.7/24", ""),
    "bond.gateway": words("", "10.4.1.1"),
    "bond.vlan": st.integers(1, 4094) | st.none(),
    "bond.mtu": st.sampled_from([None, 1500, 9216]),
    "proxy.http": words("", "http://proxy.example.org:3128"),
    "proxy.https": words("", "http://user:pw@10.0.0.1:3128"),
    "proxy.none_for": st.lists(words("10.0.0.0/8", ".example.org, localhost", "127.0.0.1"), max_size=2),
    "dns.servers": st.lists(words("10.4.1.1", "10.4.1.2", "fd00::1"), max_size=2),
    "dns.search": st.lists(words("shop.example.org", "example.org"), max_size=2),
    "ntp.servers": st.lists(words("ntp.example.org", "10.4.1.1"), max_size=2),
    "user.name": st.text("abz_-9", max_size=8) | words("kairos", ""),
    "user.password": words("", samples.HASHED),
    "user.admin": st.booleans(),
    "user.keys": st.lists(st.just(samples.key()), max_size=1),
    "users.more": st.lists(
        st.fixed_dictionaries({"name": words("field", "noc"), "keys": st.just([samples.key("x")])}), max_size=2
    ),
    "registries.list": st.lists(
        st.fixed_dictionaries({
            "domain": words("registry.example.org", "r:5000", "r.example.org/team"), "repository": words("", "edge"),
            "username": words("", "pull"), "password": words("", "secret99"), "insecure": st.booleans(),
        }),
        max_size=2,
    ),
    "registries.rules": st.dictionaries(words("docker.io", "quay.io"), words("r:5000/hub", "m.example"), max_size=2),
    "site.name": words("", "berlin-04", "Straße 7"),
    "site.tags": st.dictionaries(st.text("abcé -", min_size=1, max_size=5).map(str.strip).filter(bool),
                                 st.text("abc:", max_size=5), max_size=3),
    "site.registration_url": words("", "https://reg.example.org"),
    "link.metered": st.booleans(),
    "link.heartbeat": words("", "30s", "5m", "1h", "2h"),
    "link.silence": words("", "90s", "15m", "1d", "x"),
    "link.budget": st.integers(-1, 60) | st.none(),
    "disk.rule": words("auto", "path"),
    "disk.path": words("/dev/sda", "/dev/disk/by-id/x", "sda"),
    "disk.persistent": st.integers(0, 100000) | st.none(),
    "disk.end": words("reboot", "poweroff", "stay"),
    "disk.cmdline": words("", "nomodeset console=ttyS1", "root=x"),
    "disk.extra": st.lists(
        st.fixed_dictionaries({"name": words("data", "logs"), "size": st.integers(60, 9999) | st.none(),
                               "fs": words("ext4", "vfat"), "label": words("", "DATA", "COS_OEM")}),
        max_size=2,
    ),
    "stages.steps": words("", "boot:\n  - commands: [echo hi]", "boot.after:\n  - modules: [x]", "no: [", "stages: {}")
    .map(lambda text: text.split("\n")),
}  # fmt: skip


def some(keys: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({key: VALUES[key] for key in keys})


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.lists(st.sampled_from(sorted(VALUES)), max_size=6, unique=True).flatmap(some))
def test_answers_that_pass_give_user_data_without_an_error(given_answers: dict[str, Any]) -> None:
    base = samples.BOND if "bond.use" in given_answers or "net.cards" in given_answers else samples.STATIC_VLAN_PROXY
    answers = complete({**base, **given_answers})
    document = user_data(answers)
    assert dump(document) == dump(user_data(complete(answers)))
    if not problems(answers):
        found = check(document, profile="palette", now=NOW)
        assert [f for f in found if f.severity == "error"] == []


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(QUESTIONS)), st.text(max_size=30) | st.lists(st.text(max_size=9), max_size=3)
    )
)
def test_no_answer_is_too_strange_for_a_sentence(raw: dict[str, Any]) -> None:
    from edgewright.core.errors import InvalidInput

    try:
        answers = complete(raw)
    except InvalidInput as error:
        assert error.message.endswith(".")
        return
    assert all(p.message and p.key in QUESTIONS for p in problems(answers))
    user_data(answers)
    build_request(answers)
