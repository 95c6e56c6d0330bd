"""Users, roles and SSH keys on the command line, against a real hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from edgewright.wire import protocol
from tests.cli_support import Cli
from tests.hub.people import ssh_key
from tests.hub_fixture import RunningHub


def test_a_user_from_the_first_link_to_the_end(plane: Cli, cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    made = plane(
        "user", "create", "ana@example.com", "--first-name", "Ana", "--project-role", "Default=operator", "--yes"
    )
    assert made.code == 0 and "#" + protocol.ACTIVATION_PREFIX in made.out and "ewa_" not in made.err
    listed = plane("user", "list").out.splitlines()
    assert listed[0].split()[:5] == ["USER", "NAME", "ROLE", "PROJECTS", "STATE"]
    assert listed[2].split()[:6] == ["ana@example.com", "Ana", "none", "Default:", "operator", "invited"]
    shown = plane("user", "show", "Ana", "-o", "json")
    assert "ewa_" not in shown.out and shown.json()["spec"]["emailId"] == "ana@example.com"
    link = tmp_path / "link"
    link.write_text(made.out)
    words = ("--url", hub.url, "--ca", str(hub.ca), "--activation-file", str(link), "--no-keyring")
    added = cli("context", "add", "mine", *words)
    assert added.code == 0, added.err
    assert cli("context", "add", "again", *words).code == 4, "the link works once"
    tagged = cli("host", "tag", "no-such", "--tag", "a:b", "--yes")
    assert tagged.code == 3
    refused = cli("user", "list")
    assert refused.code == 4 and "no role of the tenant" in refused.err
    assert plane("user", "list", "state:active", "-o", "name").out == "admin@localhost\nana@example.com\n"
    lowered = plane("user", "update", "ana@example.com", "--role=viewer", "--project-role=Default=none", "--yes")
    assert lowered.code == 0, lowered.err
    assert plane("user", "list", "role:viewer", "-o", "name").out == "ana@example.com\n"
    assert cli("user", "list").code == 0
    assert plane("user", "deactivate", "ana@example.com", "--yes").code == 0
    assert cli("host", "list").code == 4
    assert plane("user", "activate", "ana@example.com", "--yes").code == 0 and cli("host", "list").code == 0
    invited = plane("user", "invite", "ana@example.com", "--yes", "-o", "json")
    assert "#ewa_" in invited.json()["status"]["activationLink"]
    assert plane("user", "delete", "ana@example.com", "--yes").code == 0
    assert cli("host", "list").code == 4
    gone = plane("user", "show", "ana@example.com")
    assert gone.code == 3 and "There is no user ana@example.com" in gone.err


def test_activating_a_user_without_a_key_names_the_way_to_one(plane: Cli) -> None:
    """The first link ends with the deactivation, so the user is active and cannot sign in."""
    assert plane("user", "create", "new@example.com", "--yes").code == 0
    assert plane("user", "deactivate", "new@example.com", "--yes").code == 0
    done = plane("user", "activate", "new@example.com", "--yes")
    assert done.code == 0
    assert "No API key yet for new@example.com; make a new link: edgewright user invite new@example.com" in done.out
    assert "No API key" not in plane("user", "activate", "admin@localhost", "--yes").out


def test_what_cannot_be_a_user(plane: Cli) -> None:
    assert plane("user", "create", "nobody", "--yes").code == 7
    assert plane("user", "create", "a@example.com", "--project-role", "nope=viewer", "--yes").code == 3
    assert plane("user", "create", "a@example.com", "--project-role", "Default", "--yes").code == 7
    assert plane("user", "create", "a@example.com", "--project-role", "Default=owner", "--yes").code == 7
    assert plane("user", "update", "admin@localhost", "--yes").code == 2
    last = plane("user", "delete", "admin@localhost", "--yes")
    assert last.code == 7 and "last active user of role admin" in last.err
    assert plane("user", "create", "b@example.com").code != 0 or plane("user", "list", "-o", "name", "b@").out
    assert plane("user", "delete", "admin@localhost", "--read-only", "--yes").code == 4


def test_roles(plane: Cli) -> None:
    assert plane("role", "list", "-o", "name").out == "admin\noperator\nviewer\n"
    assert plane("role", "list", "permission:edgehost.update", "-o", "name").out == "admin\noperator\n"
    shown = plane("role", "show", "operator").out
    assert "PERMISSIONS IN A PROJECT" in shown and "sshUpdate" in shown
    assert plane("role", "show", "owner").code == 3


def test_ssh_keys(plane: Cli, tmp_path: Path) -> None:
    file = tmp_path / "id.pub"
    file.write_text(ssh_key(1) + "\n")
    made = plane("key", "create", "ana", "--public-key-file", str(file), "--yes")
    assert made.code == 0, made.err
    again = plane("key", "create", "other", "--public-key-file", str(file), "--yes")
    assert again.code == 6 and "'ana'" in again.err
    from_stdin = plane("key", "create", "bo", "--public-key-file", "-", "--yes", stdin=ssh_key(2))
    assert from_stdin.code == 0, from_stdin.err
    assert plane("key", "list", "-o", "name").out == "ana\nbo\n"
    assert plane("key", "list", "type:ssh-rsa").err == "No SSH key matches.\n"
    assert "SHA256:" in plane("key", "show", "ana").out
    file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    private = plane("key", "create", "x", "--public-key-file", str(file), "--yes")
    assert private.code == 7 and "private key" in private.err and ".." not in private.err
    assert plane("key", "create", "x", "--public-key-file", str(tmp_path / "none"), "--yes").code == 3
    pasted = plane("key", "create", "line", "--public-key-file", ssh_key(3).strip(), "--yes")
    assert pasted.code == 0, pasted.err
    assert plane("key", "delete", "ana", "bo", "line", "--yes").code == 0
    assert plane("key", "list", "-o", "json").json() == []


def test_stored_keys_go_to_the_users_of_user_data(plane: Cli, tmp_path: Path) -> None:
    for number, name in ((3, "noc"), (4, "field=1")):
        made = plane("key", "create", name, "--public-key-file", "-", "--yes", stdin=ssh_key(number))
        assert made.code == 0, made.err
    new = plane("forge", "user-data", "new", "--ssh-key", "noc", "--ssh-key", "field=1", "--ssh-key", "ops=noc")
    assert new.code == 0, new.err
    users = yaml.safe_load(new.out)["stylus"]["site"]["users"]
    assert [(user["name"], user["groups"]) for user in users] == [("edge", ["sudo"]), ("ops", ["sudo"])]
    assert users[0]["ssh_authorized_keys"] == [ssh_key(3).strip(), ssh_key(4).strip()]
    assert users[1]["ssh_authorized_keys"] == [ssh_key(3).strip()]
    file = tmp_path / "box.yaml"
    file.write_text("#cloud-config\nusers:\n  # who repairs it\n  - name: ana\n    ssh_authorized_keys: [x]\n")
    changed = plane(
        "forge", "user-data", "new", "--from", str(file), "--profile", "kairos", "--ssh-key", "noc", "-o", "table"
    )
    assert changed.code == 0 and "# who repairs it" in changed.out, changed.err
    assert yaml.safe_load(changed.out)["users"] == [{"name": "ana", "ssh_authorized_keys": ["x", ssh_key(3).strip()]}]
    missing = plane("forge", "user-data", "new", "--ssh-key", "nocc")
    assert missing.code == 3 and "noc" in missing.err
    assert plane("key", "delete", "noc", "field=1", "--yes").code == 0


def test_hosts_by_a_filter_of_the_plane(plane: Cli, hub: RunningHub) -> None:
    for uid, site in (("f-1", "berlin"), ("f-2", "oslo")):
        body = {"metadata": {"uid": uid, "labels": {"site": site}}}
        hub.client().post("/v1/edgehosts", json=body).raise_for_status()
    group = {"conjunction": "and", "filters": [{"key": "site", "operator": "eq", "values": ["oslo"]}]}
    made = {"metadata": {"name": "north"}, "spec": {"filterGroup": group}}
    hub.client().post(protocol.TAG_FILTERS, json=made).raise_for_status()
    assert plane("host", "list", "--filter", "north", "-o", "name").out == "f-2\n"
    assert plane("host", "list", "--filter", "south").code == 3


def test_a_tag_filter_from_its_creation_to_its_end(plane: Cli, hub: RunningHub) -> None:
    for uid, labels in (("t-1", {"site": "bonn", "gpu": "spectro__tag"}), ("t-2", {"site": "kiel"})):
        hub.client().post("/v1/edgehosts", json={"metadata": {"uid": uid, "labels": labels}}).raise_for_status()
    made = plane("filter", "create", "west", "--tag", "site:bonn,koeln", "--tag", "gpu", "--yes")
    assert made.code == 0, made.err
    assert plane("filter", "create", "west", "--tag", "gpu", "--yes").code == 6, "a name exists once"
    listed = plane("filter", "list", "name:west").out.splitlines()
    assert listed[0].split() == ["FILTER", "MATCH", "CONDITIONS", "CHANGED", "AGE"]
    assert listed[1].split()[:5] == ["west", "all", "site:bonn,koeln", "and", "gpu"]
    assert plane("host", "list", "--filter", "west", "-o", "name").out == "t-1\n"
    planned = plane("filter", "update", "west", "--tag", "!gpu", "--match", "any", "--plan")
    assert "site:bonn,koeln and gpu (now)" in planned.out and "!gpu (after)" in planned.out
    changed = plane("filter", "update", "west", "--tag", "!gpu", "--name", "no gpu", "--yes")
    assert changed.code == 0, changed.err
    shown = plane("filter", "show", "no gpu").out
    assert "!gpu" in shown and "site:bonn" not in shown and "all conditions" in shown
    assert "t-1" not in plane("host", "list", "--filter", "no gpu", "-o", "name").out
    assert plane("filter", "list", "condition:gpu", "-o", "name").out == "no gpu\n"
    assert plane("filter", "delete", "no gpu", "--yes").code == 0
    assert plane("filter", "show", "no gpu").code == 3
    entries = plane("audit", "list", "kind:filter", "-o", "json").json()
    uid = next(item["spec"]["resource"]["uid"] for item in entries if item["spec"]["actionType"] == "delete")
    mine = [item["spec"]["actionType"] for item in entries if item["spec"]["resource"]["uid"] == uid]
    assert sorted(mine) == ["create", "delete", "update"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("create", "x"), 7, "needs a condition"),
        (("create", "x", "--tag", "site:"), 7, "is not a condition"),
        (("create", "x", "--tag", "!"), 7, "is not a condition"),
        (("create", " ", "--tag", "gpu"), 7, "needs a name"),
        (("update", "no-such", "--name", "y"), 3, "There is no tag filter"),
        (("delete", "no-such"), 3, "There is no tag filter"),
    ],
)
def test_what_cannot_be_a_tag_filter(plane: Cli, words: tuple[str, ...], code: int, text: str) -> None:
    done = plane("filter", *words, "--yes")
    assert done.code == code and text in done.err


def test_every_change_is_in_the_journal(plane: Cli, tmp_path: Path) -> None:
    plane("user", "create", "journal@example.com", "--yes")
    text = (tmp_path / "ew" / "state" / "journal.jsonl").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert entries[0]["begin"] == "user create" and "ewa_" not in text
