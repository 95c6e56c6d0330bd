from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.yaml.scalars import resolve
from edgewright.core.yaml.subset import YamlError, load

SAFE_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=120).filter(
    lambda text: "\ufeff" not in text
)
LINES = st.lists(st.text("abc xyz:#-'\"\\|>&*!{}[],0", max_size=90), max_size=5).map("\n".join)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False),
    SAFE_TEXT, LINES,
    st.sampled_from(["yes", "007", "0x1f", "1_0", "12:30", "2026-01-01", "~", "null", "", " a ", "a: b"]),
)  # fmt: skip
KEYS = st.one_of(st.text("abcdefgh-_.", min_size=1, max_size=12), SAFE_TEXT.filter(lambda t: t != "<<"))
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=250, deadline=None)
@given(DOCUMENTS, st.sampled_from([None, True, False]), st.sampled_from([*"'\"|>", None]), st.integers(2, 6))
def test_what_pyyaml_writes_is_read_back(document: Any, flow: bool | None, style: str | None, indent: int) -> None:
    text = yaml.safe_dump(
        document, default_flow_style=flow, default_style=style, indent=indent, allow_unicode=True, width=60
    )
    # PyYAML writes tags when it forces a style upon a number: those are outside of the subset
    if "!!" in text:
        return
    # PyYAML gives the complex form to keys longer than 128 characters or of several lines
    if any(line.lstrip(" -").startswith("?") for line in text.split("\n")) or "? " in text:
        return
    assert load(text) == yaml.safe_load(text)


def from_node(node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return resolve(node.value) if node.style is None else node.value
    if isinstance(node, yaml.SequenceNode):
        return [from_node(item) for item in node.value]
    assert isinstance(node, yaml.MappingNode)
    return {key.value: from_node(value) for key, value in node.value}


PIECES = st.sampled_from(
    ["a", "b c", "key", ": ", ":", "- ", "-", "\n", "\n", "\n  ", "\n    ", "\n\n", "#x", " #x", "'q'", "'q''r'", '"d"',
     '"e\\n"', "[", "]", "{", "}", ", ", ",", "|", ">", "|-\n", ">+\n", "|2\n", "true", "12", " ", "  ", "'", '"',
     "---\n", "...\n", "\\", "?", "!", "x: 1\n", "y:\n", "- z\n", "  k: v\n", "  - w\n"]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_what_is_read_means_the_same_to_pyyaml(text: str) -> None:
    try:
        ours = load(text)
    except YamlError as error:
        assert 1 <= error.line <= text.count("\n") + 1
        return
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert ours == (None if node is None else from_node(node))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    try:
        load(text)
    except YamlError as error:
        assert str(error).startswith("Line ")


@given(st.text("0123456789abfxo_+-.eE~", min_size=1, max_size=8))
def test_plain_words_resolve_as_in_pyyaml(word: str) -> None:
    try:
        expected = yaml.safe_load(f"[{word}]")
    except (yaml.YAMLError, ValueError):
        return
    if len(expected) != 1 or isinstance(expected[0], dict):
        return
    value = expected[0]
    if hasattr(value, "isoformat") or (isinstance(value, float) and not math.isfinite(value)):
        value = word
    assert resolve(word) == value


CLOUD_CONFIG = """\
#cloud-config
# written by a person
stylus:
  site:
    paletteEndpoint: api.example.com   # no scheme
    edgeHostToken: "abc:def#1"
    name: 007
    tags: {site: berlin, "rack": 'a''b', empty: }
    deviceUIDPaths:
    - name: /sys/class/dmi/id/product_uuid
    - name: /etc/palette/id
      regex: "edge-.*"
    caCerts:
      - |
        -----BEGIN CERTIFICATE-----
        MIIB
        -----END CERTIFICATE-----
      - >-
        folded
        text
    ntpServers: [a.example, b.example,
                 c.example]
    network:
      interfaces:
        eno1: {type: static, ipAddress: 10.0.0.2/24}
stages:
  initramfs:
    - name: users
      commands:
        - echo "a: b"
        - |
          if true; then
            echo x
          fi
"""


def test_a_cloud_config_reads_as_in_pyyaml() -> None:
    assert load(CLOUD_CONFIG) == yaml.safe_load(CLOUD_CONFIG)
    untyped = load(CLOUD_CONFIG, typed=False)
    assert untyped["stylus"]["site"]["name"] == "007"
    assert untyped["stylus"]["site"]["tags"]["empty"] is None


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: 1\nb: &x 2", 2, "anchors"), ("a: *x", 1, "aliases"), ("a: !!str 2", 1, "tags"), ("a: 1\n\ta: 2", 2, "tab"),
        ("a: 1\na: 2", 2, "twice"), ("<<: {a: 1}", 1, "merge"), ("? a\n: b", 1, "complex"), ("a: b: c", 1, "colon"),
        ("a: 1\n b: 2", 2, "indentation"), ("a: [1, 2", 1, "come"), ('x: 1\na: "b', 2, "end"),
        ("a: 1\n---\nb: 2", 2, "second"),
        ("a: \x1b[0m", 1, "001B"), ("%YAML 1.2\n---\na: 1", 1, "directives"), ("a: 'b' c", 1, "follows"),
    ],
)  # fmt: skip
def test_refusals_name_line_and_reason(text: str, line: int, word: str) -> None:
    with pytest.raises(YamlError) as caught:
        load(text)
    assert caught.value.line == line
    assert word in str(caught.value)


def test_a_quoted_key_may_hold_what_looks_like_a_comment() -> None:
    assert load('"a #b": yes-it-is # really\n') == {"a #b": "yes-it-is"}


def test_deep_nesting_is_refused() -> None:
    for text in ("[" * 500, "- " * 500 + "a", "{a: " * 500):
        with pytest.raises(YamlError):
            load(text)
