"""The answer file: written whole and private, read strictly, settled so that a replay gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgewright.config import contexts
from edgewright.core.errors import InvalidInput, NotFound, Refused
from edgewright.core.installer.answers import complete
from edgewright.core.installer.document import user_data
from edgewright.forge.answers import MASK, absolute, masked, read_answers, settle, text_of, write_answers
from edgewright.forge.userdata.text import dump
from tests.core.installer import samples


@pytest.mark.parametrize("name", samples.ALL)
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / "shop.yaml"
    tmp_path.chmod(0o755)
    write_answers(path, "shop", samples.ALL[name])
    assert path.stat().st_mode & 0o777 == 0o600
    assert tmp_path.stat().st_mode & 0o777 == 0o755  # the folder is the person's own
    found = read_answers(path)
    assert found == ("shop", complete(samples.ALL[name]))
    assert [p.name for p in tmp_path.iterdir()] == ["shop.yaml"]
    assert text_of("shop", found.answers) == path.read_text()


@settings(max_examples=100, deadline=None)
@example({"a": "\u2028"}, ["\x850", "a\x85\nb"])
@given(
    st.dictionaries(st.text(min_size=1, max_size=8).map(str.strip).filter(bool), st.text(max_size=20), max_size=3),
    st.lists(st.text(max_size=30)),
)
def test_any_text_comes_back_from_the_file(tags: dict[str, str], lines: list[str]) -> None:
    answers = complete({**samples.LEAST, "site.tags": tags, "stages.steps": lines})
    try:
        found = yaml.safe_load(text_of("x", answers))
    except yaml.reader.ReaderError:
        raise AssertionError("it wrote what cannot be read") from None
    assert complete(found["answers"]) == answers


def write(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    path.chmod(0o600)
    return path


GOOD: dict[str, Any] = {"apiVersion": "edgewright/v1", "kind": "Installer", "metadata": {"name": "x"}, "answers": {}}

BAD: list[tuple[Any, str, str]] = [
    ({**GOOD, "answers": {"plane.endpont": "x"}}, "plane.endpont", "plane.endpoint"),
    ({**GOOD, "answer": {}}, "answer: There is no such key", "`answers`"),
    ({**GOOD, "apiVersion": "edgewright/v2"}, "edgewright/v2", ""),
    ({k: v for k, v in GOOD.items() if k != "apiVersion"}, "apiVersion: It is missing", "edgewright/v1"),
    ({**GOOD, "kind": "Cluster"}, "kind: It is Cluster", "--example"),
    ({**GOOD, "answers": []}, "must be a map of keys", "answers:"),
    ({**GOOD, "metadata": {"nam": "x"}}, "metadata.nam:", "nearest is `name`"),
    ({**GOOD, "answers": {"net.vlan": "x"}}, "net.vlan", ""),
    ("- a\n", "not a map", ""),
    ("a: [\n", "line 2", "--example"),
    ("a: &x 1\nb: !!python/object:os.system {}\n", "line 2: It uses a tag", "--example"),
    ("kind: Installer\nkind: ApplianceImage\n", "line 2: kind is there twice", "all but one"),
    ("kind: Installer\n---\nkind: Installer\n", "line 2: A second document", "--example"),
]


@pytest.mark.parametrize(("document", "says", "hint"), BAD)
def test_what_is_no_answer_file_is_refused(tmp_path: Path, document: Any, says: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_answers(write(tmp_path / "a.yaml", document))
    assert says in caught.value.message and hint in caught.value.hint and "a.yaml" in caught.value.message


@pytest.mark.parametrize(
    ("answers", "held"),
    [
        ({"token.text": "abc"}, "a token"),
        ({"user.password": "$6$a$b"}, "a password"),
        ({"registries.list": [{"domain": "r", "password": "x"}]}, "a password"),
        ({"token.text": ""}, ""),
        ({"output.name": "shop", "token.name": "shop", "uid.host_name": "a"}, ""),
        ({}, ""),
    ],
)
def test_a_file_that_others_can_read_is_refused_only_when_it_holds_a_secret(
    tmp_path: Path, answers: dict[str, Any], held: str
) -> None:
    from edgewright.forge.answer_files import read_document

    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "edgewright/v1", "kind": "Installer", "answers": answers}))
    path.chmod(0o644)
    if not held:
        assert read_document(path)["answers"] == answers
        return
    with pytest.raises(Refused, match=f"contains {held} and can be read by others"):
        read_document(path)


def test_a_file_that_others_can_read_and_nobody_understands_is_refused(tmp_path: Path) -> None:
    from edgewright.forge.answer_files import read_document

    (tmp_path / "a.yaml").write_text("token.text: [")
    (tmp_path / "a.yaml").chmod(0o644)
    with pytest.raises(Refused, match="can be read by others"):
        read_document(tmp_path / "a.yaml")


def test_a_file_that_others_can_read_is_refused_with_the_way_to_close_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", {**GOOD, "answers": {"token.text": "abc"}})
    path.chmod(0o640)
    with pytest.raises(Refused, match="contains a token") as caught:
        read_answers(path)
    assert f"chmod 600 {path}" in caught.value.hint
    with pytest.raises(NotFound):
        read_answers(tmp_path / "none.yaml")
    with pytest.raises(InvalidInput, match="directory"):
        read_answers(tmp_path)


def test_settled_answers_need_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("a comment\n" + samples.CA + "\n")
    raw = {
        **samples.LEAST,
        "plane.ca": "ca.pem",
        "ca.certificates": ["ca.pem"],
        "registries.list": [{"domain": "r.example.org", "ca": "ca.pem"}],
        "user.password": "correct horse",
        "users.more": [{"name": "field", "password": "correct horse", "keys": []}],
    }
    settled = settle(raw, tmp_path)
    (tmp_path / "ca.pem").unlink()
    assert settle(settled) == settled == settle(settled, Path("/"))
    assert settled["plane.ca"].endswith("-----END CERTIFICATE-----")
    first, second = settled["user.password"], settled["users.more"][0]["password"]
    assert first.startswith("$6$") and second.startswith("$6$") and first.split("$")[2] != second.split("$")[2]
    text = dump(user_data(settled))
    assert "correct horse" not in text and text.count("BEGIN CERTIFICATE") == 2  # once for the plane, once for registry


def test_the_same_answers_are_settled_the_same() -> None:
    raw = {**samples.LEAST, "user.password": "correct horse"}
    assert settle(raw) == settle(raw)
    other = settle({**raw, "token.text": "another-token"})
    assert other["user.password"].split("$")[2] != settle(raw)["user.password"].split("$")[2]


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"no certificate", b"-----BEGIN RSA PRIVATE KEY-----\n"])
def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    raw = {**samples.LEAST, "plane.ca": str(path)}
    with pytest.raises(InvalidInput, match=r"ca\.pem"):
        settle(raw)
    assert settle(raw, strict=False)["plane.ca"] == str(path)


def test_a_context_gives_address_and_authority(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(samples.CA)
    context = contexts.Context("prod", "https://hub.example.org:8443", ca=str(tmp_path / "ca.pem"))
    contexts.add(context, "key", use_keyring=False)
    raw = {**samples.LEAST, "plane.context": "prod", "plane.endpoint": ""}
    settled = settle(raw)
    assert settled["plane.endpoint"] == "https://hub.example.org:8443" and settled["plane.ca"] == samples.CA
    contexts.remove("prod")
    assert settle(settled) == settled  # replayed where the context is not known
    with pytest.raises(NotFound):
        settle(raw)
    elsewhere = settle({**raw, "plane.endpoint": "https://other.example.org"}, strict=False)
    assert elsewhere["plane.ca"] == ""


def test_paths_begin_at_the_answer_file() -> None:
    found = absolute(complete({**samples.SITES, "base.path": "base.iso", "output.folder": "../out"}), Path("/srv/a"))
    assert found["base.path"] == "/srv/a/base.iso" and found["output.folder"] == "/srv/a/../out"
    assert found["output.plan"] == "/srv/plan.csv"


def test_no_secret_is_in_masked_answers() -> None:
    raw = {**samples.REGISTRIES, "user.password": "correct horse", "token.text": "very-secret"}
    text = dump(user_data(masked(raw)))
    for secret in ("very-secret", "correct horse", "letmein99"):
        assert secret not in text
    assert text.count(MASK) == 3


def test_one_page_is_settled_as_all_of_them_are(tmp_path: Path) -> None:
    raw = {**samples.LEAST, "user.password": "correct horse", "ca.certificates": ["/nowhere.pem"]}
    found = settle(raw, keys=frozenset(["user.password"]))
    assert found["ca.certificates"] == ["/nowhere.pem"]
    assert found["user.password"] == settle({**raw, "ca.certificates": []})["user.password"]
    with pytest.raises(InvalidInput, match="nowhere"):
        settle(raw, keys=frozenset(["ca.certificates"]))
