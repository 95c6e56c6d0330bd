"""Files that are changed keep their comments; words become keys and values; new files explain themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.cloudconfig.args.args import read_args
from edgewright.core.cloudconfig.args.check import check_args
from edgewright.core.cloudconfig.check import check
from edgewright.core.cloudconfig.findings import ERROR
from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, UsageError
from edgewright.forge.userdata.assign import find_path, read_assignment
from edgewright.forge.userdata.files import is_args, load
from edgewright.forge.userdata.starting import starting_args, starting_file
from edgewright.yamltext.editor import Editor
from edgewright.yamltext.place import put
from edgewright.yamltext.reader import read

FILE = """\
#cloud-config
# what a person wrote
stylus:
  site:   # the site
    name: "edge-1"  # its UID
    hostName: {{ .Values.host }}
    users:
      # first
      - name: bob
        groups: [sudo]

    tags: {a: "1"}

# the disk
install:
  reboot: true
"""


def test_what_is_not_changed_comes_back_byte_for_byte() -> None:
    assert Editor(FILE).text() == FILE


def test_a_change_touches_its_line_alone() -> None:
    editor = Editor(FILE)
    editor.set("stylus.site.name", "edge-2")
    editor.set("install.poweroff", False)
    lines, before = editor.text().splitlines(), FILE.splitlines()
    assert [line for line in lines if line not in before] == ['    name: "edge-2"  # its UID', "  poweroff: false"]
    assert [line for line in before if line not in lines] == ['    name: "edge-1"  # its UID']


def test_new_maps_and_list_items_are_made() -> None:
    editor = Editor(FILE)
    editor.change({"stylus.site.users[1].name": "eve", "stylus.site.network.interfaces.eno1.type": "dhcp"})
    site = read(editor.text()).document["stylus"]["site"]
    assert site["users"] == [{"name": "bob", "groups": ["sudo"]}, {"name": "eve"}]
    assert site["network"] == {"interfaces": {"eno1": {"type": "dhcp"}}}
    assert editor.text().count("#") == FILE.count("#")


def test_a_file_of_comments_alone_keeps_them() -> None:
    editor = Editor("#cloud-config\n# nothing yet\n")
    editor.set("install.reboot", True)
    assert editor.text() == "#cloud-config\n# nothing yet\ninstall:\n  reboot: true\n"


def test_a_key_that_stands_twice_is_not_changed() -> None:
    with pytest.raises(InvalidInput):
        Editor("a: 1\na: 2\n").set("a", 3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a: 1", "# c", "", "  # d", "b:", "  - x", "  - y: 2 # e", "c: |", "  text"]), max_size=12
    )
)
def test_whatever_is_changed_reads_back_with_its_comments(lines: list[str]) -> None:
    text = "#cloud-config\n" + "".join(line + "\n" for line in lines)
    try:
        editor = Editor(text)
        before = read(text).document
        editor.set("stylus.site.name", "edge-1")
    except InvalidInput:
        return
    after = read(editor.text()).document
    assert after.pop("stylus") == {"site": {"name": "edge-1"}}
    assert after == before


@pytest.mark.parametrize(
    ("word", "path", "value"),
    [
        ("name=edge-1", "stylus.site.name", "edge-1"),
        ("endpoint=https://x", "stylus.site.paletteEndpoint", "https://x"),
        ("tags.site=a=b", "stylus.site.tags.site", "a=b"),
        ("tags.site=berlin", "stylus.site.tags.site", "berlin"),
        ("stylus.localUI.port=5081", "stylus.localUI.port", 5081),
        ("install.reboot=yes", "install.reboot", True),
        ("ntpServers=a, b", "stylus.site.ntpServers", ["a", "b"]),
        ("ntpServers=a", "stylus.site.ntpServers", "a"),
        ("network.interfaces.eno1.type=static", "stylus.site.network.interfaces.eno1.type", "static"),
        ("stages.boot[0].commands=x", "stages.boot[0].commands", ["x"]),
    ],
)
def test_a_word_becomes_key_and_value(word: str, path: str, value: Any) -> None:
    assert read_assignment(word) == (path, value)


def test_a_value_comes_out_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert read_assignment(f"token=@{tmp_path / 'token'}").value == "abc"


@pytest.mark.parametrize(
    ("word", "error", "words"),
    [
        ("name", UsageError, "is not a key=value"),
        ("edgeHostTokn=x", NotFound, "`stylus.site.edgeHostToken`"),
        ("install.reboot=perhaps", InvalidInput, "true or false"),
        ("stylus.localUI.port=x", InvalidInput, "an integer"),
        ("stylus.site=x", UsageError, "a map"),
        ("token=@/nowhere/at/all", NotFound, "no file"),
    ],
)
def test_a_word_that_means_nothing_is_refused(word: str, error: type[EdgewrightError], words: str) -> None:
    with pytest.raises(error) as caught:
        read_assignment(word)
    assert words in caught.value.message


def test_a_value_is_put_only_where_it_fits() -> None:
    for document, path in (({"a": 1}, "a.b"), ({"a": []}, "a[1]"), ({"a": {}}, "a[0]"), ({"a": []}, "a.b")):
        with pytest.raises(InvalidInput):
            put(document, path, 1)


def test_names_lead_to_paths() -> None:
    assert find_path("disableTui") == "stylus.disableTui"
    assert find_path("stages.boot") == "stages.boot"


@pytest.mark.parametrize("profile", ["palette", "kairos"])
@pytest.mark.parametrize("everything", [False, True])
def test_a_new_file_is_right_also_when_its_comments_are_taken(profile: str, everything: bool) -> None:
    text = starting_file({}, profile, everything)
    assert read(text).document == {}
    body = "\n".join(line.removeprefix("# ") for line in text.splitlines()[3:])
    parsed = read(f"#cloud-config\n{body}")
    assert parsed.problems == []
    found = check(parsed.document, profile=profile)
    placeholders = ("Certificate", "SshKey", "Missing")  # what only a person can fill in
    assert [one.message for one in found if one.severity == ERROR and one.code not in placeholders] == []


def test_a_new_file_holds_what_was_given() -> None:
    document = {"stylus": {"site": {"name": "edge-1", "network": {"interfaces": {"eno1": {"type": "dhcp"}}}}}}
    text = starting_file(document)
    assert read(text).document == document
    assert "# " in text and text.count("    name: edge-1\n") == 1


def test_a_new_arg_file_is_right() -> None:
    text = starting_args({"K8S_VERSION": "1.33.5", "CUSTOM_ARG_X": "a b"})
    file = read_args(text)
    assert file.values()["K8S_VERSION"] == "1.33.5" and file.values()["CUSTOM_ARG_X"] == "a b"
    assert [one for one in check_args(file) if one.severity == ERROR] == []


@pytest.mark.parametrize(
    ("name", "text", "args"),
    [
        (".arg", "", True),
        ("x/.arg.template", "", True),
        ("x", "A=1\nB=2\n", True),
        ("x", "stylus:\n", False),
        ("x.yaml", "A=1\n", False),
        ("user-data", "A=1\n", False),
    ],
)
def test_the_two_kinds_of_file_are_told_apart(name: str, text: str, args: bool) -> None:
    assert is_args(name, text) is args


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load(str(tmp_path / "x.yaml"))
    with pytest.raises(InvalidInput):
        load(str(tmp_path))
