"""CanvOS's `.arg`: two readings, changes that keep comments, and the traps of a build."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.cloudconfig.args.args import quoted, read_args, read_line
from edgewright.core.cloudconfig.args.check import check_args, image_name
from edgewright.core.cloudconfig.args.keys import KEYS, VERSIONS
from edgewright.core.cloudconfig.findings import ERROR, NOTE, WARNING
from edgewright.core.errors import InvalidInput

GOOD = """\
# a build
CUSTOM_TAG=berlin1
IMAGE_REGISTRY=registry.example.com:5000/edge
OS_DISTRIBUTION=ubuntu
OS_VERSION=22.04
K8S_DISTRIBUTION=k3s
K8S_VERSION=1.33.5
ARCH=amd64
ISO_NAME=berlin-1
"""


def test_the_good_one_has_nothing_to_say() -> None:
    assert check_args(read_args(GOOD)) == []


@pytest.mark.parametrize(
    ("line", "severity", "words"),
    [
        ("K8S_VERSION=", WARNING, f"all {VERSIONS['k3s']} versions of k3s"),
        ("K8S_VERSION=v1.33.5", ERROR, "x.y.z"),
        ("K8S_DISTRIBUTION=k3", ERROR, "`k3s`"),
        ("IMAGE_REGISTRY=https://r.example.com", ERROR, "scheme"),
        ("IMAGE_REGISTRY=my_reg.example.com", ERROR, "underscore"),
        ("IMAGE_REGISTRY=ttl.sh", WARNING, "24 hours"),
        ("CUSTOM_TAG=Berlin", ERROR, "lower-case"),
        ("CUSTOM_TAG=" + "x" * 128, ERROR, "no registry takes"),
        ("OS_VERSION=22", NOTE, "rewritten to 22.04"),
        ("OS_VERSION=18.04", ERROR, "20.04, 22.04 or 24.04"),
        ("OS_DISTRIBUTION=rhel", ERROR, "BASE_IMAGE is missing; for rhel"),
        ("FIPS_ENABLED=true", ERROR, "BASE_IMAGE is missing; for FIPS"),
        ("FIPS_ENABLED=true\nBASE_IMAGE=r/x:1\nUPDATE_KERNEL=true", ERROR, "FIPS_ENABLED and UPDATE_KERNEL"),
        ("INSTALL_NVIDIA_GPU_DRIVERS=true\nINSTALL_AMD_GPU_DRIVERS=true", ERROR, "NVIDIA and of AMD"),
        ("IS_MAAS=true\nOS_DISTRIBUTION=opensuse-leap\nOS_VERSION=15.6", ERROR, "MAAS can be built on ubuntu only"),
        ("OS_DISTRIBUTION=hadron\nOS_VERSION=v0.5.1\nK8S_DISTRIBUTION=canonical", ERROR, "does not run on hadron"),
        ("UBUNTU_PRO_KEY=C123", ERROR, "is a secret"),
        ("TWO_NODE=true", NOTE, "Cannot be undone later: TWO_NODE"),
        ("FIPS_ENABLED=yes", ERROR, "true, false"),
        ("PROXY_CERT_PATH=/x", WARNING, "deprecated"),
        ("UPDATE_KERNAL=true", ERROR, "`UPDATE_KERNEL`"),
        ("SOMETHING_ELSE=1", WARNING, "CUSTOM_ARG_"),
        ("MY_ORG=ACME Corp", WARNING, "runs what follows it"),
        ("HTTP_PROXY=$PROXY", WARNING, "takes $PROXY, which no line above sets"),
        ("HTTPS_PROXY=192.0.2.7", WARNING, "without http:// in front"),
        ("https_proxy=proxy.example.net:3128", WARNING, "Write http://HOST:PORT"),
        ("HTTP_PROXY=http://", ERROR, "not the address of a proxy"),
        ("MY_ORG='ACME'X", WARNING, "behind its closing quote"),
        ("MY_ORG='ACME", WARNING, "quote that does not end"),
        ("\ufeffMY_ORG=a", ERROR, "byte order mark"),
        ("IMAGE_REPO=$OS_DISTRIBUTION-Big", ERROR, "IMAGE_REPO is ubuntu-Big"),
        ("ARCH = amd64", WARNING, "takes the key for a command"),
        ("nonsense", ERROR, "not a KEY=value"),
        ("CUSTOM_TAG=a\nCUSTOM_TAG=b", WARNING, "is there twice"),
    ],
)
def test_each_trap_is_told(line: str, severity: str, words: str) -> None:
    keys = {part.partition("=")[0].strip() for part in line.splitlines()}
    rest = "".join(one + "\n" for one in GOOD.splitlines() if one.partition("=")[0] not in keys)
    found = check_args(read_args(rest + line + "\n"))
    said = [(one.severity, one.message + one.hint) for one in found]
    assert any(one == severity and words in message for one, message in said), said


TEMPLATE = GOOD.replace("OS_VERSION", "IMAGE_REPO=$OS_DISTRIBUTION\nOS_VERSION")


def test_a_variable_of_a_line_above_is_filled_in_by_both() -> None:
    file = read_args(TEMPLATE)
    assert check_args(file) == []
    assert file.values()["IMAGE_REPO"] == "ubuntu" and file.lines[file.line_of("IMAGE_REPO") - 1].shell == "ubuntu"
    assert image_name(file.values()).startswith("registry.example.com:5000/edge/ubuntu:")
    file.set("OS_DISTRIBUTION", "opensuse-leap")
    assert file.values()["IMAGE_REPO"] == "opensuse-leap"
    file.unset("OS_DISTRIBUTION")
    assert file.values()["IMAGE_REPO"] == ""


def test_every_system_of_canvos_is_known() -> None:
    for system, version in (("ubuntu", "24.04"), ("opensuse-leap", "15.6"), ("hadron", "v0.5.1")):
        text = GOOD.replace("=ubuntu", f"={system}").replace("=22.04", f"={version}")
        assert check_args(read_args(text)) == []


READINGS = [
    ("$A", "1", "1"),
    ("${A}b", "1b", "1b"),
    ('"x$A"', "x1", "x1"),
    ("'$A'", "$A", "$A"),
    ("\\$A", "$A", "$A"),
    ('"\\$A"', "$A", "$A"),
    ("$B", "", None),
    ("$a", "$a", None),
    ("$(A)", "1)", None),
    ("a\\ b", "a\\ b", "a b"),
    ('"a\\tb"', "atb", "a\\tb"),
    ('"a\\\\b"', "a\\b", "a\\b"),
    ("#", "#", "#"),
    ("a # b # c", "a # b", "a"),
    ('"a" # b', "a", "a"),
    ("${A:-x}", "1:-x}", None),
    ("~/x", "~/x", None),
    ("a$", "a$", "a$"),
    ("'a\\", None, None),
    ('""', "", ""),
]
"""Text behind KEY=, as godotenv 1.5.1 and as bash read it (both measured; A is 1), None where they give no value."""


@pytest.mark.parametrize(("rest", "earthly", "shell"), READINGS)
def test_both_readings_are_those_that_were_measured(rest: str, earthly: str | None, shell: str | None) -> None:
    line = read_args(f"A=1\nK={rest}\n").lines[1]
    assert line.shell == shell
    assert earthly is None or line.value == earthly


def test_keys_of_an_own_dockerfile_are_nothing_to_say() -> None:
    assert check_args(read_args(GOOD + "CUSTOM_ARG_DRIVER=1\n")) == []


def test_a_change_keeps_everything_else() -> None:
    file = read_args("# x\n\nexport ARCH=amd64   # machines\nCUSTOM_TAG='a'")
    file.set("ARCH", "arm64")
    file.set("MY_ORG", "It's me")
    assert file.text() == "# x\n\nexport ARCH=arm64   # machines\nCUSTOM_TAG='a'\nMY_ORG=\"It's me\"\n"
    file.set("MY_ORG", "It's me")
    file.unset("CUSTOM_TAG")
    assert file.values() == {"ARCH": "arm64", "MY_ORG": "It's me"}


def test_a_value_that_cannot_be_written_is_refused() -> None:
    for value in ("a\nb", "both ' and $x", "C:\\"):
        with pytest.raises(InvalidInput):
            read_args("").set("MY_ORG", value)


def test_the_name_of_the_image() -> None:
    values = {**read_args(GOOD).values(), "PE_VERSION": "v4.10.0"}
    assert image_name(values) == "registry.example.com:5000/edge/ubuntu:k3s-1.33.5-v4.10.0-berlin1"


def test_every_key_has_its_explanation() -> None:
    assert len({key.name for key in KEYS}) == len(KEYS)
    assert all(key.doc.endswith(".") for key in KEYS)


@given(st.text(max_size=400))
def test_what_is_not_changed_comes_back_byte_for_byte(text: str) -> None:
    try:
        file = read_args(text)
    except InvalidInput:
        return
    assert file.text() == text
    check_args(file)


LINES = st.from_regex(r"(export )?[A-Z_]{1,6}[ ]?=[ ]?[a-zA-Z0-9'\"\\ #$`;&|().]{0,14}", fullmatch=True)


@given(st.lists(LINES, max_size=8), st.sampled_from(["K", "MY_ORG"]), st.text(max_size=20))
def test_what_is_set_is_read_back(lines: list[str], key: str, value: str) -> None:
    file = read_args("\n".join(lines))
    before = [line.raw for line in file.lines if line.key != key]
    try:
        file.set(key, value)
    except InvalidInput:
        return
    again = read_args(file.text())
    assert again.values()[key] == value
    assert again.lines[again.line_of(key) - 1].shell == value
    assert [line.raw.rstrip("\n") for line in again.lines if line.key != key] == [raw.rstrip("\n") for raw in before]


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=20))
def test_a_quoted_value_means_the_same_to_both(value: str) -> None:
    try:
        line = read_line(f"K={quoted(value)}\n")
    except InvalidInput:
        return
    assert (line.value, line.shell, line.trouble) == (value, value, "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    "rest",
    [
        "$A",
        "${A}b",
        '"x$A y"',
        "'$A'",
        "\\$A",
        '"\\$A"',
        "a$",
        '"a$"',
        "abc",
        "'a b'",
        '"a b"',
        "a#b",
        "a #b",
        "a\\ b",
        "a'b'\"c\"",
        '"a\\"b"',
        "",
        "'#'",
        "a=b",
        '"x" # c',
        "a\\\\b",
    ],
)
def test_the_shells_reading_is_that_of_bash(rest: str) -> None:
    done = subprocess.run(["bash", "-c", f'A=1\nK={rest}\nprintf %s "$K"'], capture_output=True, text=True)
    assert read_line(f"K={rest}\n", {"A": "1"}, {"A": "1"}).shell == done.stdout
