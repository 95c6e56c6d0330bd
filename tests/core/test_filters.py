from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.filters.fields import AUDIT_FIELDS, EVENT_FIELDS, FILTER_FIELDS, KINDS
from edgewright.core.filters.filters import EVERYTHING, FilterError, Term, Value, parse, to_search
from edgewright.core.filters.parse import render
from edgewright.store.collections.tokens import FIELDS as TOKEN_FIELDS

NOW = 1_000_000.0
ROW: dict[str, Any] = {
    "uid": "edge-7f3a", "name": "edge-7f3a", "state": "in-use", "health": "unhealthy", "reason": "No word for 14 min",
    "site": "Berlin", "tags": ("rack", "role:pos", "site:Berlin"), "cpu": 8, "memory_mb": 16384, "disk_percent": 97.0,
    "os": "ubuntu 22.04", "ip": "10.4.1.7", "arch": "amd64", "created": NOW - 3600, "last_seen": NOW - 840,
    "since": None, "simulated": False, "cluster": "", "cpu_percent": None, "boot_slot": "active",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True), ("7F3A", True), ("kiel", False), ("berlin", True), ('"no word"', True), ("-berlin", False),
        ("health:unhealthy", True), ("health:healthy", False), ("HEALTH:UNHEALTHY", True), ("!health:unhealthy", False),
        ("state:ready,in-use", True), ('state:"in use"', True), ("state!=in-use", False), ("-state:ready", True),
        ("tag.site:berlin", True), ("tag.site:kiel,berlin", True), ("tag.site:ber", False), ("tag:rack", True),
        ("tag:role:pos", True), ("tag:role", True), ("tag:pos", False), ("tag.shelf:-", True), ("tag.site:-", False),
        ("tag.role", True), ("-tag.role", False), ("tag.site:/^ber/", True), ("tag:*", True),
        ("cpu>=4", True), ("cpu>8", False), ("cpu:8", True), ("cpu=8", True), ("cpu<=8", True), ("-cpu>8", True),
        ("memory>=16G", True), ("memory>16G", False), ("mem:16384", True), ("memory<1T", True), ("disk>95", True),
        ("disk>98%", False), ("age<2h", True), ("age>2h", False), ("seen>10m", True), ("seen>1h", False),
        ("since<1d", False), ("since:-", True), ("since:*", False), ("load>1", False), ("load:-", True),
        ("cluster:-", True),
        ("cluster:*", False), ("name:7f", True), ("name=7f", False), ("name=edge-7f3a", True),
        ("name:/^edge-\\w+$/", True),
        ("/7f.a/", True), ("simulated:no", True), ("simulated:yes", False), ("slot:active", True), ("os:ubuntu", True),
        ("health:unhealthy tag.site:berlin age<2h cpu>=4 -state:ready edge", True), ("10.4", True),
        ("memory>8GiB", True),
    ],
)  # fmt: skip
def test_what_a_filter_finds(text: str, found: bool) -> None:
    assert parse(text).matches(ROW.get, NOW) is found


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-l site=berlin", "tag.site:berlin"), ("-l site==berlin", "tag.site:berlin"),
        ("-l site!=kiel", "-tag.site:kiel"), ("-l rack", "tag.rack:*"), ("-l !shelf", "-tag.shelf:*"),
        ("-l site=berlin,role!=db", "tag.site:berlin -tag.role:db"),
        ("-l site in (berlin, kiel),role notin (db)", "tag.site:berlin,kiel -tag.role:db"),
        ("health:unhealthy -l site=berlin 7f", "health:unhealthy tag.site:berlin 7f"),
        ("-l app.kubernetes.io/name=web", 'tag.app.kubernetes.io/name:web'), ("-lab", "-lab"), ("-free", "-free"),
    ],
)  # fmt: skip
def test_label_selectors_of_kubernetes_are_tags(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("-l site=berlin", True), ("-l site=kiel", False), ("-l site!=kiel", True), ("-l shelf!=3", True),
        ("-l site in (kiel,berlin)", True), ("-l role", True), ("-l !role", False), ("-f e7a", True),
        ("-f ea7", False), ("-f UBTU", True), ("-f e.7", False), ("!berlin", False), ("!kiel", True),
    ],
)  # fmt: skip
def test_what_a_k9s_filter_finds(text: str, found: bool) -> None:
    assert parse(text).matches(ROW.get, NOW) is found


@given(st.text(min_size=1, max_size=60), st.text(max_size=80))
def test_a_selector_is_read_or_refused_and_fuzzy_finds_its_own_letters(word: str, other: str) -> None:
    try:
        assert parse(f"-l {other}") == parse(parse(f"-l {other}").text)
    except FilterError as error:
        assert error.message
    if not any(one.isspace() for one in word):
        row = {"name": "x".join(word[:40].casefold())}
        assert parse(f"-f {word}").matches(lambda name: row.get(name), NOW)


def test_a_list_without_labels_refuses_a_selector_in_one_sentence() -> None:
    with pytest.raises(FilterError) as caught:
        parse("-l site=berlin", TOKEN_FIELDS)
    assert "no labels" in caught.value.message
    for text in ("-l", "-l =x", "-l site=", "-l !site=x", "-l a,,b", "-f"):
        with pytest.raises(FilterError):
            parse(text)


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("helth:bad", 0, "health"), ("x stat:ready", 2, "state"), ("qqqqqqq:1", 0, "Fields: uid"),
        ('"open', 0, "close"),
        ("/open", 0, "end"), ("name:/(/", 5, "not valid"), ("cpu>many", 0, "cpu>4"), ("age:2h", 0, "age<2h"),
        ("state>ready", 0, "text"), ("cpu>1,2", 0, "one plain"), ("cpu:", 4, "missing"), ("-", 0, "without a term"),
        ("simulated:maybe", 0, "yes or no"), ("tag.:x", 4, "key"), ("tag>3", 0, "tag.site"), ("cpu:/4/", 0, "number"),
        ("-l a in (b", 8, "does not close"), ("-l a notin", 10, "missing"), ("-l a in b", 8, "missing"),
        ("-l a=b,=c", 7, "not a condition"), ("-l a=b,", 7, "not a condition"), ("-l a in (b,)", 9, "not valid"),
    ],
)  # fmt: skip
def test_what_a_filter_cannot_say(text: str, position: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.position == position
    assert says in caught.value.message + " " + caught.value.hint


WORDS = st.text(min_size=1, max_size=12)
VALUES = st.one_of(
    st.builds(Value, st.just("text"), st.text(max_size=10)), st.just(Value("unset")), st.just(Value("any")),
    st.builds(Value, st.just("regex"), st.sampled_from(["a/b", "^x\\d$", "a\\\\", "[/]", "", "a b,c", "\\\\/"])),
)  # fmt: skip
TERMS = st.one_of(
    st.builds(lambda n, t: Term(n, "", ":", (Value("text", t),)), st.booleans(), st.text(max_size=10)),
    st.builds(
        lambda n, f, v: Term(n, f, ":", tuple(dict.fromkeys(v))),
        st.booleans(), st.sampled_from(["name", "os", "state", "tag"]), st.lists(VALUES, min_size=1, max_size=3),
    ),
    st.builds(
        lambda n, k, v: Term(n, "tag", ":", tuple(dict.fromkeys(v)), k),
        st.booleans(), WORDS, st.lists(VALUES, min_size=1, max_size=3),
    ),
    st.builds(
        lambda n, f, o, v: Term(n, f[0], o, (Value("text", f[1].format(v)),)),
        st.booleans(), st.sampled_from([("cpu", "{}"), ("memory", "{}G"), ("age", "{}m"), ("disk", "{}%")]),
        st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, 999),
    ),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(TERMS, max_size=4))
def test_the_canonical_text_means_the_same(terms: list[Term]) -> None:
    text = render(terms)
    parsed = parse(text)
    assert list(parsed.terms) == terms
    assert parsed.text == text
    assert parse(parsed.text) == parsed


FRAGMENTS = st.lists(
    st.sampled_from(
        ["-", "!", "name", ":", "tag", ".", "cpu", "<", ">=", "=", '"', "/", "\\", ",", " ", "*", "8G", "("]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=40), FRAGMENTS))
def test_any_text_is_a_filter_or_a_sentence(text: str) -> None:
    try:
        wanted = parse(text)
    except FilterError as error:
        assert 0 <= error.position <= len(text)
        assert error.message.strip()
        return
    assert parse(wanted.text) == wanted
    assert wanted.matches(ROW.get, NOW) in (True, False)
    assert wanted.matches(lambda name: None, NOW) in (True, False)


def test_search_of_the_plane() -> None:
    body = to_search(parse("health:unhealthy tag.site:berlin,kiel -state:ready name:edge"))
    assert body is not None
    items = body["filter"]["filterGroups"][0]["filters"]
    assert [item["property"] for item in items] == ["healthState", "tags", "state", "name"]
    assert items[1]["condition"]["string"]["match"]["values"] == ["site:berlin", "site:kiel"]
    assert items[2]["condition"]["string"]["negation"] is True
    assert items[3]["condition"]["string"]["operator"] == "contains"
    assert to_search(EVERYTHING) == {"sort": None}
    for text in ("cpu>4", "free", "health:unknown", "name:/x/", "tag:site", "state:-"):
        assert to_search(parse(text)) is None


def test_tables_are_whole() -> None:
    for table in (FILTER_FIELDS, TOKEN_FIELDS, EVENT_FIELDS, AUDIT_FIELDS):
        names = [name for field in table for name in (field.name, *field.aliases)]
        assert len(names) == len(set(names))
        assert all(field.kind in KINDS and field.help for field in table)
    assert parse("severity:error age<1h", EVENT_FIELDS).matches({"severity": "Error", "at": NOW - 5}.get, NOW)


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        ("ends<7d", NOW + 6 * 86400, True),
        ("ends<7d", NOW + 8 * 86400, False),
        ("ends>7d", NOW + 8 * 86400, True),
        ("ends<0s", NOW - 5, True),
        ("ends<7d", None, False),
        ("ends:-", None, True),
        ("ends:*", NOW, True),
    ],
)
def test_the_time_until_something_is_compared(text: str, end: float | None, expected: bool) -> None:
    assert parse(text, TOKEN_FIELDS).matches({"expiry": end}.get, NOW) is expected


def test_a_span_is_never_equal_to_something() -> None:
    with pytest.raises(FilterError, match="ends is a time span"):
        parse("ends:7d", TOKEN_FIELDS)


@pytest.mark.parametrize("text", ["/(a+)+$/", "/((a*))*b/", "/(a|a)+$/", "/(x{1,9}){1,9}/"])
def test_an_expression_that_can_take_for_ever_is_refused(text: str) -> None:
    with pytest.raises(FilterError, match="can take for ever"):
        parse(text)


@pytest.mark.parametrize("text", ["/edge-(7f|0c)/", "/^(ab)+$/", "/a+b*/"])
def test_plain_expressions_are_taken(text: str) -> None:
    parse(text)


PIECES = ("ed", "e", "edge", "7", "7f", "-e", "-f ed", "/e./", "name:e", '"e 7"', "Ä", "ss", "ß", "age>1h", '""', "e*")


@given(
    st.lists(st.sampled_from(PIECES), max_size=3), st.lists(st.sampled_from(PIECES), max_size=3), st.text("edgE7f ßäs")
)
def test_a_narrower_filter_finds_nothing_that_the_other_does_not_find(
    more: list[str], fewer: list[str], name: str
) -> None:
    narrow, wide = parse(" ".join(more)), parse(" ".join(fewer))
    row = {"name": name, "uid": name, "last_seen": 0.0}
    if narrow.narrows(wide) and narrow.matches(row.get, NOW):
        assert wide.matches(row.get, NOW)


@pytest.mark.parametrize(
    ("text", "before", "narrows"),
    [
        ("edge", "ed", True), ("edge", "edge", True), ("edge 7f", "ed", True), ("ed", "edge", False),
        ("edge", "kiel", False), ("7f edge", "ed", False), ("edge", "", False), ("age>2h", "age>1h", False),
        ("-edge", "-ed", False), ("name:edge", "name:ed", False), ("/edge/", "/ed/", False),
    ],
)  # fmt: skip
def test_a_letter_more_makes_a_free_text_narrower(text: str, before: str, narrows: bool) -> None:
    assert parse(text).narrows(parse(before)) is narrows
