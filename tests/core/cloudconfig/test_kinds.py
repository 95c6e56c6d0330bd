"""Values of the wrong kind, with what Kairos does with them (measured with yip and kairos-sdk's collector)."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.cloudconfig.check import check
from edgewright.core.cloudconfig.findings import ERROR, WARNING, Finding
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.cloudconfig.schema.shape import check_shape
from edgewright.core.installer.stages import problem_in

FILE = "Kairos then drops the entire file"
STAGES = "Kairos then drops every stage of the file"


def stage(**step: Any) -> dict[str, Any]:
    """Return a document with one step."""
    return {"stages": {"boot": [step]}}


def found_in(document: dict[str, Any]) -> list[Finding]:
    return [one for one in check_shape(document) if one.severity in (ERROR, WARNING)]


@pytest.mark.parametrize(
    ("document", "words", "hint"),
    [
        ({"users": [{"name": "a", "groups": "admin"}]}, FILE, "groups: [admin]"),
        (stage(users={"a": {"groups": "sudo, adm"}}), STAGES, "groups: [sudo, adm]"),
        ({"users": [{"name": "a", "ssh_authorized_keys": "ssh-ed25519 AAAA x"}]}, FILE, "'- '"),
        ({"users": {"a": {"groups": []}}}, FILE, "'- '"),
        ({"users": ["default"]}, FILE, "Ubuntu's cloud-init"),
        ({"users": [{"name": "a", "lock_passwd": "true"}]}, FILE, "without quotes"),
        ({"runcmd": "ls"}, FILE, "[ls]"),
        ({"runcmd": [["ls", "-l"]]}, FILE, "one string"),
        ({"ssh_authorized_keys": "ssh-ed25519 AAAA x"}, FILE, "'- '"),
        ({"growpart": {"devices": "/"}}, FILE, "'- '"),
        ({"hostname": ["a"]}, FILE, ""),
        (stage(commands="ls"), STAGES, "[ls]"),
        (stage(commands=[{"echo foo": "bar"}]), STAGES, "put it into quotes: - 'echo foo: bar'"),
        (stage(files=[{"path": "/a", "permissions": "0644"}]), STAGES, "without quotes"),
        (stage(files=[{"path": "/a", "owner": "root"}]), STAGES, "ownerstring: root"),
        (stage(systemctl={"enable": "sshd"}), STAGES, "enable: [sshd]"),
        (stage(dns={"nameservers": "192.0.2.1"}), STAGES, "'- '"),
        (stage(authorized_keys={"root": "ssh-ed25519 AAAA x"}), STAGES, "'- '"),
        (stage(sysctl={"a": [1]}), STAGES, ""),
        (stage(environment=["A=1"]), STAGES, ""),
        (stage(after=["a"]), STAGES, ""),
        ({"stages": {"boot": {"commands": ["a"]}}}, STAGES, "'- '"),
        ({"stylus": {"site": {"users": [{"name": "a", "groups": "sudo"}]}}}, "must be a list of texts", "[sudo]"),
    ],
)
def test_what_kairos_cannot_read_is_an_error_that_says_what_is_lost(
    document: dict[str, Any], words: str, hint: str
) -> None:
    (one,) = found_in(document)
    assert one.severity == ERROR and words in one.message and hint in one.hint, one


@pytest.mark.parametrize("path", [key.path for key in SCHEMA.keys.values() if key.kind in (model.TEXTS, model.MAPS)])
def test_every_list_that_is_written_as_a_text_is_an_error(path: str) -> None:
    from tests.core.cloudconfig.test_homes import placed

    above, _, name = path.rpartition(".")
    if name.startswith("*"):
        document = placed(above, "any", "one")
    else:
        document = placed(above, name, "one")
    assert [one.severity for one in check_shape(document) if one.code == "Type"] == [ERROR], document


@pytest.mark.parametrize(
    "document",
    [
        {"users": [{"name": "a", "uid": 1000, "groups": ["admin"]}]},
        stage(users={"a": {"uid": 1000}}),
        stage(files=[{"path": "/a", "permissions": 0o644, "owner": 0, "group": 0}]),
        {"write_files": [{"path": "/a", "permissions": "0644"}, {"path": "/b", "permissions": 644}]},
        {"hostname": None},
        {"growpart": {"mode": "auto", "devices": ["/"]}},
    ],
)
def test_what_kairos_reads_as_it_was_meant_is_no_error(document: dict[str, Any]) -> None:
    assert [
        one
        for one in check(document, profile="kairos")
        if one.severity == ERROR and one.code not in ("NoUsers", "NoAdmin")
    ] == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"users": [{"name": "a", "passwd": 83}]}, "the number 83"),
        (stage(commands=[12]), "the number 12"),
        ({"hostname": 12}, "the number 12"),
        ({"stylus": {"site": {"projectUid": 12345}}}, "the number 12345"),
    ],
)
def test_a_number_for_a_text_is_read_and_told(document: dict[str, Any], words: str) -> None:
    (one,) = found_in(document)
    assert one.severity == WARNING and words in one.message and "quotes" in one.hint


@pytest.mark.parametrize(
    ("value", "severity", "words", "hint"),
    [
        (0o644, WARNING, "writes 0644 as 420, which is then read as the mode 0420", "'0644'"),
        (0o600, ERROR, "writes 0600 as 384, which is not octal", "'0600'"),
        (0o755, ERROR, "writes 0755 as 493", "'0755'"),
        ("0o644", ERROR, "not an octal number", "'0644'"),
        ("u=rw", ERROR, "not an octal number", "'0644'"),
        (0o777777, WARNING, "0644", ""),
        (10**40, ERROR, "not octal", ""),
    ],
)
def test_modes_of_write_files(value: Any, severity: str, words: str, hint: str) -> None:
    document = {"write_files": [{"path": "/a", "permissions": value}]}
    (one,) = [one for one in check(document) if one.code == "Mode"]
    assert one.severity == severity and words in one.message and hint in one.hint, one


def test_groups_as_a_text_make_no_administrator() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEkzqGdQ3WXkqLkQ3t8o0y3nLw6rj1q0b2JcPp0pGm3y a"
    user = {"name": "a", "ssh_authorized_keys": [key], "groups": ["admin"]}
    document = {"users": [user]}
    assert [one.code for one in check(document, profile="kairos") if one.severity == ERROR] == []
    user["groups"] = "admin"
    assert {one.code for one in check(document, profile="kairos") if one.severity == ERROR} == {"Type", "NoAdmin"}


@pytest.mark.parametrize(
    "stage",
    [
        *("kairos-install.pre.before", "kairos-install.pre.after", "kairos-install.after.before"),
        *("kairos-uki-install.pre.before", "kairos-uki-upgrade.after.after", "kairos-agent.bootstrap.after"),
        *("boot.before", "after-install-chroot.after"),
    ],
)
def test_before_and_after_of_each_stage_run(stage: str) -> None:
    document = {"stages": {stage: [{"commands": ["echo ready"]}]}}
    assert [one for one in check(document) if one.code == "UnknownStage"] == []
    assert problem_in(document["stages"]) == ""


@pytest.mark.parametrize("stage", ["kairos-install", "kairos-install.before", "boot.pre", "boot.before.before"])
def test_what_no_stage_is_stays_an_error(stage: str) -> None:
    document = {"stages": {stage: [{"commands": ["echo ready"]}]}}
    assert [one.severity for one in check(document) if one.code == "UnknownStage"] == [ERROR]
    assert problem_in(document["stages"])


def test_a_key_of_a_step_is_no_stage() -> None:
    (one,) = [one for one in check({"stages": {"commands": ["a"]}}) if one.code == "UnknownStage"]
    assert "is a key of a step" in one.message
