from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.samples import fleet
from tui.frame.document_values import MASK, find, is_secret, many, masked, number, size, text, when, yaml_lines

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcXYZ", min_size=1), JSON, min_size=1, max_size=4))
def test_yaml_lines_are_yaml_of_the_same_document(doc: dict[str, Any]) -> None:
    said = "\n".join(yaml_lines(doc))
    if '"' not in str(list(_texts(doc))) and "\\" not in str(list(_texts(doc))):
        assert yaml.safe_load(said) == doc


def _texts(doc: Any) -> Any:
    if isinstance(doc, dict):
        for value in doc.values():
            yield from _texts(value)
    elif isinstance(doc, list):
        for value in doc:
            yield from _texts(value)
    elif isinstance(doc, str):
        yield doc


def test_secrets_are_masked_and_names_are_not() -> None:
    said = "\n".join(yaml_lines(masked(fleet()[0])))
    assert "ewt_very-secret-token" not in said
    assert MASK in said
    assert "tokenName: shop-install" in said
    assert "tokenUid: tok-shop" in said
    assert is_secret("hostPairingKey")
    assert not is_secret("sshHostKeys")


def test_values_are_found_whatever_the_case_and_null_is_unknown() -> None:
    doc = {"Spec": {"CPU": {"cores": 8}, "nics": None, "name": None, "on": True}}
    assert number(doc, "spec.cpu.Cores") == 8
    assert many(doc, "spec.nics") == []
    assert text(doc, "spec.name") == "-"
    assert text(doc, "spec.on") == "yes"
    assert find(doc, "spec.cpu.cores.deeper") is None
    assert when({"t": "0001-01-01T00:00:00Z"}, "t") is None
    assert when({"t": "nonsense"}, "t") is None


def test_sizes_read_well() -> None:
    assert [size(value) for value in (None, 512, 1536, 32768, 2_097_152)] == ["-", "512 MB", "1.5 GB", "32 GB", "2 TB"]


@pytest.mark.parametrize(
    "text",
    ["+0", "0x1F", "1_000", "1e3", "1.5e+3", ".inf", "-.INF", ".nan", "2026-11-23", "2026-11-23T14:02:31Z",
     "52:54:00:12:34:56", "0o17", "017", "0b11", "10.4.1.7", "1.2.0", "v1", "=", "<<", "_", ".", "+", "-1", "12e03"],
)  # fmt: skip
def test_a_text_like_a_number_stays_a_text(text: str) -> None:
    assert yaml.safe_load("\n".join(yaml_lines({"value": text}))) == {"value": text}


@given(st.text("0123456789+-._:exobinfaNT", min_size=1, max_size=12))
def test_any_text_of_such_characters_stays_a_text(text: str) -> None:
    assert yaml.safe_load("\n".join(yaml_lines({"value": text}))) == {"value": text}
