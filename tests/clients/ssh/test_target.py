"""Targets as a user writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.clients.ssh.target import MAX_HOPS, Target, read_target, short_name
from edgewright.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("edge1", ("", "edge1", 0)),
        ("root@edge1.site.example:2222", ("root", "edge1.site.example", 2222)),
        ("10.0.0.7:22", ("", "10.0.0.7", 22)),
        ("kairos@[2001:db8::7]:22", ("kairos", "2001:db8::7", 22)),
        ("[fe80::1%eth0]", ("", "fe80::1%eth0", 0)),
        ("2001:db8::7", ("", "2001:db8::7", 0)),
        ("anna@corp.example@edge1", ("anna@corp.example", "edge1", 0)),
        ("node_1", ("", "node_1", 0)),
    ],
)
def test_what_a_target_names(text: str, target: tuple[str, str, int]) -> None:
    assert read_target(text) == read_target(str(Target(*target))) == (*target, ())


def test_a_target_may_name_the_hosts_on_the_way() -> None:
    target = read_target("store-7,ops@gate:2222,kairos@[2001:db8::7]:22")
    assert target[:3] == ("kairos", "2001:db8::7", 22)
    assert target.through == (Target("", "store-7", 0), Target("ops", "gate", 2222))
    assert str(target) == "store-7,ops@gate:2222,kairos@[2001:db8::7]:22"
    assert [short_name(text) for text in ("a@b,c@d:22", "b,d", "c@d", "d")] == ["d:22", "d", "d", "d"]
    assert len(read_target(",".join(["a"] * MAX_HOPS)).through) == MAX_HOPS - 1
    with pytest.raises(InvalidInput, match=f"at most {MAX_HOPS} hosts, not {MAX_HOPS + 1}"):
        read_target(",".join(["a"] * (MAX_HOPS + 1)))


@pytest.mark.parametrize(
    "text",
    [
        "", "@edge1", "root@", ":22", "edge1:", "edge1:0", "edge1:65536", "edge1:ssh", "[::1", "[::1]x", "[::1]:",
        "[edge 1]", "-oProxyCommand=reboot", "a b", "edge1;reboot", "$(reboot)", "`id`@edge1", "-l@edge1",
        "root@-edge1", "edge1\n", "é.example", "a" * 254, "x" * 65 + "@edge1", "edge1:²2", "[fe80::1%$(id)]", "1::2::3",
        "a|b", "edge1-", "a,", ",a", "a,,b", "a, b", "a,-oProxyCommand=reboot", "-J,a",
    ],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_target(text)
    assert caught.value.message.isprintable() and caught.value.hint


@given(st.text(max_size=60))
def test_nothing_that_a_shell_reads_gets_through(text: str) -> None:
    try:
        target = read_target(text)
    except InvalidInput:
        return
    for each in (*target.through, target):
        assert not set(each.user + each.host) & set(" \t\n\r'\"`$\\;&<>|(){}*?~!#,")
        assert not each.host.startswith("-") and not each.user.startswith("-")
