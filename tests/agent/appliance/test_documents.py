"""User-data of the medium: what is found, what is left out, how layers merge, and that no word is altered."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.agent.appliance import documents
from edgewright.core.errors import EdgewrightError

WORDS = st.text(alphabet="abc019_-: #'\"\\\n\t{}[]é.,&*!|>%@`~", max_size=12)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1000, 10**9), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(WORDS.filter(lambda t: "\n" not in t), inner, max_size=3)
    ),
    max_leaves=12,
)


def test_only_files_with_the_header_are_read_and_the_rest_is_told(tmp_path: Path) -> None:
    (tmp_path / "files-iso").mkdir()
    (tmp_path / "files-iso/config.yaml").write_text("#cloud-config\ninstall:\n  auto: true\n")
    (tmp_path / "other.yml").write_text("install: {auto: false}\n")
    (tmp_path / "readme.txt").write_text("#cloud-config\na: 1\n")
    (tmp_path / "config.yaml").write_text("#cloud-config\n# edgewright placeholder\n" + "\n" * 500)
    found = documents.scan(str(tmp_path))
    assert [layer.document for layer in found.layers] == [{"install": {"auto": True}}]
    assert len(found.notices) == 1 and "other.yml does not begin with #cloud-config" in found.notices[0]


def test_a_filled_placeholder_is_user_data(tmp_path: Path) -> None:
    text = "#cloud-config\nname: a\n# edgewright placeholder\n"
    (tmp_path / "config.yaml").write_text(text + "\n" * 100)
    assert documents.scan(str(tmp_path)).layers[0].document == {"name": "a"}


def test_a_broken_file_is_an_error_that_names_it_and_its_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("#cloud-config\na: 1\n\tb: 2\n")
    with pytest.raises(EdgewrightError, match=r"config\.yaml cannot be read.*3"):
        documents.scan(str(tmp_path))


def test_a_later_layer_wins_and_lists_grow() -> None:
    one = documents.Layer("iso", {"stylus": {"site": {"name": "a", "tags": {"x": "1"}}}, "install": {"auto": False}})
    two = documents.Layer("cidata", {"stylus": {"site": {"name": "b"}}, "install": {"auto": True}})
    merged = documents.merge([one, two])
    assert merged == {"stylus": {"site": {"name": "b", "tags": {"x": "1"}}}, "install": {"auto": True}}


def test_words_that_look_like_numbers_stay_the_words_that_a_person_wrote() -> None:
    read = documents.read_document(
        "#cloud-config\nname: 007\nv: 1.10\nmode: 0600\nn: 42\nt: true\nz: null\nq: 'true'\n"
    )
    assert read == {"name": "007", "v": "1.10", "mode": "0600", "n": 42, "t": True, "z": None, "q": "true"}
    assert documents.read_document(documents.dump(read)) == read


@given(st.dictionaries(st.text(alphabet="abc-_.0", min_size=1, max_size=6), VALUES, max_size=5))
def test_what_is_written_reads_back_the_same(document: dict[str, object]) -> None:
    assert documents.read_document(documents.dump(document)) == document
