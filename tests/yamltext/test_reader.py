"""Reading and writing user-data: lines, templates, odd things, and bounds that hold."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.cloudconfig.args.args import read_args
from edgewright.core.cloudconfig.args.check import check_args
from edgewright.core.cloudconfig.check import check, check_text
from edgewright.core.cloudconfig.masking import masked
from edgewright.core.cloudconfig.merge import merge
from edgewright.core.errors import InvalidInput
from edgewright.core.yaml.subset import load
from edgewright.forge.userdata.text import dump
from edgewright.yamltext.bounds import MAX_SIZE
from edgewright.yamltext.documents import read_all, read_one
from edgewright.yamltext.encoding import decode
from edgewright.yamltext.reader import read


def test_each_key_has_its_line() -> None:
    parsed = read("#cloud-config\nstylus:\n  site:\n    users:\n      - name: a\n      - name: b\n")
    assert parsed.document == {"stylus": {"site": {"users": [{"name": "a"}, {"name": "b"}]}}}
    assert parsed.line_of("stylus.site.users[1].name") == 6
    assert parsed.line_of("stylus.site.users[1].passwd") == 6
    assert parsed.line_of("install") == 0


def test_templates_are_words_until_the_host_fills_them_in() -> None:
    parsed = read("a: {{ .Values.product.uuid }}\nb: x-{{ trunc 4 .MachineID }}\nc: |\n  {{ .X }}\n")
    assert parsed.document == {"a": "{{ .Values.product.uuid }}", "b": "x-{{ trunc 4 .MachineID }}", "c": "{{ .X }}\n"}


def test_what_is_odd_about_the_text_is_told() -> None:
    parsed = read("a: &x [1]\nb: *x\nb: 2\nc: !!str 5\n---\nd: 1\n")
    assert parsed.document == {"a": [1], "b": 2, "c": "5"}
    assert [(one.code, one.line) for one in parsed.problems] == [
        ("NotPortable", 2),
        ("Doubled", 3),
        ("TwoDocs", 5),
    ]


def test_merge_keys_are_filled_in() -> None:
    assert read("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n").document["b"] == {"p": 1, "q": 3}


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
BIG_ALIAS = "a: &a " + "x" * 500_000 + "\nb: [" + "*a, " * 50 + "]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "line 2"),
        ("a:\n\t- b", "line 2"),
        ("- a", "not a map"),
        ("a: \0", "U+0000"),
        ("[" * 100_000, "nested deeper"),
        ("{a: " * 10_000, "nested deeper"),
        (BOMB, "more than 100,000 values"),
        (BIG_ALIAS, "longer than 1 MB"),
        ("a: &a {b: *a}", "names nothing"),
        ("? [a]\n: b", "a key must be a word"),
        ("x" * (MAX_SIZE + 1), "1 MB"),
        ("a: '" + "x" * 1000, "line 1"),
    ],
    ids=range(12),
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert words in caught.value.message


def test_a_tab_has_its_own_hint() -> None:
    with pytest.raises(InvalidInput) as caught:
        read("a:\n\tb: c\n")
    assert "tab" in caught.value.hint


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a: \xc3(", b"x" * (MAX_SIZE + 1)])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("#cloud-config\n".encode("utf-16"), "is UTF-16, not UTF-8"),
        ("#cloud-config\n".encode("utf-16-be"), "is UTF-16, not UTF-8"),
        (b"PK\3\4xl/workbook.xml", "is a workbook or ZIP archive"),
        (b"\x1f\x8b\x08\0", "compressed with gzip"),
        (b"a: 1\nb: \xe4\n", "line 2 contains the byte 0xE4"),
    ],
)
def test_what_a_file_is_instead_of_text_is_named(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(data, "x.yaml")
    assert words in caught.value.message and "UTF-8" in caught.value.hint


@pytest.mark.parametrize("word", ["9" * 5000, "0x" + "f" * 5000, "1.0e+999", ".inf"])
def test_numbers_that_nobody_writes_stay_text(word: str) -> None:
    assert read(f"a: {word}\n").document == {"a": word}


def test_writing_is_the_same_each_time_and_both_readers_read_it() -> None:
    document = {
        "stylus": {"site": {"name": "007", "tags": {"a": "yes", "b": "1.5"}, "ntpServers": ["a", "b"], "empty": {}}},
        "stages": {"initramfs": [{"name": "x", "commands": ["echo a\necho b\n", "x: y", "a #b", ""]}]},
        "flags": [True, False, None, 5],
    }
    text = dump(document, ["made for a test"])
    assert text.startswith("#cloud-config\n# made for a test\nstylus:\n  site:\n    name: '007'\n")
    assert "        - |\n          echo a\n          echo b\n" in text
    assert read(text).document == document == load(text)
    assert dump(read(text).document, ["made for a test"]) == text
    assert dump({}) == "#cloud-config\n"


WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=12)
KNOWN_WORDS = """
    stylus site install stages users name network interfaces type ipAddress mask gateway nameserver registries
    externalRegistries registryMappingRules domain boot files caCerts tags extra-partitions size device commands path
    permissions content passwd ssh_authorized_keys deviceUIDPaths regex paletteEndpoint noProxy httpsProxy ntpServers
"""
KNOWN = st.sampled_from(KNOWN_WORDS.split())
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    WORDS,
    st.sampled_from(
        ["static", "10.0.0.5/24", "https://[::", "http://a:b", "$6$", "{{ .X }}", "auto", "-----BEGIN X-----"]
    ),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(KNOWN, WORDS), inner, max_size=5)),
    max_leaves=30,
)
ROOTS = st.dictionaries(KNOWN, DOCUMENTS, max_size=6)


@settings(max_examples=60, deadline=None)
@given(ROOTS)
def test_any_document_can_be_checked_masked_and_merged(document: dict[str, Any]) -> None:
    for profile in ("palette", "kairos"):
        for found in check(document, profile=profile, now=0):
            assert found.message and found.severity in ("error", "warning", "note")
    masked(document)
    merge([("a", document), ("b", {"stylus": {"site": {"name": "x"}}}), ("c", document)])


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(WORDS, DOCUMENTS, max_size=5))
def test_any_document_is_written_and_read_back(document: dict[str, Any]) -> None:
    written = dump(document)
    again = read(written).document
    assert dump(again) == written


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary(max_size=600), st.text(max_size=600).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        text = decode(data)
        check_text(text, "x.yaml")
        parsed = read(text)
    except InvalidInput:
        return
    parsed.placed(check(parsed.document, now=0))


YAMLISH = st.lists(
    st.sampled_from(
        ["a", ": ", "- ", "\n", "  ", "{", "}", "[", "]", "&a ", "*a", "!x ", "|\n", "'", '"', "#", "---\n"]
    )
    | st.sampled_from(["stylus:\n", "  site:\n", "<<: ", "{{ .X }}", "? ", ", ", "%", "\t", "~", "0", "é"]),
    max_size=60,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(YAMLISH)
def test_anything_like_yaml_is_read_or_refused(text: str) -> None:
    try:
        parsed = read(text)
    except InvalidInput:
        return
    check(parsed.document, now=0)
    parsed.line_of("stylus.site.name")


HOSTILE: list[tuple[str, dict[str, Any]]] = [
    ("keys", {f"k{n}AutoRegister": True for n in range(20_000)}),
    ("keys of stylus", {"stylus": {f"site{n}": {"a": "$" * 50} for n in range(20_000)}}),
    ("long keys", {"stylus": {"x" * 100_000: 1, "disable" * 10_000: True}}),
    ("variables", {"stylus": {"site": {"edgeHostToken": "$(" * 100_000, "name": "${" * 100_000}}}),
    ("words", {"stylus": {"site": {"edgeHostToken": "your-token-here-" * 20_000, "projectName": "x" * 200_000}}}),
    ("gaps", {"stylus": {"site": {"edgeHostToken": "<" * 100_000 + "x" * 100_000, "tags": {"a": "[a" * 100_000}}}}),
    ("keys of SSH", {"users": [{"name": "a", "ssh_authorized_keys": ["ssh-rsa " + "A" * 19_000] * 100}]}),
    ("steps", {"stages": {f"boot{n}": [{"commands": ["“" * 1000] * 50}] * 2 for n in range(10)}}),
    ("labels", {"install": {"extra-partitions": [{"name": "n" * 10_000, "label": "l" * 10_000}] * 1000}}),
    ("modes", {"write_files": [{"path": "/a", "permissions": 10**400}] * 1000}),
]


@pytest.mark.parametrize(("what", "document"), HOSTILE, ids=[one[0] for one in HOSTILE])
def test_hostile_values_take_bounded_time(what: str, document: dict[str, Any]) -> None:
    begin = time.process_time()
    found = check(document)
    assert time.process_time() - begin < 5 and len(found) <= 501
    assert all(len(one.message) < 5000 for one in found)


@pytest.mark.parametrize(
    "line", ["A=" + "$A" * 100_000, "A='" + "\\'" * 100_000, "A=" + " #" * 100_000, "A" * 200_000], ids=range(4)
)
def test_hostile_lines_of_arg_take_bounded_time(line: str) -> None:
    begin = time.process_time()
    check_args(read_args(f"A=1\n{line}\nB={'$A' * 1000}\n" * (1 if len(line) > 1000 else 50)))
    assert time.process_time() - begin < 5


def test_doubled_keys_before_many_aliases_take_bounded_time() -> None:
    text = "x: &x 1\n" + "a: 1\n" * 30_000 + "b: [" + ",".join(["*x"] * 30_000) + "]\n"
    begin = time.process_time()
    problems = read(text).problems
    assert time.process_time() - begin < 4
    assert len([problem for problem in problems if problem.code == "NotPortable"]) == 1


def test_aliases_of_long_keys_stay_bounded() -> None:
    """As JSON these 0.5 MB would be 12 GB."""
    text = "a: &a\n  ? " + "x" * 400_000 + "\n  : 1\n" + "b: [" + ", ".join(["*a"] * 30_000) + "]\n"
    for reading in (read, read_one):
        with pytest.raises(InvalidInput, match="its aliases make it longer than 1 MB"):
            reading(text, "The text")


def test_aliases_of_several_documents_stay_bounded_together() -> None:
    document = "--- {a: &a " + "x" * 4_000 + ", b: [" + ", ".join(["*a"] * 240) + "]}\n"
    assert len(read_all(document, "The text")) == 1
    with pytest.raises(InvalidInput, match="its aliases make it longer than 1 MB"):
        read_all(document * 2, "The text")


def test_variables_that_double_stay_bounded() -> None:
    text = "A0=aaaaaaaaaa\n" + "".join(f"A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 60))
    begin = time.process_time()
    file = read_args(text)
    check_args(file)
    assert time.process_time() - begin < 5 and max(map(len, file.values().values())) <= 70_000
